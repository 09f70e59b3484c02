"""`linod enable`: switch on again what a person or failures disabled."""

from __future__ import annotations

import click

from linod.cli._holds import refuse_none_or_both, tell_changed
from linod.cli._options import config_option, json_option, load_usable_config
from linod.cli._past import client_of


@click.command("enable")
@click.argument("tasks", nargs=-1, metavar="[TASK]...")
@config_option
@click.option("--failed", "is_failed", is_flag=True, help="All that their failures disabled.")
@json_option
def command(
    tasks: tuple[str, ...], config_path: str | None, is_failed: bool, is_json: bool
) -> None:
    """Enable tasks and chains that were disabled, by "linod disable" or by disable_after.

    Failures are counted from nothing again; what fell due meanwhile does not run. --json prints
    an object: tasks, going_on, note.
    """
    refuse_none_or_both(tasks, is_failed, "--failed")
    client = client_of(load_usable_config(config_path))
    answer = client.request("enable", tasks=list(tasks), failed=is_failed)
    tell_changed(
        answer,
        f"enabled {', '.join(answer['tasks'])}",
        asked=tasks,
        unchanged="not disabled",
        is_json=is_json,
    )

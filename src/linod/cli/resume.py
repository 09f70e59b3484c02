"""`linod resume`: end pauses."""

from __future__ import annotations

import click

from linod.cli._holds import refuse_none_or_both, tell_changed
from linod.cli._options import config_option, json_option, load_usable_config
from linod.cli._past import client_of


@click.command("resume")
@click.argument("tasks", nargs=-1, metavar="[TASK]...")
@config_option
@click.option("--all", "is_all", is_flag=True, help="End the pause of linod as a whole.")
@json_option
def command(tasks: tuple[str, ...], config_path: str | None, is_all: bool, is_json: bool) -> None:
    """End pauses: from now on what is due runs again; what fell due meanwhile does not.

    Tasks that were paused by name stay so with --all. --json prints an object: tasks, all,
    going_on, note.
    """
    refuse_none_or_both(tasks, is_all, "--all")
    client = client_of(load_usable_config(config_path))
    answer = client.request("resume", tasks=list(tasks), all=is_all)
    tell_changed(
        answer,
        f"resumed {'linod as a whole' if is_all else ', '.join(answer['tasks'])}",
        asked=tasks,
        unchanged="not paused",
        is_json=is_json,
        all=is_all,
    )

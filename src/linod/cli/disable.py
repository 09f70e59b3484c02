"""`linod disable`: switch tasks off until they are enabled again."""

from __future__ import annotations

import click

from linod.cli import Told
from linod.cli._holds import tell_changed
from linod.cli._options import USAGE, config_option, json_option, load_usable_config
from linod.cli._past import client_of


@click.command("disable")
@click.argument("tasks", nargs=-1, metavar="TASK...")
@config_option
@click.option("--reason", default="", metavar="TEXT", help="Why, for those who wonder.")
@json_option
def command(tasks: tuple[str, ...], config_path: str | None, reason: str, is_json: bool) -> None:
    """Disable tasks and chains until "linod enable": what is due is recorded, and does not run.

    What waits is cancelled, and what runs goes on. It outlives the daemon; for good, write
    enabled = false into linod.toml. --json prints an object: tasks, reason, going_on, note.
    """
    if not tasks:
        raise Told("name a task or chain: linod status lists them", USAGE)
    client = client_of(load_usable_config(config_path))
    answer = client.request("disable", tasks=list(tasks), reason=reason)
    named = ", ".join(answer["tasks"])
    tell_changed(answer, f"disabled {named}", is_json=is_json, reason=reason)

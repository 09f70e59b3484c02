"""`linod forget`: remove what is stored of a task that is gone."""

from __future__ import annotations

import click

from linod.cli._options import config_option, json_option, load_usable_config, write, write_json
from linod.cli._past import client_of


@click.command("forget")
@click.argument("task")
@config_option
@json_option
def command(task: str, config_path: str | None, is_json: bool) -> None:
    """Remove the history of a task that is not in linod.toml any more: runs, logs, decisions.

    What people did stays in "linod audit". A task that was renamed needs no forgetting: write
    formerly = ["OLD"] into the new one. --json prints an object: task, note.
    """
    answer = client_of(load_usable_config(config_path)).request("forget", task=task)
    if is_json:
        write_json({"task": task, "note": answer["note"]})
        return
    write([f"{task} is {answer['note']}"])

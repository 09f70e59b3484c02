"""`linod clock`: what to do where the clock was ahead and stepped back."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from linod.cli._options import (
    config_option,
    json_option,
    load_usable_config,
    now,
    screen_width,
    write,
    write_json,
)
from linod.cli._past import client_of, reading
from linod.policy import is_ahead
from linod.views import clock_ahead, wrap

if TYPE_CHECKING:
    from datetime import datetime

    from linod.specs import Config


@click.command("clock")
@click.argument("accept", type=click.Choice(["accept"]), required=False, metavar="[accept]")
@config_option
@json_option
def command(accept: str | None, config_path: str | None, is_json: bool) -> None:
    """Say whether tasks are decided beyond now, since the clock stepped back; or accept the clock.

    What is decided is not decided again: after a clock that was ahead, tasks do not run before
    that time has come. "linod clock accept" says that the clock is right now: what is decided
    beyond now and did not run is taken back.

    --json prints an object: tasks (those decided beyond now, or that were), until.
    """
    config = load_usable_config(config_path)
    if accept is not None:
        _print_accepted(client_of(config).request("clock_accept"), is_json)
        return
    ahead = _ahead(config)
    until = max(ahead.values(), default=None)
    if is_json:
        write_json({"tasks": list(ahead), "until": until})
    elif until is None:
        write(["no task is decided beyond now"])
    else:
        text = clock_ahead(len(ahead), until, config.zone)
        write(wrap(text, screen_width(sys.stdout), "  "))


def _ahead(config: Config) -> dict[str, datetime]:
    present = now()
    with reading(config) as reader:
        cursors = reader.cursors() if reader is not None else {}
    return {
        name: cursor.through
        for name, cursor in cursors.items()
        if cursor.definition and is_ahead(cursor.through, present)
    }


def _print_accepted(answer: dict[str, Any], is_json: bool) -> None:
    tasks = [str(task) for task in answer["tasks"]]
    if is_json:
        write_json({"tasks": tasks, "until": None})
        return
    number = f"{len(tasks):,}" if tasks else "no"
    were = "tasks were" if len(tasks) > 1 else "task was"
    write([f"accepted; {number} {were} decided beyond now"])

"""`linod run`: ask the daemon for a run now, and follow it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from linod.cli import tell
from linod.cli._options import (
    ERRORS_FOUND,
    config_option,
    json_option,
    load_usable_config,
    write,
    write_json,
)
from linod.cli._past import client_of
from linod.events import Outcome
from linod.views import BAD, PAST, clean, without_traceback

if TYPE_CHECKING:
    from linod.control.client import Client

INTERRUPTED = 130
"""What a shell expects of a program that Ctrl-C ended."""


@click.command("run")
@click.argument("task")
@config_option
@click.option(
    "--no-wait",
    "is_waiting",
    is_flag=True,
    default=True,
    flag_value=False,
    help="Do not follow the run: print its number and leave.",
)
@json_option
def command(config_path: str | None, task: str, is_waiting: bool, is_json: bool) -> None:
    """Run a task now, follow its log and exit with its result: 0, or 1 where it failed.

    Ctrl-C stops following; the run goes on.

    --json prints an object instead of the log: task, run, outcome, reason (null with --no-wait).
    """
    client = client_of(load_usable_config(config_path))
    answer = client.request("run", task=task)
    run = int(answer["run"])
    if not is_waiting:
        _tell_asked(task, run, answer, is_json)
        return
    if answer.get("is_waiting"):
        tell(f"run {run} of {task} waits for an earlier one to end")
    try:
        end = _follow(client, run, is_json)
    except KeyboardInterrupt:
        tell(
            f"run {run} of {task} goes on: linod cancel {run} ends it, linod history {run} shows it"
        )
        raise click.exceptions.Exit(INTERRUPTED) from None
    _tell_end(task, run, end, is_json)
    outcome = Outcome(end["ended"])
    if outcome in BAD or outcome is Outcome.CANCELLED:
        raise click.exceptions.Exit(ERRORS_FOUND)


def _follow(client: Client, run: int, is_json: bool) -> dict[str, Any]:
    message: dict[str, Any] = {}
    for message in client.follow(run):
        if "line" in message and not is_json:
            write([clean(without_traceback(str(message["line"]).rstrip("\n")))])
    return message


def _tell_asked(task: str, run: int, answer: dict[str, Any], is_json: bool) -> None:
    if is_json:
        write_json({"task": task, "run": run, "outcome": None, "reason": None})
        return
    waits = ", which waits for an earlier one" if answer.get("is_waiting") else ""
    write([f"run {run} of {task}{waits}  (linod history {run})"])


def _tell_end(task: str, run: int, end: dict[str, Any], is_json: bool) -> None:
    outcome, reason = Outcome(end["ended"]), str(end.get("reason") or "")
    if is_json:
        write_json({"task": task, "run": run, "outcome": outcome, "reason": reason})
        return
    because = f": {reason}" if reason else ""
    more = f"  (linod history {run})" if outcome in BAD else ""
    tell(f"run {run} of {task} {PAST[outcome]}{because}{more}")

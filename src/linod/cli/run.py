"""`linod run`: ask the daemon for a run of a task or a chain, and follow it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from linod.cli import tell
from linod.cli._options import (
    ERRORS_FOUND,
    config_option,
    json_option,
    write,
    write_json,
)
from linod.cli._past import client_of, configuration, reading, zone_of
from linod.cli._plans import typed_instant
from linod.events import Outcome, State
from linod.views import BAD, PAST, clean, duration, present, without_traceback

if TYPE_CHECKING:
    from linod.control.client import Client
    from linod.specs import Config

INTERRUPTED = 130
"""What a shell expects of a program that Ctrl-C ended."""


@click.command("run")
@click.argument("task", metavar="TASK|CHAIN")
@config_option
@click.option(
    "--due",
    metavar="WHEN",
    help="Run the occurrence of that instant, late or again, instead of a new one.",
)
@click.option(
    "--from-failed",
    "is_from_failed",
    is_flag=True,
    help="Of a chain: go on from what failed, under the same due.",
)
@click.option(
    "--no-wait",
    "is_waiting",
    is_flag=True,
    default=True,
    flag_value=False,
    help="Do not follow the run: print its number and leave.",
)
@json_option
def command(
    config_path: str | None,
    task: str,
    due: str | None,
    is_from_failed: bool,
    is_waiting: bool,
    is_json: bool,
) -> None:
    """Run a task now, follow its log and exit with its result: 0, or 1 where it failed.

    Of a chain each member is told as it starts and ends, and the result is that of the whole.
    Ctrl-C stops following; the run goes on. WHEN is a local time ("2026-11-20 03:30", read in the
    task's zone) or one with an offset.

    --json prints an object instead of the log: task, run, outcome, reason (null with --no-wait).
    """
    config = configuration(config_path, task)
    client = client_of(config)
    at = None if due is None else _due(config, task, due).isoformat()
    answer = client.request("run", task=task, due=at, from_failed=is_from_failed)
    run = int(answer["run"])
    if not is_waiting:
        _tell_asked(task, run, answer, is_json)
        return
    if answer["is_waiting"]:
        tell(f"run {run} of {task} waits{_what_for(answer)}")
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


def _due(config: Config, task: str, text: str) -> datetime:
    """Read a due that a person copied from a table, which leaves out fractions of a second."""
    typed = typed_instant(text, zone_of(config, task), "--due")
    last = typed + timedelta(seconds=1, microseconds=-1)
    with reading(config) as reader:
        rows = reader.decisions_between(task, typed, last) if reader is not None else []
    exact = [row.due for row in rows if typed <= row.due <= last]
    return typed if typed in exact or not exact else exact[0]


def _follow(client: Client, run: int, is_json: bool) -> dict[str, Any]:
    message: dict[str, Any] = {}
    for message in client.follow(run):
        if is_json:
            continue
        if "line" in message:
            write([clean(without_traceback(str(message["line"]).rstrip("\n")))])
        elif "member" in message:
            write([clean(_member(message["member"]))])
    return message


def _member(row: dict[str, Any]) -> str:
    """Tell of a member of a chain that it began, or how it ended."""
    name, run = row["task"], row["run"]
    attempt = f", attempt {row['attempt']}" if row["attempt"] > 1 else ""
    if row["state"] == State.RUNNING:
        return f"{name} started (run {run}{attempt})"
    outcome = Outcome(row["state"])
    because = f": {row['reason']}" if row["reason"] and outcome is not Outcome.SUCCEEDED else ""
    more = f"  (linod history {run})" if outcome in BAD else ""
    return f"{name} {PAST[outcome]}{_took(row)}{because}{more}"


def _took(row: dict[str, Any]) -> str:
    if not row["started"] or not row["ended"]:
        return ""
    took = datetime.fromisoformat(row["ended"]) - datetime.fromisoformat(row["started"])
    return f" after {duration(took.total_seconds())}"


def _what_for(answer: dict[str, Any]) -> str:
    held = str(answer.get("held") or "")
    return f": {present(held)}" if held else " for an earlier one to end"


def _tell_asked(task: str, run: int, answer: dict[str, Any], is_json: bool) -> None:
    if is_json:
        write_json({"task": task, "run": run, "outcome": None, "reason": None})
        return
    waits = f", which waits{_what_for(answer)}" if answer["is_waiting"] else ""
    write([f"run {run} of {task}{waits}  (linod history {run})"])


def _tell_end(task: str, run: int, end: dict[str, Any], is_json: bool) -> None:
    outcome, reason = Outcome(end["ended"]), str(end.get("reason") or "")
    if is_json:
        write_json({"task": task, "run": run, "outcome": outcome, "reason": reason})
        return
    because = f": {reason}" if reason else ""
    more = f"  (linod history {run})" if outcome in BAD else ""
    tell(f"run {run} of {task} {PAST[outcome]}{because}{more}")
    again = end.get("again")
    if again is not None:
        tell(f"attempt {again['attempt']} of it waits: run {again['run']}")

"""`linod backfill`: run what was due in a time that is past."""

from __future__ import annotations

import sys
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import click
from attrs import frozen

from linod.cli import Told, tell
from linod.cli._options import (
    USAGE,
    config_option,
    json_option,
    known,
    now,
    screen_width,
    write,
    write_json,
)
from linod.cli._past import client_of, configuration, planned, reading, zone_of
from linod.cli._plans import planner_of, typed_instant
from linod.policy import BACKFILL_MAX, is_to_fill
from linod.specs import Chain
from linod.views import count_of, instant, local, table, with_notes

if TYPE_CHECKING:
    from linod.planner import Planner
    from linod.specs import Config
    from linod.store.interface import Reader, RunRow

ANSWER_WITHIN_S = 90.0
"""10,000 runs are written in one transaction."""
_TICK = timedelta(microseconds=1)


@frozen(kw_only=True)
class _Asked:
    task: str
    zone: str
    first: datetime
    last: datetime
    is_newest_first: bool
    is_again: bool


@frozen(kw_only=True)
class _Due:
    """One line of the preview."""

    due: datetime
    last: RunRow | None
    is_to_fill: bool


@click.command("backfill")
@click.argument("task", metavar="TASK|CHAIN")
@config_option
@click.option("--from", "first", metavar="WHEN", required=True, help="At or after this.")
@click.option(
    "--until",
    "last",
    metavar="WHEN",
    required=True,
    help="Not after this; a date is the whole day.",
)
@click.option("--newest-first", "is_newest_first", is_flag=True, help="The newest runs first.")
@click.option("--again", "is_again", is_flag=True, help="Also what has succeeded.")
@click.option("--dry-run", "is_dry", is_flag=True, help="Print what would run; needs no daemon.")
@json_option
def command(
    task: str,
    config_path: str | None,
    first: str,
    last: str,
    is_newest_first: bool,
    is_again: bool,
    is_dry: bool,
    is_json: bool,
) -> None:
    """Run what was due in a time that is past, one after another, beside what is due now.

    What succeeded in that time or goes on is left out. At most 10,000 occurrences at once.
    WHEN is a date, a local time ("2026-11-20 03:30", read in the task's zone) or one with an
    offset. "linod cancel TASK" ends what is left of it.

    --json prints an object: task, runs (their numbers), note; with --dry-run an array of objects:
    task, due, local, state (of its last run, or null), is_to_run.
    """
    config = configuration(config_path, task)
    asked = _asked(config, task, first, last, is_newest_first, is_again)
    if is_dry:
        _preview(config, asked, is_json)
        return
    answer = client_of(config).request(
        "backfill",
        timeout_s=ANSWER_WITHIN_S,
        task=task,
        until=asked.last.isoformat(),
        newest_first=is_newest_first,
        again=is_again,
        **{"from": asked.first.isoformat()},
    )
    if is_json:
        write_json({"task": task, "runs": answer["runs"], "note": answer["note"]})
        return
    write([f"{_numbers(answer['runs'])} of {task}  (linod history {task})"])
    if answer["note"]:
        tell(str(answer["note"]))


def _numbers(runs: list[int]) -> str:
    """Name the runs, whose numbers follow each other: they are made at once."""
    if not runs:
        return "no run"
    low, high = min(runs), max(runs)
    return f"run {low}" if low == high else f"{len(runs):,} runs, {low} to {high},"


def _asked(
    config: Config, task: str, first: str, last: str, is_newest_first: bool, is_again: bool
) -> _Asked:
    zone = zone_of(config, task)
    begins = typed_instant(first, zone, "--from")
    ends = typed_instant(last, zone, "--until", is_end=True)
    if ends > now() >= typed_instant(last, zone, "--until"):
        # Of a day that goes on, what is past is meant.
        ends = now()
    if begins > ends:
        raise Told(f'--from "{first}" is after --until "{last}"', USAGE)
    return _Asked(
        task=task,
        zone=zone,
        first=begins,
        last=ends,
        is_newest_first=is_newest_first,
        is_again=is_again,
    )


# -- the preview --------------------------------------------------------------------------------


def _preview(config: Config, asked: _Asked, is_json: bool) -> None:
    if asked.last > now():
        raise Told("--until is in the future: what is not due yet is not filled back", USAGE)
    known(asked.task, {**config.tasks, **config.chains})
    spec = planned(config, asked.task)
    assert spec is not None
    planner = planner_of(config, spec.as_task() if isinstance(spec, Chain) else spec)
    with reading(config) as reader:
        dues = [_due(reader, asked, due) for due in _dues(planner, asked)]
    if is_json:
        write_json([_json(asked, due) for due in dues])
        return
    write(_lines(asked, dues))


def _dues(planner: Planner, asked: _Asked) -> list[datetime]:
    first = asked.first - _TICK
    if planner.count(first, asked.last, BACKFILL_MAX + 1) > BACKFILL_MAX:
        raise Told(f"more than {BACKFILL_MAX:,} occurrences: take a shorter time", USAGE)
    dues = [*planner.between(first, asked.last)]
    return dues[::-1] if asked.is_newest_first else dues


def _due(reader: Reader | None, asked: _Asked, due: datetime) -> _Due:
    attempts = reader.attempts(asked.task, due) if reader is not None else []
    is_wanted = is_to_fill([run.outcome for run in attempts], is_again=asked.is_again)
    return _Due(due=due, last=attempts[-1] if attempts else None, is_to_fill=is_wanted)


def _json(asked: _Asked, due: _Due) -> dict[str, Any]:
    return {
        "task": asked.task,
        "due": due.due,
        "local": local(due.due, asked.zone).isoformat(),
        "state": due.last.state if due.last is not None else None,
        "is_to_run": due.is_to_fill,
    }


def _lines(asked: _Asked, dues: list[_Due]) -> list[str]:
    if not dues:
        return [f"{asked.task} was never due in that time"]
    rows = [(instant(due.due, asked.zone), "yes" if due.is_to_fill else "no") for due in dues]
    width = screen_width(sys.stdout)
    notes = [_note(due.last) for due in dues]
    count = count_of(sum(due.is_to_fill for due in dues), "run")
    laid = with_notes(table(("DUE", "RUNS"), rows, width), ["", *notes], "    ", width)
    return [*laid, f"{count} of {asked.task}; without --dry-run they are asked for"]


def _note(run: RunRow | None) -> str:
    return "" if run is None else f"run {run.id} {run.state.replace('_', ' ')}"

"""`linod next`: when tasks are due, without starting anything."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import click
from attrs import frozen

from linod.cli import Told
from linod.cli._options import (
    USAGE,
    config_option,
    json_option,
    known,
    load_config,
    now,
    screen_width,
    write,
)
from linod.cli._options import write_json as print_json
from linod.cli._past import reading
from linod.cli._plans import planner_of, typed_instant
from linod.errors import LinodError
from linod.policy import ALL, Hold, in_force
from linod.recurrence import in_words
from linod.views import NAME_COLUMNS, cut, duration, instant, local, table, utc, with_notes

if TYPE_CHECKING:
    from linod.specs import Config, Task

INSTANTS_MAX = 10_000
"""Per task; beyond that a person means a script with --from."""


@frozen(kw_only=True)
class _Span:
    """What was asked for; --from and --until are read in the zone of each task."""

    number: int
    first: str | None
    last: str | None
    is_utc: bool
    now: datetime
    holds: Mapping[str, Sequence[Hold]]
    """What is paused or disabled now, by task."""


@frozen(kw_only=True)
class _Due:
    """One line of the answer."""

    task: str
    due: datetime
    zone: str
    note: str | None


@click.command("next")
@click.argument("tasks", nargs=-1, metavar="[TASK]...")
@config_option
@click.option(
    "-n",
    "--number",
    type=click.IntRange(1, INSTANTS_MAX),
    help="Instants per task. Default: 1, with --until all.",
)
@click.option("--from", "first", metavar="WHEN", help="At or after this, instead of now.")
@click.option("--until", "last", metavar="WHEN", help="Not after this; a date is the whole day.")
@click.option("--utc", "is_utc", is_flag=True, help="Print in UTC instead of the tasks' zones.")
@json_option
def command(
    tasks: tuple[str, ...],
    config_path: str | None,
    number: int | None,
    first: str | None,
    last: str | None,
    is_utc: bool,
    is_json: bool,
) -> None:
    """Print when tasks and chains are due next, all of them or those named.

    WHEN is a date, a local time ("2026-11-20 03:30", read in the task's zone) or one with an
    offset. What is paused or disabled now is noted. --json prints an array of objects: task, due
    (UTC), local, note.
    """
    config = load_config(config_path)
    planned = config.planned
    chosen = [planned[known(name, planned)] for name in tasks or planned]
    count = number or (INSTANTS_MAX if last else 1)
    span = _Span(
        number=count, first=first, last=last, is_utc=is_utc, now=now(), holds=_holds(config)
    )
    if is_json:
        print_json([_json(due) for task in chosen for due in _dues(config, task, span)])
        return
    write(_lines(config, chosen, span))


def _dues(config: Config, task: Task, span: _Span) -> Iterator[_Due]:
    """Iterate over what is asked for of one task."""
    if task.recurrence.is_event:
        return
    zone = config.zone_of(task)
    planner = planner_of(config, task)
    after, until = _bounds(zone, span)
    off = "" if config.linod.enabled and task.enabled else "switched off"
    at = planner.next(after)
    for _ in range(span.number):
        if at is None or (until is not None and at > until):
            return
        held = off or _held(span.holds.get(task.name, ()), at)
        note = "; ".join(filter(None, (planner.note(at), held))) or None
        yield _Due(task=task.name, due=at, zone="UTC" if span.is_utc else zone, note=note)
        at = planner.next(at)


def _held(holds: Iterable[Hold], due: datetime) -> str:
    """Say why what is due then would not run, as things stand now."""
    hold = in_force(holds, due)
    return "" if hold is None else hold.sentence


def _holds(config: Config) -> dict[str, list[Hold]]:
    """What is paused or disabled, by task."""
    holds: list[Hold] = []
    # A preview needs no store, and even less a sound one.
    with suppress(LinodError), reading(config) as reader:
        holds = reader.holds() if reader is not None else []
    return {name: [hold for hold in holds if hold.task in (name, ALL)] for name in config.planned}


def _bounds(zone: str, span: _Span) -> tuple[datetime, datetime | None]:
    after = span.now
    if span.first is not None:
        # The planner answers strictly after; what is asked for is at or after.
        after = typed_instant(span.first, zone, "--from") - timedelta(microseconds=1)
    until = None if span.last is None else typed_instant(span.last, zone, "--until", is_end=True)
    if until is not None and until <= after:
        raise Told(f'--until "{span.last}" is before {"--from" if span.first else "now"}', USAGE)
    return after, until


def _json(due: _Due) -> dict[str, Any]:
    there = local(due.due, due.zone).isoformat()
    return {"task": due.task, "due": utc(due.due), "local": there, "note": due.note}


def _lines(config: Config, tasks: list[Task], span: _Span) -> list[str]:
    if not tasks:
        return ["there are no tasks"]
    chains = {name: chain.name for chain in config.chains.values() for name in chain.members}
    rows, notes = [], []
    for task in tasks:
        for number, due in enumerate([*_dues(config, task, span)] or [None]):
            words = _words(task, chains) if number == 0 else ""
            name = cut(task.name, NAME_COLUMNS) if number == 0 else ""
            rows.append((name, *_when(due, span.now), words))
            notes.append((due.note or "") if due else _why_none(task, span))
    width = screen_width(sys.stdout)
    laid = table(("TASK", "NEXT", "IN", "RECURRENCE"), rows, width)
    indent = " " * laid[0].index("NEXT")
    return [laid[0], *with_notes(laid[1:], notes, indent, width)]


def _words(task: Task, chains: Mapping[str, str]) -> str:
    """Say when a task is due; the member of a chain is so when its turn comes."""
    return f"in {chains[task.name]}" if task.name in chains else in_words(task.recurrence)


def _when(due: _Due | None, now: datetime) -> tuple[str, str]:
    if due is None:
        return "-", "-"
    seconds = (due.due - now).total_seconds()
    apart = duration(seconds) if seconds >= 0 else f"{duration(-seconds)} ago"
    return instant(due.due, due.zone), apart


def _why_none(task: Task, span: _Span) -> str:
    is_open = not span.last and not span.first
    return "never again" if is_open and not task.recurrence.is_event else ""

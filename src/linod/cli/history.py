"""`linod history`: what ran, what did not, and one run with its log."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from linod.cli import Told
from linod.cli._options import (
    USAGE,
    config_option,
    json_option,
    now,
    screen_width,
    write,
)
from linod.cli._options import write_json as print_json
from linod.cli._past import configuration, find_run, is_task, reading, zone_of
from linod.events import State, Verdict
from linod.store.interface import DecisionRow, RunRow
from linod.views import (
    ago,
    clean,
    columns,
    count_of,
    cut,
    duration,
    instant,
    table,
    with_notes,
    without_traceback,
    wrap,
)

if TYPE_CHECKING:
    from linod.specs import Config
    from linod.store.interface import Reader

ROWS_MAX = 10_000
_DECISIONS_PAGE = 500


@click.command("history")
@click.argument("which", required=False, metavar="[TASK|RUN]")
@config_option
@click.option(
    "-n",
    "--number",
    type=click.IntRange(1, ROWS_MAX),
    default=20,
    show_default=True,
    help="So many, newest first.",
)
@json_option
def command(config_path: str | None, which: str | None, number: int, is_json: bool) -> None:
    """Show past runs and what was decided without a run, or one run with its log.

    A RUN is its number, TASK@T (its due, in the task's zone) or TASK@last-failed. Works without
    a daemon.

    --json prints an array of objects, newest first: task, due, attempt, state, started, ended,
    reason, run, trigger, verdict, planned, took_s, last, count, by. Occurrences that did not run
    have run, attempt, started and ended null, the verdict as their state, and reach from due to
    last. One run is an object with arguments, detail and log besides.
    """
    config = configuration(config_path, which)
    with reading(config) as reader:
        if which is not None and _is_run(which, config, reader):
            _print_run(config, reader, which, is_json)
            return
        rows = _rows(reader, which, number) if reader is not None else []
        if is_json:
            print_json([_json(row) for row in rows])
            return
        write(_lines(config, rows))


def _is_run(which: str, config: Config, reader: Reader | None) -> bool:
    if "@" in which:
        return True
    # A task may be called 123: then its runs are meant.
    return not is_task(config, reader, which)


# -- many ---------------------------------------------------------------------------------------


def _rows(reader: Reader, task: str | None, number: int) -> list[RunRow | DecisionRow]:
    """Merge runs and decisions without a run, newest first."""
    rows: list[RunRow | DecisionRow] = [*reader.runs(task, limit=number)]
    rows += _without_run(reader, task, number)
    rows.sort(key=_order, reverse=True)
    return rows[:number]


def _without_run(reader: Reader, task: str | None, number: int) -> list[DecisionRow]:
    found: list[DecisionRow] = []
    before: datetime | None = None
    for _ in range(1 + ROWS_MAX // _DECISIONS_PAGE):
        page = reader.decisions(task, limit=_DECISIONS_PAGE, before=before)
        found += [row for row in page if row.verdict is not Verdict.ADMITTED]
        if len(page) < _DECISIONS_PAGE or len(found) >= number or page[-1].due == before:
            break
        before = page[-1].due
    return found[:number]


def _order(row: RunRow | DecisionRow) -> tuple[datetime, int, int]:
    if isinstance(row, DecisionRow):
        return (row.last, 0, 0)
    return (row.due, row.attempt, row.id)


def _lines(config: Config, rows: list[RunRow | DecisionRow]) -> list[str]:
    if not rows:
        return ["nothing has been decided yet"]
    headings = ("RUN", "TASK", "DUE", "STATE", "TOOK")
    width = screen_width(sys.stdout)
    head, *laid = table(headings, [_row(row, zone_of(config, row.task)) for row in rows], width)
    room = max(_REASON_COLUMNS, width - 2 - max(columns(line) for line in laid))
    reasons = [_reason(row, zone_of(config, row.task), room) for row in rows]
    notes = ["REASON" if any(reasons) else "", *reasons]
    return [*with_notes([head, *laid], notes, "     ", width), *_pointer(rows, width)]


def _pointer(rows: list[RunRow | DecisionRow], width: int) -> list[str]:
    """Say who tells more, where something did not run."""
    row = next((row for row in rows if isinstance(row, DecisionRow)), None)
    return [] if row is None else wrap(f"linod why {row.task} says more of what did not run", width)


_NAME_COLUMNS = 24
"""Of a name; the reason stands beside it."""
_REASON_COLUMNS = 24
"""At least so much of a reason is shown, on a line of its own where it has to be."""


def _row(row: RunRow | DecisionRow, zone: str) -> tuple[str, ...]:
    name = cut(row.task, _NAME_COLUMNS)
    if isinstance(row, DecisionRow):
        return ("-", name, _short(row.due, zone), row.verdict, "-")
    state = row.state if row.attempt == 1 else f"{row.state} ({row.attempt})"
    took = duration(row.took.total_seconds()) if row.took is not None else "-"
    return (str(row.id), name, _short(row.due, zone), state.replace("_", " "), took)


def _reason(row: RunRow | DecisionRow, zone: str, room: int) -> str:
    """Cut the reason of a run, which `history RUN` shows whole; say that of a decision whole."""
    if not isinstance(row, DecisionRow):
        return cut(clean(row.reason), room)
    if row.count == 1:
        return row.reason
    until = f"{row.count:,} times until {_short(row.last, zone)}"
    return f"{until}: {row.reason}" if row.reason else until


def _due(due: datetime, zone: str) -> str:
    return instant(due.replace(microsecond=0), zone)


def _short(due: datetime, zone: str) -> str:
    """Write an instant without its weekday: in a table of the past it leaves room for reasons."""
    return _due(due, zone).partition(" ")[2]


def _late(row: RunRow) -> str:
    if row.started is None:
        return "-"
    return duration(max(0.0, (row.started - row.planned).total_seconds()))


# -- one ----------------------------------------------------------------------------------------


def _print_run(config: Config, reader: Reader | None, which: str, is_json: bool) -> None:
    run = find_run(config, reader, which)
    if reader is None:
        raise Told(f'there is no run "{which}"', USAGE)
    log = reader.log_text(run.id)
    if is_json:
        more = {"arguments": run.arguments, "detail": dict(run.detail), "log": log}
        print_json({**_json(run), **more})
        return
    write(_run_lines(run, zone_of(config, run.task), log))


def _run_lines(run: RunRow, zone: str, log: str) -> Iterator[str]:
    attempt = f", attempt {run.attempt}" if run.attempt > 1 else ""
    by = f" by {run.by}" if run.by else ""
    yield cut(clean(f"run {run.id} of {run.task} ({run.trigger}{by}{attempt})"), 100)
    for label, text in _facts(run, zone):
        if text:
            yield from wrap(f"  {label:<10} {clean(text)}", indent=" " * 13)
    traceback = str(run.detail.get("traceback") or "")
    yield from _section("log", without_traceback(log))
    yield from _section("traceback", traceback)


def _facts(run: RunRow, zone: str) -> Iterator[tuple[str, str]]:
    yield "state", run.state.replace("_", " ")
    yield "reason", run.reason
    yield "arguments", run.arguments
    yield "due", _due(run.due, zone)
    if run.planned != run.due:
        yield "planned", instant(run.planned.replace(microsecond=0), zone)
    if run.started is not None:
        yield "started", f"{_due(run.started, zone)}, {_late(run)} late"
    if run.ended is not None:
        yield "ended", f"{_due(run.ended, zone)}, {ago(run.ended, now().astimezone(UTC))}"
    if run.took is not None:
        yield "took", duration(run.took.total_seconds())
    elif run.state == State.WAITING:
        yield "took", "it waits"
    for name, value in run.detail.items():
        if name != "traceback" and isinstance(value, str | int | float):
            yield name.replace("_", " "), str(value)


def _section(title: str, text: str) -> Iterator[str]:
    if not text.strip():
        return
    yield ""
    lines = text.rstrip("\n").split("\n")
    yield f"{title} ({count_of(len(lines), 'line')})"
    # What a run wrote is shown whole: a cut line would hide what a person came for.
    yield from (f"  {clean(line)}".rstrip() for line in lines)


# -- JSON ---------------------------------------------------------------------------------------


def _json(row: RunRow | DecisionRow) -> dict[str, Any]:
    if isinstance(row, DecisionRow):
        return _decision_json(row)
    return {
        "task": row.task,
        "due": row.due,
        "attempt": row.attempt,
        "state": row.state,
        "started": row.started,
        "ended": row.ended,
        "reason": row.reason,
        "run": row.id,
        "trigger": row.trigger,
        "verdict": Verdict.ADMITTED,
        "planned": row.planned,
        "took_s": row.took.total_seconds() if row.took is not None else None,
        "last": row.due,
        "count": 1,
        "by": row.by,
    }


def _decision_json(row: DecisionRow) -> dict[str, Any]:
    return {
        "task": row.task,
        "due": row.due,
        "attempt": None,
        "state": row.verdict,
        "started": None,
        "ended": None,
        "reason": row.reason,
        "run": None,
        "trigger": None,
        "verdict": row.verdict,
        "planned": None,
        "took_s": None,
        "last": row.last,
        "count": row.count,
        "by": row.by,
    }

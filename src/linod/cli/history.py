"""`linod history`: what ran, what did not, and one run with its log."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click
from attrs import frozen

from linod.cli import Told
from linod.cli._options import (
    USAGE,
    config_option,
    json_option,
    screen_width,
    write,
)
from linod.cli._options import write_json as print_json
from linod.cli._past import configuration, find_run, is_task, planned, reading, zone_of
from linod.cli._run_page import Page, due_text, late_s, page_lines
from linod.events import State, Verdict
from linod.specs import Chain
from linod.store.interface import DecisionRow, RunRow, WarningRow
from linod.views import clean, columns, cut, duration, present, table, with_notes, wrap

if TYPE_CHECKING:
    from linod.specs import Config
    from linod.store.interface import Reader

ROWS_MAX = 10_000
_DECISIONS_PAGE = 500

_Row = RunRow | DecisionRow | WarningRow


@click.command("history")
@click.argument("which", required=False, metavar="[TASK|CHAIN|RUN]")
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
    a daemon. The members of a chain stand indented below its run.

    --json prints an array of objects, newest first: task, due, attempt, state, started, ended,
    reason, run, trigger, verdict, planned, took_s, used (user_s, system_s, memory in bytes; or
    null), last, count, by, chain (the run of the chain to which it belongs), held (what it waited
    for last), result (what its procedure returned; or null), warnings (texts). Occurrences that
    did not run have run, attempt, started and ended null, the verdict as their state, and reach
    from due to last; a warning about a task as a whole has the state warning. One run is an object
    with arguments, detail and log besides.
    """
    config = configuration(config_path, which)
    with reading(config) as reader:
        if which is not None and _is_run(which, config, reader):
            _print_run(config, reader, which, is_json)
            return
        seen = _Seen() if reader is None else _seen(config, reader, which, number)
        if is_json:
            print_json([_json(seen, row) for row in seen.rows])
            return
        write(_lines(config, seen))


def _is_run(which: str, config: Config, reader: Reader | None) -> bool:
    if "@" in which:
        return True
    # A task may be called 123: then its runs are meant.
    return not is_task(config, reader, which)


# -- many ---------------------------------------------------------------------------------------


@frozen(kw_only=True)
class _Seen:
    rows: Sequence[_Row] = ()
    """Newest first."""
    warnings: Sequence[WarningRow] = ()
    """Those about runs."""

    def of_run(self, run: RunRow) -> list[str]:
        return [row.text for row in self.warnings if row.run == run.id]


def _seen(config: Config, reader: Reader, task: str | None, number: int) -> _Seen:
    """Merge runs, decisions without a run and warnings about tasks, newest first."""
    warnings = reader.warnings(task, limit=number)
    rows: list[_Row] = [
        *reader.runs(task, limit=number),
        *_without_run(reader, task, number),
        *(row for row in warnings if row.run is None),
    ]
    rows.sort(key=_order, reverse=True)
    rows = rows[:number]
    if task is not None and isinstance(planned(config, task), Chain):
        rows += [run for row in rows if isinstance(row, RunRow) for run in reader.children(row.id)]
        rows.sort(key=_order, reverse=True)
    return _Seen(rows=rows, warnings=[row for row in warnings if row.run is not None])


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


def _order(row: _Row) -> tuple[datetime, int, int]:
    if isinstance(row, DecisionRow):
        return (row.last, 0, 0)
    if isinstance(row, WarningRow):
        return (row.at, 0, 1)
    return (row.due, row.attempt, row.id)


def _grouped(rows: Sequence[_Row]) -> Iterator[tuple[_Row, bool]]:
    """Give each row; members of a chain below its run, in the order in which they ran."""
    chains = {row.id for row in rows if isinstance(row, RunRow) and row.is_chain}
    members: dict[int, list[RunRow]] = {}
    for row in rows:
        if isinstance(row, RunRow) and row.parent in chains:
            members.setdefault(row.parent, []).append(row)
    for row in rows:
        if not isinstance(row, RunRow):
            yield row, False
        elif row.parent not in chains:
            yield row, False
            yield from ((member, True) for member in reversed(members.get(row.id, [])))


def _lines(config: Config, seen: _Seen) -> list[str]:
    if not seen.rows:
        return ["nothing has been decided yet"]
    grouped = [*_grouped(seen.rows)]
    zones = [zone_of(config, row.task) for row, _ in grouped]
    width = screen_width(sys.stdout)
    cells = [
        _cells(row, zone, is_member=is_member)
        for (row, is_member), zone in zip(grouped, zones, strict=True)
    ]
    head, *laid = table(("RUN", "TASK", "DUE", "STATE", "TOOK"), cells, width)
    room = max(_REASON_COLUMNS, width - 2 - max(columns(line) for line in laid))
    reasons = [
        _reason(seen, row, zone, room, is_member=is_member)
        for (row, is_member), zone in zip(grouped, zones, strict=True)
    ]
    notes = ["REASON" if any(reasons) else "", *reasons]
    return [*with_notes([head, *laid], notes, "     ", width), *_pointer(seen.rows, width)]


def _pointer(rows: Sequence[_Row], width: int) -> list[str]:
    """Say who tells more, where something did not run."""
    row = next((row for row in rows if isinstance(row, DecisionRow)), None)
    return [] if row is None else wrap(f"linod why {row.task} says more of what did not run", width)


_NAME_COLUMNS = 24
"""Of a name; the reason stands beside it."""
_REASON_COLUMNS = 24
"""At least so much of a reason is shown, on a line of its own where it has to be."""
_LATE_TOLD_S = 1.0
"""From here on a run that waited says what for."""


def _cells(row: _Row, zone: str, *, is_member: bool) -> tuple[str, ...]:
    name = cut(("  " if is_member else "") + row.task, _NAME_COLUMNS)
    if isinstance(row, DecisionRow):
        return ("-", name, _short(row.due, zone), row.verdict, "-")
    if isinstance(row, WarningRow):
        return ("-", name, _short(row.at, zone), "warning", "-")
    state = row.state if row.attempt == 1 else f"{row.state} ({row.attempt})"
    took = duration(row.took.total_seconds()) if row.took is not None else "-"
    return (str(row.id), name, _short(row.due, zone), state.replace("_", " "), took)


def _reason(seen: _Seen, row: _Row, zone: str, room: int, *, is_member: bool) -> str:
    """Cut the reason of a run, which `history RUN` shows whole; say that of a decision whole."""
    if isinstance(row, WarningRow):
        return row.text
    if isinstance(row, RunRow):
        linked = [f"in chain run {row.parent}"] if row.parent and not is_member else []
        return cut("; ".join(map(clean, [*_reasons(seen, row), *linked])), room)
    if row.count == 1:
        return row.reason
    until = f"{row.count:,} times until {_short(row.last, zone)}"
    return f"{until}: {row.reason}" if row.reason else until


def _reasons(seen: _Seen, run: RunRow) -> Iterator[str]:
    if run.reason:
        yield run.reason
    if run.held and run.state is State.WAITING:
        yield present(run.held)
    elif run.held and late_s(run) >= _LATE_TOLD_S:
        yield f"{duration(late_s(run))} late: {run.held}"
    yield from (f"warning: {text}" for text in seen.of_run(run))


def _short(due: datetime, zone: str) -> str:
    """Write an instant without its weekday: in a table of the past it leaves room for reasons."""
    return due_text(due, zone).partition(" ")[2]


# -- one ----------------------------------------------------------------------------------------


def _print_run(config: Config, reader: Reader | None, which: str, is_json: bool) -> None:
    run = find_run(config, reader, which)
    if reader is None:
        raise Told(f'there is no run "{which}"', USAGE)
    page = Page.of(reader, run)
    if is_json:
        seen = _Seen(warnings=page.warnings)
        more = {"arguments": run.arguments, "detail": dict(run.detail), "log": page.log}
        print_json({**_json(seen, run), **more})
        return
    write(page_lines(page, zone_of(config, run.task)))


# -- JSON ---------------------------------------------------------------------------------------


def _json(seen: _Seen, row: _Row) -> dict[str, Any]:
    if isinstance(row, DecisionRow):
        return _without_run_json(row.task, row.due, row.verdict, row.reason) | {
            "verdict": row.verdict,
            "last": row.last,
            "count": row.count,
            "by": row.by,
        }
    if isinstance(row, WarningRow):
        return _without_run_json(row.task, row.at, "warning", row.text)
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
        "used": row.used,
        "last": row.due,
        "count": 1,
        "by": row.by,
        "chain": row.parent,
        "held": row.held,
        "result": row.result,
        "warnings": seen.of_run(row),
    }


def _without_run_json(task: str, at: datetime, state: str, reason: str) -> dict[str, Any]:
    return {
        "task": task,
        "due": at,
        "attempt": None,
        "state": state,
        "started": None,
        "ended": None,
        "reason": reason,
        "run": None,
        "trigger": None,
        "verdict": None,
        "planned": None,
        "took_s": None,
        "used": None,
        "last": at,
        "count": 1,
        "by": "",
        "chain": None,
        "held": "",
        "result": None,
        "warnings": [],
    }

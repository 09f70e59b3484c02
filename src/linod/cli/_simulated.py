"""A simulation as a person sees it: tables, a heat map, and what to look at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from linod.events import Outcome
from linod.simulation import Cut, Origin
from linod.views import (
    clean,
    columns,
    count_of,
    cut,
    duration,
    instant,
    table,
    with_notes,
    wrap,
)

if TYPE_CHECKING:
    from linod.simulation.heat import Heat
    from linod.simulation.report import PoolReport, Report, TaskReport

_NAME_COLUMNS = 24
_NAMES_MAX = 5
FINDINGS_MAX = 5
"""More than a person reads; --json has all."""


def lines_of(report: Report, width: int, *, has_colour: bool) -> Iterator[str]:
    """Lay out a report, its findings last: that is where a terminal stops."""
    for text in _about(report):
        yield from wrap(clean(text), width, "  ")
    for block in (
        _tasks(report, width),
        _chains(report, width),
        _pools(report, width),
        _minutes(report, width),
        _heat(report.heat, width, has_colour=has_colour),
    ):
        if block:
            yield ""
            yield from block
    yield ""
    yield from _findings(report, width)


# -- what was simulated -------------------------------------------------------------------------


def _about(report: Report) -> Iterator[str]:
    yield (
        f"{_length(report.ends - report.begins)} from {instant(report.begins, report.zone)}, "
        f"seed {report.seed}: {count_of(report.occurrences, 'occurrence')}, "
        f"{count_of(report.runs, 'run')}"
    )
    if report.cut_by:
        at = instant(report.reached.replace(microsecond=0), report.zone)
        after = _length(report.reached - report.begins)
        why = "Ctrl-C" if report.cut_by is Cut.PERSON else "--limit"
        yield f"it ends at {at}, after {after} ({why}): what is due later is left out"
    yield from _lengths(report)
    counted = [task for task in report.tasks if task.is_counted]
    if counted:
        runs = count_of(sum(task.runs for task in counted), "run")
        yield (
            f"{_names([task.task for task in counted])}: {runs} that meet no other "
            "are counted without the engine"
        )


def _length(length: timedelta) -> str:
    # A month of 30 days may have an hour more or less.
    days = round(length / timedelta(days=1))
    is_whole = abs(length - timedelta(days=days)) <= timedelta(hours=1)
    return count_of(days, "day") if days and is_whole else duration(length.total_seconds())


def _lengths(report: Report) -> Iterator[str]:
    """Say where the lengths of runs come from; a guess is named."""
    if known := report.with_lengths(Origin.HISTORY):
        yield f"lengths of former runs: {_names(known)}"
    if given := report.with_lengths(Origin.GIVEN):
        yield f"lengths that were given: {_names(given)}"
    if report.guessed and report.default is not None:
        length = duration(report.default.total_seconds())
        yield f"nothing is known, so {length} (--default-duration): {_names(report.guessed)}"


def _names(names: Sequence[str]) -> str:
    more = len(names) - _NAMES_MAX
    listed = ", ".join(cut(name, _NAME_COLUMNS) for name in names[:_NAMES_MAX])
    return f"{listed} and {more} more" if more > 0 else listed


# -- tables -------------------------------------------------------------------------------------


def _tasks(report: Report, width: int) -> list[str]:
    if not report.tasks:
        return ["there are no tasks"]
    headings = ("TASK", "DUE", "RUNS", "SKIPPED", "RETRIES", "TOOK", "LATE 95 %")
    laid = table(headings, [_row(task) for task in report.tasks], width)
    return with_notes(laid, ["", *map(_note, report.tasks)], "  ", width)


def _row(task: TaskReport) -> tuple[str, ...]:
    return (
        cut(task.task, _NAME_COLUMNS),
        f"{task.occurrences:,}",
        f"{task.runs:,}",
        f"{task.skipped:,}" if task.skipped else "-",
        f"{task.retries:,}" if task.retries else "-",
        _short(task.took_mean),
        _short(task.late_p95),
    )


def _short(length: timedelta | None) -> str:
    return duration(length.total_seconds()) if length else "-"


def _note(task: TaskReport) -> str:
    """Say what became of those that got no run, or no good one, and what was waited for."""
    parts = [f"{verdict} {count:,}" for verdict, count in task.not_run.items()]
    parts += [
        f"{outcome.replace('_', ' ')} {count:,}"
        for outcome, count in task.outcomes.items()
        if outcome not in (Outcome.SUCCEEDED, Outcome.CANCELLED)
    ]
    parts += [f"{reason} {count:,}" for reason, count in task.stopped.items()]
    parts += [f"{reason} {count:,}" for reason, count in task.dropped.items()]
    waits = [wait for wait in task.waits if not wait.is_asked_for][:1]
    parts += [f"waits up to {duration(w.longest.total_seconds())} for {w.kind}" for w in waits]
    if task.going:
        parts.append(f"{task.going} going on at the end")
    return "; ".join(parts)


def _chains(report: Report, width: int) -> list[str]:
    rows = [
        (
            cut(task.task, _NAME_COLUMNS),
            f"{task.runs:,}",
            _short(task.behind_median),
            _short(task.behind_longest),
        )
        for task in report.tasks
        if task.is_chain
    ]
    return table(("CHAIN", "RUNS", "ENDS AFTER ITS DUE", "AT MOST"), rows, width) if rows else []


def _pools(report: Report, width: int) -> list[str]:
    headings = ("POOL", "SIZE", "FULL", "USED", "MOST", "WAITS", "LONGEST WAIT")
    rows = [_pool_row(pool) for pool in report.pools]
    return table(headings, rows, width) if rows else []


def _pool_row(pool: PoolReport) -> tuple[str, ...]:
    wait = pool.longest
    return (
        cut(pool.pool, _NAME_COLUMNS),
        str(pool.size),
        f"{pool.full:.1%}",
        f"{pool.used:.2f}",
        str(pool.most),
        f"{pool.waits:,}",
        f"{_short(wait.longest)} ({cut(wait.task, _NAME_COLUMNS)})" if wait else "-",
    )


def _minutes(report: Report, width: int) -> list[str]:
    if not report.peaks:
        return []
    headings = ("BUSIEST MINUTES", "TASKS", "STARTS", "AT ONCE", "DAYS")
    rows = [
        (f"{p.at:%H:%M}", f"{p.tasks:,}", f"{p.starts:,}", f"{p.at_once:,}", f"{p.times:,}")
        for p in report.peaks
    ]
    laid = table(headings, rows, width)
    if report.most_at_once_at is not None:
        when = instant(report.most_at_once_at.replace(microsecond=0), report.zone)
        most = count_of(report.most_at_once, "run")
        laid.append(f"at most {most} at once, first on {when}")
    return laid


# -- the heat map -------------------------------------------------------------------------------

_SHADES = "·░▒▓█"
_COLOURS = ("", "32", "33", "33", "31")
_NOT_SIMULATED = "-"


def _heat(heat: Heat, width: int, *, has_colour: bool) -> list[str]:
    """Draw the hours: the darker, the more runs went on."""
    if not heat.most:
        return []
    label_columns = max(columns(label) for label, _ in heat.rows) + 2
    cell = 3 if label_columns + 3 * 24 <= width else 2
    hours = [f"{hour:02}" if cell == 3 or hour % 2 == 0 else "" for hour in range(24)]
    head = " " * label_columns + "".join(hour.ljust(cell) for hour in hours)
    rows = [
        label.ljust(label_columns)
        + "".join(_cell(hour, heat.most, cell, has_colour=has_colour) for hour in cells)
        for label, cells in heat.rows
    ]
    return [_legend(heat), head.rstrip(), *(row.rstrip() for row in rows)]


def _legend(heat: Heat) -> str:
    steps = [heat.most * (number + 1) / len(_SHADES) for number in range(len(_SHADES))]
    shades = "  ".join(f"{sign} {_figure(step)}" for sign, step in zip(_SHADES, steps, strict=True))
    has_gap = any(hour is None for _, hours in heat.rows for hour in hours)
    gap = f"  {_NOT_SIMULATED} not simulated" if has_gap else ""
    return f"runs going on at a time, on average up to:  {shades}{gap}"


def _figure(number: float) -> str:
    return f"{number:.0f}" if number >= 10 else f"{number:.2g}"


def _cell(hour: float | None, most: float, cell: int, *, has_colour: bool) -> str:
    if hour is None:
        return _NOT_SIMULATED.ljust(cell)
    if not hour:
        return " " * cell
    level = min(len(_SHADES) - 1, int(hour / most * len(_SHADES)))
    text = _SHADES[level] * cell
    colour = _COLOURS[level]
    return f"\033[{colour}m{text}\033[0m" if has_colour and colour else text


# -- findings -----------------------------------------------------------------------------------


def _findings(report: Report, width: int) -> Iterator[str]:
    if not report.occurrences:
        yield "nothing is due in that time"
        return
    if not report.findings:
        yield "every occurrence gets its run, and none waits for long"
        return
    for text in report.findings[:FINDINGS_MAX]:
        yield from wrap(clean(text), width, "  ")
    more = len(report.findings) - FINDINGS_MAX
    if more > 0:
        yield f"and {more} more findings: --json has all"

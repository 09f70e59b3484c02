"""One run as `linod history RUN` shows it: what is known of it, its members, its log."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from attrs import frozen

from linod.cli._options import now
from linod.events import State
from linod.policy import step_of
from linod.store.interface import RunRow, WarningRow
from linod.views import (
    ago,
    clean,
    count_of,
    cut,
    duration,
    instant,
    present,
    size,
    table,
    without_traceback,
    wrap,
)

if TYPE_CHECKING:
    from linod.store.interface import Reader

_WARNINGS_MAX = 1000
_RESULT_COLUMNS = 87
"""What its line has room for."""
_ELSEWHERE = ("traceback", "result")
"""Parts of the detail that have a place of their own."""


@frozen(kw_only=True)
class Page:
    """A run with what belongs to it."""

    run: RunRow
    chain: RunRow | None
    """The run of the chain to which it belongs."""
    members: Sequence[RunRow]
    warnings: Sequence[WarningRow]
    log: str

    @classmethod
    def of(cls, reader: Reader, run: RunRow) -> Page:
        """Read what belongs to a run."""
        warnings = reader.warnings(run.task, limit=_WARNINGS_MAX)
        return cls(
            run=run,
            chain=reader.run(run.parent) if run.parent is not None else None,
            members=reader.children(run.id) if run.is_chain else (),
            warnings=[row for row in warnings if row.run == run.id][::-1],
            log=reader.log_text(run.id),
        )


def due_text(due: datetime, zone: str) -> str:
    """Write an instant without its fractions of a second."""
    return instant(due.replace(microsecond=0), zone)


def late_s(run: RunRow) -> float:
    """Seconds from the planned start of a run to its start; 0 where it did not start."""
    if run.started is None:
        return 0.0
    return max(0.0, (run.started - run.planned).total_seconds())


def used_text(run: RunRow) -> str:
    """Write what a run used; empty where nobody counted it."""
    if run.used is None:
        return ""
    user, system = duration(run.used["user_s"]), duration(run.used["system_s"])
    return f"{user} user and {system} system time, {size(run.used['memory'])} of memory at most"


def result_text(run: RunRow) -> str:
    """Write what a procedure returned on one line, cut; empty where nothing is kept."""
    if run.result is None:
        return ""
    return cut(clean(json.dumps(run.result, ensure_ascii=False)), _RESULT_COLUMNS)


def page_lines(page: Page, zone: str) -> Iterator[str]:
    """Lay out one run."""
    run = page.run
    attempt = f", attempt {run.attempt}" if run.attempt > 1 else ""
    by = f" by {run.by}" if run.by else ""
    yield cut(clean(f"run {run.id} of {run.task} ({run.trigger}{by}{attempt})"), 100)
    for label, text in _facts(page, zone):
        if text:
            yield from wrap(f"  {label:<10} {clean(text)}", indent=" " * 13)
    yield from _members(page)
    yield from _section("log", without_traceback(page.log))
    yield from _section("traceback", str(run.detail.get("traceback") or ""))


def _facts(page: Page, zone: str) -> Iterator[tuple[str, str]]:
    run = page.run
    yield "state", run.state.replace("_", " ")
    yield "reason", run.reason
    yield "arguments", run.arguments
    if page.chain is not None:
        yield "chain", f"{page.chain.task}, run {page.chain.id}"
    yield "due", due_text(run.due, zone)
    if run.planned != run.due:
        yield "planned", due_text(run.planned, zone)
    yield from _waiting(run, zone)
    if run.started is not None:
        yield "started", f"{due_text(run.started, zone)}, {duration(late_s(run))} late"
    if run.ended is not None:
        yield "ended", f"{due_text(run.ended, zone)}, {ago(run.ended, now().astimezone(UTC))}"
    if run.took is not None:
        yield "took", duration(run.took.total_seconds())
    elif not run.is_ended:
        yield "step", step_of(run.detail) or ""
    yield "used", used_text(run)
    yield "result", result_text(run)
    for warning in page.warnings:
        yield "warning", f"{warning.text} ({due_text(warning.at, zone)})"
    for name, value in run.detail.items():
        if name not in _ELSEWHERE and isinstance(value, str | int | float):
            yield name.replace("_", " "), str(value)


def _waiting(run: RunRow, zone: str) -> Iterator[tuple[str, str]]:
    """Say what it waits for, or what it waited for last."""
    since = "" if run.held_since is None else f", since {due_text(run.held_since, zone)}"
    if run.state is State.WAITING:
        yield "waits", f"{present(run.held)}{since}" if run.held else "its time has not come"
    elif run.held:
        yield "waited", f"{run.held}{since}"


def _members(page: Page) -> Iterator[str]:
    if not page.members:
        return
    yield ""
    yield f"members ({count_of(len(page.members), 'run')})"
    rows = [
        (
            str(run.id),
            run.task if run.attempt == 1 else f"{run.task} ({run.attempt})",
            run.state.replace("_", " "),
            duration(run.took.total_seconds()) if run.took is not None else "-",
            run.reason,
        )
        for run in page.members
    ]
    yield from (f"  {line}" for line in table(("RUN", "TASK", "STATE", "TOOK", "REASON"), rows, 98))


def _section(title: str, text: str) -> Iterator[str]:
    if not text.strip():
        return
    yield ""
    lines = text.rstrip("\n").split("\n")
    yield f"{title} ({count_of(len(lines), 'line')})"
    # What a run wrote is shown whole: a cut line would hide what a person came for.
    yield from (f"  {clean(line)}".rstrip() for line in lines)

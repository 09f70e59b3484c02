"""What stands beside a row of `linod status`: why it stands so, and where to look next."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from linod.cli._standing import Standing
from linod.events import Outcome, State
from linod.policy import Hold
from linod.store.interface import RunRow
from linod.views import ahead, clean, count_of, cut, near, present, progress

_REASON_COLUMNS = 48
"""Of a reason: enough for the kind of an exception and what it is about."""
_MOMENT = timedelta(seconds=1)
"""What waits for less is about to start."""


def note_of(standing: Standing, at: datetime, room: int) -> str:
    """Say why it stands as it does, and where to look or what to type."""
    pointer, facts = _pointer(standing), [*_facts(standing, at)]
    tail = f"  ({pointer})" if pointer else ""
    # One line, which a command to type ends whole.
    return cut("; ".join(facts), room - len(tail)) + tail


def _facts(standing: Standing, at: datetime) -> Iterator[str]:
    for hold in (standing.disabled, standing.paused):
        if hold is not None:
            yield clean(who(hold, at, standing.zone))
    if standing.current is not None:
        yield from _of_current(standing, standing.current, at)
    if standing.state in ("failing", "warned"):
        yield from _of_last(standing)
    if standing.warnings:
        text = cut(clean(standing.warnings[0].text), _REASON_COLUMNS)
        yield f"{count_of(len(standing.warnings), 'warning')}, the last: {text}"


def who(hold: Hold, at: datetime, zone: str) -> str:
    """Say who holds back, until when and why: 'by alice, until Mon 09:00: "migration"'."""
    if not hold.by:
        return hold.reason
    until = f", until {near(hold.until, at, zone)}" if hold.until is not None else ""
    return f"by {hold.by}{until}" + (f': "{hold.reason}"' if hold.reason else "")


def _of_current(standing: Standing, current: RunRow, at: datetime) -> Iterator[str]:
    if standing.step is not None:
        yield standing.step
    if standing.progress is not None:
        yield progress(*standing.progress)
    if current.state is State.WAITING:
        yield from _waits(current, at, standing.zone)
    others = [run for run in standing.waits if run.id != current.id]
    if others:
        more = f"{len(others):,} more {'waits' if len(others) == 1 else 'wait'}"
        first = ", ".join(_waits(others[0], at, standing.zone))
        yield f"{more}: {first}" if first else more


def _waits(run: RunRow, at: datetime, zone: str) -> Iterator[str]:
    """Say what a run waits for, and until or since when; nothing of one that just came."""
    held = clean(present(run.held))
    if run.planned > at:
        yield f"{held or 'its time has not come'}, {ahead(run.planned, at)}"
        return
    since = run.held_since or run.planned
    is_long = at - since >= _MOMENT
    when = f"since {near(since.replace(microsecond=0), at, zone)}" if is_long else ""
    if held or when:
        yield ", ".join(filter(None, (held, when)))


def _of_last(standing: Standing) -> Iterator[str]:
    last = standing.last
    if last is None or last.outcome is Outcome.CANCELLED:
        return
    if standing.failures > 1:
        yield f"{standing.failures:,} failures in a row"
    how = "timed out " if last.outcome is Outcome.TIMED_OUT else ""
    yield cut(clean(how + last.reason), _REASON_COLUMNS)


def _pointer(standing: Standing) -> str:
    last = standing.last
    if standing.disabled is not None and not standing.disabled.by:
        return f"linod enable {standing.task}"
    if standing.state not in ("failing", "warned") or last is None:
        return ""
    if last.outcome is Outcome.CANCELLED:
        return f"linod logs {standing.task}@last-failed"
    return f"linod logs {standing.task}"

"""Planners of tasks and the instants that people type."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from attrs import frozen

from linod.cli import Told

if TYPE_CHECKING:
    from linod.planner import Planner
    from linod.specs import Config, Task

_FORMS = 'a date, "2026-11-20 03:30", or "2026-11-20T03:30:00+02:00"'


def planner_of(config: Config, task: Task) -> Planner:
    """Build the planner of a task."""
    from linod.planner import Planner

    return Planner.of(task, config.zone_of(task))


def typed_instant(text: str, zone: str, option: str, *, is_end: bool = False) -> datetime:
    """Read an instant that a person typed; without an offset it is in the task's zone.

    A date is its midnight, and as an end the last moment of that day.
    """
    try:
        return _in_utc(_parsed(text, is_end), zone)
    except (ValueError, OverflowError):
        raise Told(f'{option} "{text}" is no instant: expected {_FORMS}', 2) from None


@frozen(kw_only=True)
class Span:
    """The time that a person means by an instant: `first` is in it, `last` is not."""

    first: datetime
    last: datetime
    is_day: bool = False

    def __contains__(self, at: datetime) -> bool:
        return self.first <= at < self.last


def typed_span(text: str, zone: str, option: str) -> Span:
    """Read an instant that a person typed as what it leaves open: a second, a minute, a day."""
    first, is_day = typed_instant(text, zone, option), _is_day(text)
    if is_day:
        last = typed_instant(text, zone, option, is_end=True)
    else:
        length = timedelta(seconds=1) if _SECONDS.search(text) else timedelta(minutes=1)
        last = first + min(length, _LATEST - first)
    return Span(first=first, last=last, is_day=is_day)


_LATEST = datetime.max.replace(tzinfo=UTC)
_SECONDS = re.compile(r"[T ]\d\d:?\d\d:?\d\d")


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _parsed(text: str, is_end: bool) -> datetime:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return datetime.fromisoformat(text)
    midnight = datetime.combine(day, time())
    return midnight + timedelta(days=1, microseconds=-1) if is_end else midnight


def _in_utc(when: datetime, zone: str) -> datetime:
    if when.tzinfo is not None:
        return when.astimezone(UTC)
    # In a gap the reading with the later offset is the earlier instant, in a fold the first pass.
    local = when.replace(tzinfo=ZoneInfo(zone))
    return min(local.replace(fold=fold).astimezone(UTC) for fold in (0, 1))

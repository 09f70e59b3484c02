"""When a task may start: the stretches of time that `allowed` leaves open.

Whether a window holds its own edges, and what it is where DST cuts it, is left open here: both are
possible, and neither is sure.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from .history import Policy
from .instants import NEVER, instant_of
from .oracle import resolved

_DAY = timedelta(days=1)
_DAY_TICKS = 86_400_000_000


def is_inside(policy: Policy, first: int, last: int) -> bool:
    """Tell whether one window holds a whole stretch of written time."""
    is_held = any(begin < first and last < end for begin, end in _near(policy, first, last))
    return is_held and all(_is_shown(policy, each) for each in (first, last))


def is_outside(policy: Policy, first: int, last: int) -> bool:
    """Tell whether no window touches a stretch of written time."""
    is_free = any(begin <= last and first <= end for begin, end in _near(policy, first, last))
    return not is_free and not any(_is_shown(policy, each) for each in (first, last))


def opening(policy: Policy, instant: int) -> int:
    """Say when the next window opens after an instant."""
    begins = [begin for begin, _ in _near(policy, instant, instant) if begin > instant]
    return min(begins, default=NEVER)


def closed(policy: Policy, first: int, last: int) -> Iterator[tuple[int, int]]:
    """Give the stretches of written time between two instants in which nothing may start."""
    since = first
    for begin, end in _near(policy, first, last):
        if begin > since:
            yield since, min(begin, last)
        since = max(since, end)
    if since < last:
        yield since, last


def _is_shown(policy: Policy, instant: int) -> bool:
    """Tell whether the clock shows a time within a window."""
    shown = instant_of(instant).astimezone(ZoneInfo(policy.zone)).time()
    return any(
        first <= shown <= last if first <= last else shown >= first or shown <= last
        for first, last in policy.allowed
    )


def _near(policy: Policy, first: int, last: int) -> Sequence[tuple[int, int]]:
    days = range(first // _DAY_TICKS - 2, last // _DAY_TICKS + 3)
    found = (pair for day in days for pair in _of_day(policy.allowed, policy.zone, day))
    return sorted(found)


@lru_cache(maxsize=4096)
def _of_day(allowed: tuple[tuple[time, time], ...], zone: str, day: int) -> list[tuple[int, int]]:
    midnight = instant_of(day * _DAY_TICKS).astimezone(ZoneInfo(zone)).date()
    windows = []
    for first, last in allowed:
        until = midnight if first < last else midnight + _DAY
        begin = resolved(datetime.combine(midnight, first), zone)
        end = resolved(datetime.combine(until, last), zone, fold="second")
        windows.append((begin[0], end[0]))
    return windows

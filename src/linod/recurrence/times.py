"""Which times of the day a rule names, as sorted seconds since midnight.

A regular list is kept as a `range`: as long as a day of seconds, and as light as two numbers.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from functools import lru_cache

from linod.recurrence.model import Window
from linod.recurrence.zones import DAY

ALL_HOURS = range(24)
ALL_SIXTY = range(60)


@lru_cache(1024)
def product(hours: Sequence[int], minutes: Sequence[int], seconds: Sequence[int]) -> Sequence[int]:
    """List every hour with every minute and second."""
    return _nest(regular(hours), 3600, _nest(regular(minutes), 60, regular(seconds)))


def regular(values: Sequence[int]) -> Sequence[int]:
    """Turn a sorted list whose steps are equal into a range."""
    if isinstance(values, range) or not values:
        return values
    step = values[1] - values[0] if len(values) > 1 else 1
    candidate = range(values[0], values[-1] + 1, step)
    return candidate if tuple(candidate) == tuple(values) else values


def within(times: Sequence[int], window: Window | None) -> Sequence[int]:
    """Keep the times in a window, both ends included; one that passes midnight has two parts."""
    if window is None:
        return times
    if window.first <= window.last:
        return _between(times, window.first, window.last)
    return (*_between(times, 0, window.last), *_between(times, window.first, DAY))


def spread(days: Sequence[int], times: Sequence[int]) -> Sequence[int]:
    """List every time on every day, as seconds since the beginning of day 0."""
    return _nest(regular(days), DAY, times)


def picked(days: Sequence[int], times: Sequence[int], positions: tuple[int, ...]) -> Sequence[int]:
    """List the instants at these positions (BYSETPOS) among every time on every day."""
    total = len(days) * len(times)
    places = {place - 1 if place > 0 else total + place for place in positions}
    return tuple(
        days[place // len(times)] * DAY + times[place % len(times)]
        for place in sorted(places)
        if 0 <= place < total
    )


def _nest(outer: Sequence[int], size: int, inner: Sequence[int]) -> Sequence[int]:
    """List `outer * size + inner`, as a range where that is regular."""
    if isinstance(outer, range) and isinstance(inner, range) and outer and inner:
        if len(inner) == 1:
            first, last = outer[0] * size + inner[0], outer[-1] * size + inner[0]
            return range(first, last + 1, outer.step * size)
        is_seamless = (len(outer) == 1 or outer.step == 1) and (
            len(outer) == 1 or len(inner) * inner.step == size
        )
        if is_seamless:
            first, last = outer[0] * size + inner[0], outer[-1] * size + inner[-1]
            return range(first, last + 1, inner.step)
    return tuple(unit * size + rest for unit in outer for rest in inner)


def _between(times: Sequence[int], first: int, last: int) -> Sequence[int]:
    return times[bisect_left(times, first) : bisect_right(times, last)]

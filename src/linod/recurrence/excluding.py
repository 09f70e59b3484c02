"""Instants without those that exclusions take out.

Rules of this border:
- A wrapper answers as any instants do; where nothing is excluded there is none.
- Stretches are cut, not walked: every second of ten years minus a day is two ranges.
- Searches end: after 400 years, or after a number of excluded stretches in a row.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

from linod.recurrence.closed import LocalDays
from linod.recurrence.instants import Instants
from linod.recurrence.track import YEARS_400
from linod.recurrence.zones import DAY

Stretch = tuple[int, Sequence[int]]
"""A base, and times from it."""

LEAPS_MAX = 50_000
"""Closed stretches in a row that a search passes over: every week of 400 years, and more."""
_LEAPS_MIN = 1000
"""So many it passes over also where they are more than 400 years."""
_ROWS_MAX = 5000
"""Rows of taken instants that a search passes over: a row is a month of days, a day of seconds."""
_NEAR = 31 * DAY
"""How far on a search looks for the row that begins at a taken instant."""
_WINDOW = 366 * DAY
"""How much of an endless stretch is compared with others at a time."""


class Without:
    """Instants without those of another set, each by itself."""

    __slots__ = ("_inner", "_taken")

    def __init__(self, inner: Instants, taken: Instants) -> None:
        self._inner = inner
        self._taken = taken

    def after(self, instant: int) -> int | None:
        """Give the first instant after this one that is not taken."""
        return searched(self._inner.after(instant), self._passed_up, _ROWS_MAX)

    def before(self, instant: int) -> int | None:
        """Give the last instant before this one that is not taken."""
        return searched(self._inner.before(instant), self._passed_down, _ROWS_MAX)

    def stretches(self, after: int, last: int) -> Iterator[Stretch]:
        """Give what is left between those that are taken, a year at a time."""
        for base, times in windows(self._inner, after, last):
            kept = 0
            for begin, end in self._taken_places(base, times):
                if begin > kept:
                    yield base, times[kept:begin]
                kept = end
            if kept < len(times):
                yield base, times[kept:]

    def _passed_up(self, found: int) -> int | None:
        if not is_in(self._taken, found):
            return found
        ours = next(self._inner.stretches(found - 1, found + _NEAR))
        theirs = next(self._taken.stretches(found - 1, found + _NEAR))
        return self._inner.after(_end_of_row(ours, theirs))

    def _passed_down(self, found: int) -> int | None:
        if not is_in(self._taken, found):
            return found
        ours = _reversed(self._inner.stretches(found - _NEAR, found))
        theirs = _reversed(self._taken.stretches(found - _NEAR, found))
        return self._inner.before(_end_of_row(ours, theirs))

    def _taken_places(self, base: int, times: Sequence[int]) -> Iterator[tuple[int, int]]:
        """List which of a stretch are taken: places from, and up to, not included."""
        for other, taken in self._taken.stretches(base + times[0] - 1, base + times[-1]):
            shift = other - base
            begin = bisect_left(times, taken[0] + shift)
            end = bisect_right(times, taken[-1] + shift)
            if begin < end:
                yield from _common(times, begin, end, taken, shift)


class Open:
    """Instants that are not on a closed day."""

    __slots__ = ("_days", "_inner")

    def __init__(self, inner: Instants, days: LocalDays) -> None:
        self._inner = inner
        self._days = days

    def after(self, instant: int) -> int | None:
        """Give the first instant after this one on an open day."""
        return searched(self._inner.after(instant), self.passed_up)

    def before(self, instant: int) -> int | None:
        """Give the last instant before this one on an open day."""
        return searched(self._inner.before(instant), self.passed_down)

    def stretches(self, after: int, last: int) -> Iterator[Stretch]:
        """Give those between the closed days."""
        found = self._inner.after(after)
        while found is not None and found <= last:
            following = self.passed_up(found)
            if following == found:
                until = min(self._days.open_until(found) - 1, last)
                yield from self._inner.stretches(found - 1, until)
                following = self._inner.after(until)
            found = following

    def passed_up(self, found: int) -> int | None:
        """Give an instant that is on an open day, or the next one after its closed days."""
        if not self._days.is_closed(found):
            return found
        until = self._days.closed_until(found)
        return None if until is None else self._inner.after(until - 1)

    def passed_down(self, found: int) -> int | None:
        """Give an instant that is on an open day, or the last one before its closed days."""
        if not self._days.is_closed(found):
            return found
        since = self._days.closed_since(found)
        return None if since is None else self._inner.before(since)


def searched(
    found: int | None, passed: Callable[[int], int | None], leaps_max: int = LEAPS_MAX
) -> int | None:
    """Pass over what is taken until an instant stays what it is; None where too much is taken."""
    begin = found
    for leaps in range(leaps_max):
        if found is None or begin is None:
            return None
        following = passed(found)
        if following == found:
            return found
        if is_over(leaps, found - begin):
            return None
        found = following
    return None


def is_over(leaps: int, passed: int) -> bool:
    """Tell whether a search has passed over so much that nothing is to be found."""
    return leaps > _LEAPS_MIN and abs(passed) > YEARS_400


def windows(instants: Instants, after: int, last: int) -> Iterator[Stretch]:
    """Give the stretches of instants, none of them longer than a year."""
    found = instants.after(after)
    while found is not None and found <= last:
        until = min(found + _WINDOW, last)
        yield from instants.stretches(found - 1, until)
        found = instants.after(until)


def is_in(instants: Instants, instant: int) -> bool:
    """Tell whether an instant is one of a set."""
    return instants.after(instant - 1) == instant


def _reversed(stretches: Iterator[Stretch]) -> Stretch:
    """Give the last stretch, from its end to its beginning."""
    base, times = deque(stretches, maxlen=1)[0]
    return base, times[::-1]


def _end_of_row(ours: Stretch, theirs: Stretch) -> int:
    """Give the last of the first ones, in a row from the common beginning, that are in both."""
    if ours == theirs:
        return ours[0] + ours[1][-1]
    (base, times), (other, taken) = ours, theirs
    shift = base - other
    if isinstance(times, range) and isinstance(taken, range) and times.step % taken.step == 0:
        ends = base + times[-1], other + taken[-1]
        return min(ends, key=lambda end: abs(end - base - times[0]))
    known = taken if isinstance(taken, range) else frozenset(taken)
    kept = (before for before, each in pairwise(times) if each + shift not in known)
    return base + next(kept, times[-1])


def _common(
    times: Sequence[int], begin: int, end: int, taken: Sequence[int], shift: int
) -> Iterator[tuple[int, int]]:
    """List which places of a stretch are also in another one, by the shorter of both."""
    ours = times[begin:end]
    if isinstance(ours, range) and isinstance(taken, range) and ours.step % taken.step == 0:
        if ours[0] - shift in taken:
            yield begin, end
    elif len(taken) < end - begin:
        for time in taken:
            place = bisect_left(times, time + shift, begin, end)
            if place < end and times[place] == time + shift:
                yield place, place + 1
    else:
        for place in range(begin, end):
            found = bisect_left(taken, times[place] - shift)
            if found < len(taken) and taken[found] == times[place] - shift:
                yield place, place + 1

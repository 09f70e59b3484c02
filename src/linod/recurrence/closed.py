"""Whole days that exclusions close, and which instants lie on them.

Rules of this border:
- A day is a local one, as days since 1970-01-01; rules of days are compiled in UTC, where the
  midnight of a day is its number times 86,400.
- Where the clock is put back over midnight, the instants of a day are no single stretch: an
  instant is on the day that its clock shows, and stretches are asked for per segment.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from itertools import accumulate, pairwise

from linod.recurrence.instants import Instants
from linod.recurrence.zones import DAY, EPOCH_ORDINAL, LAST, MARGIN, Zone

CLOSED_MAX = 146_097
"""Closed days in a row that are passed over: 400 years, after which the calendar repeats."""


class DayList:
    """Days one by one; all tasks of one calendar share the list."""

    __slots__ = ("days", "known", "text")

    def __init__(self, days: Iterable[int]) -> None:
        self.days = tuple(sorted(days))
        self.known = frozenset(self.days)
        self.text = _text(self.days)
        """The first date, and from each day to the next one the number of days."""


class ClosedDays:
    """Listed days, and the days of rules."""

    __slots__ = ("_known", "_rules", "_sorted", "is_empty")

    def __init__(self, listed: DayList, rules: Sequence[Instants]) -> None:
        self._known = listed.known
        self._sorted = listed.days
        self._rules = tuple(rules)
        self.is_empty = not (self._known or self._rules)

    def holds(self, day: int) -> bool:
        """Tell whether a day is closed."""
        midnight = day * DAY
        return day in self._known or any(
            rule.after(midnight - 1) == midnight for rule in self._rules
        )

    def following(self, day: int) -> int | None:
        """Give the first closed day from this one on."""
        place = bisect_left(self._sorted, day)
        found = list(self._sorted[place : place + 1])
        for rule in self._rules:
            midnight = rule.after(day * DAY - 1)
            if midnight is not None:
                found.append(midnight // DAY)
        return min(found, default=None)

    def open_from(self, day: int, step: int, days_max: int) -> int | None:
        """Give the first day that is not closed: this one, or in steps of 1 or -1 from it."""
        for each in range(day, day + step * (days_max + 1), step):
            if not self.holds(each):
                return each
        return None


def _text(days: Sequence[int]) -> str:
    if not days:
        return ""
    gaps = (str(after - before) for before, after in pairwise(days))
    return "+".join([date.fromordinal(days[0] + EPOCH_ORDINAL).isoformat(), *gaps])


def days_of_text(text: str) -> list[date]:
    """Read the text of a list of days."""
    first, *gaps = text.split("+")
    days = accumulate(map(int, gaps), initial=date.fromisoformat(first).toordinal())
    return [date.fromordinal(day) for day in days]


class LocalDays:
    """Closed days in a zone."""

    __slots__ = ("closed", "zone")

    def __init__(self, closed: ClosedDays, zone: Zone) -> None:
        self.closed = closed
        self.zone = zone

    def day(self, instant: int) -> int:
        """Give the day that the clock shows at an instant."""
        return (instant + self.zone.offset(instant)) // DAY

    def is_closed(self, instant: int) -> bool:
        """Tell whether an instant is on a closed day."""
        return self.closed.holds(self.day(instant))

    def begin(self, day: int) -> int:
        """Give the first instant whose clock shows this day or a later one."""
        return self.zone.first(day * DAY)

    def closed_until(self, instant: int) -> int | None:
        """Give the end, not included, of the closed stretch around an instant."""
        segment = self.zone.segment(instant)
        day = self.closed.open_from((instant + segment.offset) // DAY, 1, CLOSED_MAX)
        return None if day is None else min(segment.until, day * DAY - segment.offset)

    def closed_since(self, instant: int) -> int | None:
        """Give the beginning of the closed stretch around an instant."""
        segment = self.zone.segment(instant)
        day = self.closed.open_from((instant + segment.offset) // DAY, -1, CLOSED_MAX)
        return None if day is None else max(segment.start, (day + 1) * DAY - segment.offset)

    def open_until(self, instant: int) -> int:
        """Give the end, not included, of the open stretch around an instant."""
        segment = self.zone.segment(instant)
        day = self.closed.following((instant + segment.offset) // DAY)
        if day is None:
            return LAST + 1
        return min(segment.until, day * DAY - segment.offset)

    def spans(self, day: int) -> Iterator[tuple[int, int, int]]:
        """List the stretches of a day: first instant, end, and the offset in force."""
        first, end = day * DAY, (day + 1) * DAY
        segment = self.zone.segment(first - MARGIN)
        while segment.start < end + MARGIN:
            begin = max(segment.start, first - segment.offset)
            until = min(segment.until, end - segment.offset)
            if begin < until:
                yield begin, until, segment.offset
            segment = self.zone.segment(segment.until)

"""The segments of a time zone: from, until, offset; everything that DST does is derived here.

Rules of this border:
- Instants are epoch seconds (UTC), readings are wall seconds: the naive local time as seconds
  since 1970-01-01 00:00. `reading = instant + offset`.
- zoneinfo is asked once per day of a stretch of years, never in a search.
- A wall time happens at the first instant whose clock shows it or a later time: that is its
  first pass in a fold and the end of the gap in a gap.
"""

from __future__ import annotations

import itertools
from bisect import bisect_right
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from linod.specs import Fold

DAY = 86_400
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAIVE_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - readings are naive by definition
EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
FIRST = -62_135_596_800
"""0001-01-01T00:00:00Z, the first instant that a datetime can hold."""
LAST = 253_402_300_799
"""9999-12-31T23:59:59Z, the last one."""
MARGIN = 2 * DAY
"""No offset is as large as this: how far around an instant its reading may lie."""
_STRETCH = 1461 * DAY
"""Segments are looked up for four years at a time: a fifth of a millisecond."""
_STEP = 3 * DAY
"""In no zone are two changes of offset nearer than 3.9 days (Africa/Freetown 1939)."""


class Segment(NamedTuple):
    """A stretch of one offset; `start` is included, `until` is not."""

    start: int
    until: int
    offset: int
    seen: int
    """Readings below this were shown before `start`; a gap lies between it and the first."""
    again: int
    """Readings from this on are shown again after `until`."""


class Zone:
    """A time zone as segments, looked up lazily and kept."""

    __slots__ = ("_info", "_stretches", "name")

    def __init__(self, name: str) -> None:
        self.name = name
        self._info = ZoneInfo(name)
        self._stretches: dict[int, tuple[list[int], list[Segment]]] = {}

    def segment(self, instant: int) -> Segment:
        """Give the segment that holds an instant."""
        number = instant // _STRETCH
        stretch = self._stretches.get(number)
        if stretch is None:
            stretch = self._stretches[number] = self._look_up(number)
        starts, segments = stretch
        return segments[bisect_right(starts, instant) - 1]

    def offset(self, instant: int) -> int:
        """Give the offset in force at an instant."""
        return self.segment(instant).offset

    def first(self, reading: int) -> int:
        """Give the first instant whose clock shows this reading or a later one."""
        segment = self.segment(reading - DAY - DAY)
        while segment.until + segment.offset <= reading:
            segment = self.segment(segment.until)
        return max(reading - segment.offset, segment.start)

    def last(self, reading: int) -> int:
        """Give the last instant whose clock shows this reading; in a gap, the end of the gap."""
        instant = segment_start = self.first(reading)
        while segment_start < instant + 2 * DAY:
            segment = self.segment(segment_start)
            if segment.start + segment.offset <= reading < segment.until + segment.offset:
                instant = max(instant, reading - segment.offset)
            segment_start = segment.until
        return instant

    def resolve(self, reading: int, fold: Fold) -> int:
        """Give the instant of a reading that is meant once."""
        return self.first(reading) if fold is Fold.FIRST else self.last(reading)

    def standard_offset(self, instant: int) -> int:
        """Give the lower offset of the half years around an instant: the one without DST.

        The flag in the database is not used: its builds differ on which half of the year is
        standard time where DST is negative (Europe/Dublin).
        """
        return min(self.offset(instant), self.offset(instant + 182 * DAY))

    def _look_up(self, number: int) -> tuple[list[int], list[Segment]]:
        """Find the segments of a stretch, with the changes that its borders may hide."""
        begin, end = number * _STRETCH, (number + 1) * _STRETCH
        changes = [begin - MARGIN, *self._changes(begin - MARGIN, end + MARGIN), end + MARGIN]
        offsets = [self._ask(change) for change in changes]
        segments = [
            _clipped(change, until, offsets[max(i - 1, 0) : i + 2], begin, end)
            for i, (change, until) in enumerate(itertools.pairwise(changes))
            if change < end and until > begin
        ]
        return [segment.start for segment in segments], segments

    def _changes(self, begin: int, end: int) -> list[int]:
        """List the instants after begin and before end at which the offset changes."""
        changes: list[int] = []
        known = begin
        offset = self._ask(begin)
        for probe in range(begin + _STEP, end + _STEP, _STEP):
            found = self._ask(min(probe, end - 1))
            if found != offset:
                changes.append(self._change(known, min(probe, end - 1), offset))
                offset = found
            known = probe
        return changes

    def _change(self, low: int, high: int, offset: int) -> int:
        """Find where the offset stops being in force: it is at low, it is not at high."""
        while high - low > 1:
            middle = (low + high) // 2
            if self._ask(middle) == offset:
                low = middle
            else:
                high = middle
        return high

    def _ask(self, instant: int) -> int:
        bounded = min(max(instant, FIRST + MARGIN), LAST - MARGIN)
        offset = datetime.fromtimestamp(bounded, self._info).utcoffset()
        assert offset is not None
        return offset.days * DAY + offset.seconds


def _clipped(change: int, until: int, offsets: list[int], begin: int, end: int) -> Segment:
    """Make a segment between two changes; `offsets` are those before, in and after it.

    At the border of its stretch nothing changes, but what is shown twice still is.
    """
    before, offset, after = offsets if len(offsets) == 3 else (offsets[0], *offsets)
    seen, again = change + before, until + after
    if change < begin:
        seen = max(seen, begin + offset)
    if until > end:
        again = min(again, end + offset)
    return Segment(max(change, begin), min(until, end), offset, seen, again)


@cache
def zone_of(name: str) -> Zone:
    """Give the zone of this name, the same object each time."""
    return Zone(name)


def seconds_of(instant: datetime) -> int:
    """Turn an aware datetime into epoch seconds, fractions cut off."""
    elapsed = instant - EPOCH
    return elapsed.days * DAY + elapsed.seconds


def datetime_of(instant: int) -> datetime:
    """Turn epoch seconds into an aware UTC datetime."""
    return datetime.fromtimestamp(instant, UTC)


def reading_of(wall: datetime) -> int:
    """Turn a naive local datetime into wall seconds, fractions cut off."""
    elapsed = wall - _NAIVE_EPOCH
    return elapsed.days * DAY + elapsed.seconds


def wall_of(reading: int) -> datetime:
    """Turn wall seconds into a naive local datetime."""
    return _NAIVE_EPOCH + timedelta(seconds=reading)

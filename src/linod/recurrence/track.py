"""A rule's instants: its blocks of wall times laid over the segments of its zone.

Rules of this border:
- A piece is where one block meets one segment: there instants are wall times minus one offset.
  Pieces follow each other without gap or overlap in UTC, whatever DST does.
- A wall time is run at the first instant that shows it or a later one (first pass, end of gap);
  `dst` may ask for the second pass, for both, or for none in a gap.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence

from linod.recurrence.blocks import Blocks
from linod.recurrence.zones import DAY, FIRST, LAST, MARGIN, Zone
from linod.specs import Dst, Fold, Gap

YEARS_400 = 146_097 * DAY
"""The Gregorian calendar repeats after them: a rule without an instant in them has none."""
_PIECES_MAX = 1024
"""Pieces remembered: of a daily rule 85 years, of a rule that is expanded day by day 3."""

_MOVED_MAX = 3600
"""Wall times of a gap that are looked at, to name them."""

Piece = tuple[int, int, int, Sequence[int]]
"""First instant, end (not included), base, and the times relative to the base."""

_NO_PIECES: tuple[list[int], list[Piece]] = ([-(1 << 60)], [(0, -(1 << 60), 0, ())])


class Track:
    """The instants of one rule in one zone."""

    __slots__ = ("_blocks", "_fold", "_gap", "_known", "_reach", "_zone")

    def __init__(self, blocks: Blocks, zone: Zone, dst: Dst, reach: int = YEARS_400) -> None:
        self._blocks = blocks
        self._zone = zone
        self._gap = dst.gap
        self._fold = dst.fold
        self._reach = reach
        # One tuple, replaced whole: threads may share a planner.
        self._known = _NO_PIECES

    def after(self, instant: int) -> int | None:
        """Give the first instant after this one; None after 400 empty years."""
        starts, pieces = self._known
        _, until, base, times = pieces[bisect_right(starts, instant) - 1]
        if instant < until:
            place = bisect_right(times, instant - base)
            if place < len(times):
                return base + times[place]
        return self._search_after(instant)

    def before(self, instant: int) -> int | None:
        """Give the last instant before this one; None after 400 empty years."""
        at = instant - 1
        limit = max(at - self._reach, FIRST)
        while at >= limit:
            start, _, base, times = self._piece(at)
            place = bisect_right(times, at - base)
            if place:
                return base + times[place - 1]
            at = start - 1
        return None

    def stretches(self, after: int, last: int) -> Iterator[tuple[int, Sequence[int]]]:
        """Give all instants after one, up to and with another: bases, and times from them."""
        at = max(after + 1, FIRST)
        last = min(last, LAST)
        while at <= last:
            start, until, base, times = self._piece(at)
            if start < at or until > last + 1:
                times = times[bisect_left(times, at - base) : bisect_right(times, last - base)]
            if times:
                yield base, times
            at = until

    def moved(self, instant: int) -> list[int]:
        """List the readings that a gap moved to this instant."""
        segment = self._zone.segment(instant)
        if instant != segment.start or self._gap is Gap.SKIP:
            return []
        return self._readings(segment.seen, segment.start + segment.offset)

    def shows(self, instant: int) -> bool:
        """Tell whether the reading at an instant is one of the rule's wall times."""
        reading = instant + self._zone.offset(instant)
        return bool(self._readings(reading, reading + 1))

    def _search_after(self, instant: int) -> int | None:
        at = max(instant + 1, FIRST)
        limit = min(at + self._reach, LAST)
        while at <= limit:
            _, until, base, times = self._piece(at)
            place = bisect_left(times, at - base)
            if place < len(times):
                found = base + times[place]
                return found if found <= LAST else None
            at = until
        return None

    def _piece(self, instant: int) -> Piece:
        starts, pieces = self._known
        place = bisect_right(starts, instant)
        piece = pieces[place - 1]
        if instant < piece[1]:
            return piece
        start, until, base, times = self._build(instant)
        if len(starts) >= _PIECES_MAX:
            (starts, pieces), place = _NO_PIECES, 1
        # Empty pieces of one block may overlap; kept ones do not, so that they stay sorted.
        start = max(start, pieces[place - 1][1])
        if place < len(starts):
            until = min(until, starts[place])
        assert start <= instant < until, "a search would not end"
        piece = (start, until, base, times)
        self._known = (
            [*starts[:place], start, *starts[place:]],
            [*pieces[:place], piece, *pieces[place:]],
        )
        return piece

    def _build(self, instant: int) -> Piece:
        """Cut the piece around an instant out of its block and its segment."""
        segment = self._zone.segment(instant)
        offset = segment.offset
        first, end, times = self._blocks.block(instant + offset, offset)
        if not times and instant + offset > first + MARGIN:
            start, until = self._emptiness(first, end)
            if start <= instant < until:
                return start, until, 0, ()
        start = max(first - offset, segment.start, FIRST)
        until = min(end - offset, segment.until, LAST + 1)
        if start == segment.start and self._has_moved(segment.seen, start + offset):
            if instant == start:
                return start, start + 1, start, (0,)
            start += 1
        low, high = start + offset, until + offset
        if self._fold is Fold.FIRST:
            low = max(low, segment.seen)
        elif self._fold is Fold.SECOND:
            high = min(high, segment.again)
        if low > first or high < end:
            times = times[bisect_left(times, low - first) : bisect_left(times, high - first)]
        return start, until, first - offset, times

    def _emptiness(self, first: int, end: int) -> tuple[int, int]:
        """Tell between which instants readings are in an empty block, over all its segments.

        It may last 300 years. Near its beginning a fold may lead back into the block before.
        """
        start = self._zone.first(max(first, FIRST - MARGIN) + MARGIN)
        until = self._zone.first(min(end, LAST + MARGIN))
        return max(start, FIRST), min(until, LAST + 1)

    def _has_moved(self, seen: int, shown: int) -> bool:
        return self._gap is Gap.END and seen < shown and bool(self._readings(seen, shown, limit=1))

    def _readings(self, first: int, end: int, limit: int = _MOVED_MAX) -> list[int]:
        """List the wall times of the rule from a reading up to another, not included."""
        found: list[int] = []
        while first < end and len(found) < limit:
            block = self._blocks.block(first, 0)
            low = bisect_left(block.times, first - block.first)
            high = bisect_left(block.times, end - block.first)
            found += [block.first + time for time in block.times[low : min(high, low + limit)]]
            first = block.end
        return found

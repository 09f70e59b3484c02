"""Instants of which those on closed days move to the nearest open day, at the same wall time.

Rules of this border:
- The kept ones and the moved ones are disjoint: what moves to where an instant is anyway is
  one with it.
- What moves is found per open day beside closed ones, and remembered; nothing is walked to it.
- The wall time is the one that the rule says, also where a gap made it another instant.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from linod.recurrence.closed import CLOSED_MAX, LocalDays
from linod.recurrence.excluding import LEAPS_MAX, Open, is_in, is_over
from linod.recurrence.instants import Instants, walk
from linod.recurrence.track import Track
from linod.recurrence.zones import DAY
from linod.specs import Dst, Fold, Gap

DAYS_MAX = 366
"""Closed days that an instant passes at most: after a year it is no longer the same one."""
_KNOWN_MAX = 1024
"""Days remembered to which instants move."""
_WINDOW = 366 * DAY
"""How much is looked through at a time for what moves."""

_Times = Sequence[int] | frozenset[int]


class Moved:
    """Instants on open days, and those of closed days on the open day after or before them."""

    __slots__ = (
        "_closed",
        "_days",
        "_dst",
        "_inner",
        "_kept",
        "_known",
        "_taken",
        "_track",
        "_way",
    )

    def __init__(
        self,
        inner: Instants,
        days: LocalDays,
        *,
        way: int,
        dst: Dst,
        track: Track | None,
        taken: Sequence[Instants],
    ) -> None:
        self._inner = inner
        self._kept = Open(inner, days)
        self._days = days
        self._closed = days.closed
        # 1: to the day after, -1: to the day before.
        self._way = way
        self._dst = dst
        self._track = track
        self._taken = taken
        self._known: dict[int, tuple[int, ...]] = {}

    def after(self, instant: int) -> int | None:
        """Give the first instant after this one, kept or moved."""
        best = self._moved_after(instant, near=instant)
        begin = found = self._inner.after(instant)
        for leaps in range(LEAPS_MAX):
            if found is None or begin is None or (best is not None and best <= found):
                return best
            moved = self._moved_after(instant, near=found)
            best = moved if best is None else best if moved is None else min(best, moved)
            following = self._kept.passed_up(found)
            if following == found:
                return found if best is None else min(best, found)
            if is_over(leaps, found - begin):
                return best
            found = following
        return best

    def before(self, instant: int) -> int | None:
        """Give the last instant before this one, kept or moved."""
        best = self._moved_before(instant, near=instant)
        begin = found = self._inner.before(instant)
        for leaps in range(LEAPS_MAX):
            if found is None or begin is None or (best is not None and best >= found):
                return best
            moved = self._moved_before(instant, near=found)
            best = moved if best is None else best if moved is None else max(best, moved)
            following = self._kept.passed_down(found)
            if following == found:
                return found if best is None else max(best, found)
            if is_over(leaps, found - begin):
                return best
            found = following
        return best

    def stretches(self, after: int, last: int) -> Iterator[tuple[int, Sequence[int]]]:
        """Give the kept ones, and among them the moved ones, a year at a time."""
        following = self.after(after)
        while following is not None and following <= last:
            until = min(following + _WINDOW, last)
            yield from self._mixed(following - 1, until)
            following = self.after(until)

    def origin(self, instant: int) -> int | None:
        """Give the closed day from which an instant moved; None where it did not."""
        day = self._days.day(instant)
        if instant not in self._to(day):
            return None
        time = (instant + self._days.zone.offset(instant)) % DAY
        return next((each for each in self._sources(day) if time in self._times(each)), None)

    def _moved_after(self, instant: int, near: int) -> int | None:
        moved = (each for day in self._targets_near(near) for each in self._to(day))
        return min((each for each in moved if each > instant), default=None)

    def _moved_before(self, instant: int, near: int) -> int | None:
        moved = (each for day in self._targets_near(near) for each in self._to(day))
        return max((each for each in moved if each < instant), default=None)

    def _mixed(self, after: int, last: int) -> Iterator[tuple[int, Sequence[int]]]:
        """Give the kept ones, and per day to which some move, all of these in one list."""
        at = after
        for day in self._targets(after, last):
            moved = [each for each in self._to(day) if at < each <= last]
            if moved:
                yield from self._kept.stretches(at, moved[0] - 1)
                at = moved[-1]
                yield 0, sorted([*moved, *walk(self._kept, moved[0], at)])
        yield from self._kept.stretches(at, last)

    # -- days ---------------------------------------------------------------------------------

    def _targets(self, after: int, last: int) -> list[int]:
        """List the days to which something between two instants, or near them, may move."""
        found = {*self._targets_near(after), *self._targets_near(last)}
        day: int | None = self._days.day(after) - 1
        end = self._days.day(last) + 1
        while day is not None and day <= end:
            source = self._inner.after(self._days.begin(day) - 1)
            if source is None:
                break
            closed = self._closed.following(max(day, self._days.day(source)))
            if closed is None:
                break
            found.update(self._target(closed))
            day = self._closed.open_from(closed, 1, CLOSED_MAX)
        return sorted(found)

    def _targets_near(self, instant: int) -> Iterator[int]:
        """List the open days around an instant that have a closed one on the right side."""
        day = self._days.day(instant)
        for each in (day - 1, day, day + 1):
            if not self._closed.holds(each) and self._closed.holds(each - self._way):
                yield each
        if self._closed.holds(day):
            yield from self._target(day)

    def _target(self, closed: int) -> Iterator[int]:
        found = self._closed.open_from(closed, self._way, DAYS_MAX)
        if found is not None:
            yield found

    def _sources(self, target: int) -> Iterator[int]:
        """List the closed days from which an open one is the nearest."""
        for number in range(1, DAYS_MAX + 1):
            day = target - self._way * number
            if not self._closed.holds(day):
                return
            yield day

    # -- what moves ---------------------------------------------------------------------------

    def _to(self, target: int) -> tuple[int, ...]:
        """List what moves to a day and is not there anyway."""
        found = self._known.get(target)
        if found is None:
            if len(self._known) >= _KNOWN_MAX:
                self._known.clear()
            found = self._known[target] = self._found(target)
        return found

    def _found(self, target: int) -> tuple[int, ...]:
        own = self._times(target)
        # Most days are alike, and one whole list says so without a look at each time.
        seen, times = {own}, set[int]()
        for day in self._sources(target):
            of_day = self._times(day)
            if of_day not in seen:
                seen.add(of_day)
                times.update(of_day)
            if len(times) == DAY:
                break
        twice = self._shown_twice(target)
        times.difference_update(own if not twice else (each for each in own if each not in twice))
        return tuple(sorted(self._instants(target, times, twice))) if times else ()

    def _instants(self, day: int, times: set[int], twice: range) -> set[int]:
        """Turn wall times of a day, which the rule does not have there, into what is new there."""
        spans = list(self._days.spans(day))
        found = set[int]()
        for begin, until, offset in spans:
            shift = day * DAY - offset
            once = {time for time in times if begin <= time + shift < until and time not in twice}
            found.update(time + shift for time in once)
            times = times - once
        if len(spans) == 1 and not (times or self._taken or self._is_changed(spans[0][0])):
            return found
        found.update(each for time in times for each in self._resolved(day * DAY + time))
        return {each for each in found if self._is_new(each)}

    def _shown_twice(self, day: int) -> range:
        """Give the times of a day that the clock shows in two passes."""
        for (_, until, before), (begin, _, after) in pairwise(self._days.spans(day)):
            if after < before:
                return range(begin + after - day * DAY, until + before - day * DAY)
        return range(0)

    def _is_new(self, instant: int) -> bool:
        if self._days.is_closed(instant) or is_in(self._inner, instant):
            return False
        return not any(is_in(taken, instant) for taken in self._taken)

    def _resolved(self, reading: int) -> Iterator[int]:
        """Give the instants of a wall time, as `dst` says."""
        zone = self._days.zone
        first = zone.first(reading)
        if first + zone.offset(first) != reading:
            if self._dst.gap is Gap.END:
                yield first
            return
        if self._dst.fold is not Fold.SECOND:
            yield first
        if self._dst.fold is not Fold.FIRST:
            yield zone.last(reading)

    def _times(self, day: int) -> _Times:
        """List the wall times of a day; equal lists mean equal days."""
        spans = list(self._days.spans(day))
        pieces = [self._piece(begin, until, offset, day) for begin, until, offset in spans]
        if len(pieces) == 1 and not self._is_changed(spans[0][0]):
            return pieces[0]
        times = {time for piece in pieces for time in piece}
        for begin, _, offset in spans:
            times = self._unmoved(begin, begin + offset - day * DAY, times)
        return frozenset(times)

    def _piece(self, begin: int, until: int, offset: int, day: int) -> Sequence[int]:
        """List the times of one stretch of a day."""
        shift = offset - day * DAY
        pieces = list(self._inner.stretches(begin - 1, until - 1))
        if len(pieces) == 1 and isinstance(times := pieces[0][1], range):
            shift += pieces[0][0]
            return range(times.start + shift, times.stop + shift, times.step)
        return tuple(base + time + shift for base, times in pieces for time in times)

    def _is_changed(self, begin: int) -> bool:
        """Tell whether the clock changes where a stretch begins."""
        return self._track is not None and self._days.zone.segment(begin).start == begin

    def _unmoved(self, begin: int, time: int, times: set[int]) -> set[int]:
        """Put back to their wall times what a gap moved to its end."""
        if self._track is None or not self._is_changed(begin) or not is_in(self._inner, begin):
            return times
        readings = self._track.moved(begin)
        if readings and not self._track.shows(begin):
            times = times - {time}
        return times | {reading % DAY for reading in readings}

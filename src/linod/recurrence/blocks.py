"""The wall times of a rule in blocks: a stretch of readings, and the times in it.

Rules of this border:
- Readings are wall seconds (see zones); a block's times are relative to its beginning, sorted.
- Blocks know nothing of DST; the track lays them over the segments of the zone.
- A list of times is shared between the blocks of one kind, never changed.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from itertools import compress
from typing import NamedTuple, Protocol

from linod.recurrence.periods import Period, PeriodOf
from linod.recurrence.times import picked, regular, spread
from linod.recurrence.zones import DAY

_PRODUCT_MAX = 1024
"""Times of a period that are written out: a month of hours; denser rules get a block per day."""
_KINDS_MAX = 256
"""Lists remembered per rule; months of a rule have 28 kinds, more only with intervals."""


class Block(NamedTuple):
    """The times from the reading `first` up to, not including, the reading `end`."""

    first: int
    end: int
    times: Sequence[int]


class Blocks(Protocol):
    """What a track asks for."""

    def block(self, reading: int, offset: int) -> Block:
        """Give the block that holds a reading, where the clock is off UTC by `offset`."""


class Calendar:
    """Days times times of day, as of a rule that a wall clock alone decides."""

    __slots__ = ("_is_seamless", "_kinds", "_period", "_positions", "_times")

    def __init__(
        self, period: PeriodOf, times: Sequence[int], positions: tuple[int, ...] = ()
    ) -> None:
        self._period = period
        self._times = times
        self._positions = positions
        self._is_seamless = isinstance(times, range) and times.step * len(times) == DAY
        """The times go on through midnight: `every minute`, as numbers without a list."""
        self._kinds: dict[tuple[int, ...], Sequence[int] | None] = {}

    def block(self, reading: int, offset: int) -> Block:  # noqa: ARG002 - the same at each offset
        """Give the whole period, or where it holds too many times, the day."""
        day = reading // DAY
        period = self._period(day)
        try:
            times = self._kinds[period.days]
        except KeyError:
            times = self._remember(period.days)
        if times is None:
            return _day_block(period, day, self._times)
        return Block(period.first * DAY, period.end * DAY, times)

    def _remember(self, days: tuple[int, ...]) -> Sequence[int] | None:
        if len(self._kinds) >= _KINDS_MAX:
            self._kinds.clear()
        times = self._kinds[days] = self._expand(days)
        return times

    def _expand(self, days: tuple[int, ...]) -> Sequence[int] | None:
        """List the times of a period; None where that is better done day by day."""
        if self._positions:
            return picked(days, self._times, self._positions)
        found = spread(days, self._times) if self._is_seamless else ()
        if isinstance(found, range) and len(found) > _PRODUCT_MAX:
            return found
        if len(days) * len(self._times) > _PRODUCT_MAX:
            return None
        return tuple(spread(days, self._times))


class Lattice:
    """Steps in UTC, filtered on the wall reading (design section 4, point 3).

    `step` seconds lie between the beginnings of two periods, the first of which begins at the
    instant `anchor`; of each period the first `width` seconds count, and of these the ones whose
    time of day is in `times`. A period is cut at midnight and where the offset changes.
    """

    __slots__ = (
        "_anchor",
        "_mask",
        "_period",
        "_phases",
        "_positions",
        "_step",
        "_times",
        "_width",
    )

    def __init__(
        self,
        period: PeriodOf,
        times: Sequence[int],
        *,
        anchor: int,
        step: int,
        width: int,
        positions: tuple[int, ...] = (),
    ) -> None:
        self._period = period
        self._times = times
        self._mask = _mask(times)
        self._anchor = anchor
        self._step = step
        self._width = width
        self._positions = positions
        self._phases: dict[int, Sequence[int]] = {}

    def block(self, reading: int, offset: int) -> Block:
        """Give the day, or where the rule leaves days out, all until the next one."""
        day = reading // DAY
        phase = (day * DAY - offset - self._anchor) % self._step
        times = self._phases.get(phase)
        if times is None:
            if len(self._phases) >= _KINDS_MAX:
                self._phases.clear()
            times = self._phases[phase] = self._expand(phase)
        return _day_block(self._period(day), day, times)

    def _expand(self, phase: int) -> Sequence[int]:
        """List the times of a day that begins `phase` seconds after the beginning of a period."""
        step, width = self._step, self._width
        if width == 1 and not self._positions:
            every = range(-phase % step, DAY, step)
            return regular(tuple(compress(every, self._mask[every.start :: step])))
        found = [time for time in self._times if (phase + time) % step < width]
        if not self._positions:
            return tuple(found)
        groups: dict[int, list[int]] = {}
        for time in found:
            groups.setdefault((phase + time) // step, []).append(time)
        return tuple(
            time for group in groups.values() for time in picked((0,), group, self._positions)
        )


def _day_block(period: Period, day: int, times: Sequence[int]) -> Block:
    """Give the block of a day, or where the period leaves it out, all until the next one."""
    days = period.days
    place = bisect_left(days, day - period.first)
    following = period.first + days[place] if place < len(days) else period.end
    if following == day:
        return Block(day * DAY, (day + 1) * DAY, times)
    return Block(day * DAY, following * DAY, ())


def _mask(times: Sequence[int]) -> bytes:
    mask = bytearray(DAY)
    for time in times:
        mask[time] = 1
    return bytes(mask)

"""Instants as epoch seconds: elapsed steps, single instants, bounds and unions.

Everything here answers `after`, `before` and `stretches`; nothing walks from a start.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from heapq import merge
from itertools import islice
from typing import Protocol

from linod.recurrence.zones import FIRST, LAST

_CHUNK = 1024
"""Instants of a union that are merged at a time."""


class Instants(Protocol):
    """A set of instants, in order."""

    def after(self, instant: int) -> int | None:
        """Give the first instant after this one."""

    def before(self, instant: int) -> int | None:
        """Give the last instant before this one."""

    def stretches(self, after: int, last: int) -> Iterator[tuple[int, Sequence[int]]]:
        """Give all instants after one, up to and with another: bases, and times from them."""


def count(instants: Instants, after: int, last: int, at_most: int | None = None) -> int:
    """Count the instants after one, up to and with another."""
    if isinstance(instants, Union):
        return instants.count(after, last, at_most)
    total = 0
    for _, times in instants.stretches(after, last):
        total += len(times)
        if at_most is not None and total >= at_most:
            return at_most
    return total


def walk(instants: Instants, after: int, last: int) -> Iterator[int]:
    """Give the instants after one, up to and with another."""
    for base, times in instants.stretches(after, last):
        for time in times:
            yield base + time


def numbered(instants: Instants, after: int, number: int) -> int | None:
    """Give the instant of this number, 1 being the first one after an instant."""
    for base, times in instants.stretches(after, LAST):
        if number <= len(times):
            return base + times[number - 1]
        number -= len(times)
    return None


class Steps:
    """Every so many seconds, through an anchor."""

    __slots__ = ("_anchor", "_step")

    def __init__(self, anchor: int, step: int) -> None:
        self._anchor = anchor
        self._step = step

    def after(self, instant: int) -> int | None:
        """Give the first instant after this one."""
        found = instant + self._step - (instant - self._anchor) % self._step
        return found if found <= LAST else None

    def before(self, instant: int) -> int | None:
        """Give the last instant before this one."""
        found = instant - 1 - (instant - 1 - self._anchor) % self._step
        return found if found >= FIRST else None

    def stretches(self, after: int, last: int) -> Iterator[tuple[int, Sequence[int]]]:
        """Give all of them at once: a range costs nothing."""
        first = self.after(max(after, FIRST - 1))
        if first is not None and first <= last:
            yield 0, range(first, min(last, LAST) + 1, self._step)


class Single:
    """One instant."""

    __slots__ = ("at",)

    def __init__(self, at: int) -> None:
        self.at = at

    def after(self, instant: int) -> int | None:
        """Give it, if it comes after this one."""
        return self.at if self.at > instant else None

    def before(self, instant: int) -> int | None:
        """Give it, if it comes before this one."""
        return self.at if self.at < instant else None

    def stretches(self, after: int, last: int) -> Iterator[tuple[int, Sequence[int]]]:
        """Give it, if it lies between."""
        if after < self.at <= last:
            yield self.at, (0,)


class Listed:
    """Single instants, any number of them."""

    __slots__ = ("_instants",)

    def __init__(self, instants: Iterable[int]) -> None:
        self._instants = tuple(sorted(set(instants)))

    def after(self, instant: int) -> int | None:
        """Give the first one after this one."""
        place = bisect_right(self._instants, instant)
        return self._instants[place] if place < len(self._instants) else None

    def before(self, instant: int) -> int | None:
        """Give the last one before this one."""
        place = bisect_left(self._instants, instant)
        return self._instants[place - 1] if place else None

    def stretches(self, after: int, last: int) -> Iterator[tuple[int, Sequence[int]]]:
        """Give those that lie between."""
        first, end = bisect_right(self._instants, after), bisect_right(self._instants, last)
        if first < end:
            yield 0, self._instants[first:end]


class Bounded:
    """Instants from a first to a last one; `events_max` is turned into a last one at first use."""

    __slots__ = ("_events_max", "_first", "_last", "inner")

    def __init__(self, inner: Instants, first: int, last: int, events_max: int | None) -> None:
        self.inner = inner
        self._first = first
        self._last = last
        self._events_max = events_max

    def after(self, instant: int) -> int | None:
        """Give the first instant after this one, within the bounds."""
        found = self.inner.after(max(instant, self._first - 1))
        return found if found is not None and found <= self.last else None

    def before(self, instant: int) -> int | None:
        """Give the last instant before this one, within the bounds."""
        found = self.inner.before(min(instant, self.last + 1))
        return found if found is not None and found >= self._first else None

    def stretches(self, after: int, last: int) -> Iterator[tuple[int, Sequence[int]]]:
        """Give all instants within the bounds and the arguments."""
        return self.inner.stretches(max(after, self._first - 1), min(last, self.last))

    @property
    def last(self) -> int:
        """Give the upper bound; a number of events is counted out once."""
        if self._events_max is not None:
            found = numbered(self.inner, self._first - 1, self._events_max)
            self._last = self._last if found is None else min(self._last, found)
            self._events_max = None
        return self._last

    def spans(self, instant: int) -> bool:
        """Tell whether an instant lies within the bounds."""
        return self._first <= instant <= self.last


class Union:
    """The instants of several parts; equal ones count once."""

    __slots__ = ("_parts",)

    def __init__(self, parts: Sequence[Instants]) -> None:
        self._parts = tuple(parts)

    def after(self, instant: int) -> int | None:
        """Give the first instant of any part."""
        found = [part.after(instant) for part in self._parts]
        return min((each for each in found if each is not None), default=None)

    def before(self, instant: int) -> int | None:
        """Give the last instant of any part."""
        found = [part.before(instant) for part in self._parts]
        return max((each for each in found if each is not None), default=None)

    def stretches(self, after: int, last: int) -> Iterator[tuple[int, Sequence[int]]]:
        """Give them merged, some at a time."""
        merged = _distinct(merge(*(walk(part, after, last) for part in self._parts)))
        while chunk := tuple(islice(merged, _CHUNK)):
            yield 0, chunk

    def count(self, after: int, last: int, at_most: int | None) -> int:
        """Count the densest part by arithmetic, and of the others what is not in it."""
        counts = [count(part, after, last, at_most) for part in self._parts]
        densest = max(range(len(counts)), key=counts.__getitem__, default=None)
        if densest is None or (at_most is not None and counts[densest] >= at_most):
            return 0 if densest is None else counts[densest]
        total, dense = counts[densest], self._parts[densest]
        others = [part for i, part in enumerate(self._parts) if i != densest]
        for instant in _distinct(merge(*(walk(part, after, last) for part in others))):
            if at_most is not None and total >= at_most:
                break
            total += dense.after(instant - 1) != instant
        return total


def _distinct(ordered: Iterable[int]) -> Iterator[int]:
    former: int | None = None
    for instant in ordered:
        if instant != former:
            yield instant
        former = instant

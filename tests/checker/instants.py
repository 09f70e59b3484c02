"""Instants as microseconds since 1970 UTC, and spans of time that are found by what they touch."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Generic, TypeVar

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
SECOND = 1_000_000
NEVER = 1 << 62
"""Later than any instant."""

Item = TypeVar("Item")


def ticks(instant: datetime) -> int:
    """Turn an aware instant into microseconds since 1970 UTC, exactly."""
    return (instant - EPOCH) // MICROSECOND


def length(duration: timedelta) -> int:
    """Turn a duration into microseconds."""
    return duration // MICROSECOND


def instant_of(ticks: int) -> datetime:
    """Turn microseconds since 1970 UTC into an aware instant."""
    return EPOCH + timedelta(microseconds=ticks)


class Spans(Generic[Item]):
    """Things that last from a first to a last instant, both included."""

    def __init__(self, items: Iterable[tuple[int, int, Item]] = ()) -> None:
        self._items = sorted(items, key=lambda item: item[:2])
        self._begins = [begin for begin, _, _ in self._items]
        self._reach: list[int] = []
        """The latest end of all that begin no later than this one."""
        latest = -NEVER
        for _, end, _ in self._items:
            latest = max(latest, end)
            self._reach.append(latest)

    def __bool__(self) -> bool:
        return bool(self._items)

    def touching(self, first: int, last: int) -> Iterator[tuple[int, int, Item]]:
        """Give what lasts into a stretch of time, that which began last first."""
        index = bisect_right(self._begins, last) - 1
        while index >= 0 and self._reach[index] >= first:
            if self._items[index][1] >= first:
                yield self._items[index]
            index -= 1

    def is_touching(self, first: int, last: int) -> bool:
        """Tell whether anything lasts into a stretch of time."""
        index = bisect_right(self._begins, last) - 1
        return index >= 0 and self._reach[index] >= first


def longest_free(first: int, last: int, taken: Iterable[tuple[int, int]]) -> int:
    """Measure the longest stretch between two instants in which nothing is taken."""
    return max((end - begin for begin, end in free(first, last, taken)), default=0)


def free(first: int, last: int, taken: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Give the stretches between two instants in which nothing is taken."""
    since = first
    for begin, end in sorted(taken):
        if min(begin, last) > since:
            yield since, min(begin, last)
        since = max(since, end)
    if last > since:
        yield since, last

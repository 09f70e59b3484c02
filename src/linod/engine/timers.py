"""What has to be looked at again, and when: at an instant of the clock, or after a length of time.

Lengths are counted on the time since boot, which no one can set: a clock that steps neither
hastens a retry nor holds it up.
"""

from __future__ import annotations

import heapq
from datetime import datetime, timedelta
from itertools import count
from typing import Generic, TypeVar

from attrs import frozen

from linod.policy import WarningKind

_Moment = TypeVar("_Moment", datetime, timedelta)


@frozen
class LookAt:
    """Runs of a task may have become ready to start."""

    task: str


@frozen
class Continue:
    """A task that runs continuously is due again."""

    task: str


@frozen
class EndPauses:
    """A pause ends."""


@frozen
class Watch:
    """A warning may be due: on a run, or on a task as a whole."""

    task: str
    kind: WarningKind
    run: int = 0
    limit: timedelta | None = None
    """Of a run: the length that is looked for."""


Timer = LookAt | Continue | EndPauses | Watch


class Timers:
    """All timers of an engine; one that is not wanted any more finds nothing to do."""

    def __init__(self) -> None:
        self._instants = _Heap[datetime]()
        self._lengths = _Heap[timedelta]()

    def at(self, instant: datetime, timer: Timer) -> None:
        """Go off at an instant of the clock."""
        self._instants.push(instant, timer)

    def after(self, elapsed: timedelta, timer: Timer) -> None:
        """Go off at a time since boot."""
        self._lengths.push(elapsed, timer)

    def take(self, now: datetime, elapsed: timedelta) -> list[Timer]:
        """Take out those that went off, each once."""
        fired = [*self._instants.take(now), *self._lengths.take(elapsed)]
        return list(dict.fromkeys(fired))

    def wake(self, now: datetime, elapsed: timedelta) -> datetime | None:
        """When the first one goes off, if nobody sets the clock until then."""
        first, rest = self._instants.first, self._lengths.first
        if rest is None:
            return first
        instant = now + max(timedelta(0), rest - elapsed)
        return instant if first is None else min(first, instant)


class _Heap(Generic[_Moment]):
    def __init__(self) -> None:
        self._entries: list[tuple[_Moment, int, Timer]] = []
        self._wanted: set[tuple[_Moment, Timer]] = set()
        self._numbers = count()

    @property
    def first(self) -> _Moment | None:
        return self._entries[0][0] if self._entries else None

    def push(self, moment: _Moment, timer: Timer) -> None:
        if (moment, timer) not in self._wanted:
            self._wanted.add((moment, timer))
            heapq.heappush(self._entries, (moment, next(self._numbers), timer))

    def take(self, upto: _Moment) -> list[Timer]:
        taken = []
        while self._entries and self._entries[0][0] <= upto:
            moment, _, timer = heapq.heappop(self._entries)
            self._wanted.remove((moment, timer))
            taken.append(timer)
        return taken

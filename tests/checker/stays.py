"""What went on: each attempt from its decision to its end, and how far that is known.

A *stay* is one run row with what the task itself noted down. Rows are written in the deciding
clock's time, which may have shown an instant more than once: so its beginning and end are kept as
the earliest and the latest that they can have been, in lived time.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable

from attrs import frozen

from .clock import Clock
from .history import Begun, RunRow
from .instants import NEVER, Spans, ticks
from .serving import Serving

WAITING = "waiting"
STARTING = "starting"
RUNNING = "running"
UNFINISHED = (WAITING, STARTING, RUNNING)
NEVER_STARTED = "never started"
BY_PEOPLE = ("manual", "backfill")


@frozen
class Stay:
    """One attempt; all instants but `due` and `planned` are lived."""

    row: RunRow
    begun: Begun | None
    due: int
    planned: int
    queued_first: int
    queued_last: int
    started: int | None
    """When the task noted that it began; of a chain, the first of its members."""
    end_first: int
    """Before this it was certainly going on."""
    end_last: int
    """After this it was certainly over, and the decider knew."""

    @property
    def is_by_people(self) -> bool:
        """Tell whether a person asked for it."""
        return self.row.trigger in BY_PEOPLE

    @property
    def is_waiting(self) -> bool:
        """Tell whether it waits still, or waited until it was dropped."""
        state = self.row.state
        return state == WAITING or (state == "cancelled" and self.started is None)


def stay_of(row: RunRow, begun: Begun | None, clock: Clock, serving: Serving) -> Stay:
    """Join what the store and the task say of an attempt."""
    queued_first, queued_last = _beginning(row, begun, clock)
    first, last = _end(row, begun, clock, serving)
    return Stay(
        row=row,
        begun=begun,
        due=ticks(row.due),
        planned=ticks(row.planned),
        queued_first=queued_first,
        queued_last=queued_last,
        started=None if begun is None else ticks(begun.started),
        end_first=first,
        end_last=last,
    )


def _beginning(row: RunRow, begun: Begun | None, clock: Clock) -> tuple[int, int]:
    queued = ticks(row.queued)
    first, last = clock.first(queued), clock.last(queued)
    # A clock that was set back shows it again, but what has begun was decided before.
    return first, last if begun is None else max(min(last, ticks(begun.started)), first)


def _end(row: RunRow, begun: Begun | None, clock: Clock, serving: Serving) -> tuple[int, int]:
    first = last = NEVER
    if row.ended is not None:
        ended = ticks(row.ended)
        first, last = clock.first(ended), clock.last(ended)
        beginning = clock.first(ticks(row.queued)) if begun is None else ticks(begun.started)
        if first < beginning:
            # The clock was set back: it showed this end before the run began, too.
            first = clock.since(beginning, ended)
    if begun is not None and begun.ended is not None:
        noted = ticks(begun.ended)
        learnt = serving.learnt(noted)
        first, last = min(first, noted), min(last, NEVER if learnt is None else learnt)
    return first, max(first, last)


class Lane:
    """The stays that exclude each other: those of a task, or of a chain."""

    def __init__(self, stays: Iterable[Stay]) -> None:
        self.stays = sorted(stays, key=lambda stay: (stay.queued_first, stay.row.attempt))
        self._possible = Spans((stay.queued_first, stay.end_last, stay) for stay in self.stays)
        self._queued = [stay.queued_first for stay in self.stays]
        self._over = sorted(stay.end_last for stay in self.stays)
        # What never started has no end that anything rests after.
        self._ends = Spans(
            (stay.end_first, stay.end_last, stay)
            for stay in self.stays
            if stay.end_first < NEVER and stay.row.reason != NEVER_STARTED
        )

    def going_on(self, first: int, last: int) -> Iterable[Stay]:
        """Give all that may have been going on at any instant between two."""
        return (stay for _, _, stay in self._possible.touching(first, last))

    def most(self, first: int, last: int) -> int:
        """Count what can have been going on at most at one instant between two."""
        return bisect_right(self._queued, last) - bisect_left(self._over, first)

    def over_by(self, instant: int) -> Iterable[Stay]:
        """Give all that may have ended by an instant."""
        return (stay for _, _, stay in self._ends.touching(-NEVER, instant))

    def ended(self, first: int, last: int) -> Iterable[Stay]:
        """Give all that may have ended at any instant between two."""
        return (stay for _, _, stay in self._ends.touching(first, last))

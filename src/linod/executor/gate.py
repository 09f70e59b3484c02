"""Holds workers that are done where they are, while others of the same keeper are to start.

To take a process down takes longer than to start a run in one that waits, and no priority keeps a
processor from doing it that has nothing else in its own queue: who is to start may be in another.

Rules of this border:
- A worker that is done has said all that there is to say: nobody waits for its end but who counts.
- Nobody is held by a run that does not get to its begin, nor for long.
"""

from __future__ import annotations

import os
import select
from contextlib import suppress

from linod.executor.kept import KeptRun

MANY = 16
"""For fewer that start together it would take longer to open it than to let go who is done."""
OPENS_AFTER_S = 0.1
"""If no other run has begun for so long, those that have not hold back nobody."""
NO_GATE = -1
_HELD_S = 10.0
"""Nobody waits for longer at a gate, whatever its keeper does."""


class Gate:
    """One per keeper: it is open as long as a counter, eventfd(2), is not at zero.

    Where there are no such counters it is always open.
    """

    def __init__(self) -> None:
        self.descriptor = NO_GATE
        """What workers inherit."""
        if hasattr(os, "eventfd"):
            self.descriptor = os.eventfd(1, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._awaited: list[KeptRun] = []
        self.are_more_due = False
        """Others will be started in a moment: it is kept closed for them."""
        self.opens_at: float | None = None
        """At the latest, on the clock of limits; None: it is open."""

    def close_for(self, count: int, now: float) -> None:
        """Hold who is done until these have begun, so many, which are started now."""
        if count >= MANY and self.opens_at is None and self.descriptor != NO_GATE:
            self.opens_at = now + OPENS_AFTER_S
            with suppress(BlockingIOError):
                os.eventfd_read(self.descriptor)

    def wait_for(self, run: KeptRun) -> None:
        """Keep it closed until this one has begun, if it is closed."""
        if self.opens_at is not None:
            self._awaited.append(run)

    def look(self, now: float) -> None:
        """Open it where all that it was closed for have begun, or they do not."""
        if self.opens_at is None:
            return
        left = [run for run in self._awaited if run.started is None and not run.is_over]
        if len(left) < len(self._awaited):
            self._awaited = left
            self.opens_at = now + OPENS_AFTER_S
        if now >= self.opens_at or not (left or self.are_more_due):
            self._awaited.clear()
            self.opens_at = None
            with suppress(BlockingIOError):  # a worker has written there what it could
                os.eventfd_write(self.descriptor, 1)


def pass_through(gate: int) -> None:
    """Wait in a worker until the gate is open."""
    if gate == NO_GATE:
        return
    poll = select.poll()
    poll.register(gate, select.POLLIN)
    poll.poll(_HELD_S * 1000)

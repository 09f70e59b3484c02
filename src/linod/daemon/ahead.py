"""Decides and commits a little before what is due has come, so that only a word is left to say.

Rules of this border:
- Nothing starts before its instant: `hold` holds it, by the clock as it is then.
- The commit begins as long before as the last ones took, but for COMMITTED_MAX at most: `wait`
  holds the transaction until then.
- Meanwhile events wait, for no longer than LEAD_MAX.
- Where the clock is set, or a stop comes, before the commit, it is given up, and what is due is
  decided as ever. What is committed starts, as a timer would go off that was set just then.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta

from linod.daemon import clock

AT_ONCE = 128
"""So many tasks are decided ahead at most."""
_LEAD = timedelta(milliseconds=4)
_LEAD_EACH = timedelta(milliseconds=1)
"""To decide it, and to have a worker take its order."""
LEAD_MAX = _LEAD + AT_ONCE * _LEAD_EACH
COMMITTED_MAX = timedelta(milliseconds=10)
"""For so long what is committed waits for its instant at most."""
_REMEMBERED = 8
"""Commits by which the next one is judged: the slowest but one of them."""
# Who sleeps is woken late, and slow: the last moment it looks at the clock all the time.
_AWAKE = timedelta(microseconds=300)
# The loop counts in milliseconds; what is less it sleeps through.
_TO_THE_POINT = timedelta(milliseconds=2)
# A clock that is corrected little by little moves by less.
_STEP = timedelta(milliseconds=5)


class NotYet(Exception):  # noqa: N818 - it reads as what happened
    """What was decided ahead is not to be committed."""


class Ahead:
    """When to begin with what is due next, and the wait for it."""

    def __init__(
        self,
        is_closed: Callable[[], bool],
        offset: Callable[[], timedelta] = clock.offset,
        now: Callable[[], datetime] = clock.now,
    ) -> None:
        """Wait by these clocks, of which `offset` jumps when somebody sets the other.

        `is_closed` tells whether nothing may start any more.
        """
        self._now = now
        self._is_closed = is_closed
        self._offset = offset
        self._instant: datetime | None = None
        self._lead = _LEAD
        self._hurry = threading.Event()
        self._held: tuple[datetime, float] | None = None
        """The instant that was waited for, and when its commit was to begin (time.monotonic)."""
        self._commits: deque[timedelta] = deque(maxlen=_REMEMBERED)
        """How long the last ones took, from there until they were known."""

    def expect(self, instant: datetime, tasks: int) -> None:
        """Note what is due next: so many tasks."""
        self._instant = instant
        self._lead = _LEAD + min(tasks, AT_ONCE) * _LEAD_EACH

    def ring_at(self, wake: datetime | None) -> datetime | None:
        """Say when to begin with what is due next."""
        return wake - self._lead if wake is not None and wake == self._instant else wake

    def take(self, now: datetime, wake: datetime | None) -> datetime | None:
        """Give, once, the instant for which it is time to begin.

        `wake` is what is due next: what comes before it is to be settled first.
        """
        instant = self._instant
        if instant is None or now < instant - self._lead:
            return None
        if wake is not None and wake < instant:
            return None
        self._instant = self._held = None
        return instant if now < instant else None

    @property
    def commit_takes(self) -> timedelta:
        """How long a commit is expected to take."""
        slowest = sorted(self._commits)[-2:]
        return min(COMMITTED_MAX, slowest[0]) if slowest else timedelta(0)

    def wait(self, instant: datetime) -> None:
        """Return, in the store's thread, when it is time to commit what an instant lets start.

        Raises NotYet where it is not to be waited for.
        """
        offset, at = self._offset(), instant - self.commit_takes
        begin = time.monotonic() + max(0.0, (at - self._now()).total_seconds())
        self._hurry.clear()
        while True:
            if self._is_closed() or abs(self._offset() - offset) > _STEP:
                raise NotYet
            rest = (at - self._now()).total_seconds()
            if rest <= 0:
                break
            self._hurry.wait(rest)
        self._held = instant, begin

    async def hold(self) -> None:
        """Return, on the loop, when the instant has come that was waited for, if one was."""
        if self._held is None:
            return
        instant, begin = self._held
        present = time.monotonic()
        self._commits.append(timedelta(seconds=present - begin))
        limit = present + (COMMITTED_MAX + _STEP).total_seconds()
        while (rest := instant - self._now()) > timedelta(0) and time.monotonic() < limit:
            rest = min(rest, COMMITTED_MAX)  # the clock may have been set back
            if rest > _TO_THE_POINT:
                await asyncio.sleep((rest - _TO_THE_POINT).total_seconds())
            elif rest > _AWAKE:
                time.sleep((rest - _AWAKE).total_seconds())  # for less than the loop can

    def hurry(self) -> None:
        """Look at once whether to go on waiting."""
        self._hurry.set()

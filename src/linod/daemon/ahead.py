"""Decides a little before what is due has come, so that nothing but a commit is left to do then.

Rules of this border:
- Nothing is committed before its instant, by the clock as it is then: `wait` holds the transaction.
- Meanwhile events wait, for no longer than LEAD_MAX.
- Where the clock is set, or a stop comes, it is given up, and what is due is decided as ever.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from linod.daemon import clock

AT_ONCE = 128
"""So many tasks are decided ahead at most."""
_LEAD = timedelta(milliseconds=4)
_LEAD_EACH = timedelta(milliseconds=1)
"""To decide it, and to have a worker take its order."""
LEAD_MAX = _LEAD + AT_ONCE * _LEAD_EACH
# Who sleeps is woken late, and slow: the last moment it looks at the clock all the time.
_AWAKE = timedelta(microseconds=300)
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
    ) -> None:
        """`is_closed` tells whether nothing may start any more; `offset` jumps with the clock."""
        self._is_closed = is_closed
        self._offset = offset
        self._instant: datetime | None = None
        self._lead = _LEAD
        self._hurry = threading.Event()

    def expect(self, instant: datetime, tasks: int) -> None:
        """Note what is due next: so many tasks."""
        self._instant = instant
        self._lead = _LEAD + min(tasks, AT_ONCE) * _LEAD_EACH

    def ring_at(self, wake: datetime | None) -> datetime | None:
        """Say when to begin with what is due next."""
        return wake - self._lead if wake is not None and wake == self._instant else wake

    def take(self, now: datetime) -> datetime | None:
        """Give, once, the instant for which it is time to begin."""
        instant = self._instant
        if instant is None or now < instant - self._lead:
            return None
        self._instant = None
        return instant if now < instant else None

    def wait(self, instant: datetime) -> None:
        """Return when an instant has come; raise NotYet where it is not to be waited for."""
        offset = self._offset()
        self._hurry.clear()
        while True:
            if self._is_closed() or abs(self._offset() - offset) > _STEP:
                raise NotYet
            rest = instant - clock.now()
            if rest <= timedelta(0):
                return
            if rest > _AWAKE:
                self._hurry.wait((rest - _AWAKE).total_seconds())

    def hurry(self) -> None:
        """Look at once whether to go on waiting."""
        self._hurry.set()

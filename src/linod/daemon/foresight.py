"""Looks ahead a little before the next instant at which something is due."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from linod.daemon import clock

LEAD = timedelta(seconds=1)
"""Forking a hundred workers takes some tenths of a second."""


class Foresight:
    """Calls once for each instant, a second before it."""

    def __init__(self, expect: Callable[[datetime], Awaitable[None]]) -> None:
        self._expect = expect
        self._wake: datetime | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._looking: set[asyncio.Task[None]] = set()

    def look(self, wake: datetime | None) -> None:
        """Take note of the next instant; nothing new where it is known."""
        if wake == self._wake:
            return
        self._wake = wake
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if wake is not None:
            rest = (wake - LEAD - clock.now()).total_seconds()
            self._timer = asyncio.get_running_loop().call_later(max(0.0, rest), self._look)

    def close(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()
        for task in self._looking:
            task.cancel()

    def _look(self) -> None:
        assert self._wake is not None
        task = asyncio.ensure_future(self._expect(self._wake))
        self._looking.add(task)
        task.add_done_callback(self._looking.discard)

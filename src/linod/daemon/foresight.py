"""Looks ahead a little before the next instant at which something is due."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from linod.daemon import clock
from linod.specs import Task

_LEAD = timedelta(seconds=1)
_LEAD_EACH = timedelta(milliseconds=7)
"""To fork a worker and have it make ready, beside what runs anyway."""
_LEAD_MAX = timedelta(seconds=8)


def lead(tasks: int) -> timedelta:
    """Say how long before they are due the preparation for so many tasks begins."""
    return min(_LEAD_MAX, max(_LEAD, tasks * _LEAD_EACH))


class Foresight:
    """Prepares once for each instant, as long before it as that takes for what is due then."""

    def __init__(
        self,
        due_by: Callable[[datetime], Awaitable[list[Task]]],
        prepare: Callable[[datetime, list[Task]], None],
    ) -> None:
        """Prepare for what is due by an instant, as far as that can be said now."""
        self._due_by = due_by
        self._prepare = prepare
        self._wake: datetime | None = None
        """What is due next."""
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
            rest = (wake - _LEAD_MAX - clock.now()).total_seconds()
            self._timer = asyncio.get_running_loop().call_later(max(0.0, rest), self._look)

    def close(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()
        for task in self._looking:
            task.cancel()

    def _look(self) -> None:
        assert self._wake is not None
        task = asyncio.ensure_future(self._wait(self._wake))
        self._looking.add(task)
        task.add_done_callback(self._looking.discard)

    async def _wait(self, wake: datetime) -> None:
        tasks = await self._due_by(wake)
        while self._wake == wake and (rest := wake - lead(len(tasks)) - clock.now()) > timedelta(0):
            await asyncio.sleep(rest.total_seconds())
            tasks = await self._due_by(wake)
        if self._wake == wake:  # another one may have come nearer meanwhile
            self._prepare(wake, tasks)

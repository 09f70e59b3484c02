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
        self._instant: datetime | None = None
        """When the calendar brings something next."""
        self._timer: asyncio.TimerHandle | None = None
        self._looking: set[asyncio.Task[None]] = set()

    def look(self, instant: datetime | None) -> None:
        """Take note of the next instant; nothing new where it is known."""
        if instant == self._instant:
            return
        self._instant = instant
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if instant is not None:
            rest = (instant - _LEAD_MAX - clock.now()).total_seconds()
            self._timer = asyncio.get_running_loop().call_later(max(0.0, rest), self._look)

    def close(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()
        for task in self._looking:
            task.cancel()

    def _look(self) -> None:
        assert self._instant is not None
        task = asyncio.ensure_future(self._wait(self._instant))
        self._looking.add(task)
        task.add_done_callback(self._looking.discard)

    async def _wait(self, instant: datetime) -> None:
        tasks = await self._due_by(instant)
        while self._instant == instant and (rest_s := _rest_s(instant, len(tasks))) > 0:
            await asyncio.sleep(rest_s)
            tasks = await self._due_by(instant)
        if self._instant == instant:  # another one may have come nearer meanwhile
            self._prepare(instant, tasks)


def _rest_s(instant: datetime, tasks: int) -> float:
    return (instant - lead(tasks) - clock.now()).total_seconds()

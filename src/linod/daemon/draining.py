"""The end of what runs when the daemon stops, by the `on_stop` with which each run started."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Collection
from datetime import timedelta

from linod.daemon.service import Service
from linod.daemon.teller import Teller
from linod.events import Outcome, StopRun
from linod.executor import Executor
from linod.specs import LogLevel, OnStop
from linod.views import count_of, duration

KILL_AFTER_S = 5.0
"""From TERM to KILL when the daemon stops."""
LEAVE_AFTER_S = 1.0
"""From KILL to leaving what still does not end to the next start."""
STOPPED = "linod was stopped"


class Draining:
    """Ends runs: those that may finish are waited for, the others get a limit, TERM, then KILL.

    Those that are to be kept are left alone.
    """

    def __init__(
        self, service: Service, executor: Executor, teller: Teller, killed: asyncio.Event
    ) -> None:
        self._service = service
        self._executor = executor
        self._teller = teller
        self._killed = killed
        """Set when a person asks a second time: then everything ends at once."""

    def finishing(self) -> list[int]:
        """The runs that are waited for without a limit."""
        return self._of(OnStop.FINISH)

    def keeping(self) -> list[int]:
        """The runs that go on under their keepers, for the next daemon."""
        return self._of(OnStop.KEEP)

    async def drain(self, limit: timedelta) -> None:
        """Wait for what runs, or end it; nothing new starts any more."""
        finishing = self.finishing()
        kept = self.keeping()
        others = [run for run in self._begun() if run not in finishing and run not in kept]
        self._tell(len(others), len(finishing), limit)
        await self._end_within(others, limit)
        await self._unless_killed(self._service.until_ended(finishing, None))
        await self._kill(finishing)

    async def _end_within(self, runs: Collection[int], limit: timedelta) -> None:
        await self._unless_killed(self._service.until_ended(runs, limit.total_seconds()))
        if not self._killed.is_set():
            self._end(runs, is_forced=False)
            await self._unless_killed(self._service.until_ended(runs, KILL_AFTER_S))
        await self._kill(runs)

    async def _kill(self, runs: Collection[int]) -> None:
        self._end(runs, is_forced=True)
        # A store in trouble takes no ends: the next start reads them from the run files.
        leave_after_s = 0.0 if self._service.trouble else LEAVE_AFTER_S
        await self._service.until_ended(runs, leave_after_s)

    def _of(self, on_stop: OnStop) -> list[int]:
        """The runs of tasks with this `on_stop`."""
        tasks = {run: self._executor.definition(run) for run in self._begun()}
        return [run for run, task in tasks.items() if task and task.on_stop is on_stop]

    def _begun(self) -> list[int]:
        return [run.id for run in self._service.board.begun]

    def _end(self, runs: Collection[int], *, is_forced: bool) -> None:
        for run in self._service.board.begun:
            if run.id in runs:
                self._executor.stop(
                    StopRun(
                        run=run.id,
                        lease=run.lease,
                        outcome=Outcome.CANCELLED,
                        reason=STOPPED,
                        is_forced=is_forced,
                    )
                )

    async def _unless_killed(self, ended: Awaitable[None]) -> None:
        waits = [asyncio.ensure_future(ended), asyncio.ensure_future(self._killed.wait())]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()

    def _tell(self, others: int, finishing: int, limit: timedelta) -> None:
        runs = others + finishing
        if not runs:
            return
        long = "however long"
        if others:
            of_them = f", {finishing} of them however long" if finishing else ""
            long = f"{duration(limit.total_seconds())} at most{of_them}"
        them = "it" if runs == 1 else "them"
        self._teller.say(
            LogLevel.INFO,
            f"stopping: waiting for {count_of(runs, 'run')} ({long}; Ctrl-C again ends {them})",
        )

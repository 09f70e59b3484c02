"""Pretends to run what it is told to start: it only knows when each run is over."""

from __future__ import annotations

import heapq
from datetime import datetime
from typing import Any

from attrs import define

from linod.events import Event, Outcome, RunEnded, RunStarted, StartRun, StopRun
from linod.simulation.fates import Fates


@define(kw_only=True, eq=False)
class _Going:
    """A run that goes on."""

    start: StartRun
    began: datetime
    ends: datetime
    outcome: Outcome
    reason: str


class FakeExecutor:
    """Starts at once; a run that is stopped takes all of `kill_after`, if it is not over before."""

    def __init__(self, fates: Fates) -> None:
        self._fates = fates
        self._going: dict[int, _Going] = {}
        self._ends: list[tuple[datetime, int]] = []
        self._begun: list[RunStarted] = []

    @property
    def next_event(self) -> datetime | None:
        """When something is to be told next; that a run began mostly can wait for what follows."""
        urgent = (start.at for start in self._begun if self._is_watched(start.run))
        return next(urgent, self._next_end)

    @property
    def _next_end(self) -> datetime | None:
        while self._ends and not self._is_next(*self._ends[0]):
            heapq.heappop(self._ends)
        return self._ends[0][0] if self._ends else None

    def start(self, start: StartRun, now: datetime) -> None:
        """Begin a run."""
        fate = self._fates.of(start.task, start.due, start.attempt)
        going = _Going(
            start=start,
            began=now,
            ends=now + fate.length,
            outcome=fate.outcome,
            reason=fate.reason,
        )
        self._going[start.run] = going
        heapq.heappush(self._ends, (going.ends, start.run))
        self._begun.append(RunStarted(run=start.run, lease=start.lease, worker="", at=now))

    def stop(self, stop: StopRun, now: datetime) -> None:
        """End a run that may be over already."""
        going = self._going.get(stop.run)
        if going is None:
            return
        killed = now if stop.is_forced else now + going.start.task.kill_after
        going.ends = min(going.ends, killed)
        going.outcome, going.reason = stop.outcome, stop.reason
        heapq.heappush(self._ends, (going.ends, stop.run))

    def take_begun(self) -> list[Event]:
        """Take what has just begun."""
        begun: list[Event] = [*self._begun]
        self._begun = []
        return begun

    def take(self, now: datetime) -> list[Event]:
        """Take what happened until now: begins, then ends in their order."""
        events = self.take_begun()
        while (ends := self._next_end) is not None and ends <= now:
            going = self._going.pop(heapq.heappop(self._ends)[1])
            events.append(_end_of(going))
        return events

    def _is_watched(self, run: int) -> bool:
        """Tell whether the engine sets a timer from the begin of a run."""
        return self._going[run].start.task.warn.running is not None

    def _is_next(self, ends: datetime, run: int) -> bool:
        going = self._going.get(run)
        return going is not None and going.ends == ends


def _end_of(going: _Going) -> RunEnded:
    return RunEnded(
        run=going.start.run,
        lease=going.start.lease,
        outcome=going.outcome,
        reason=going.reason,
        detail=_detail(going),
        started=going.began,
        ended=going.ends,
    )


def _detail(going: _Going) -> dict[str, Any]:
    """A simulated failure is one that `retry.on` names."""
    names = going.start.task.retry.on
    return {"exception": names[0]} if names and going.outcome is Outcome.FAILED else {}

"""The present as status shows it: kept from settlements, so that it needs no disk."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from attrs import evolve, frozen

from linod.engine import Settled
from linod.events import State
from linod.executor.progress import Progress
from linod.policy import ALL, WARNED_FOR, Hold, HoldKind, is_ahead, step_of
from linod.store.interface import OUTCOMES_SHOWN, RunRow, TaskSummary, WarningRow
from linod.views import utc

_ProgressOf = Callable[[int], Progress | None]
"""How far a run is, by its number."""


@frozen(kw_only=True)
class Served:
    """A task or a chain as the daemon serves it from an adoption on."""

    task: str
    zone: str
    is_chain: bool
    is_enabled: bool
    next_due: datetime | None
    failures: int
    """So many occurrences in a row failed for good."""


class Board:
    """One per daemon, on its event loop."""

    def __init__(self) -> None:
        self.unfinished: dict[int, RunRow] = {}
        self.ahead: Mapping[str, datetime] = {}
        """The tasks that are decided far beyond now, since the clock stepped back, and how far."""
        self._served: dict[str, Served] = {}
        self._next_dues: dict[str, datetime | None] = {}
        self._failures: dict[str, int] = {}
        self._summaries: dict[str, TaskSummary] = {}
        self._holds: dict[tuple[str, HoldKind], Hold] = {}
        self._warned: dict[str, list[datetime]] = {}

    def __contains__(self, task: str) -> bool:
        return task in self._served

    @property
    def tasks(self) -> list[str]:
        """Names of the tasks and chains, in the order of the file."""
        return list(self._served)

    def zone_of(self, task: str) -> str | None:
        """The zone of a task that is served."""
        return self._served[task].zone if task in self._served else None

    @property
    def begun(self) -> list[RunRow]:
        """The runs that are starting or running, and have a process."""
        return [
            run
            for run in self.unfinished.values()
            if run.state is not State.WAITING and not run.is_chain
        ]

    def serve(self, served: Iterable[Served], holds: Iterable[Hold]) -> None:
        """Show these tasks from now on."""
        self._served = {each.task: each for each in served}
        self._next_dues = {task: each.next_due for task, each in self._served.items()}
        self._failures = {task: each.failures for task, each in self._served.items()}
        self._hold(holds)

    def remember(
        self, summaries: Mapping[str, TaskSummary], warnings: Iterable[WarningRow]
    ) -> None:
        """Take the past from the store."""
        self._summaries = {
            task: evolve(summary, current=None) for task, summary in summaries.items()
        }
        self._warned = {}
        for warning in warnings:
            self._warned.setdefault(warning.task, []).append(warning.at)

    def apply(self, settled: Settled) -> None:
        """Take over what a settlement changed."""
        self._next_dues.update(settled.next_dues)
        self._failures.update(settled.failures)
        for run in settled.rows:
            self._apply_run(run)
        if settled.holds is not None:
            self._hold(settled.holds)
        for warning in settled.warnings:
            self._warned.setdefault(warning.task, []).append(warning.at)

    def whole_json(self, now: datetime) -> dict[str, Any]:
        """What is true of linod as a whole, as the verb status answers."""
        ahead = [until for until in self.ahead.values() if is_ahead(until, now)]
        return {
            "paused": _hold_json(self._holds.get((ALL, HoldKind.PAUSE))),
            "ahead": {"tasks": len(ahead), "until": utc(max(ahead))} if ahead else None,
        }

    def tasks_json(self, now: datetime, progress_of: _ProgressOf) -> list[dict[str, Any]]:
        """All tasks and chains, as the verb status answers."""
        going_on: dict[str, list[RunRow]] = {}
        for run in self.unfinished.values():
            going_on.setdefault(run.task, []).append(run)
        return [
            self._task_json(served, going_on.get(served.task, []), now, progress_of)
            for served in self._served.values()
        ]

    def _hold(self, holds: Iterable[Hold]) -> None:
        self._holds = {(hold.task, hold.kind): hold for hold in holds}

    def _apply_run(self, run: RunRow) -> None:
        if run.outcome is None:
            self.unfinished[run.id] = run
            return
        self.unfinished.pop(run.id, None)
        past = self._summaries.get(run.task)
        outcomes = (*(past.outcomes if past else ()), run.outcome)[-OUTCOMES_SHOWN:]
        self._summaries[run.task] = TaskSummary(task=run.task, last=run, outcomes=outcomes)

    def _task_json(
        self,
        served: Served,
        going_on: list[RunRow],
        now: datetime,
        progress_of: _ProgressOf,
    ) -> dict[str, Any]:
        past = self._summaries.get(served.task, TaskSummary(task=served.task))
        waiting = [run for run in going_on if run.state is State.WAITING]
        begun = [run for run in going_on if run.state is not State.WAITING]
        current = next(iter([*begun, *waiting]), None)
        return {
            "task": served.task,
            "zone": served.zone,
            "is_chain": served.is_chain,
            "is_enabled": served.is_enabled,
            "next": _iso(self._next_dues[served.task]) if served.is_enabled else None,
            "paused": _hold_json(self._holds.get((served.task, HoldKind.PAUSE))),
            "disabled": _hold_json(self._holds.get((served.task, HoldKind.DISABLE))),
            "waiting": len(waiting),
            "current": current.to_json() if current else None,
            "step": step_of(current.detail) if current else None,
            "progress": _progress_json(begun, progress_of),
            "last": past.last.to_json() if past.last else None,
            "outcomes": [outcome.value for outcome in past.outcomes],
            "failures": self._failures[served.task],
            "warnings": self._warnings(served.task, now),
        }

    def _warnings(self, task: str, now: datetime) -> int:
        """Count those that are recent, and forget the others."""
        if task not in self._warned:
            return 0
        self._warned[task] = [at for at in self._warned[task] if at > now - WARNED_FOR]
        return len(self._warned[task])


def _progress_json(runs: list[RunRow], progress_of: _ProgressOf) -> list[dict[str, Any]]:
    """How far the runs are that say so."""
    told = ((run.id, progress_of(run.id)) for run in runs)
    return [{"run": run, "done": at.done, "total": at.total} for run, at in told if at is not None]


def _hold_json(hold: Hold | None) -> dict[str, Any] | None:
    if hold is None:
        return None
    return {
        "by": hold.by,
        "since": _iso(hold.since),
        "until": _iso(hold.until),
        "reason": hold.reason,
    }


def _iso(instant: datetime | None) -> str | None:
    return None if instant is None else utc(instant)

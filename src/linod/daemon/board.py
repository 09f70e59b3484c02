"""The present as status shows it: kept from settlements, so that it needs no disk."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from attrs import evolve, frozen

from linod.engine import Settled
from linod.events import State
from linod.store.interface import OUTCOMES_SHOWN, RunRow, TaskSummary


@frozen(kw_only=True)
class Served:
    """A task as the daemon serves it now."""

    task: str
    zone: str
    is_enabled: bool
    next_due: datetime | None


class Board:
    """One per daemon, on its event loop."""

    def __init__(self) -> None:
        self.unfinished: dict[int, RunRow] = {}
        self._served: dict[str, Served] = {}
        self._summaries: dict[str, TaskSummary] = {}

    def __contains__(self, task: str) -> bool:
        return task in self._served

    @property
    def tasks(self) -> list[str]:
        """Names of the tasks, in the order of the file."""
        return list(self._served)

    @property
    def begun(self) -> list[RunRow]:
        """The runs that are starting or running, and have a process."""
        return [
            run
            for run in self.unfinished.values()
            if run.state is not State.WAITING and not run.is_chain
        ]

    def serve(self, served: Iterable[Served]) -> None:
        """Show these tasks from now on."""
        self._served = {each.task: each for each in served}

    def remember(self, summaries: Mapping[str, TaskSummary], unfinished: Iterable[RunRow]) -> None:
        """Begin with what the store knows."""
        self._summaries = {
            task: evolve(summary, current=None) for task, summary in summaries.items()
        }
        self.unfinished = {run.id: run for run in unfinished}

    def apply(self, settled: Settled) -> None:
        """Take over what a settlement changed."""
        for task, due in settled.next_dues.items():
            if task in self._served:
                self._served[task] = evolve(self._served[task], next_due=due)
        for run in settled.rows:
            self._apply_run(run)

    def tasks_json(self) -> list[dict[str, Any]]:
        """All tasks, as the verb status answers."""
        going_on: dict[str, list[RunRow]] = {}
        for run in self.unfinished.values():
            going_on.setdefault(run.task, []).append(run)
        return [
            self._task_json(served, going_on.get(served.task, []))
            for served in self._served.values()
        ]

    def _apply_run(self, run: RunRow) -> None:
        if run.outcome is None:
            self.unfinished[run.id] = run
            return
        self.unfinished.pop(run.id, None)
        past = self._summaries.get(run.task, TaskSummary(task=run.task))
        outcomes = (*past.outcomes, run.outcome)[-OUTCOMES_SHOWN:]
        self._summaries[run.task] = evolve(past, last=run, outcomes=outcomes)

    def _task_json(self, served: Served, going_on: list[RunRow]) -> dict[str, Any]:
        past = self._summaries.get(served.task, TaskSummary(task=served.task))
        waiting = [run for run in going_on if run.state is State.WAITING]
        begun = [run for run in going_on if run.state is not State.WAITING]
        current = next(iter([*begun, *waiting]), None)
        return {
            "task": served.task,
            "zone": served.zone,
            "is_enabled": served.is_enabled,
            "next": _iso(served.next_due) if served.is_enabled else None,
            "waiting": len(waiting),
            "current": current.to_json() if current else None,
            "last": past.last.to_json() if past.last else None,
            "outcomes": [outcome.value for outcome in past.outcomes],
        }


def _iso(instant: datetime | None) -> str | None:
    return None if instant is None else instant.isoformat().replace("+00:00", "Z")

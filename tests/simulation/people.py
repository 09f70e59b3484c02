"""People who ask for things at odd moments."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random
from typing import Any

from linod.engine.agenda import Plan
from linod.events import (
    BackfillRequested,
    CancelRequested,
    DisableRequested,
    EnableRequested,
    PauseRequested,
    Requested,
    ResumeRequested,
    RunRequested,
)


class People:
    """Ask for everything that linod offers."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._numbers = count(1)
        self._latest = datetime(1970, 1, 1, tzinfo=UTC)
        self._asks = (
            self._run,
            self._run,
            self._run_due,
            self._run_from_failed,
            self._cancel,
            self._cancel_run,
            self._pause,
            self._pause_all,
            self._resume,
            self._resume,
            self._disable,
            self._enable,
            self._enable,
            self._backfill,
        )

    def ask(
        self, plans: Sequence[Plan], written: datetime, going: Sequence[int]
    ) -> list[Requested]:
        """Ask for something; for a run now and then three times. A reload may have left no task."""
        if not plans:
            return []
        chains = [plan for plan in plans if plan.chain is not None]
        # There are few of them, and each is several tasks.
        of_them = chains if chains and self._random.random() < 0.3 else list(plans)
        plan, ask = self._random.choice(of_them), self._random.choice(self._asks)
        times = self._random.choice([1, 3]) if ask == self._run else 1
        asked = [ask(plan, self._common(written), going) for _ in range(times)]
        return [request for request in asked if request is not None]

    def _common(self, written: datetime) -> dict[str, Any]:
        self._latest = max(written, self._latest + timedelta(microseconds=1))
        return {"request": next(self._numbers), "by": "alice", "at": self._latest}

    def _run(self, plan: Plan, common: Any, _going: Sequence[int]) -> Requested:
        return RunRequested(task=plan.name, **common)

    def _run_due(self, plan: Plan, common: Any, _going: Sequence[int]) -> Requested | None:
        due = plan.planner.previous(common["at"])
        return None if due is None else RunRequested(task=plan.name, due=due, **common)

    def _run_from_failed(self, plan: Plan, common: Any, _going: Sequence[int]) -> Requested:
        return RunRequested(task=plan.name, is_from_failed=True, **common)

    def _cancel(self, plan: Plan, common: Any, _going: Sequence[int]) -> Requested:
        return CancelRequested(run=None, task=plan.name, **common)

    def _cancel_run(self, _plan: Plan, common: Any, going: Sequence[int]) -> Requested | None:
        if not going:
            return None
        return CancelRequested(run=self._random.choice(list(going)), task=None, **common)

    def _pause(self, plan: Plan, common: Any, _going: Sequence[int]) -> Requested:
        until = self._random.choice([None, common["at"] + timedelta(seconds=30)])
        return PauseRequested(tasks=(plan.name,), until=until, reason="migration", **common)

    def _pause_all(self, _plan: Plan, common: Any, _going: Sequence[int]) -> Requested:
        until = common["at"] + timedelta(seconds=self._random.choice([5, 100]))
        return PauseRequested(tasks=(), until=until, **common)

    def _resume(self, plan: Plan, common: Any, _going: Sequence[int]) -> Requested:
        return ResumeRequested(tasks=(plan.name,), **common)

    def _disable(self, plan: Plan, common: Any, _going: Sequence[int]) -> Requested:
        return DisableRequested(tasks=(plan.name,), **common)

    def _enable(self, plan: Plan, common: Any, _going: Sequence[int]) -> Requested:
        return EnableRequested(tasks=(plan.name,), **common)

    def _backfill(self, plan: Plan, common: Any, _going: Sequence[int]) -> Requested:
        first = common["at"] - timedelta(seconds=self._random.choice([5, 60]))
        return BackfillRequested(
            task=plan.name,
            first=first,
            last=common["at"] - timedelta(seconds=1),
            is_newest_first=self._random.random() < 0.5,
            **common,
        )

"""`after` with a recurrence: each occurrence waits for those of the tasks that it names."""

from __future__ import annotations

from attrs import frozen

from linod.engine.agenda import Plan
from linod.engine.situation import Situation
from linod.events import Outcome, Trigger
from linod.store.interface import RunRow
from linod.views import PAST

_SATISFIED = (Outcome.SUCCEEDED, Outcome.WARNED)
_ASKED_FOR = (Trigger.MANUAL, Trigger.BACKFILL)


@frozen(kw_only=True)
class Waits:
    """What an occurrence waits for, or why it waits in vain; both empty: it may start."""

    going_on: str = ""
    failed: str = ""


class Upstream:
    """Looks at the newest admitted occurrence of each named task, of the same due or earlier."""

    def __init__(self, situation: Situation) -> None:
        self._situation = situation

    def waits_for(self, plan: Plan, run: RunRow) -> Waits:
        """Tell what a run waits for; what a person asks for waits for nothing."""
        if not plan.is_ordered or run.trigger in _ASKED_FOR:
            return Waits()
        found = [self._one(name, run) for name in plan.task.after]
        failed = next((waits for waits in found if waits.failed), None)
        return failed or next((waits for waits in found if waits.going_on), Waits())

    def _one(self, name: str, run: RunRow) -> Waits:
        store = self._situation.store
        due = store.newest_admitted(name, run.due)
        attempts = [] if due is None else store.attempts(name, due)
        if not attempts:
            return Waits()
        unfinished = next((each for each in attempts if each.outcome is None), None)
        if unfinished is not None:
            return Waits(going_on=f"{name} was going on (run {unfinished.id})")
        last = attempts[-1]
        if last.outcome in _SATISFIED:
            return Waits()
        how = PAST[last.outcome or Outcome.LOST]
        return Waits(failed=f"upstream failed: {name} {how} (run {last.id})")

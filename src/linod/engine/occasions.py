"""What the engine brings about itself: starts, boots, what runs continuously, ends of pauses."""

from __future__ import annotations

from datetime import timedelta

from linod.engine.deciding import Deciding
from linod.engine.ending import CONTINUE_MIN, Ending
from linod.engine.ledger import TICK
from linod.engine.situation import Situation
from linod.engine.timers import EndPauses
from linod.events import ServeStarted, Trigger
from linod.policy import ALL
from linod.recurrence.model import Event as Recurring
from linod.specs import LogLevel


class Occasions:
    """Decides what no calendar brings."""

    def __init__(self, situation: Situation, ending: Ending, deciding: Deciding) -> None:
        self._situation = situation
        self._ending = ending
        self._deciding = deciding

    def begin(self, event: ServeStarted) -> None:
        """Decide what is due at a start, and at the first one since boot."""
        situation = self._situation
        if situation.is_closed:
            return
        for plan in situation.agenda:
            if plan.has(Recurring.AT_START) and not event.is_handed_over:
                self._deciding.decide_event(plan, event.at, Trigger.EVENT)
            if plan.has(Recurring.AT_BOOT) and plan.boot != situation.identity.boot:
                self._deciding.decide_event(plan, event.at, Trigger.EVENT)
                plan.boot = situation.identity.boot
                situation.store.set_boot(plan.name, plan.boot)
        self.continue_all()

    def continue_all(self) -> None:
        """Plan the next due of each task that runs continuously and has none."""
        situation = self._situation
        for plan in situation.agenda:
            if plan.has(Recurring.CONTINUOUSLY) and plan.continues_at is None:
                last = next(iter(situation.store.runs(plan.name, limit=1)), None)
                self._ending.continue_after(plan, last)

    def go_on(self, task: str) -> None:
        """Decide a task that runs continuously, where its rest is over and nothing goes on."""
        situation, draft = self._situation, self._situation.draft
        plan = situation.agenda.get(task)
        if plan is None or plan.continues_at is None or plan.continues_at > draft.elapsed:
            return
        plan.continues_at = None
        is_held = situation.refusal(plan) is not None
        if is_held or situation.is_closed or situation.going_on(task):
            return
        assert plan.continues_due is not None
        lag = draft.now - plan.continues_due
        is_nominal = timedelta(0) <= lag < timedelta(seconds=1)
        due = plan.continues_due if is_nominal else draft.now
        while situation.ledger.has(task, due):
            due += TICK
        self._deciding.decide_event(plan, due, Trigger.EVENT)
        if not situation.going_on(task):
            self._ending.continue_at(plan, due, CONTINUE_MIN)

    def end_pauses(self) -> None:
        """Let go of what was held until now."""
        situation = self._situation
        if situation.is_closed:
            # What fell due in it is decided by the next daemon, which has to know of it.
            return
        for hold in situation.holding.ended(situation.draft.now):
            situation.holding.remove(hold)
            named = "linod" if hold.task == ALL else hold.task
            situation.tell(LogLevel.INFO, named, "is not paused any more")
        ends = situation.holding.next_end()
        if ends is not None:
            situation.timers.at(ends, EndPauses())
        self.continue_all()

"""What follows an end: another attempt, a cooldown, a count of failures, and who waited for it.

An occurrence is concluded when no attempt follows. Only then its chain goes on, what names it in
`after` is looked at, and failures in a row are counted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from attrs import evolve

from linod import policy
from linod.engine.agenda import Plan
from linod.engine.draft import Tries
from linod.engine.situation import Situation
from linod.engine.timers import Continue
from linod.events import Outcome, RunEnded, RunNeverStarted, State, Trigger
from linod.policy import Hold, HoldKind, Progress
from linod.policy.reasons import NEVER_STARTED, OUTSIDE, TOO_OLD
from linod.recurrence.model import Event
from linod.specs import LogLevel
from linod.store.interface import RunRow

CONTINUE_MIN = timedelta(seconds=1)
"""Between two dues of a task that runs continuously: a task that ends at once is no busy loop."""

SUCCESS = (Outcome.SUCCEEDED, Outcome.WARNED)
FAILURE = (Outcome.FAILED, Outcome.TIMED_OUT, Outcome.LOST)
_ASKED_FOR = (Trigger.MANUAL, Trigger.BACKFILL)


class Ending:
    """Hears ends; `member_concluded` and `decide_after` are those of chains and of deciding."""

    def __init__(self, situation: Situation) -> None:
        self._situation = situation
        self.member_concluded: Callable[[RunRow], None] = _ignore
        self.decide_after: Callable[[Plan, RunRow], None] = _ignore

    def hear_ended(self, event: RunEnded) -> None:
        """Record the end of a run, once, and what follows it."""
        situation = self._situation
        ended = situation.roster.end(
            situation.draft,
            event.run,
            event.lease,
            event.outcome,
            ended=event.ended or situation.draft.now,
            started=event.started,
            reason=event.reason,
            detail={**event.detail, "used": event.used} if event.used else event.detail,
            log=event.log,
            worker=event.worker,
        )
        if ended is not None:
            self._follow(ended)

    def hear_never_started(self, event: RunNeverStarted) -> None:
        """Close an attempt that costs nothing, and make the next one at once."""
        situation = self._situation
        now = situation.draft.now
        ended = situation.roster.end(
            situation.draft,
            event.run,
            event.lease,
            Outcome.LOST,
            ended=now,
            reason=NEVER_STARTED,
        )
        if ended is None:
            return
        situation.look_at(ended.task)
        plan, reason = situation.agenda.get(ended.task), self._why_to_end(ended)
        if plan is None:
            self.conclude(ended)
            return
        again = situation.add_run(plan, evolve(_again(ended, now), planned=ended.planned))
        # It waits now like any other, and ends like any other where it is not wanted any more.
        refused = situation.refusal_of(plan, ended)
        if not reason and refused is not None:
            reason = refused.reason
        elif not reason and self._is_too_old(plan, ended):
            reason = TOO_OLD
        if reason:
            self.drop(again, reason)

    def _is_too_old(self, plan: Plan, run: RunRow) -> bool:
        """Tell whether a restart left it waiting for too long; without one it goes on waiting."""
        now = self._situation.draft.now
        is_inherited = run.id in self._situation.inherited
        return is_inherited and policy.is_too_old(plan.task, run.planned, now)

    def drop(self, run: RunRow, reason: str) -> None:
        """End a run that waits."""
        situation, now = self._situation, self._situation.draft.now
        ended = situation.roster.end(
            situation.draft, run.id, run.lease, Outcome.CANCELLED, ended=now, reason=reason
        )
        if ended is not None:
            situation.look_at(run.task)
            self.conclude(ended)

    def conclude(self, run: RunRow) -> None:
        """Do what follows when no attempt follows a run."""
        plan = self._situation.agenda.get(run.task)
        if plan is not None:
            self._count(plan, run)
            self.continue_after(plan, run)
        if run.parent is not None:
            self.member_concluded(run)
        for dependent in self._situation.agenda.dependents(run.task):
            if dependent.is_ordered:
                self._situation.look_at(dependent.name)
            elif dependent.is_triggered and run.outcome in SUCCESS:
                self.decide_after(dependent, run)

    def rest(self, plan: Plan, ended: datetime, length: timedelta) -> None:
        """Let a task rest after an end, on the time since boot."""
        draft = self._situation.draft
        left = min(length, max(timedelta(0), ended + length - draft.now))
        until = draft.elapsed + left
        if left and (plan.cool_until is None or plan.cool_until < until):
            plan.cool_until = until

    # -- what follows an end ------------------------------------------------------------------

    def _follow(self, ended: RunRow) -> None:
        situation = self._situation
        situation.look_at(ended.task)
        is_asked_to_end = bool(self._why_to_end(ended))
        plan = situation.agenda.get(ended.task)
        if plan is not None and ended.outcome is not None and ended.ended is not None:
            length = policy.cooldown_after(plan.task.cooldown, ended.outcome)
            self.rest(plan, ended.ended, length)
            if not is_asked_to_end and self._is_tried_again(plan, ended):
                return
        self.conclude(ended)

    def _why_to_end(self, ended: RunRow) -> str:
        """Say why it was to end, or its whole chain: then it is not tried again."""
        situation = self._situation
        reason = situation.stopping.pop(ended.id, "")
        chain = situation.roster.get(ended.parent) if ended.parent is not None else None
        return reason or (Progress.read(chain.detail).stopped if chain is not None else "")

    def _is_tried_again(self, plan: Plan, ended: RunRow) -> bool:
        situation = self._situation
        if ended.outcome not in FAILURE or situation.refusal_of(plan, ended) is not None:
            return False
        tries = [
            run.outcome
            for run in situation.store.attempts(ended.task, ended.due)
            if run.series == ended.series and run.outcome and run.reason != NEVER_STARTED
        ]
        self._note_tries(plan, ended, tries)
        names = [*ended.detail.get("bases", ()), str(ended.detail.get("exception", ""))]
        attempt = policy.next_attempt(plan.task, tries, names, f"{ended.task} {ended.due}")
        if attempt is None:
            return False
        now = situation.draft.now
        run = evolve(
            _again(ended, now),
            planned=now + attempt.delay,
            delay=attempt.delay,
            held=attempt.reason,
            held_since=now,
        )
        run = situation.add_run(plan, self._inside(plan, run))
        self._note_again(ended, run.planned - now)
        return True

    def _note_tries(self, plan: Plan, ended: RunRow, tries: Sequence[Outcome]) -> None:
        """Note how many attempts there are, where the number of this one counts up to them."""
        failures = sum(outcome is not Outcome.LOST for outcome in tries)
        most = plan.task.retry.attempts
        if most > 1 and ended.outcome is not Outcome.LOST and ended.attempt == failures:
            self._situation.draft.tries[ended.id] = Tries(attempts_max=most)

    def _note_again(self, ended: RunRow, wait: timedelta) -> None:
        tries = self._situation.draft.tries
        tries[ended.id] = evolve(tries.get(ended.id, Tries()), again=wait)

    def _inside(self, plan: Plan, run: RunRow) -> RunRow:
        """Let a retry wait for the window of `allowed`."""
        if run.trigger in _ASKED_FOR:
            return run
        opens = policy.opening(plan.task.allowed, plan.zone, run.planned)
        if opens is None or opens == run.planned:
            return run
        return evolve(run, planned=opens, delay=None, held=OUTSIDE)

    def _count(self, plan: Plan, run: RunRow) -> None:
        """Count failures in a row; enough of them disable the task."""
        situation = self._situation
        if run.outcome in SUCCESS:
            failures = 0
        elif run.outcome in FAILURE and run.reason != NEVER_STARTED:
            failures = plan.failures + 1
        else:
            return
        if failures != plan.failures:
            situation.set_failures(plan, failures)
        most = plan.task.disable_after
        is_held = situation.holding.get(plan.name, HoldKind.DISABLE) is not None
        if most is not None and failures >= most and not is_held:
            self._disable(plan, run)

    def _disable(self, plan: Plan, run: RunRow) -> None:
        situation = self._situation
        times = "1 failure" if plan.failures == 1 else f"{plan.failures} failures in a row"
        reason = f"after {times}, the last one: {run.reason or run.outcome}"
        hold = Hold(task=plan.name, kind=HoldKind.DISABLE, since=situation.draft.now, reason=reason)
        situation.holding.put(hold)
        situation.tell(
            LogLevel.ERROR, plan.name, f"was disabled {reason}  (linod enable {plan.name})"
        )
        for waiting in situation.roster.going_on(plan.name):
            if waiting.state is State.WAITING:
                self.drop(waiting, hold.sentence)

    # -- continuously -------------------------------------------------------------------------

    def continue_after(self, plan: Plan, run: RunRow | None) -> None:
        """Plan the next due of a task that runs continuously, after its former run if any."""
        situation, draft = self._situation, self._situation.draft
        if not plan.has(Event.CONTINUOUSLY) or situation.going_on(plan.name):
            return
        if run is None or run.ended is None or run.outcome is None:
            self.continue_at(plan, draft.now, timedelta(0))
            return
        cooldown = policy.cooldown_after(plan.task.cooldown, run.outcome)
        self.continue_at(plan, run.ended, max(CONTINUE_MIN, cooldown))

    def continue_at(self, plan: Plan, base: datetime, length: timedelta) -> None:
        """Let a task be due again after a length of time, never in the past."""
        situation, draft = self._situation, self._situation.draft
        rest = min(length, max(timedelta(0), base + length - draft.now))
        at = draft.elapsed + rest
        if plan.cool_until is not None:
            at = max(at, plan.cool_until)
        plan.continues_at, plan.continues_due = at, draft.now + (at - draft.elapsed)
        situation.timers.after(at, Continue(plan.name))


def _again(ended: RunRow, now: datetime) -> RunRow:
    """Another attempt at the same due, in the same series."""
    return RunRow(
        id=0,
        task=ended.task,
        due=ended.due,
        attempt=0,
        trigger=ended.trigger,
        state=State.WAITING,
        queued=now,
        planned=now,
        by=ended.by,
        is_chain=ended.is_chain,
        parent=ended.parent,
        origin=ended.series,
        is_caught_up=ended.is_caught_up,
    )


def _ignore(*_values: object) -> None:
    raise AssertionError("the engine joins its parts before it hears anything")

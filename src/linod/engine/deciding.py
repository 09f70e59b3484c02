"""Gives every occurrence its verdict: those that are due, and those that events bring about."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from attrs import frozen

from linod import policy
from linod.engine.agenda import Plan
from linod.engine.ending import Ending
from linod.engine.ledger import TICK, Span, before, newest_of, since, undecided
from linod.engine.situation import Situation
from linod.events import State, Trigger, Verdict
from linod.policy import Admission, Choice
from linod.policy.reasons import OUTSIDE, YIELDED
from linod.recurrence.model import Event
from linod.store.interface import DecisionRow, RunRow


@frozen(kw_only=True)
class _Start:
    """When an admitted occurrence is to start, and why then."""

    planned: datetime
    delay: timedelta | None = None
    held: str = ""


@frozen
class _Refused:
    """A stretch in which what was due gets no run, and why."""

    span: Span
    verdict: Verdict
    reason: str
    by: str = ""


class Deciding:
    """Looks at plans; what it admits is written as runs that wait."""

    def __init__(self, situation: Situation, ending: Ending) -> None:
        self._situation = situation
        self._ending = ending

    def decide_due(self, at_most: int | None = None) -> None:
        """Decide what is due: everything, or so many tasks, upstream first."""
        situation, draft = self._situation, self._situation.draft
        if situation.is_closed:
            return
        for plan in situation.agenda.take_due(draft.now, at_most):
            self._decide(plan)
            situation.agenda.put_back(plan, draft.now)
            situation.store.move_cursor(plan.name, draft.now)
            draft.next_dues[plan.name] = plan.next_due

    def decide_event(self, plan: Plan, due: datetime, trigger: Trigger) -> None:
        """Decide an occurrence that an event brought about; a due that has a row is passed over."""
        situation = self._situation
        if situation.ledger.has(plan.name, due):
            return
        refused = situation.refusal(plan)
        if refused is None:
            self._admit(plan, [due], trigger, is_caught_up=False)
            return
        row = decision(plan, due, refused.verdict, refused.reason, refused.by)
        situation.ledger.record_alone(situation.draft, row)

    def decide_after(self, plan: Plan, succeeded: RunRow) -> None:
        """Decide what is due since the tasks that it names have all succeeded anew.

        What lies beyond now is of a clock that was ahead: it would be the newest for ever.
        """
        situation = self._situation
        upto = max(situation.draft.now, succeeded.due)
        newest = situation.ledger.newest_upto(plan.name, upto)
        floor = max(plan.first_seen, newest.last if newest is not None else plan.first_seen)
        successes = [situation.store.newest_success(name, upto) for name in plan.task.after]
        dues = [run.due for run in successes if run is not None and run.due > floor]
        if len(dues) == len(plan.task.after):
            self.decide_event(plan, max(dues), Trigger.AFTER)

    # -- what the calendar brings -------------------------------------------------------------

    def _decide(self, plan: Plan) -> None:
        """Give every occurrence in (through, now] its verdict."""
        situation = self._situation
        spans = situation.ledger.free_spans(
            plan.name, plan.reached, plan.through, situation.draft.now
        )
        spans, refused = self._held(plan, spans)
        pending = undecided(plan.planner, spans)
        if pending is None:
            self._record(plan, refused)
            return
        choice = policy.to_run(pending, plan.task, situation.draft.now)
        chosen = self._chosen(plan, spans, choice, pending.newest)
        missed = before(spans, chosen[0]) if chosen else spans
        why = policy.why_missed(pending, plan.task, situation.draft.now)
        refused += [_Refused(span, Verdict.MISSED, why) for span in missed]
        # In the order of the dues: a range that grows must not grow over what is undecided yet.
        self._record(plan, [each for each in refused if not chosen or each.span[0] < chosen[0]])
        if chosen:
            self._admit(plan, chosen, Trigger.SCHEDULE, is_caught_up=choice.is_caught_up)
            self._record(plan, [each for each in refused if each.span[0] >= chosen[0]])

    def _held(self, plan: Plan, spans: list[Span]) -> tuple[list[Span], list[_Refused]]:
        """Find what fell due while it was held back; return what is left to decide, and that."""
        situation = self._situation
        left: list[Span] = []
        found: list[_Refused] = []
        while spans:
            after = spans[0][0]
            hold = situation.holding.holding(plan.name, after + TICK)
            refused = policy.refusal(plan.task, hold, is_enabled=situation.is_enabled)
            if refused is None:
                break
            is_ended = refused.verdict is Verdict.PAUSED and hold is not None and hold.until
            end = hold.until if is_ended and hold is not None else None
            if hold is not None and end is not None and end <= situation.draft.now:
                # It came and went while nothing was decided: what was due before was not held.
                left += before(spans, hold.since)
                spans = since(spans, hold.since)
            held = spans if end is None else before(spans, end)
            found += [_Refused(span, refused.verdict, refused.reason, refused.by) for span in held]
            spans = [] if end is None else since(spans, end)
        return left + spans, found

    def _chosen(
        self, plan: Plan, spans: list[Span], choice: Choice, newest: datetime
    ) -> list[datetime]:
        if choice.since is None:
            return []
        if choice.since == newest:
            return [newest]
        return newest_of(plan.planner, spans, choice.at_most, choice.since)

    def _record(self, plan: Plan, refused: list[_Refused]) -> None:
        if not refused:
            return
        situation = self._situation
        for each in sorted(refused, key=lambda each: each.span):
            situation.ledger.record_spans(
                situation.draft,
                plan.name,
                plan.planner,
                [each.span],
                each.verdict,
                each.reason,
                each.by,
            )

    # -- admission ----------------------------------------------------------------------------

    def _admit(
        self, plan: Plan, dues: list[datetime], trigger: Trigger, *, is_caught_up: bool
    ) -> None:
        """Admit occurrences, all of a series or none: they count as one to what goes on."""
        starts = [self._start(plan, due, trigger) for due in dues]
        if any(isinstance(start, _Start) for start in starts):
            self._let_retries_yield(plan)
        going = self._situation.going_on(plan.name)
        admission = policy.admission(plan.task, going, trigger)
        # In the order of the dues: a range that grows must not grow over one that is admitted.
        for due, start in zip(dues, starts, strict=True):
            if not isinstance(start, _Start):
                self._refuse(plan, due, trigger, start)
            elif admission.verdict is Verdict.ADMITTED:
                self._add(plan, due, trigger, start, is_caught_up=is_caught_up)
            else:
                self._refuse(plan, due, trigger, admission)

    def _refuse(self, plan: Plan, due: datetime, trigger: Trigger, admission: Admission) -> None:
        ledger, draft = self._situation.ledger, self._situation.draft
        row = decision(plan, due, admission.verdict, admission.reason)
        if trigger is Trigger.SCHEDULE:
            ledger.record(draft, plan.planner, row)
        else:
            ledger.record_alone(draft, row)

    def _start(self, plan: Plan, due: datetime, trigger: Trigger) -> _Start | Admission:
        """Plan the start of an occurrence, or say why it gets none."""
        draft = self._situation.draft
        # The due of what others triggered is theirs: it can start when they have succeeded.
        base = draft.now if trigger is Trigger.AFTER else due
        planned = policy.planned_start(plan.task, plan.zone, due, draft.now, base)
        if planned.moved_by == "allowed":
            following = plan.planner.next(due)
            if planned.at is None or (following is not None and following <= planned.at):
                return Admission(verdict=Verdict.OUTSIDE_ALLOWED)
        assert planned.at is not None
        rest = self._rest(plan, planned.at)
        if not rest:
            held = OUTSIDE if planned.moved_by == "allowed" else planned.moved_by
            return _Start(planned=planned.at, held=held if planned.at > draft.now else "")
        if plan.chain is not None or plan.has(Event.CONTINUOUSLY):
            return _Start(planned=draft.now + rest, delay=rest, held="cooldown")
        return Admission(verdict=Verdict.COOLDOWN, reason="cooldown after the run before")

    def _rest(self, plan: Plan, planned: datetime) -> timedelta:
        """How long a task still rests at its planned start."""
        draft = self._situation.draft
        if plan.cool_until is None or plan.cool_until <= draft.elapsed:
            return timedelta(0)
        rest = plan.cool_until - draft.elapsed
        return rest if max(planned, draft.now) < draft.now + rest else timedelta(0)

    def _let_retries_yield(self, plan: Plan) -> None:
        """Drop retries that wait for the window of `allowed`: the next occurrence is due."""
        for run in self._situation.roster.going_on(plan.name):
            if run.state is State.WAITING and run.origin and run.held == OUTSIDE:
                self._ending.drop(run, YIELDED)

    def _add(
        self, plan: Plan, due: datetime, trigger: Trigger, start: _Start, *, is_caught_up: bool
    ) -> None:
        situation = self._situation
        situation.ledger.add(decision(plan, due, Verdict.ADMITTED))
        # Its decision is new, so there is no attempt yet.
        run = new_run(
            plan,
            due,
            trigger,
            situation.draft.now,
            is_caught_up=is_caught_up,
            planned=start.planned,
            delay=start.delay,
            held=start.held,
            held_since=situation.draft.now if start.held else None,
        )
        situation.add_run(plan, run, attempt=1)


def new_run(plan: Plan, due: datetime, trigger: Trigger, now: datetime, **fields: Any) -> RunRow:
    """A run that waits; but for what `fields` say it starts as soon as it may."""
    values = {"planned": due, "is_chain": plan.chain is not None, **fields}
    return RunRow(
        id=0,
        task=plan.name,
        due=due,
        attempt=0,
        trigger=trigger,
        state=State.WAITING,
        queued=now,
        **values,
    )


def decision(
    plan: Plan, due: datetime, verdict: Verdict, reason: str = "", by: str = ""
) -> DecisionRow:
    """The decision on a single occurrence."""
    return DecisionRow(
        task=plan.name, due=due, last=due, count=1, verdict=verdict, reason=reason, by=by
    )

"""Answers what people ask for about runs: run, backfill, cancel.

The same request heard again, since nobody knew whether it was committed, finds what it did.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from linod import policy
from linod.engine.agenda import Plan
from linod.engine.chaining import Chaining
from linod.engine.deciding import decision, new_run
from linod.engine.ending import SUCCESS, Ending
from linod.engine.ledger import TICK
from linod.engine.situation import Situation
from linod.engine.wished_holds import record
from linod.events import (
    Answer,
    BackfillRequested,
    CancelRequested,
    Requested,
    RunRequested,
    State,
    Trigger,
    Verdict,
)
from linod.policy import BACKFILL_MAX, Progress
from linod.policy.reasons import SWITCHED_OFF
from linod.store.interface import RunRow

WAITING_MAX = 100
"""Manual runs of one task that wait; one more would only hide a mistake."""


class WishedRuns:
    """Makes and ends runs for people."""

    def __init__(self, situation: Situation, ending: Ending, chaining: Chaining) -> None:
        self._situation = situation
        self._ending = ending
        self._chaining = chaining

    def run(self, event: RunRequested) -> Answer:
        """Run a task or a chain: now, under a due of the past, or from what failed."""
        due = event.due or event.at
        attempts = self._situation.store.attempts(event.task, due)
        known = [run.id for run in attempts if _is_of(run, event)]
        if known:
            # This request was committed before, and we did not know.
            return Answer(request=event.request, runs=(known[-1],))
        plan = self._situation.agenda.get(event.task)
        refusal = self._why_no_run(event.task)
        if plan is None or refusal:
            return Answer(request=event.request, refusal=refusal)
        if event.is_from_failed:
            return self._run_from_failed(event, plan)
        refusal = self._why_not_due(plan, event, attempts)
        if refusal:
            return Answer(request=event.request, refusal=refusal)
        run = self._add(plan, due, Trigger.MANUAL, event)
        record(
            self._situation,
            event,
            "run",
            event.task,
            "" if event.due is None else f"due {event.due}",
        )
        return Answer(request=event.request, runs=(run.id,))

    def _add(
        self,
        plan: Plan,
        due: datetime,
        trigger: Trigger,
        event: Requested,
        progress: Progress | None = None,
    ) -> RunRow:
        situation = self._situation
        if not situation.ledger.covers(plan, due):
            situation.ledger.add(decision(plan, due, Verdict.ADMITTED, by=event.by))
        run = new_run(
            plan,
            due,
            trigger,
            event.at,
            by=event.by,
            planned=event.at,
            detail=progress.to_detail() if progress is not None else {},
        )
        return situation.add_run(plan, run)

    def _why_no_run(self, task: str) -> str | None:
        situation = self._situation
        if task not in situation.agenda:
            return f'there is no task "{task}"'
        if situation.is_closed:
            return "linod is stopping"
        if not situation.is_enabled:
            return SWITCHED_OFF
        going = situation.roster.going_on(task)
        waiting = sum(run.state is State.WAITING and run.trigger is Trigger.MANUAL for run in going)
        return f"{waiting} runs of {task} wait already" if waiting >= WAITING_MAX else None

    def _why_not_due(
        self, plan: Plan, event: RunRequested, attempts: Sequence[RunRow]
    ) -> str | None:
        """Say why the due that a person names is none that can run again."""
        if event.due is None:
            return None
        unfinished = next((run for run in attempts if run.outcome is None), None)
        if unfinished is not None:
            return f"run {unfinished.id} of that due is {unfinished.state.value}"
        if event.due > self._situation.draft.now:
            return f"{event.due.isoformat()} is not due yet"
        is_due = plan.planner.previous(event.due + TICK) == event.due
        if is_due or attempts or self._situation.ledger.has(plan.name, event.due):
            return None
        before, after = plan.planner.previous(event.due), plan.planner.next(event.due)
        near = " and ".join(each.isoformat() for each in (before, after) if each is not None)
        hint = f": the nearest are {near}" if near else ""
        return f"{plan.name} was not due at {event.due.isoformat()}{hint}"

    def _run_from_failed(self, event: RunRequested, plan: Plan) -> Answer:
        store = self._situation.store
        if plan.chain is None:
            return Answer(request=event.request, refusal=f"{plan.name} is no chain")
        rows = store.attempts(plan.name, event.due) if event.due else store.runs(plan.name, limit=1)
        known = next((run for run in rows if _is_of(run, event)), None)
        if known is not None:
            return Answer(request=event.request, runs=(known.id,))
        if not rows:
            return Answer(request=event.request, refusal=f"{plan.name} has not run")
        last = rows[-1]
        if last.outcome is None:
            refusal = f"run {last.id} of {plan.name} is {last.state.value}"
            return Answer(request=event.request, refusal=refusal)
        done = [name for name in plan.chain.members if self._succeeded(name, last.due)]
        steps = policy.remaining_steps(plan.chain.tasks, done)
        if not steps:
            refusal = f"run {last.id} of {plan.name} left nothing to do"
            return Answer(request=event.request, refusal=refusal)
        progress = Progress(steps=steps, on_failed=plan.chain.on_failed)
        run = self._add(plan, last.due, Trigger.MANUAL, event, progress)
        record(self._situation, event, "run", plan.name, f"from {steps[0][0]}, due {last.due}")
        return Answer(request=event.request, runs=(run.id,))

    def _succeeded(self, task: str, due: datetime) -> bool:
        return any(run.outcome in SUCCESS for run in self._situation.store.attempts(task, due))

    def backfill(self, event: BackfillRequested) -> Answer:
        """Run all occurrences of a time that is past, one after another."""
        plan = self._situation.agenda.get(event.task)
        if plan is not None and self._situation.store.actions_at(event.at, event.by):
            return Answer(request=event.request, runs=self._backfilled(plan, event))
        refusal = self._why_no_run(event.task) or self._why_no_backfill(plan, event)
        if plan is None or refusal:
            return Answer(request=event.request, refusal=refusal)
        dues = list(plan.planner.between(event.first - TICK, event.last))
        wanted = [due for due in dues if self._is_to_fill(plan, due, is_again=event.is_again)]
        if event.is_newest_first:
            wanted.reverse()
        runs = [self._add(plan, due, Trigger.BACKFILL, event) for due in wanted]
        record(self._situation, event, "backfill", plan.name, f"{event.first} to {event.last}")
        left = len(dues) - len(wanted)
        note = f"{left} left out that succeeded or go on" if left else ""
        return Answer(request=event.request, runs=tuple(run.id for run in runs), note=note)

    def _why_no_backfill(self, plan: Plan | None, event: BackfillRequested) -> str | None:
        if plan is None:
            return None
        if event.first > event.last:
            return "--from is after --until"
        if event.last > self._situation.draft.now:
            return "--until is in the future: what is not due yet is not filled back"
        count = plan.planner.count(event.first - TICK, event.last, BACKFILL_MAX + 1)
        if count > BACKFILL_MAX:
            return f"more than {BACKFILL_MAX:,} occurrences: take a shorter time"
        return None if count else f"{plan.name} was never due in that time"

    def _backfilled(self, plan: Plan, event: BackfillRequested) -> tuple[int, ...]:
        """The runs that this very request made before, without our knowing."""
        found = [
            run.id
            for due in plan.planner.between(event.first - TICK, event.last)
            for run in self._situation.store.attempts(plan.name, due)
            if _is_of(run, event)
        ]
        return tuple(sorted(found))

    def _is_to_fill(self, plan: Plan, due: datetime, *, is_again: bool) -> bool:
        attempts = self._situation.store.attempts(plan.name, due)
        return policy.is_to_fill([run.outcome for run in attempts], is_again=is_again)

    def cancel(self, event: CancelRequested) -> Answer:
        """End runs: those that wait at once, the others with their processes."""
        situation = self._situation
        is_known = bool(situation.store.actions_at(event.at, event.by))
        chosen = [
            run
            for run in situation.roster.all().values()
            # Heard again, it ends what it was to end, and nothing that came since.
            if event.run == run.id
            or (event.task == run.task and not (is_known and run.queued > event.at))
        ]
        reason = f"cancelled by {event.by}"
        if not chosen:
            known = self._cancelled(event, reason)
            refusal = None if known else self._why_no_cancel(event)
            return Answer(request=event.request, runs=known, refusal=refusal)
        for run in chosen:
            self._end(run, reason)
        what = f"run {chosen[0].id}" if len(chosen) == 1 else f"{len(chosen)} runs"
        record(situation, event, "cancel", chosen[0].task, what)
        return Answer(request=event.request, runs=tuple(run.id for run in chosen))

    def _cancelled(self, event: CancelRequested, reason: str) -> tuple[int, ...]:
        """The runs that this very request ended before, without our knowing."""
        store = self._situation.store
        return tuple(
            run.id
            for row in store.actions_at(event.at, event.by)
            for run in reversed(store.runs(row.task, limit=BACKFILL_MAX))
            if run.reason == reason and run.ended is not None and run.ended >= event.at
        )

    def _end(self, run: RunRow, reason: str) -> None:
        if run.state is State.WAITING:
            self._ending.drop(run, reason)
        elif run.is_chain:
            self._chaining.stop(run, reason)
        else:
            self._situation.stop(run, reason)

    def _why_no_cancel(self, event: CancelRequested) -> str:
        if event.task is not None and event.task not in self._situation.agenda:
            return f'there is no task "{event.task}"'
        if event.task is not None:
            return f"no run of {event.task} is going on"
        ended = self._situation.store.run(event.run) if event.run is not None else None
        if ended is None:
            return f"there is no run {event.run}"
        return f"run {event.run} has ended: {ended.state.value}"


def _is_of(run: RunRow, event: Requested) -> bool:
    """Tell whether a run was made by this very request."""
    return run.queued == event.at and run.by == event.by and not run.origin

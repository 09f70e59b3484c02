"""Hears events, decides what is due, and answers requests; each call is one transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from attrs import evolve

from linod import policy
from linod.engine.adoption import Adoption, defined
from linod.engine.agenda import Agenda, Plan
from linod.engine.draft import Draft, Settled
from linod.engine.ledger import Ledger, before, undecided
from linod.engine.roster import Identity, Roster, start_of
from linod.events import (
    Answer,
    CancelRequested,
    Event,
    Outcome,
    RunEnded,
    RunNeverStarted,
    RunRequested,
    RunStarted,
    ServeStarted,
    State,
    StopRun,
    Trigger,
    Verdict,
)
from linod.recurrence.model import Event as Recurring
from linod.specs import Config
from linod.store.interface import CursorRow, DecisionRow, RunRow, Store

WAITING_MAX = 100
"""Manual runs of one task that wait; one more would only hide a mistake."""


class Engine:
    """Decides for one store; one thread at a time calls it."""

    def __init__(
        self,
        store: Store,
        *,
        lease: Callable[[], str],
        boot: str = "",
    ) -> None:
        """`lease` makes an unguessable text per start."""
        self._store = store
        self._ledger = Ledger(store)
        self._roster = Roster(store, Identity(lease=lease, boot=boot))
        self._config: Config | None = None
        self._agenda = Agenda({})
        self._is_stale = False
        self._known: dict[int, RunRow] = {}
        """The unfinished runs after the last transaction of which we know the end."""
        self._draft = Draft()

    def adopt(self, config: Config, now: datetime) -> Settled:
        """Take a configuration: settle the former one up to now, then begin this one at now."""
        former = self._config, self._agenda
        try:
            return self._commit(lambda: self._adopt(config, now), now)
        except BaseException:
            self._config, self._agenda = former
            raise

    def settle(self, now: datetime, events: Sequence[Event] = ()) -> Settled:
        """Hear what happened, then decide everything that is due."""
        is_due = self.wake is not None and self.wake <= now
        if not events and not is_due and not self._is_stale:
            return Settled(wake=self.wake)
        return self._commit(lambda: self._settle(now, events), now)

    def drain(self) -> None:
        """Start nothing and decide nothing any more; only ends and cancels are heard."""
        self._roster.is_closed = True

    def unfinished(self) -> tuple[RunRow, ...]:
        """The runs without an outcome, oldest first."""
        return tuple(self._roster.all().values())

    @property
    def wake(self) -> datetime | None:
        """When something is due next."""
        return None if self._roster.is_closed else self._agenda.wake

    @property
    def plans(self) -> tuple[Plan, ...]:
        """The plan of every task, in the order of the file."""
        return tuple(self._agenda)

    @property
    def is_enabled(self) -> bool:
        """Tell whether linod as a whole is switched on."""
        return self._config is not None and self._config.linod.enabled

    # -- one transaction --------------------------------------------------------------------

    def _commit(self, work: Callable[[], None], now: datetime) -> Settled:
        self._draft = Draft()
        try:
            with self._store.transaction():
                if self._is_stale:
                    self._refresh(now)
                work()
        except BaseException:
            self._is_stale = True
            raise
        self._is_stale = False
        self._known = self._roster.all()
        assert self._config is not None
        return self._draft.settled(self._agenda, self._config.zone, self.wake)

    def _refresh(self, now: datetime) -> None:
        """Read everything again after a transaction of which we do not know how it ended."""
        self._roster.load()
        self._ledger.forget_memory()
        self._agenda = Agenda({plan.task.name: plan for plan in self._plans_as_stored()})
        for run in self.unfinished():
            known = self._known.get(run.id)
            if run != known:
                self._draft.rows.append(run)
            if run.state is State.STARTING and (known is None or not known.lease):
                self._start_late(run, now)
        for number in self._known.keys() - self._roster.all().keys():
            ended = self._store.run(number)
            if ended is not None:
                self._draft.rows.append(ended)
                self._draft.ended.append(ended)

    def _start_late(self, run: RunRow, now: datetime) -> None:
        """Ask for a start that was committed without our knowing."""
        plan = self._agenda.get(run.task)
        if plan is None:
            return
        if self._roster.is_closed:
            self._hear_never_started(RunNeverStarted(run=run.id, lease=run.lease), now)
        else:
            self._draft.commands.append(start_of(run, plan))

    def _plans_as_stored(self) -> list[Plan]:
        cursors = self._store.cursors()
        return [self._plan_as_stored(plan, cursors[plan.task.name]) for plan in self._agenda]

    def _plan_as_stored(self, plan: Plan, cursor: CursorRow) -> Plan:
        if cursor.definition != plan.planner.definition:
            # An adoption was committed that we gave up: the former rule goes on.
            self._store.put_cursor(defined(cursor, plan.planner.definition))
        return evolve(
            plan,
            through=cursor.through,
            reached=cursor.reached,
            next_due=plan.planner.next(cursor.through),
        )

    def _adopt(self, config: Config, now: datetime) -> None:
        is_restart = self._config is None
        if is_restart:
            self._roster.load()
            self._known = self._roster.all()
        else:
            self._decide_due(now)
        adoption = Adoption(self._store, self._ledger, self._agenda)
        self._agenda = Agenda(adoption.plans(self._draft, config, now))
        self._config = config
        for run in self.unfinished():
            if run.state is State.WAITING:
                self._look_at_waiting(run, now, is_restart=is_restart)

    def _look_at_waiting(self, run: RunRow, now: datetime, *, is_restart: bool) -> None:
        """Drop a run that waits, where it is not wanted any more."""
        reason, plan = "", self._agenda.get(run.task)
        if plan is None:
            reason = policy.REMOVED
        elif refused := policy.refusal(plan.task, is_enabled=self.is_enabled):
            reason = refused[1]
        elif is_restart and policy.is_too_old(plan.task, run.planned, now):
            reason = policy.TOO_OLD
        if reason:
            self._roster.drop(self._draft, run, reason, now)

    # -- what is due ------------------------------------------------------------------------

    def _settle(self, now: datetime, events: Sequence[Event]) -> None:
        # What ended at the instant of the next due does not overlap with it; and what a person
        # asks for, or the start of the daemon, comes behind what was due before.
        for event in events:
            self._hear_past(event, now)
        self._decide_due(now)
        for event in events:
            self._hear_wish(event, now)

    def _decide_due(self, now: datetime) -> None:
        if self._roster.is_closed:
            return
        for plan in self._agenda.take_due(now):
            self._decide(plan, now)
            self._agenda.put_back(plan, now)
            self._store.move_cursor(plan.task.name, now)
            self._draft.next_dues[plan.task.name] = plan.next_due

    def _decide(self, plan: Plan, now: datetime) -> None:
        """Give every occurrence in (through, now] its verdict."""
        task, planner = plan.task, plan.planner
        spans = self._ledger.free_spans(task.name, plan.reached, plan.through, now)
        pending = undecided(planner, spans)
        if pending is None:
            return
        refused = policy.refusal(task, is_enabled=self.is_enabled)
        if refused is not None:
            self._ledger.record_spans(self._draft, task.name, planner, spans, *refused)
            return
        chosen = policy.to_run(pending, task, now)
        missed = spans if chosen is None else before(spans, chosen)
        why = policy.why_missed(pending, task, now)
        self._ledger.record_spans(self._draft, task.name, planner, missed, Verdict.MISSED, why)
        if chosen is not None:
            self._admit(plan, chosen, Trigger.SCHEDULE, now)

    def _admit(self, plan: Plan, due: datetime, trigger: Trigger, now: datetime) -> None:
        going_on = [run.id for run in self._roster.going_on(plan.task.name)]
        verdict, reason = policy.admission(going_on)
        row = _decision(plan, due, verdict, reason)
        if verdict is Verdict.ADMITTED:
            self._ledger.add(row)
            self._roster.add(self._draft, plan, due, trigger=trigger, now=now)
        elif trigger is Trigger.SCHEDULE:
            self._ledger.record(self._draft, row)
        else:
            self._ledger.record_alone(self._draft, row)

    # -- what happened ----------------------------------------------------------------------

    def _hear_past(self, event: Event, now: datetime) -> None:
        if isinstance(event, RunStarted):
            self._roster.mark_running(self._draft, event)
        elif isinstance(event, RunEnded):
            self._hear_ended(event, now)
        elif isinstance(event, RunNeverStarted):
            self._hear_never_started(event, now)
        elif isinstance(event, ServeStarted):
            self._resume_waiting()

    def _hear_ended(self, event: RunEnded, now: datetime) -> None:
        ended = self._roster.end(
            self._draft,
            event.run,
            event.lease,
            event.outcome,
            ended=event.ended or now,
            started=event.started,
            reason=event.reason,
            detail=event.detail,
            log=event.log,
        )
        plan = self._agenda.get(ended.task) if ended else None
        if plan is not None:
            self._roster.start_next(self._draft, plan)

    def _hear_never_started(self, event: RunNeverStarted, now: datetime) -> None:
        """Close an attempt that costs nothing, and make the next one at once."""
        ended = self._roster.end(
            self._draft,
            event.run,
            event.lease,
            Outcome.LOST,
            ended=now,
            reason=policy.NEVER_STARTED,
        )
        plan = self._agenda.get(ended.task) if ended else None
        if ended is None or plan is None:
            return
        is_enabled = self.is_enabled
        refused = policy.refusal(plan.task, is_enabled=is_enabled, trigger=ended.trigger)
        if refused is None and not policy.is_too_old(plan.task, ended.planned, now):
            self._roster.add(
                self._draft, plan, ended.due, trigger=ended.trigger, now=now, by=ended.by
            )
        self._roster.start_next(self._draft, plan)

    def _resume_waiting(self) -> None:
        """Let what waited over a restart go on."""
        for run in self.unfinished():
            plan = self._agenda.get(run.task)
            if run.state is State.WAITING and plan is not None:
                self._roster.start_next(self._draft, plan)

    # -- what is wished ---------------------------------------------------------------------

    def _hear_wish(self, event: Event, now: datetime) -> None:
        if isinstance(event, RunRequested):
            self._draft.answers.append(self._request(event, now))
        elif isinstance(event, CancelRequested):
            self._draft.answers.append(self._cancel(event, now))
        elif isinstance(event, ServeStarted) and not self._roster.is_closed:
            for plan in self._agenda:
                if Recurring.AT_START in plan.task.recurrence.parts:
                    self._decide_start(plan, event.at, now)

    def _decide_start(self, plan: Plan, due: datetime, now: datetime) -> None:
        if self._ledger.has(plan.task.name, due):
            return
        refused = policy.refusal(plan.task, is_enabled=self.is_enabled)
        if refused is None:
            self._admit(plan, due, Trigger.EVENT, now)
        else:
            self._ledger.record_alone(self._draft, _decision(plan, due, *refused))

    def _request(self, event: RunRequested, now: datetime) -> Answer:
        plan = self._agenda.get(event.task)
        refusal = self._why_no_run(event.task)
        if plan is None or refusal:
            return Answer(request=event.request, refusal=refusal)
        attempts = self._store.attempts(event.task, event.at)
        known = [run.id for run in attempts if run.trigger is Trigger.MANUAL]
        if known:
            # This request was committed before, and we did not know.
            return Answer(request=event.request, runs=(known[-1],))
        if not self._ledger.covers(plan, event.at):
            self._ledger.add(_decision(plan, event.at, Verdict.ADMITTED, by=event.by))
        run = self._roster.add(
            self._draft, plan, event.at, trigger=Trigger.MANUAL, now=now, by=event.by
        )
        return Answer(request=event.request, runs=(run.id,))

    def _why_no_run(self, task: str) -> str | None:
        if task not in self._agenda:
            return f'there is no task "{task}"'
        if self._roster.is_closed:
            return "linod is stopping"
        if not self.is_enabled:
            return policy.SWITCHED_OFF
        waiting = sum(run.state is State.WAITING for run in self._roster.going_on(task))
        return f"{waiting} runs of {task} wait already" if waiting >= WAITING_MAX else None

    def _cancel(self, event: CancelRequested, now: datetime) -> Answer:
        chosen = [run for run in self.unfinished() if event.run == run.id or event.task == run.task]
        if not chosen:
            return Answer(request=event.request, refusal=self._why_no_cancel(event))
        reason = f"cancelled by {event.by}"
        for run in chosen:
            if run.state is State.WAITING:
                self._roster.drop(self._draft, run, reason, now)
            else:
                self._draft.commands.append(_stop(run, reason))
        return Answer(request=event.request, runs=tuple(run.id for run in chosen))

    def _why_no_cancel(self, event: CancelRequested) -> str:
        if event.task is not None and event.task not in self._agenda:
            return f'there is no task "{event.task}"'
        if event.task is not None:
            return f"no run of {event.task} is going on"
        ended = self._store.run(event.run) if event.run is not None else None
        if ended is None:
            return f"there is no run {event.run}"
        return f"run {event.run} has ended: {ended.state.value}"


def _decision(
    plan: Plan, due: datetime, verdict: Verdict, reason: str = "", by: str = ""
) -> DecisionRow:
    return DecisionRow(
        task=plan.task.name, due=due, last=due, count=1, verdict=verdict, reason=reason, by=by
    )


def _stop(run: RunRow, reason: str) -> StopRun:
    return StopRun(run=run.id, lease=run.lease, outcome=Outcome.CANCELLED, reason=reason)

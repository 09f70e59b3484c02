"""Hears events, decides what is due, and answers requests; each call is one transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from attrs import evolve

from linod import policy
from linod.engine.adoption import Adoption, defined, remember_rest, take_back
from linod.engine.agenda import Agenda, Plan
from linod.engine.chaining import Chaining
from linod.engine.clock_accepting import ahead
from linod.engine.deciding import Deciding
from linod.engine.draft import Draft, Settled
from linod.engine.ending import Ending
from linod.engine.foreseeing import is_foreseen
from linod.engine.occasions import Occasions
from linod.engine.roster import Identity, start_of
from linod.engine.situation import Situation
from linod.engine.starting import Starter
from linod.engine.timers import Continue, EndPauses, LookAt, Timer, Timers
from linod.engine.watching import Watching
from linod.engine.wishing import Wishing
from linod.events import (
    ClockAccepted,
    Event,
    Requested,
    RunEnded,
    RunNeverStarted,
    RunStarted,
    ServeStarted,
    StartRun,
    State,
)
from linod.policy import Hold
from linod.specs import Config, Task
from linod.store.interface import CursorRow, RunRow, Store

Until = Callable[[Sequence[StartRun]], None]


class Engine:
    """Decides for one store; one thread at a time calls it."""

    def __init__(
        self,
        store: Store,
        *,
        lease: Callable[[], str],
        boot: str = "",
        at_once: int | None = None,
    ) -> None:
        """`lease` makes an unguessable text per start.

        A settle decides `at_once` tasks at most, those of the highest priority, where more are due:
        then its `wake` is not after its now, and the first ones start while the others are decided.
        """
        self._at_once = at_once
        self._store = store
        situation = Situation.of(store, Identity(lease=lease, boot=boot))
        self._situation = situation
        self._ending = Ending(situation)
        self._deciding = Deciding(situation, self._ending)
        self._occasions = Occasions(situation, self._ending, self._deciding)
        self._chaining = Chaining(situation, self._ending)
        self._starter = Starter(
            situation,
            drop=self._ending.drop,
            begin_chain=self._chaining.begin,
            stop_chain=self._chaining.stop,
        )
        self._ending.member_concluded = self._chaining.member_concluded
        self._ending.decide_after = self._deciding.decide_after
        self._wishing = Wishing(situation, self._ending, self._chaining)
        self._watching = Watching(situation)
        self._is_stale = False
        self._is_given_up = False
        """An adoption was given up that may have been committed."""
        self._latest = _EPOCH
        """When the last settle was, by a clock that can be set."""

    def adopt(self, config: Config, now: datetime, *, elapsed: timedelta | None = None) -> Settled:
        """Take a configuration: settle the former one up to now, then begin this one at now.

        `elapsed` is the time since boot, on which lengths of time are counted.
        """
        situation = self._situation
        former = situation.config, situation.agenda
        try:
            return self._commit(lambda: self._adopt(config), now, elapsed)
        except BaseException:
            situation.config, situation.agenda = former
            self._is_given_up = True
            raise

    def settle(
        self, now: datetime, events: Sequence[Event] = (), *, elapsed: timedelta | None = None
    ) -> Settled:
        """Hear what happened, then decide everything that is due."""
        wake = self.wake(now, elapsed)
        is_due = (wake is not None and wake <= now) or bool(self._situation.dirty)
        if not events and not is_due and not self._is_stale:
            return Settled(wake=wake, due=None if wake is None else self._situation.agenda.wake)
        return self._commit(lambda: self._settle(events, self._at_once), now, elapsed)

    @property
    def is_closed(self) -> bool:
        """Tell whether nothing is started any more."""
        return self._situation.is_closed

    def foreseen(self, now: datetime, *, elapsed: timedelta | None = None) -> datetime | None:
        """Give the next instant at which something is due, if that can be decided ahead of it."""
        situation = self._situation
        instant, timers = situation.agenda.wake, situation.timers
        first = timers.wake(now, _since_boot(now, elapsed))
        if self._is_stale or instant is None or instant <= now or (first and first <= instant):
            return None
        return instant if is_foreseen(situation, instant) else None

    def settle_ahead(
        self,
        instant: datetime,
        until: Until,
        *,
        elapsed: timedelta | None = None,
        at_once: int | None = None,
    ) -> Settled:
        """Decide as if an instant that is foreseen had come; commit that when `until` returns.

        It gets what will be started. What it raises is raised, and nothing is decided. `elapsed` is
        that of the instant.
        """
        latest = self._latest
        try:
            return self._commit(lambda: self._settle((), at_once), instant, elapsed, until)
        except BaseException:
            self._latest = latest
            raise

    def drain(self) -> None:
        """Start nothing and decide nothing any more; only ends and cancels are heard."""
        self._situation.is_closed = True

    def unfinished(self) -> tuple[RunRow, ...]:
        """The runs without an outcome, oldest first."""
        return tuple(self._situation.roster.all().values())

    def due_by(self, instant: datetime, at_most: int) -> list[Task]:
        """Some of the tasks that are due by then, a chain's first ones too: a guess at what starts.

        It changes nothing; a reload, a hold or a policy may decide otherwise.
        """
        config = self._situation.config
        assert config is not None, "adopt() comes first"
        tasks: list[Task] = []
        for plan in self._situation.agenda.due_by(instant, at_most):
            names = plan.chain.tasks[0] if plan.chain is not None else (plan.name,)
            tasks += [config.tasks[name] for name in names]
        return tasks[:at_most]

    def wake(self, now: datetime, elapsed: timedelta | None = None) -> datetime | None:
        """When something is due next."""
        situation = self._situation
        if situation.is_closed:
            return None
        dues = situation.agenda.wake, situation.timers.wake(now, _since_boot(now, elapsed))
        return min((each for each in dues if each is not None), default=None)

    @property
    def plans(self) -> tuple[Plan, ...]:
        """The plan of every task and chain, in the order of the file."""
        return tuple(self._situation.agenda)

    @property
    def holds(self) -> tuple[Hold, ...]:
        """What is paused or disabled, oldest first."""
        return tuple(self._situation.holding.all())

    def ahead(self, now: datetime) -> dict[str, datetime]:
        """The tasks that are decided far beyond now, since the clock stepped back, and how far."""
        return ahead(self._situation, now)

    @property
    def is_enabled(self) -> bool:
        """Tell whether linod as a whole is switched on."""
        return self._situation.is_enabled

    # -- one transaction --------------------------------------------------------------------

    def _commit(
        self,
        work: Callable[[], None],
        now: datetime,
        elapsed: timedelta | None,
        until: Until | None = None,
    ) -> Settled:
        situation = self._situation
        situation.draft = Draft(now=now, elapsed=_since_boot(now, elapsed))
        try:
            with self._store.transaction():
                if self._is_stale:
                    self._refresh()
                work()
                if until is not None:
                    until([each for each in situation.draft.commands if isinstance(each, StartRun)])
        except BaseException:
            self._is_stale = True
            raise
        self._is_stale = self._is_given_up = False
        situation.renamed.clear()
        situation.roster.note_commit()
        assert situation.config is not None
        return situation.draft.settled(
            situation.agenda,
            situation.config.zone,
            wake=self.wake(now, elapsed),
            holds=situation.holding.take_changed(),
        )

    def _refresh(self) -> None:
        """Read everything again after a transaction of which we do not know how it ended."""
        situation = self._situation
        former = situation.roster.committed
        situation.rename_back()
        self._load()
        situation.ledger.forget_memory()
        situation.agenda = Agenda({plan.name: plan for plan in self._plans_as_stored()})
        if self._is_given_up and situation.config is not None:
            take_back(self._store, situation.agenda)
        situation.timers = Timers()
        self._set_timers()
        self._occasions.continue_all()
        situation.draft.failures = {plan.name: plan.failures for plan in situation.agenda}
        for run in self.unfinished():
            known = former.get(run.id)
            if run != known:
                situation.draft.rows.append(run)
            if run.state is State.STARTING and (known is None or not known.lease):
                self._start_late(run)
        for number in former.keys() - situation.roster.all().keys():
            ended = self._store.run(number)
            if ended is not None:
                situation.draft.rows.append(ended)
                situation.draft.ended.append(ended)

    def _load(self) -> None:
        situation, draft = self._situation, self._situation.draft
        situation.roster.load(draft.now, draft.elapsed)
        situation.holding.load()
        situation.dirty.clear()
        situation.stopping.clear()
        self._starter.forget_memory()

    def _start_late(self, run: RunRow) -> None:
        """Ask for a start that was committed without our knowing."""
        situation = self._situation
        plan = situation.agenda.get(run.task)
        if plan is None:
            return
        if situation.is_closed or self._is_given_up:
            # What another configuration let start, this one decides anew.
            self._ending.hear_never_started(RunNeverStarted(run=run.id, lease=run.lease))
        else:
            situation.draft.commands.append(start_of(run, plan, self._store))

    def _plans_as_stored(self) -> list[Plan]:
        cursors = self._store.cursors()
        return [self._plan_as_stored(plan, cursors[plan.name]) for plan in self._situation.agenda]

    def _plan_as_stored(self, plan: Plan, cursor: CursorRow) -> Plan:
        if cursor.definition != plan.planner.definition:
            # An adoption was committed that we gave up: the former rule goes on.
            self._store.put_cursor(defined(cursor, plan.planner.definition))
        stored = evolve(
            plan,
            through=cursor.through,
            reached=cursor.reached,
            next_due=plan.planner.next(cursor.through),
            failures=cursor.failures,
            boot=cursor.boot,
            continues_at=None,
        )
        if stored.cool_until is None:
            remember_rest(self._situation, stored)
        return stored

    # -- a configuration --------------------------------------------------------------------

    def _adopt(self, config: Config) -> None:
        situation = self._situation
        is_restart = situation.config is None
        if is_restart:
            self._load()
            situation.roster.note_commit()
            situation.inherited = frozenset(run.id for run in self.unfinished())
        else:
            self._deciding.decide_due()
        adoption = Adoption(situation, is_restart=is_restart)
        was_on = {plan.name for plan in situation.agenda if plan.task.enabled}
        situation.agenda = adoption.agenda(config)
        situation.config, situation.timers = config, Timers()
        for run in self.unfinished():
            if run.state is State.WAITING:
                self._look_at_waiting(run, was_on, is_restart=is_restart)
        self._set_timers()
        self._starter.forget_memory()
        self._occasions.continue_all()
        if not is_restart:
            self._starter.start()
            self._watch_new()

    def _look_at_waiting(self, run: RunRow, was_on: set[str], *, is_restart: bool) -> None:
        """Drop a run that waits, where it is not wanted any more.

        What a person asks for of a task that is off may wait; not so from before it was off.
        """
        situation = self._situation
        reason, plan = "", situation.agenda.get(run.task)
        if plan is None:
            reason = policy.REMOVED
        elif refused := situation.refusal_of(plan, run):
            reason = refused.reason
        elif not plan.task.enabled and plan.name in was_on:
            reason = policy.SWITCHED_OFF_TASK
        elif is_restart and policy.is_too_old(plan.task, run.planned, situation.draft.now):
            reason = policy.TOO_OLD
        if reason:
            self._ending.drop(run, reason)
        elif plan is not None and run.held == policy.OUTSIDE:
            self._look_at_window(run, plan)

    def _look_at_window(self, run: RunRow, plan: Plan) -> None:
        """Plan what waits for its window anew, where that opens earlier now or is gone."""
        situation = self._situation
        earliest = max(situation.draft.now, run.due)
        opens = policy.opening(plan.task.allowed, plan.zone, earliest)
        if opens is not None and opens < run.planned:
            situation.roster.plan(situation.draft, run, opens)

    def _set_timers(self) -> None:
        situation = self._situation
        for run in self.unfinished():
            if run.state is State.WAITING:
                situation.look_when_ready(run)
        ends = situation.holding.next_end()
        if ends is not None:
            situation.timers.at(ends, EndPauses())
        self._watching.begin()

    # -- one settle -------------------------------------------------------------------------

    def _settle(self, events: Sequence[Event], at_once: int | None) -> None:
        # What ended at the instant of the next due does not overlap with it; and what a person
        # asks for, or the start of the daemon, comes behind what was due before.
        situation, draft = self._situation, self._situation.draft
        if draft.now < self._latest:
            self._look_again()
        self._latest = draft.now
        fired = situation.timers.take(draft.now, draft.elapsed)
        for event in events:
            self._hear_past(event)
        # What a person asks for, or a timer brings, comes after all that was due before it.
        is_plain = not fired and all(isinstance(event, _PAST) for event in events)
        self._deciding.decide_due(at_once if is_plain else None)
        for timer in fired:
            self._go_off(timer)
        for event in events:
            if isinstance(event, Requested):
                self._wishing.hear(event)
                if isinstance(event, ClockAccepted):
                    self._occasions.continue_all()
            elif isinstance(event, ServeStarted):
                self._occasions.begin(event)
        self._starter.start()
        self._watch_new()

    def _watch_new(self) -> None:
        for run in self._situation.draft.rows:
            if run.outcome is None and not run.lease:
                self._watching.watch(run)

    def _look_again(self) -> None:
        """Wait anew for planned starts: the clock stepped back behind those that had come."""
        for run in self.unfinished():
            if run.state is State.WAITING:
                self._situation.look_when_ready(run)

    def _hear_past(self, event: Event) -> None:
        if isinstance(event, RunStarted):
            run = self._situation.roster.mark_running(self._situation.draft, event)
            if run is not None:
                self._watching.watch(run)
        elif isinstance(event, RunEnded):
            self._ending.hear_ended(event)
        elif isinstance(event, RunNeverStarted):
            self._ending.hear_never_started(event)

    def _go_off(self, timer: Timer) -> None:
        if isinstance(timer, LookAt):
            self._situation.look_at(timer.task)
        elif isinstance(timer, Continue):
            self._occasions.go_on(timer.task)
        elif isinstance(timer, EndPauses):
            self._occasions.end_pauses()
        else:
            self._watching.look(timer)


def _since_boot(now: datetime, elapsed: timedelta | None) -> timedelta:
    # Where nobody sets the clock, the one is as good as the other.
    return now - _EPOCH if elapsed is None else elapsed


_PAST = (RunStarted, RunEnded, RunNeverStarted)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

"""What the parts of the engine share: the configuration, and what is in memory of the store."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from attrs import define, field

from linod import policy
from linod.engine.agenda import Agenda, Plan
from linod.engine.draft import Draft
from linod.engine.holding import Holding
from linod.engine.ledger import Ledger
from linod.engine.roster import Identity, Roster
from linod.engine.timers import LookAt, Timers
from linod.events import Outcome, State, StopRun, TellChanged, Trigger
from linod.policy import Progress, Refusal
from linod.specs import Config, LogLevel
from linod.store.interface import RunRow, Store

_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


@define(kw_only=True, eq=False)
class Situation:
    """One per engine; `draft` is that of the transaction that goes on."""

    store: Store
    identity: Identity
    ledger: Ledger
    roster: Roster
    holding: Holding
    agenda: Agenda = field(factory=lambda: Agenda({}))
    timers: Timers = field(factory=Timers)
    draft: Draft = field(factory=lambda: Draft(now=_NEVER, elapsed=timedelta(0)))
    config: Config | None = None
    dirty: dict[str, None] = field(factory=dict)
    """Tasks whose waiting runs have to be looked at, in the order in which that was noticed."""
    stopping: dict[int, str] = field(factory=dict)
    """Runs that were asked to end, and why: no attempt follows them, however they end."""
    inherited: frozenset[int] = frozenset()
    """Runs of a former daemon that had not ended when this one began."""
    renamed: dict[str, str] = field(factory=dict)
    """New names and old ones of an adoption that is not known to be committed."""
    is_closed: bool = False
    """Nothing is decided or started any more."""

    @classmethod
    def of(cls, store: Store, identity: Identity) -> Situation:
        """Begin with a store."""
        return cls(
            store=store,
            identity=identity,
            ledger=Ledger(store),
            roster=Roster(store, identity),
            holding=Holding(store),
        )

    @property
    def is_enabled(self) -> bool:
        """Tell whether linod as a whole is switched on."""
        return self.config is not None and self.config.linod.enabled

    def refusal(
        self, plan: Plan, trigger: Trigger = Trigger.SCHEDULE, chain: RunRow | None = None
    ) -> Refusal | None:
        """Say why nothing of a task is decided to run now; `chain` is the run it belongs to."""
        is_asked = chain is not None and chain.trigger in (Trigger.MANUAL, Trigger.BACKFILL)
        hold = self.holding.holding(plan.name, self.draft.now, is_asked=is_asked)
        return policy.refusal(plan.task, hold, is_enabled=self.is_enabled, trigger=trigger)

    def refusal_of(self, plan: Plan, run: RunRow) -> Refusal | None:
        """Say why a run, or a further attempt at it, may not start now."""
        chain = self.roster.get(run.parent) if run.parent is not None else None
        return self.refusal(plan, run.trigger, chain)

    def going_on(self, task: str) -> list[RunRow]:
        """The unfinished runs of a task that something due now may overlap with, oldest first.

        What waits for a due beyond now is of a clock that was ahead: it is no earlier one.
        """
        return [run for run in self.roster.going_on(task) if not self._is_ahead(run)]

    def _is_ahead(self, run: RunRow) -> bool:
        now = self.draft.now
        is_early = run.planned > now and run.due > now
        return is_early and run.state is State.WAITING and run.delay is None

    def rename(self, old: str, new: str) -> None:
        """Give all that is stored of a task to another name."""
        self.renamed[new] = old
        self._rename(old, new)

    def rename_back(self) -> None:
        """Give names back that an adoption took which was given up, but committed."""
        known = self.store.cursors().keys()
        for new, old in reversed(self.renamed.items()):
            if new in known and old not in known:
                self._rename(new, old)

    def _rename(self, old: str, new: str) -> None:
        self.store.rename_task(old, new)
        self.ledger.forget_memory()
        self.holding.load()
        self.roster.load(self.draft.now, self.draft.elapsed)
        for run in self.roster.all().values():
            if "chain" in run.detail:
                progress = Progress.read(run.detail).renamed(old, new)
                self.roster.put_detail(self.draft, run, progress.to_detail())

    def look_at(self, task: str) -> None:
        """Look at the waiting runs of a task before this settle ends."""
        self.dirty[task] = None

    def add_run(self, plan: Plan, run: RunRow, attempt: int | None = None) -> RunRow:
        """Write a run that waits, and look at it when its time has come.

        Unless its attempt is known, it is the next one at its due.
        """
        run = self.roster.add(self.draft, plan, run, attempt)
        self.look_when_ready(run)
        return run

    def look_when_ready(self, run: RunRow) -> None:
        """Look at a waiting run now, or when its time has come."""
        ready_at = self.roster.ready_at(run)
        if self.roster.is_ready(run, self.draft):
            self.look_at(run.task)
        elif ready_at is not None:
            self.timers.after(ready_at, LookAt(run.task))
        else:
            self.timers.at(run.planned, LookAt(run.task))

    def stop(self, run: RunRow, reason: str) -> None:
        """Ask for the end of a run that began."""
        self.stopping[run.id] = reason
        command = StopRun(run=run.id, lease=run.lease, outcome=Outcome.CANCELLED, reason=reason)
        self.draft.commands.append(command)

    def set_failures(self, plan: Plan, failures: int) -> None:
        """Count how many occurrences in a row failed for good."""
        plan.failures = self.draft.failures[plan.name] = failures
        self.store.set_failures(plan.name, failures)

    def tell(self, level: LogLevel, task: str, text: str) -> None:
        """Say one line when the transaction is committed."""
        self.draft.changed.append(TellChanged(level=level, task=task, text=text))

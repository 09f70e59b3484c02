"""The runs that have no outcome yet: added, started one after another per task, ended once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from attrs import evolve, frozen

from linod import policy
from linod.engine.agenda import Plan
from linod.engine.draft import Draft
from linod.events import Outcome, RunStarted, StartRun, State, Trigger
from linod.store.interface import RunRow, Store


@frozen(kw_only=True)
class Identity:
    """What every start is committed with."""

    lease: Callable[[], str]
    """Makes an unguessable text, a new one per start."""
    boot: str = ""


class Roster:
    """The unfinished runs of all tasks, as the store has them."""

    def __init__(self, store: Store, identity: Identity) -> None:
        self._store = store
        self._identity = identity
        self._runs: dict[int, RunRow] = {}
        self._of_task: dict[str, list[int]] = {}
        self.is_closed = False
        """Nothing starts any more; what is added waits."""

    def load(self) -> None:
        """Read everything from the store again."""
        self._runs = {run.id: run for run in self._store.unfinished()}
        self._of_task = {}
        for run in self._runs.values():
            self._of_task.setdefault(run.task, []).append(run.id)

    def all(self) -> dict[int, RunRow]:
        """The unfinished runs by number, oldest first."""
        return dict(sorted(self._runs.items()))

    def going_on(self, task: str) -> list[RunRow]:
        """The unfinished runs of a task, oldest first, those that wait included."""
        return [self._runs[number] for number in self._of_task.get(task, ())]

    def add(
        self,
        draft: Draft,
        plan: Plan,
        due: datetime,
        *,
        trigger: Trigger,
        now: datetime,
        by: str = "",
    ) -> RunRow:
        """Write the next attempt at a due: it starts now, or waits for the others of its task."""
        is_starting = self._may_start(plan.task.name)
        run = RunRow(
            id=0,
            task=plan.task.name,
            due=due,
            attempt=self._store.next_attempt(plan.task.name, due),
            trigger=trigger,
            state=State.STARTING if is_starting else State.WAITING,
            queued=now,
            planned=due,
            arguments=policy.arguments_text(plan.task),
            by=by,
            lease=self._identity.lease() if is_starting else "",
            keeper=_keeper_of(plan) if is_starting else "",
            boot=self._identity.boot if is_starting else "",
        )
        run = self._store.add_run(run)
        self._of_task.setdefault(run.task, []).append(run.id)
        self._keep(draft, run)
        if is_starting:
            draft.commands.append(start_of(run, plan))
        return run

    def start_next(self, draft: Draft, plan: Plan) -> None:
        """Start the oldest run of a task that waits, where nothing else of it goes on."""
        waiting = self.going_on(plan.task.name)
        if not waiting or not self._may_start(plan.task.name):
            return
        leased = evolve(
            waiting[0],
            state=State.STARTING,
            lease=self._identity.lease(),
            keeper=_keeper_of(plan),
            boot=self._identity.boot,
        )
        if self._store.lease_run(leased.id, leased.lease, leased.keeper, leased.boot):
            self._keep(draft, leased)
            draft.commands.append(start_of(leased, plan))

    def mark_running(self, draft: Draft, event: RunStarted) -> None:
        """Record that a worker began."""
        run = self._runs.get(event.run)
        is_first = run is not None and self._store.mark_running(
            event.run, event.lease, event.worker, event.at
        )
        if run is not None and is_first:
            run = evolve(run, state=State.RUNNING, worker=event.worker, started=event.at)
            self._keep(draft, run)
            draft.started.append(run)

    def end(
        self,
        draft: Draft,
        id: int,
        lease: str,
        outcome: Outcome,
        *,
        ended: datetime,
        started: datetime | None = None,
        **fields: Any,
    ) -> RunRow | None:
        """Record an end, if it is the first one of that lease; a run that waits has none."""
        run = self._runs.get(id)
        began = started or (run.started if run else None)
        # A clock that stepped back meanwhile must not make a run end before it began.
        ended = max(ended, began) if began else ended
        row = self._store.end_run(id, lease, outcome, ended=ended, started=started, **fields)
        if row is not None:
            self._forget(row)
            draft.rows.append(row)
            draft.ended.append(row)
        return row

    def drop(self, draft: Draft, run: RunRow, reason: str, now: datetime) -> None:
        """End a run that waits."""
        self.end(draft, run.id, "", Outcome.CANCELLED, ended=now, reason=reason)

    def _may_start(self, task: str) -> bool:
        states = [run.state for run in self.going_on(task)]
        return policy.is_free_to_start(states) and not self.is_closed

    def _keep(self, draft: Draft, run: RunRow) -> None:
        self._runs[run.id] = run
        draft.rows.append(run)

    def _forget(self, run: RunRow) -> None:
        self._runs.pop(run.id, None)
        of_task = self._of_task.get(run.task, [])
        if run.id in of_task:
            of_task.remove(run.id)


def _keeper_of(plan: Plan) -> str:
    # Where the run file is depends on it, whatever the configuration says by then.
    return plan.task.user or ""


def start_of(run: RunRow, plan: Plan) -> StartRun:
    """The effect that starts a run which is leased."""
    return StartRun(
        run=run.id,
        lease=run.lease,
        task=plan.task,
        due=run.due,
        attempt=run.attempt,
        trigger=run.trigger,
        planned=run.planned,
        zone=plan.zone,
    )

"""The runs that have no outcome yet: added, begun and ended, each once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from attrs import frozen

from linod import policy
from linod.changing import changer
from linod.engine.agenda import Plan
from linod.engine.draft import Draft
from linod.events import Outcome, RunStarted, StartRun, State
from linod.policy.warning import AUTO_RUNS_MAX
from linod.store.interface import RunRow, Store
from linod.views import BAD

_changed = changer(RunRow)


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
        self._of_chain: dict[int, set[int]] = {}
        self._ready_at: dict[int, timedelta] = {}
        """The time since boot until which a run waits that waits for a length of time."""
        self.committed: dict[int, RunRow] = {}
        """The unfinished runs after the last transaction of which we know the end."""
        self._touched: set[int] | None = None
        """Those that may be others than there; None: any."""
        self.places: Counter[str] = Counter()
        """Places taken in each pool by runs that began."""
        self.begun = 0
        """Runs that began and have a process."""

    def load(self, now: datetime, elapsed: timedelta) -> None:
        """Read everything from the store again."""
        known, self._ready_at = self._ready_at, {}
        self._runs, self._of_task, self._of_chain = {}, {}, {}
        self._touched = None
        self.places, self.begun = Counter(), 0
        for run in self._store.unfinished():
            self._enter(run)
            if run.delay is not None:
                # Across a restart the stored end holds, capped at the original length.
                rest = max(timedelta(0), min(run.planned - now, run.delay))
                self._ready_at[run.id] = known.get(run.id, elapsed + rest)

    def all(self) -> dict[int, RunRow]:
        """The unfinished runs by number, oldest first."""
        return dict(sorted(self._runs.items()))

    def note_commit(self) -> None:
        """Take note that the transaction has ended well, at a price by what it changed."""
        if self._touched is None:
            self.committed = dict(self._runs)
        else:
            for number in self._touched:
                if (run := self._runs.get(number)) is not None:
                    self.committed[number] = run
                else:
                    self.committed.pop(number, None)
        self._touched = set()

    def get(self, id: int) -> RunRow | None:
        """An unfinished run by its number."""
        return self._runs.get(id)

    def tasks(self) -> list[str]:
        """The tasks that have unfinished runs."""
        return [task for task, runs in self._of_task.items() if runs]

    def going_on(self, task: str) -> list[RunRow]:
        """The unfinished runs of a task, oldest first, those that wait included."""
        return [self._runs[number] for number in self._of_task.get(task, ())]

    def members(self, chain: int) -> list[RunRow]:
        """The unfinished runs of the members of a chain's run."""
        return [self._runs[number] for number in sorted(self._of_chain.get(chain, ()))]

    def is_ready(self, run: RunRow, draft: Draft) -> bool:
        """Tell whether the time has come for a run that waits."""
        if run.delay is None:
            return run.planned <= draft.now
        return self._ready_at[run.id] <= draft.elapsed

    def ready_at(self, run: RunRow) -> timedelta | None:
        """The time since boot until which it waits; None where it waits for an instant."""
        return self._ready_at.get(run.id)

    # -- changes ------------------------------------------------------------------------------

    def add(self, draft: Draft, plan: Plan, run: RunRow, attempt: int | None = None) -> RunRow:
        """Write an attempt at a due, which waits: the next one, unless it is known which."""
        if attempt is None:
            attempt = self._store.next_attempt(run.task, run.due)
        text = "" if run.is_chain else policy.arguments_text(plan.task)
        run = self._store.add_run(_changed(run, attempt=attempt, arguments=text))
        self._enter(run)
        if run.delay is not None:
            self._ready_at[run.id] = draft.elapsed + run.delay
        draft.rows.append(run)
        return run

    def lease(self, draft: Draft, run: RunRow, plan: Plan) -> None:
        """Let a run start that waits."""
        leased = _changed(
            run,
            state=State.STARTING,
            lease=self._identity.lease(),
            keeper=_keeper_of(plan),
            boot=self._identity.boot,
            pool=plan.task.pool or "",
        )
        if self._store.lease_run(run.id, leased.lease, leased.keeper, leased.boot, leased.pool):
            self._replace(draft, leased)
            draft.commands.append(start_of(leased, plan, self._store))

    def begin_chain(self, draft: Draft, run: RunRow, detail: Mapping[str, Any]) -> RunRow:
        """Let the run of a chain begin that waits."""
        self._store.begin_chain(run.id, draft.now)
        self._store.put_detail(run.id, detail)
        begun = _changed(run, state=State.RUNNING, started=draft.now, detail=detail)
        self._replace(draft, begun)
        return begun

    def put_detail(self, draft: Draft, run: RunRow, detail: Mapping[str, Any]) -> RunRow:
        """Write the detail of an unfinished run."""
        self._store.put_detail(run.id, detail)
        told = _changed(run, detail=detail)
        self._replace(draft, told)
        return told

    def hold(self, draft: Draft, run: RunRow, reason: str) -> None:
        """Note what a run waits for, where that is something new."""
        if reason and run.held != reason:
            self._store.hold_run(run.id, reason, draft.now)
            self._replace(draft, _changed(run, held=reason, held_since=draft.now))

    def plan(self, draft: Draft, run: RunRow, planned: datetime) -> RunRow:
        """Give a run that waits another planned start."""
        self._store.plan_run(run.id, planned)
        self._ready_at.pop(run.id, None)
        moved = _changed(run, planned=planned, delay=None)
        self._replace(draft, moved)
        return moved

    def mark_running(self, draft: Draft, event: RunStarted) -> RunRow | None:
        """Record that a worker began; None where that is old news."""
        run = self._runs.get(event.run)
        is_first = run is not None and self._store.mark_running(
            event.run, event.lease, event.worker, event.at
        )
        if run is None or not is_first:
            return None
        run = _changed(run, state=State.RUNNING, worker=event.worker, started=event.at)
        self._replace(draft, run)
        draft.started.append(run)
        return run

    def end(
        self,
        draft: Draft,
        id: int,
        lease: str,
        outcome: Outcome,
        *,
        ended: datetime,
        started: datetime | None = None,
        worker: str = "",
        **fields: Any,
    ) -> RunRow | None:
        """Record an end, if it is the first one of that lease; a run that waits has none.

        With `worker` it records the begin as well, where nobody told of that before.
        """
        run = self._runs.get(id)
        begun = _as_begun(run, worker, started)
        began = started or (run.started if run else None)
        # A clock that stepped back meanwhile must not make a run end before it began.
        ended = max(ended, began) if began else ended
        row = self._store.end_run(
            id,
            lease,
            outcome,
            ended=ended,
            started=started,
            worker=begun.worker if begun is not None else "",
            known=begun or run,
            **fields,
        )
        if row is not None:
            self._leave(id)
            if begun is not None:
                draft.rows.append(begun)
                draft.started.append(begun)
            draft.rows.append(row)
            draft.ended.append(row)
        return row

    # -- memory -------------------------------------------------------------------------------

    def _enter(self, run: RunRow) -> None:
        self._touch(run.id)
        self._runs[run.id] = run
        self._of_task.setdefault(run.task, []).append(run.id)
        if run.parent is not None:
            self._of_chain.setdefault(run.parent, set()).add(run.id)
        self._count(run, 1)

    def _replace(self, draft: Draft, run: RunRow) -> None:
        self._touch(run.id)
        self._count(self._runs[run.id], -1)
        self._runs[run.id] = run
        self._count(run, 1)
        draft.rows.append(run)

    def _leave(self, id: int) -> None:
        run = self._runs.pop(id, None)
        if run is None:
            return
        self._touch(id)
        self._count(run, -1)
        self._of_task[run.task].remove(id)
        self._ready_at.pop(id, None)
        if run.parent is not None:
            self._of_chain[run.parent].discard(id)
            if not self._of_chain[run.parent]:
                del self._of_chain[run.parent]

    def _touch(self, id: int) -> None:
        if self._touched is not None:
            self._touched.add(id)

    def _count(self, run: RunRow, by: int) -> None:
        if run.state is not State.WAITING and not run.is_chain:
            self.begun += by
            self.places[run.pool] += by


def _as_begun(run: RunRow | None, worker: str, started: datetime | None) -> RunRow | None:
    """The row of a run that has begun, where it is not known to have."""
    if run is None or run.state is not State.STARTING or not worker or started is None:
        return None
    return _changed(run, state=State.RUNNING, worker=worker, started=started)


def _keeper_of(plan: Plan) -> str:
    # Where the run file is depends on it, whatever the configuration says by then.
    return plan.task.user or ""


def start_of(run: RunRow, plan: Plan, store: Store) -> StartRun:
    """The effect that starts a run which is leased."""
    is_after_failure, slow_after = False, None
    if plan.task.log_keep is not None:
        last = store.last_end(plan.name)
        is_after_failure = last is not None and last.outcome in BAD
        lengths = store.lengths(plan.name, AUTO_RUNS_MAX)
        slow_after = policy.slow_limit(plan.task.warn, lengths)
    return StartRun(
        is_after_failure=is_after_failure,
        slow_after=slow_after,
        run=run.id,
        lease=run.lease,
        task=plan.task,
        due=run.due,
        attempt=run.attempt,
        trigger=run.trigger,
        planned=run.planned,
        zone=plan.zone,
    )

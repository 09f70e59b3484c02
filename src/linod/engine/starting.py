"""Starts what waits, as overlap, upstream, `allowed` and pools let it.

First each task that something happened to is lined up: what may start by its own policies goes
into the queue of its pool. Then the queues are served in the order manual, priority, due, file.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from datetime import datetime, timedelta

from linod import policy
from linod.engine.agenda import Plan
from linod.engine.situation import Situation
from linod.engine.timers import LookAt
from linod.engine.upstream import Upstream
from linod.events import State, Trigger
from linod.policy.reasons import OUTSIDE, going_on
from linod.store.interface import RunRow

_Place = tuple[bool, int, datetime, int, int]
_ASKED_FOR = (Trigger.MANUAL, Trigger.BACKFILL)


class Starter:
    """Serves the queues of all pools."""

    def __init__(
        self,
        situation: Situation,
        *,
        drop: Callable[[RunRow, str], None],
        begin_chain: Callable[[RunRow, Plan], None],
        stop_chain: Callable[[RunRow, str], None],
    ) -> None:
        self._situation = situation
        self._drop = drop
        self._begin_chain = begin_chain
        self._stop_chain = stop_chain
        self._upstream = Upstream(situation)
        self._queues: dict[str, list[_Place]] = {}
        self._queued: dict[int, str] = {}
        """The pool in whose queue a run is."""
        self._caught_up: dict[str, timedelta] = {}
        """The time since boot at which a task's caught-up series may start its next run."""

    def forget_memory(self) -> None:
        """Line everything up again."""
        self._queues, self._queued = {}, {}
        for task in self._situation.roster.tasks():
            self._situation.look_at(task)

    def start(self) -> None:
        """Start what may start now."""
        situation = self._situation
        if situation.is_closed:
            return
        fresh: list[int] = []
        while situation.dirty:
            task = next(iter(situation.dirty))
            del situation.dirty[task]
            plan = situation.agenda.get(task)
            if plan is not None:
                fresh += self._line_up(plan)
            if not situation.dirty:
                # What starts or is dropped may make room, or change what others wait for.
                self._serve()
        self._note_waiting(fresh)

    # -- one task -----------------------------------------------------------------------------

    def _line_up(self, plan: Plan) -> list[int]:
        """Queue what may start of a task; return what is new in a queue."""
        going = self._situation.going_on(plan.name)
        if not going:
            return []
        ready = self._ready(plan, going)
        if stopped := policy.to_stop(plan.task, going, ready):
            for run in stopped:
                self._replace(run)
            going = self._situation.going_on(plan.name)
            ready = self._ready(plan, going)
        free = {run.id for run in policy.startable(plan.task, going, ready)}
        self._note_behind(plan, [run for run in ready if run.id not in free], going)
        fresh = []
        for run in ready:
            if run.id in free and run.id not in self._queued and self._is_free(plan, run):
                fresh += self._queue(plan, run)
        return fresh

    def _ready(self, plan: Plan, going: list[RunRow]) -> list[RunRow]:
        """Give those of a task that wait and whose time has come."""
        situation, next_at = self._situation, self._caught_up.get(plan.name)
        draft, is_ready = situation.draft, situation.roster.is_ready
        ready = [run for run in going if run.state is State.WAITING and is_ready(run, draft)]
        if next_at is None or next_at <= draft.elapsed:
            return ready
        if any(run.is_caught_up for run in ready):
            situation.timers.after(next_at, LookAt(plan.name))
        return [run for run in ready if not run.is_caught_up]

    def _is_free(self, plan: Plan, run: RunRow) -> bool:
        """Tell whether neither `allowed` nor upstream holds it; note it, or drop it, else."""
        situation = self._situation
        if not self._is_inside(plan, run):
            return False
        waits = self._upstream.waits_for(plan, run)
        if waits.failed:
            self._drop(run, waits.failed)
            return False
        situation.roster.hold(situation.draft, run, waits.going_on)
        return not waits.going_on

    def _is_inside(self, plan: Plan, run: RunRow) -> bool:
        situation, now = self._situation, self._situation.draft.now
        if run.trigger in _ASKED_FOR or policy.is_open(plan.task.allowed, plan.zone, now):
            return True
        opens = policy.opening(plan.task.allowed, plan.zone, now)
        following = plan.planner.next(run.due) if run.trigger is Trigger.SCHEDULE else None
        if opens is None or (following is not None and following <= opens):
            self._drop(run, OUTSIDE)
            return False
        planned = situation.roster.plan(situation.draft, run, opens)
        situation.roster.hold(situation.draft, planned, OUTSIDE)
        situation.look_when_ready(planned)
        return False

    def _note_behind(self, plan: Plan, behind: list[RunRow], going: list[RunRow]) -> None:
        # Of a series only the first one waits for another run; the others wait for each other.
        alone = [r for r in behind if not r.is_caught_up and r.trigger is not Trigger.BACKFILL]
        if alone:
            reasons = policy.why_behind(plan.task, alone, going)
            for run in alone:
                reason = reasons.get(run.id, "")
                self._situation.roster.hold(self._situation.draft, run, reason)

    def _replace(self, run: RunRow) -> None:
        """End a run that a newer one replaces; ask once where it has a process."""
        reason = "replaced by the next occurrence"
        if run.state is State.WAITING:
            self._drop(run, reason)
        elif run.id in self._situation.stopping:
            return
        elif run.is_chain:
            self._stop_chain(run, reason)
        else:
            self._situation.stop(run, reason)

    # -- the queues ---------------------------------------------------------------------------

    def _queue(self, plan: Plan, run: RunRow) -> list[int]:
        if run.is_chain:
            # A chain takes no place itself: its members do.
            self._note_caught_up(run)
            self._begin_chain(run, plan)
            return []
        pool = plan.task.pool or ""
        is_manual, priority = run.trigger is Trigger.MANUAL, plan.task.priority
        place = (not is_manual, -priority, run.due, plan.order, run.id)
        heapq.heappush(self._queues.setdefault(pool, []), place)
        self._queued[run.id] = pool
        return [run.id]

    def _serve(self) -> None:
        while (pool := self._next_pool()) is not None:
            number = heapq.heappop(self._queues[pool])[-1]
            if self._queued.pop(number, None) is not None:
                self._start(number)

    def _next_pool(self) -> str | None:
        """The pool with room whose first run comes before those of the others."""
        if self._is_full:
            return None
        heads = [
            (queue[0], pool) for pool, queue in self._queues.items() if queue and self._room(pool)
        ]
        return min(heads)[1] if heads else None

    @property
    def _is_full(self) -> bool:
        config = self._situation.config
        return config is not None and self._situation.roster.begun >= config.linod.max_running

    def _room(self, pool: str) -> bool:
        size = self._size(pool)
        return size is None or self._situation.roster.places[pool] < size

    def _size(self, pool: str) -> int | None:
        config = self._situation.config
        known = config.pools.get(pool) if config is not None else None
        return known.size if known is not None else None

    def _start(self, id: int) -> None:
        """Start a run that is first in its queue, if nothing came between."""
        situation = self._situation
        run = situation.roster.get(id)
        plan = situation.agenda.get(run.task) if run is not None else None
        if run is None or plan is None or run.state is not State.WAITING:
            return
        going = situation.going_on(run.task)
        free = policy.startable(plan.task, going, self._ready(plan, going))
        if all(each.id != id for each in free):
            return
        if not self._is_inside(plan, run):
            return
        situation.roster.lease(situation.draft, run, plan)
        self._note_caught_up(run)

    def _note_caught_up(self, run: RunRow) -> None:
        if run.is_caught_up:
            self._caught_up[run.task] = self._situation.draft.elapsed + policy.CAUGHT_UP_EVERY

    def _note_waiting(self, fresh: list[int]) -> None:
        """Note what those wait for that were queued now and did not start."""
        situation = self._situation
        for number in fresh:
            run = situation.roster.get(number)
            if run is not None and number in self._queued:
                reason = self._why_queued(self._queued[number])
                situation.roster.hold(situation.draft, run, reason)

    def _why_queued(self, pool: str) -> str:
        size, places = self._size(pool), self._situation.roster.places[pool]
        if size is not None and places >= size:
            return f'pool "{pool}" was full ({places} of {size})'
        return going_on(self._situation.roster.begun, "[linod] max_running")

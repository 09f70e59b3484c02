"""Takes a configuration: what is new or changed starts at now, what is gone is noted."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from attrs import evolve

from linod import policy
from linod.engine.agenda import Agenda, Plan
from linod.engine.former import planner_of
from linod.engine.situation import Situation
from linod.events import Verdict
from linod.planner import Planner
from linod.specs import Config, Task
from linod.store.interface import CursorRow, Store


class Adoption:
    """One configuration on its way in; the former agenda has planners that found out much."""

    def __init__(self, situation: Situation, *, is_restart: bool) -> None:
        self._situation = situation
        self._store = situation.store
        self._former = situation.agenda
        self._is_restart = is_restart

    def agenda(self, config: Config) -> Agenda:
        """Make the plan of each task, and write the cursors of what is new, changed or gone."""
        tasks = config.planned
        self._rename(tasks)
        cursors = self._store.cursors()
        depths = _depths(tasks)
        plans: dict[str, Plan] = {}
        for order, task in enumerate(tasks.values()):
            plan = self._plan(config, order, task, cursors.get(task.name))
            plan.depth = depths[task.name]
            plans[task.name] = plan
        for name, cursor in cursors.items():
            if name not in plans and cursor.definition:
                self._note_gone(cursor)
        return Agenda(plans)

    def _rename(self, tasks: Mapping[str, Task]) -> None:
        """Let history, cursor and pauses of an old name come along to a new one."""
        if not any(task.formerly for task in tasks.values()):
            return
        known = self._store.cursors().keys()
        for task in tasks.values():
            old = next((name for name in task.formerly if name in known - tasks.keys()), None)
            if old is not None and task.name not in known:
                self._situation.rename(old, task.name)

    def _plan(self, config: Config, order: int, task: Task, cursor: CursorRow | None) -> Plan:
        planner = self._planner(config, task)
        if cursor is None or cursor.definition != planner.definition:
            cursor = self._begin(task.name, planner.definition, cursor)
        plan = Plan(
            task=task,
            chain=config.chains.get(task.name),
            zone=config.zone_of(task),
            order=order,
            planner=planner,
            through=cursor.through,
            reached=cursor.reached,
            first_seen=cursor.first_seen,
            next_due=planner.next(cursor.through),
            failures=cursor.failures,
            boot=cursor.boot,
        )
        former = self._former.get(task.name)
        if former is not None and former.task.cooldown == task.cooldown:
            # On the time since boot, which a clock that was set does not change.
            plan.cool_until = former.cool_until
        else:
            remember_rest(self._situation, plan)
        return plan

    def _planner(self, config: Config, task: Task) -> Planner:
        old, zone = self._former.get(task.name), config.zone_of(task)
        if old is not None and old.zone == zone and _when(old.task) == _when(task):
            return old.planner
        return Planner.of(task, zone)

    def _begin(self, task: str, definition: str, old: CursorRow | None) -> CursorRow:
        """Begin a task that is new or changed: at now, with nothing from before."""
        now = self._situation.draft.now
        if old is not None:
            self._supersede(old)
        cursor = CursorRow(
            task=task,
            through=now,
            reached=max(now, old.reached) if old else now,
            definition="",
            definition_hash="",
            first_seen=old.first_seen if old else now,
            failures=old.failures if old else 0,
            boot=self._boot(old),
        )
        cursor = defined(cursor, definition)
        self._store.put_cursor(cursor)
        return cursor

    def _boot(self, old: CursorRow | None) -> str:
        """An edit fires nothing: what a reload brings counts as decided in this boot."""
        if not self._is_restart:
            return self._situation.identity.boot
        return old.boot if old is not None else ""

    def _note_gone(self, cursor: CursorRow) -> None:
        """Note that a task is gone: should it come back, it starts at that time."""
        self._supersede(cursor)
        through = max(cursor.through, self._situation.draft.now)
        gone = evolve(cursor, through=through, reached=through, definition="", definition_hash="")
        self._store.put_cursor(gone)

    def _supersede(self, old: CursorRow) -> None:
        """Record what an old rule left undecided, as one range."""
        situation, now = self._situation, self._situation.draft.now
        if not old.definition or old.through >= now:
            return
        try:
            planner = planner_of(old.definition)
        except ValueError:
            # A linod wrote it whose notation this one does not read: nothing can be counted.
            return
        spans = situation.ledger.free_spans(old.task, old.reached, old.through, now)
        reason = "the rule that made it due is gone"
        situation.ledger.record_spans(
            situation.draft, old.task, planner, spans, Verdict.SUPERSEDED, reason
        )


def remember_rest(situation: Situation, plan: Plan) -> None:
    """Find out how long a task still rests after its last end; capped at the whole length."""
    if plan.task.cooldown is None:
        return
    last = situation.store.last_end(plan.name)
    if last is None or last.ended is None or last.outcome is None:
        return
    length = policy.cooldown_after(plan.task.cooldown, last.outcome)
    rest = min(length, last.ended + length - situation.draft.now)
    if rest.total_seconds() > 0:
        plan.cool_until = situation.draft.elapsed + rest


def take_back(store: Store, agenda: Agenda) -> None:
    """Let what an adoption brought be gone that was committed and given up: it was never due."""
    for name, cursor in store.cursors().items():
        if name not in agenda and cursor.definition:
            store.put_cursor(evolve(cursor, definition="", definition_hash=""))


def defined(cursor: CursorRow, definition: str) -> CursorRow:
    """Give a cursor the text of what defines its instants."""
    digest = hashlib.sha256(definition.encode()).hexdigest()
    return evolve(cursor, definition=definition, definition_hash=digest)


def _when(task: Task) -> tuple[object, ...]:
    return (
        task.recurrence,
        task.start,
        task.end,
        task.max_events,
        task.dst,
        task.exclude,
        task.on_excluded,
    )


def _depths(tasks: Mapping[str, Task]) -> dict[str, int]:
    """How many tasks each is behind in `after`; check refuses cycles."""
    depths: dict[str, int] = {}
    for name in tasks:
        way = [name]
        while way:
            open_names = [
                each
                for each in tasks[way[-1]].after
                if each in tasks and each not in depths and each not in way
            ]
            if open_names:
                way.append(open_names[0])
                continue
            behind = [depths.get(each, 0) for each in tasks[way[-1]].after]
            depths[way.pop()] = 1 + max(behind) if behind else 0
    return depths

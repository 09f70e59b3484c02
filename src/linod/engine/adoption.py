"""Takes a configuration: what is new or changed starts at now, what is gone is noted."""

from __future__ import annotations

import hashlib
from datetime import datetime

from attrs import evolve

from linod.engine.agenda import Agenda, Plan
from linod.engine.draft import Draft
from linod.engine.former import planner_of
from linod.engine.ledger import Ledger
from linod.events import Verdict
from linod.planner import Planner
from linod.specs import Config, Task
from linod.store.interface import CursorRow, Store


class Adoption:
    """One configuration on its way in; `former` keeps planners that have found out much."""

    def __init__(self, store: Store, ledger: Ledger, former: Agenda) -> None:
        self._store = store
        self._ledger = ledger
        self._former = former

    def plans(self, draft: Draft, config: Config, now: datetime) -> dict[str, Plan]:
        """Make the plan of each task, and write the cursors of what is new, changed or gone."""
        cursors = self._store.cursors()
        plans: dict[str, Plan] = {
            task.name: self._plan(draft, config, order, task, cursors.get(task.name), now)
            for order, task in enumerate(config.tasks.values())
        }
        for name, cursor in cursors.items():
            if name not in plans and cursor.definition:
                self._note_gone(draft, cursor, now)
        return plans

    def _plan(
        self,
        draft: Draft,
        config: Config,
        order: int,
        task: Task,
        cursor: CursorRow | None,
        now: datetime,
    ) -> Plan:
        planner = self._planner(config, task)
        if cursor is None or cursor.definition != planner.definition:
            cursor = self._begin(draft, task.name, planner.definition, cursor, now)
        return Plan(
            task=task,
            zone=config.zone_of(task),
            order=order,
            planner=planner,
            through=cursor.through,
            reached=cursor.reached,
            next_due=planner.next(cursor.through),
        )

    def _planner(self, config: Config, task: Task) -> Planner:
        old, zone = self._former.get(task.name), config.zone_of(task)
        if old is not None and old.zone == zone and _when(old.task) == _when(task):
            return old.planner
        return Planner.of(task, zone)

    def _begin(
        self, draft: Draft, task: str, definition: str, old: CursorRow | None, now: datetime
    ) -> CursorRow:
        """Begin a task that is new or changed: at now, with nothing from before."""
        if old is not None:
            self._supersede(draft, old, now)
        cursor = CursorRow(
            task=task,
            through=now,
            reached=max(now, old.reached) if old else now,
            definition="",
            definition_hash="",
            first_seen=old.first_seen if old else now,
        )
        cursor = defined(cursor, definition)
        self._store.put_cursor(cursor)
        return cursor

    def _note_gone(self, draft: Draft, cursor: CursorRow, now: datetime) -> None:
        """Note that a task is gone: should it come back, it starts at that time."""
        self._supersede(draft, cursor, now)
        through = max(cursor.through, now)
        gone = evolve(cursor, through=through, reached=through, definition="", definition_hash="")
        self._store.put_cursor(gone)

    def _supersede(self, draft: Draft, old: CursorRow, now: datetime) -> None:
        """Record what an old rule left undecided, as one range."""
        if not old.definition or old.through >= now:
            return
        try:
            planner = planner_of(old.definition)
        except ValueError:
            # A linod wrote it whose notation this one does not read: nothing can be counted.
            return
        spans = self._ledger.free_spans(old.task, old.reached, old.through, now)
        reason = "the rule that made it due is gone"
        self._ledger.record_spans(draft, old.task, planner, spans, Verdict.SUPERSEDED, reason)


def defined(cursor: CursorRow, definition: str) -> CursorRow:
    """Give a cursor the text of what defines its instants."""
    digest = hashlib.sha256(definition.encode()).hexdigest()
    return evolve(cursor, definition=definition, definition_hash=digest)


def _when(task: Task) -> tuple[object, ...]:
    return (task.recurrence, task.start, task.end, task.max_events, task.dst)

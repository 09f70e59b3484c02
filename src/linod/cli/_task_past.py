"""One task's past, as `linod why` looks at it; also where no daemon has made a store yet."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from linod.policy import ALL, Hold, in_force

if TYPE_CHECKING:
    from linod.store.interface import ActionRow, CursorRow, DecisionRow, Reader, RunRow

TICK = timedelta(microseconds=1)
"""The store's resolution."""
ROWS_MAX = 10_000
"""How far back an answer is looked for: a year of an hourly task."""
_PAGE = 500


class TaskPast:
    """What the store has of a task; bounded, however long it ran."""

    def __init__(self, reader: Reader | None, task: str) -> None:
        self.reader = reader
        self.task = task
        self._cursors = reader.cursors() if reader is not None else {}

    @property
    def cursor(self) -> CursorRow | None:
        """How far it is decided; None where no daemon has seen it, or it was removed."""
        found = self._cursors.get(self.task)
        return found if found is not None and found.definition else None

    def traced(self, now: datetime) -> datetime | None:
        """The last sign of a daemon: how far any task is decided."""
        throughs = (each.through for each in self._cursors.values())
        return max((each for each in throughs if each <= now), default=None)

    # -- decisions ----------------------------------------------------------------------------

    def newest_decision(self, upto: datetime | None = None) -> DecisionRow | None:
        """The decision with the newest due, not after `upto`."""
        before = None if upto is None else upto + TICK
        if self.reader is None:
            return None
        return next(iter(self.reader.decisions(self.task, limit=1, before=before)), None)

    def newest_refused(self) -> DecisionRow | None:
        """The newest decision that brought no run."""
        return next((row for row in self._decisions() if row.verdict != "admitted"), None)

    def _decisions(self) -> Iterator[DecisionRow]:
        before: datetime | None = None
        for _ in range(ROWS_MAX // _PAGE):
            if self.reader is None:
                return
            page = self.reader.decisions(self.task, limit=_PAGE, before=before)
            yield from page
            if len(page) < _PAGE:
                return
            before = page[-1].due

    def decision_at(self, due: datetime) -> DecisionRow | None:
        """The decision on this due."""
        return self.reader.decision_at(self.task, due) if self.reader is not None else None

    def decisions_between(self, first: datetime, last: datetime) -> list[DecisionRow]:
        """Decisions that touch [first, last], oldest first."""
        if self.reader is None:
            return []
        return self.reader.decisions_between(self.task, first, last)[-ROWS_MAX:]

    # -- runs ---------------------------------------------------------------------------------

    def runs(self) -> Iterator[RunRow]:
        """Its runs, newest first."""
        before: int | None = None
        for _ in range(ROWS_MAX // _PAGE):
            if self.reader is None:
                return
            page = self.reader.runs(self.task, limit=_PAGE, before=before)
            yield from page
            if len(page) < _PAGE:
                return
            before = page[-1].id

    def run(self, id: int | None) -> RunRow | None:
        """A run of whatever task."""
        return self.reader.run(id) if self.reader is not None and id is not None else None

    def attempts(self, due: datetime) -> list[RunRow]:
        """All runs of one occurrence, first attempt first."""
        return self.reader.attempts(self.task, due) if self.reader is not None else []

    def ended_before(self, at: datetime) -> RunRow | None:
        """The run that ended last before an instant, and was not cancelled."""
        return next((run for run in self.runs() if _has_ended(run, at)), None)

    def newest_success(self, task: str, upto: datetime) -> RunRow | None:
        """The success of a task with the newest due, not after `upto`."""
        return self.reader.newest_success(task, upto) if self.reader is not None else None

    # -- people -------------------------------------------------------------------------------

    def hold(self, instant: datetime) -> Hold | None:
        """What the store says now will keep it from running at an instant."""
        holds = self.reader.holds() if self.reader is not None else []
        return in_force((hold for hold in holds if hold.task in (self.task, ALL)), instant)

    def begun(self, verb: str, at: datetime, *, is_all: bool) -> ActionRow | None:
        """The last time a person did something to it, or to all, up to an instant."""
        return next((row for row in self._actions(verb, is_all=is_all) if row.at <= at), None)

    def ended(self, verb: str, at: datetime, *, is_all: bool) -> ActionRow | None:
        """The first time a person did something to it, or to all, after an instant."""
        after = [row for row in self._actions(verb, is_all=is_all) if row.at > at]
        return after[-1] if after else None

    def _actions(self, verb: str, *, is_all: bool) -> list[ActionRow]:
        if self.reader is None:
            return []
        meant = "" if is_all else self.task
        rows = self.reader.actions(self.task, limit=ROWS_MAX)
        return [row for row in rows if (row.verb, row.task) == (verb, meant)]


def _has_ended(run: RunRow, at: datetime) -> bool:
    is_telling = run.outcome is not None and run.outcome != "cancelled"
    return is_telling and run.ended is not None and run.ended <= at

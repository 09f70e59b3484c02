"""Writes the decisions on what gets no run: ranges that grow while they are the newest row."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from attrs import evolve

from linod.engine.agenda import Plan
from linod.engine.draft import Draft
from linod.events import Verdict
from linod.planner import Planner
from linod.policy import Undecided
from linod.store.interface import DecisionRow, Store

TICK = timedelta(microseconds=1)
"""The store's resolution: `due <= t` is `due < t + TICK`."""

Span = tuple[datetime, datetime]
"""A half-open stretch of time: after its first, up to and with its last instant."""

# An overlap every second is told once, when it begins.
_ALWAYS_TOLD = (Verdict.MISSED, Verdict.SUPERSEDED)


class Ledger:
    """The decisions of all tasks, of which it remembers the newest of each."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._newest: dict[str, DecisionRow | None] = {}

    def forget_memory(self) -> None:
        """Read everything from the store again."""
        self._newest = {}

    def newest(self, task: str) -> DecisionRow | None:
        """The decision on a task with the newest due."""
        if task not in self._newest:
            self._newest[task] = next(iter(self._store.decisions(task, limit=1)), None)
        return self._newest[task]

    def newest_upto(self, task: str, instant: datetime) -> DecisionRow | None:
        """The decision on a task with the newest due that is not after an instant."""
        newest = self.newest(task)
        if newest is None or newest.due <= instant:
            return newest
        # The clock was ahead.
        return next(iter(self._store.decisions(task, limit=1, before=instant + TICK)), None)

    def add(self, row: DecisionRow) -> None:
        """Write a decision of its own."""
        self._store.add_decision(row)
        newest = self.newest(row.task)
        if newest is None or newest.due <= row.due:
            self._newest[row.task] = row

    def has(self, task: str, due: datetime) -> bool:
        """Tell whether this very due has a row."""
        upto = self.newest_upto(task, due)
        return upto is not None and upto.due == due

    def covers(self, plan: Plan, due: datetime) -> bool:
        """Tell whether this due has a verdict: a row of its own, or one among a range."""
        row = self._store.decision_at(plan.name, due)
        return row is not None and due in (row.due, plan.planner.previous(due + TICK))

    def free_spans(
        self, task: str, reached: datetime, after: datetime, through: datetime
    ) -> list[Span]:
        """The parts of (after, through] in which no due has a row: usually the whole.

        Only where the clock stepped back and the rule changed since can there be rows already.
        """
        if after >= reached:
            return [(after, through)]
        spans = []
        for row in self._store.decisions_between(task, after + TICK, through):
            if row.due - TICK > after:
                spans.append((after, row.due - TICK))
            after = max(after, row.last)
        return [*spans, (after, through)] if after < through else spans

    def record_spans(
        self,
        draft: Draft,
        task: str,
        planner: Planner,
        spans: Sequence[Span],
        verdict: Verdict,
        reason: str,
        by: str = "",
    ) -> None:
        """Give all occurrences in some spans a verdict, one range per span."""
        for after, through in spans:
            count = planner.count(after, through) if after < through else 0
            if count:
                first, last = planner.next(after), planner.previous(through + TICK)
                assert first is not None
                assert last is not None
                self.record(
                    draft,
                    planner,
                    DecisionRow(
                        task=task,
                        due=first,
                        last=last,
                        count=count,
                        verdict=verdict,
                        reason=reason,
                        by=by,
                    ),
                )

    def record(self, draft: Draft, planner: Planner, row: DecisionRow) -> None:
        """Write that these got no run: into the newest row where that says the same."""
        newest = self.newest_upto(row.task, row.due)
        if newest is None or not _is_continued(newest, row, planner):
            self.record_alone(draft, row)
            return
        self._store.grow_decision(newest, row.last, row.count)
        if newest is self.newest(row.task):
            grown = evolve(newest, last=row.last, count=newest.count + row.count)
            self._newest[row.task] = grown
        if row.verdict in _ALWAYS_TOLD:
            draft.decided.append(row)

    def record_alone(self, draft: Draft, row: DecisionRow) -> None:
        """Write that this got no run, into a row of its own: `has` finds it again."""
        self.add(row)
        draft.decided.append(row)


def undecided(planner: Planner, spans: Sequence[Span]) -> Undecided | None:
    """The first and the newest occurrence in some spans."""
    first = newest = None
    for after, through in spans:
        beginning = planner.next(after)
        if beginning is not None and beginning <= through:
            first = first or beginning
            newest = planner.previous(through + TICK)
    return Undecided(first, newest) if first and newest else None


def newest_of(
    planner: Planner, spans: Sequence[Span], at_most: int, since: datetime
) -> list[datetime]:
    """The newest instants in some spans, none before `since`, oldest first."""
    found: list[datetime] = []
    for after, through in reversed(spans):
        due = planner.previous(through + TICK)
        while due is not None and due > after and due >= since:
            found.append(due)
            if len(found) == at_most:
                return found[::-1]
            due = planner.previous(due)
    return found[::-1]


def since(spans: Sequence[Span], instant: datetime) -> list[Span]:
    """Cut some spans to what lies at an instant or after it."""
    return [(max(after, instant - TICK), through) for after, through in spans if through >= instant]


def before(spans: Sequence[Span], due: datetime) -> list[Span]:
    """Cut some spans to what lies before a due."""
    return [(after, min(through, due - TICK)) for after, through in spans if after < due - TICK]


def _is_continued(newest: DecisionRow, row: DecisionRow, planner: Planner) -> bool:
    is_alike = (newest.verdict, newest.reason, newest.by) == (row.verdict, row.reason, row.by)
    is_range = is_alike and row.verdict is not Verdict.ADMITTED
    # What is due between them has a verdict of its own, or gets one yet.
    return is_range and newest.last < row.due == planner.next(newest.last)

"""Finds the occurrence that `linod why` is asked about, and what its answer needs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from attrs import evolve

from linod.cli._task_past import TICK, TaskPast
from linod.events import Verdict
from linod.policy import Hold, HoldKind, is_ahead
from linod.store.interface import DecisionRow, RunRow
from linod.why import Asked, Finding, NoVerdict, is_expected, run_in

if TYPE_CHECKING:
    from linod.cli._plans import Span
    from linod.planner import Planner

DECIDING_MAX = timedelta(minutes=1)
"""So long a daemon that is there may need to decide."""
_SECOND = timedelta(seconds=1)


class Finder:
    """Looks at one task; `chain` does at the chain to which it belongs, whose planner it has."""

    def __init__(
        self, asked: Asked, past: TaskPast, planner: Planner | None, chain: Finder | None = None
    ) -> None:
        self._asked = asked
        self._past = past
        self._planner = planner
        self._chain = chain

    # -- what is asked ------------------------------------------------------------------------

    def unexpected(self) -> Finding:
        """The last thing that did not run as a person would expect, else the last occurrence."""
        found = self._blocked() or self._last_unexpected()
        return found or self.newest()

    def newest(self) -> Finding:
        """The newest occurrence, whatever became of it; else the next one."""
        row = self._past.newest_decision()
        if row is not None:
            return self._decided(row, row.last)
        if self._planner is None:
            return self._not_due(None)
        following = self._planner.next(self._asked.now)
        if following is None:
            return self._not_due(None)
        return evolve(self._planned(following), is_first=True)

    def at(self, span: Span) -> Finding:
        """What became of the time that a person means."""
        rows = self._past.decisions_between(span.first, span.last - TICK)
        found = [*self._occurrences(rows, span)]
        if found:
            return self._chosen(found, span)
        return self._by_start(span) or self._by_chain(span) or self._unmatched(rows, span)

    # -- the last unexpected ------------------------------------------------------------------

    def _blocked(self) -> Finding | None:
        """What keeps it from being decided at all."""
        asked = self._asked
        if asked.through is None:
            return None
        if is_ahead(asked.through, asked.now):
            return Finding(what=NoVerdict.CLOCK_AHEAD)
        due = self._planner.previous(asked.now + TICK) if self._planner is not None else None
        if due is None or due <= asked.through or self._chain is not None:
            return None
        is_busy = asked.is_served and not asked.trouble and asked.now - due < DECIDING_MAX
        return None if is_busy else Finding(what=NoVerdict.UNDECIDED, at=due)

    def _last_unexpected(self) -> Finding | None:
        row, run = self._past.newest_refused(), self._unexpected_run()
        own = [(row.last, self._decided(row, row.last))] if row is not None else []
        if run is not None and (row is None or run.due > row.last):
            own = [(run.due, self._ran(run))]
        found = [*own, *self._unexpected_chain()]
        return max(found, key=lambda each: each[0])[1] if found else None

    def _unexpected_run(self) -> RunRow | None:
        """The newest occurrence whose last run is not what a person expects."""
        seen: set[datetime] = set()
        for run in self._past.runs():
            if run.due not in seen and not is_expected(run):
                return run
            seen.add(run.due)
        return None

    def _unexpected_chain(self) -> list[tuple[datetime, Finding]]:
        """What kept the chain from running, and with it the task."""
        if self._chain is None:
            return []
        found = self._chain._blocked() or self._chain._not_reached(self._past)
        row = self._chain._past.newest_refused()
        if found is not None:
            return [(found.at or self._asked.now, self._of_chain(found))]
        return [(row.last, self._of_chain(self._chain._decided(row, row.last)))] if row else []

    def _not_reached(self, member: TaskPast) -> Finding | None:
        """The run of a chain that goes on and has not come to a member."""
        going = [run for run in self._past.runs() if run.outcome is None]
        run = next((run for run in going if not member.attempts(run.due)), None)
        return None if run is None else self._ran(run)

    def _of_chain(self, found: Finding) -> Finding:
        return Finding(what=found.what, at=found.at, of_chain=found)

    # -- an instant ---------------------------------------------------------------------------

    def _occurrences(
        self, rows: list[DecisionRow], span: Span
    ) -> Iterator[tuple[datetime, DecisionRow]]:
        """Give the decided occurrences in a span, newest first; of a range the newest one."""
        for row in reversed(rows):
            due = self._of_range(row, span)
            if due is not None:
                yield due, row

    def _of_range(self, row: DecisionRow, span: Span) -> datetime | None:
        found = next((due for due in (row.last, row.due) if due in span), None)
        if found is not None or self._planner is None or not self._is_still_the_rule(row):
            return found
        due = self._planner.previous(min(span.last, row.last + TICK))
        return due if due is not None and due in span and due >= row.due else None

    def _chosen(self, found: list[tuple[datetime, DecisionRow]], span: Span) -> Finding:
        """Of several, that very instant; else the newest that is not expected, else the newest."""
        exact = next((each for each in found if each[0] == span.first), None)
        if exact is not None and not span.is_day:
            return self._decided(exact[1], exact[0])
        odd = next((each for each in found if self._is_odd(*each)), found[0])
        return self._decided(odd[1], odd[0])

    def _is_odd(self, due: datetime, row: DecisionRow) -> bool:
        if row.verdict is not Verdict.ADMITTED:
            return True
        attempts = self._past.attempts(due)
        return not attempts or not is_expected(attempts[-1])

    def _by_start(self, span: Span) -> Finding | None:
        """A run that was due within a second of it, or began then."""
        early = span.first - min(_SECOND, span.first - _EARLIEST)
        for run in self._past.runs():
            began = run.started or run.queued
            if early <= run.due < span.last or began in span:
                return self._ran(run)
        return None

    def _by_chain(self, span: Span) -> Finding | None:
        if self._chain is None:
            return None
        found = self._chain.at(span)
        is_decided = isinstance(found.what, Verdict) or found.what is NoVerdict.UNDECIDED
        return self._of_chain(found) if is_decided else None

    def _unmatched(self, rows: list[DecisionRow], span: Span) -> Finding:
        """An instant at which nothing is decided."""
        odd = next((row for row in reversed(rows) if not self._is_still_the_rule(row)), None)
        if odd is not None:
            return self._decided(odd, None)
        due = self._due_in(span)
        return self._planned(due) if due is not None else self._not_due(span.first)

    def _excluded_by(self, at: datetime) -> str:
        """What takes an instant out of the recurrence, in words."""
        return (None if self._planner is None else self._planner.excluded_by(at)) or ""

    def _is_still_the_rule(self, row: DecisionRow) -> bool:
        """Tell whether a range was counted by the rule of now, so that we know its instants."""
        if self._planner is None:
            return False
        return self._planner.count(row.due - TICK, row.last, row.count + 1) == row.count

    def _due_in(self, span: Span) -> datetime | None:
        """The newest due in a span that is past, else the first one to come."""
        if self._planner is None:
            return None
        past = self._planner.previous(min(span.last, self._asked.now + TICK))
        if past is not None and past in span:
            return past
        following = self._planner.next(span.first - TICK)
        return following if following is not None and following in span else None

    # -- findings -----------------------------------------------------------------------------

    def _planned(self, due: datetime) -> Finding:
        """An instant of the rule that has no decision."""
        if due <= self._asked.now:
            return Finding(what=NoVerdict.UNDECIDED, at=due)
        return Finding(what=NoVerdict.NOT_YET, at=due, hold=self._held(due))

    def _held(self, due: datetime) -> Hold | None:
        own = self._past.hold(due)
        return own if own is not None or self._chain is None else self._chain._held(due)

    def _not_due(self, at: datetime | None) -> Finding:
        before, after = self._nearest(at) if at is not None else (None, None)
        excluded_by = self._excluded_by(at) if at is not None else ""
        return Finding(
            what=NoVerdict.EXCLUDED if excluded_by else NoVerdict.NOT_DUE,
            at=at,
            before=before,
            after=after,
            excluded_by=excluded_by,
            missing=self._missing(),
        )

    def _nearest(self, at: datetime) -> tuple[datetime | None, datetime | None]:
        if self._planner is not None:
            before, after = self._planner.previous(at), self._planner.next(at)
            if before is not None or after is not None:
                return before, after
        dues = [run.due for run in self._past.runs()]
        earlier, later = [due for due in dues if due < at], [due for due in dues if due > at]
        return max(earlier, default=None), min(later, default=None)

    def _missing(self) -> list[str]:
        """Tasks named in `after` without a success since this one was decided last."""
        task, now = self._asked.task, self._asked.now
        newest = self._past.newest_decision(now)
        if task is None or not task.after or self._asked.first_seen is None:
            return []
        floor = self._asked.first_seen if newest is None else newest.last
        successes = {name: self._past.newest_success(name, now) for name in task.after}
        return [name for name, run in successes.items() if run is None or run.due <= floor]

    def _ran(self, run: RunRow) -> Finding:
        row = self._past.decision_at(run.due)
        if row is not None and row.verdict is not Verdict.ADMITTED:
            return self._decided(row, run.due)
        runs = self._past.attempts(run.due)
        return Finding(what=Verdict.ADMITTED, at=run.due, decision=row, runs=runs)

    def _decided(self, row: DecisionRow, at: datetime | None) -> Finding:
        due = at if at is not None else row.last
        hold, verb = self._hold_of(row, due), _VERBS.get(row.verdict)
        is_all = row.reason.startswith("all tasks")
        return Finding(
            what=row.verdict,
            at=at,
            decision=row,
            runs=self._past.attempts(due),
            other=self._other(row, due),
            hold=hold,
            begun=self._past.begun(verb[0], due, is_all=is_all) if verb else None,
            ended=self._past.ended(verb[1], due, is_all=is_all) if verb else None,
        )

    def _hold_of(self, row: DecisionRow, due: datetime) -> Hold | None:
        """The hold that is the reason of a verdict, if it is there still."""
        hold = self._past.hold(due)
        kind = _KINDS.get(row.verdict)
        return hold if hold is not None and hold.kind is kind and hold.since <= due else None

    def _other(self, row: DecisionRow, due: datetime) -> RunRow | None:
        """The run that a verdict is about."""
        if row.verdict is Verdict.OVERLAP:
            return self._past.run(run_in(row.reason))
        if row.verdict is Verdict.COOLDOWN:
            return self._past.ended_before(due)
        if row.verdict is Verdict.MISSED:
            return self._caught_up_after(row)
        if row.verdict is Verdict.UPSTREAM_FAILED and self._chain is not None:
            return next(iter(self._chain._past.attempts(due)[-1:]), None)
        return None

    def _caught_up_after(self, row: DecisionRow) -> RunRow | None:
        """The run of the newest missed occurrence, which ran for all of them."""
        following = self._planner.next(row.last) if self._planner is not None else None
        attempts = self._past.attempts(following) if following is not None else []
        return next((run for run in attempts if run.is_caught_up), None)


_EARLIEST = datetime.min.replace(tzinfo=UTC)
_VERBS = {Verdict.PAUSED: ("pause", "resume"), Verdict.DISABLED: ("disable", "enable")}
_KINDS = {Verdict.PAUSED: HoldKind.PAUSE, Verdict.DISABLED: HoldKind.DISABLE}

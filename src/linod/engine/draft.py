"""The settlement in the making: what one transaction wants done, thrown away when it fails."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from attrs import define, field, frozen

from linod.engine.agenda import Agenda
from linod.events import (
    Answer,
    Effect,
    Outcome,
    Settlement,
    StartRun,
    StopRun,
    TellChanged,
    TellDecided,
    TellEnded,
    TellStarted,
)
from linod.policy import Hold
from linod.store.interface import DecisionRow, RunRow, WarningRow


@frozen(kw_only=True)
class Settled(Settlement):
    """A settlement, with the rows that changed, for who shows the present."""

    due: datetime | None = None
    """When the calendar brings the next occurrence; `wake` looks at timers, too."""
    rows: tuple[RunRow, ...] = ()
    """Runs as they are now, in the order of their changes."""
    next_dues: Mapping[str, datetime | None] = field(factory=dict)
    """Of the tasks that were decided."""
    failures: Mapping[str, int] = field(factory=dict)
    """In a row, of the tasks of which that changed."""
    holds: tuple[Hold, ...] | None = None
    """All pauses and disables, where one changed."""
    warnings: tuple[WarningRow, ...] = ()
    """Those that are new."""


@frozen(kw_only=True)
class Tries:
    """How often an occurrence is tried whose attempt ended."""

    attempts_max: int | None = None
    """None where the number of the attempt does not count up to it."""
    again: timedelta | None = None
    """The wait until the next attempt; None: there is none."""


@define(kw_only=True)
class Draft:
    """Filled by the parts of the engine, which makes a Settled of it."""

    now: datetime
    elapsed: timedelta
    """Since boot: what lengths of time are counted on."""
    commands: list[StartRun | StopRun] = field(factory=list)
    answers: list[Answer] = field(factory=list)
    started: list[RunRow] = field(factory=list)
    ended: list[RunRow] = field(factory=list)
    tries: dict[int, Tries] = field(factory=dict)
    """What is known of the attempts of some that ended."""
    decided: list[DecisionRow] = field(factory=list)
    changed: list[TellChanged] = field(factory=list)
    rows: list[RunRow] = field(factory=list)
    next_dues: dict[str, datetime | None] = field(factory=dict)
    failures: dict[str, int] = field(factory=dict)
    warnings: list[WarningRow] = field(factory=list)

    def settled(
        self,
        agenda: Agenda,
        zone: str,
        *,
        wake: datetime | None,
        holds: tuple[Hold, ...] | None,
    ) -> Settled:
        """Make the settlement: what is to be done first, then what is to be told."""
        tells: tuple[Effect, ...] = (
            *map(_told_start, self.started),
            *(self._told_end(row, agenda, zone) for row in self.ended),
            *(_told_decision(row, agenda, zone) for row in self.decided),
            *self.changed,
        )
        return Settled(
            effects=(*self.commands, *self.answers, *tells),
            wake=wake,
            due=None if wake is None else agenda.wake,
            rows=tuple(self.rows),
            next_dues=self.next_dues,
            failures=self.failures,
            holds=holds,
            warnings=tuple(self.warnings),
        )

    def _told_end(self, row: RunRow, agenda: Agenda, zone: str) -> TellEnded:
        plan, tries = agenda.get(row.task), self.tries.get(row.id, _UNKNOWN)
        late = row.started - row.planned if row.started else None
        return TellEnded(
            run=row.id,
            task=row.task,
            due=row.due,
            attempt=row.attempt,
            outcome=row.outcome or Outcome.LOST,
            reason=row.reason,
            took_s=row.took.total_seconds() if row.took is not None else None,
            late_s=late.total_seconds() if late is not None else None,
            next_due=plan.next_due if plan and plan.task.enabled else None,
            zone=plan.zone if plan else zone,
            attempts_max=tries.attempts_max,
            again=tries.again,
        )


_UNKNOWN = Tries()


def _told_start(row: RunRow) -> TellStarted:
    assert row.started is not None
    late_s = max(0.0, (row.started - row.planned).total_seconds())
    return TellStarted(run=row.id, task=row.task, due=row.due, late_s=late_s)


def _told_decision(row: DecisionRow, agenda: Agenda, zone: str) -> TellDecided:
    plan = agenda.get(row.task)
    return TellDecided(
        task=row.task,
        first=row.due,
        last=row.last,
        count=row.count,
        verdict=row.verdict,
        reason=row.reason,
        zone=plan.zone if plan else zone,
    )

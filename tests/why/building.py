"""Builds questions and rows, and says the answer on one line."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from linod.events import Outcome, State, Trigger, Verdict
from linod.recurrence import parse
from linod.specs import Task, TaskName
from linod.store.interface import ActionRow, DecisionRow, RunRow
from linod.why import Asked, Finding, sentences

DUE = datetime(2026, 11, 21, 1, 30, tzinfo=UTC)
"""Saturday 03:30 in Tallinn."""


def at(minutes: float) -> datetime:
    return DUE + timedelta(minutes=minutes)


def build_asked(**changes: Any) -> Asked:
    values: dict[str, Any] = {
        "name": "backup",
        "now": at(60),
        "zone": "Europe/Tallinn",
        "task": build_task(),
        "rule": "every day at 03:30",
        "first_seen": at(-10_000),
        "through": DUE,
        "traced": at(59),
    }
    return Asked(**{**values, **changes})


def build_task(recurrence: Any = "every day at 03:30", **keys: Any) -> Task:
    return Task(name=TaskName("backup"), shell="true", recurrence=parse(recurrence), **keys)


def build_run(**changes: Any) -> RunRow:
    """A run that began on time and succeeded in two minutes."""
    values: dict[str, Any] = {
        "id": 12,
        "task": "backup",
        "due": DUE,
        "attempt": 1,
        "trigger": Trigger.SCHEDULE,
        "state": Outcome.SUCCEEDED,
        "outcome": Outcome.SUCCEEDED,
        "queued": DUE,
        "planned": DUE,
        "started": DUE,
        "ended": at(2),
    }
    return RunRow(**{**values, **changes})


def build_waiting(**changes: Any) -> RunRow:
    """A run that waits for its pool since it is due."""
    values: dict[str, Any] = {
        "state": State.WAITING,
        "outcome": None,
        "started": None,
        "ended": None,
        "held": 'pool "database" was full (2 of 2)',
        "held_since": DUE,
    }
    return build_run(**{**values, **changes})


def build_dropped(reason: str, **changes: Any) -> RunRow:
    """A run that waited a quarter of an hour and was dropped."""
    values = {"outcome": Outcome.CANCELLED, "state": Outcome.CANCELLED, "ended": at(15)}
    return build_waiting(**{**values, "reason": reason, "held": "", **changes})


def build_decision(verdict: Verdict, reason: str = "", **changes: Any) -> DecisionRow:
    values: dict[str, Any] = {"task": "backup", "due": DUE, "last": DUE, "count": 1}
    return DecisionRow(verdict=verdict, reason=reason, **{**values, **changes})


def build_action(verb: str, minutes: float, by: str = "bob") -> ActionRow:
    return ActionRow(at=at(minutes), verb=verb, task="backup", by=by)


def said(finding: Finding, asked: Asked | None = None) -> str:
    return " ".join(sentences(asked or build_asked(), finding))


def ran(*runs: RunRow, asked: Asked | None = None) -> str:
    return said(Finding(what=Verdict.ADMITTED, at=DUE, runs=runs), asked)


def refused(verdict: Verdict, reason: str = "", asked: Asked | None = None, **changes: Any) -> str:
    row = build_decision(verdict, reason)
    return said(Finding(**{"what": verdict, "at": DUE, "decision": row, **changes}), asked)

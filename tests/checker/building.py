"""Builds small histories as literals: seconds after a Saturday morning in UTC."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from attrs import evolve

from .checking import check
from .findings import Finding
from .history import Begun, DecisionRow, History, Policy, RunRow, Task, Version
from .oracle import Every, Part

T = datetime(2026, 11, 21, 7, 0, 0, tzinfo=UTC)
EVERY_TEN = (Every(seconds=10),)

Entry = DecisionRow | RunRow | Begun


def at(second: float) -> datetime:
    return T + timedelta(seconds=second)


def decided(first: float, verdict: str, reason: str = "", **fields: Any) -> list[Entry]:
    """A decision on `count` dues from a first to a last one, which is the first by default."""
    last = at(fields.pop("last", first))
    row = DecisionRow(
        task="mail", due=at(first), last=last, count=1, verdict=verdict, reason=reason
    )
    return [evolve(row, **fields)]


def row(due: float, **fields: Any) -> list[Entry]:
    """A run row: decided at its due, begun at once, ended two seconds later."""
    instants: dict[str, Any] = {"queued": due, "planned": due, "started": due, "ended": due + 2}
    instants |= {name: fields.pop(name) for name in [*instants] if name in fields}
    written: dict[str, Any] = {
        name: None if each is None else at(each) for name, each in instants.items()
    }
    row = RunRow(
        id=int(due),
        task="mail",
        due=at(due),
        attempt=1,
        trigger="schedule",
        state="succeeded",
        **written,
    )
    return [evolve(row, **fields)]


def begun(due: float, started: float | None = None, took: float | None = 2, **fields: Any) -> Any:
    """What a task noted: it began at its due and took two seconds; None: it never noted an end."""
    started = due if started is None else started
    ended = None if took is None else at(started + took)
    noted = Begun(
        task="mail", due=at(due), attempt=1, started=at(started), ended=ended, run=int(due)
    )
    return [evolve(noted, **fields)]


def ran(due: float, started: float | None = None, took: float = 2, **fields: Any) -> list[Entry]:
    """An occurrence as it should be: admitted, with its run; fields go to all three."""
    started = due if started is None else started
    queued = fields.pop("queued", started)
    times = {"queued": queued, "started": started, "ended": started + took}
    return [
        *decided(due, "admitted", **fields),
        *row(due, **times, **fields),
        *begun(due, started, took, **fields),
    ]


def all_ran(*dues: float, **fields: Any) -> list[Entry]:
    """Several occurrences as they should be."""
    return [entry for due in dues for entry in ran(due, **fields)]


def task(name: str = "mail", parts: tuple[Part, ...] = EVERY_TEN, **policy: Any) -> Task:
    """A task that never changed."""
    return Task(name=name, versions=(version(0, parts, **policy),))


def version(since: float, parts: tuple[Part, ...] | None = EVERY_TEN, **policy: Any) -> Version:
    """What a task was from an instant on."""
    return Version(since=at(since), parts=parts, policy=Policy(**policy))


def build(*entries: Iterable[Entry], until: float = 65, **fields: Any) -> History:
    """A history of one task, every ten seconds, of a decider that was always able to decide."""
    told = [entry for some in entries for entry in some]
    history = History(
        begin=T,
        until=at(until),
        tasks=(task(),),
        decisions=tuple(entry for entry in told if isinstance(entry, DecisionRow)),
        runs=tuple(entry for entry in told if isinstance(entry, RunRow)),
        begun=tuple(entry for entry in told if isinstance(entry, Begun)),
    )
    return evolve(history, **fields)


def found(history: History, late_max: float = 1) -> list[tuple[str, float]]:
    """The findings on a history: kind, and seconds of the due."""
    return [
        (str(each.kind), (each.due - T).total_seconds()) for each in findings(history, late_max)
    ]


def findings(history: History, late_max: float = 1) -> list[Finding]:
    """The findings on a history."""
    return check(history, late_max=timedelta(seconds=late_max))

"""How each task and chain stands: as the daemon says, as the store knows, as the file has it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from linod.cli._options import now
from linod.cli._past import daemon_status, reading
from linod.cli._plans import planner_of
from linod.events import Outcome, State
from linod.policy import ALL, WARNED_FOR, Hold, HoldKind, in_force, is_ahead, step_of
from linod.recurrence import in_words
from linod.store.interface import RunRow, TaskSummary, WarningRow
from linod.views import BAD

if TYPE_CHECKING:
    from linod.specs import Config, Task
    from linod.store.interface import Reader

_WARNINGS_MAX = 1000
"""Of the last day, of all tasks: more say no more."""
_TICK = timedelta(microseconds=1)

Key = tuple[str, HoldKind]


@frozen(kw_only=True)
class Standing:
    """One task or chain: what it is, how it did, when it is due."""

    task: str
    is_chain: bool
    state: str
    zone: str
    recurrence: str
    is_enabled: bool
    next: datetime | None
    current: RunRow | None
    progress: tuple[float, float | None] | None
    """How far that run is, where it says so: so much is done, of so much if that is known."""
    waits: tuple[RunRow, ...]
    """Those of its runs that wait, oldest first."""
    last: RunRow | None
    outcomes: tuple[Outcome, ...]
    paused: Hold | None
    disabled: Hold | None
    failures: int
    """So many occurrences in a row failed for good."""
    warnings: tuple[WarningRow, ...]
    """Those of a day, newest first."""

    @property
    def waiting(self) -> int:
        """How many runs of it wait."""
        return len(self.waits)

    @property
    def step(self) -> str | None:
        """How far the run of a chain is that goes on."""
        return None if self.current is None else step_of(self.current.detail)


@frozen(kw_only=True)
class Look:
    """What status shows of linod as a whole, and of each task."""

    at: datetime
    zone: str
    daemon: dict[str, Any] | None
    paused: Hold | None
    ahead: dict[str, datetime]
    """The tasks that are decided far beyond now, since the clock stepped back, and how far."""
    standings: list[Standing]

    @property
    def waiting(self) -> int:
        """How many runs wait."""
        return sum(standing.waiting for standing in self.standings)


@frozen(kw_only=True)
class _Past:
    """What the store knows."""

    summaries: dict[str, TaskSummary]
    waiting: dict[str, list[RunRow]]
    holds: dict[Key, Hold]
    warnings: dict[str, list[WarningRow]]
    failures: dict[str, int]
    ahead: dict[str, datetime]


_NOTHING = _Past(summaries={}, waiting={}, holds={}, warnings={}, failures={}, ahead={})


@frozen(kw_only=True)
class _Served:
    """A task as it is served, or would be."""

    name: str
    task: Task | None
    """As the file has it; None where only the daemon knows it still."""
    is_chain: bool
    zone: str
    is_enabled: bool
    next: datetime | None
    progress: dict[int, tuple[float, float | None]] = field(factory=dict)
    """Of its runs that say how far they are, by their numbers."""


def look(config: Config) -> Look:
    """Look at all tasks, with and without a daemon."""
    at, daemon = now(), daemon_status(config)
    served = [*(_configured(config, at) if daemon is None else _served(config, daemon))]
    with reading(config) as reader:
        past = _NOTHING if reader is None else _past(reader, [each.name for each in served], at)
    is_served = daemon is not None
    return Look(
        at=at,
        zone=config.zone,
        daemon=daemon,
        paused=past.holds.get((ALL, HoldKind.PAUSE)),
        ahead=past.ahead,
        standings=[_standing(config, each, past, at, is_served=is_served) for each in served],
    )


def _past(reader: Reader, names: list[str], at: datetime) -> _Past:
    warnings: dict[str, list[WarningRow]] = {}
    for row in reader.warnings(limit=_WARNINGS_MAX):
        if row.at > at - WARNED_FOR:
            warnings.setdefault(row.task, []).append(row)
    cursors = {name: row for name, row in reader.cursors().items() if row.definition}
    waiting: dict[str, list[RunRow]] = {}
    for run in reader.unfinished():
        if run.state is State.WAITING:
            waiting.setdefault(run.task, []).append(run)
    return _Past(
        summaries=reader.summaries(names),
        waiting=waiting,
        holds={
            (hold.task, hold.kind): hold
            for hold in reader.holds()
            if hold.until is None or at < hold.until
        },
        warnings=warnings,
        failures={name: row.failures for name, row in cursors.items()},
        ahead={name: row.through for name, row in cursors.items() if is_ahead(row.through, at)},
    )


def _configured(config: Config, at: datetime) -> Iterator[_Served]:
    for name, task in config.planned.items():
        is_enabled = task.enabled and config.linod.enabled
        yield _Served(
            name=name,
            task=task,
            is_chain=name in config.chains,
            zone=config.zone_of(task),
            is_enabled=is_enabled,
            next=planner_of(config, task).next(at) if is_enabled else None,
        )


def _served(config: Config, daemon: dict[str, Any]) -> Iterator[_Served]:
    """What is served may differ from what the file says by now; the daemon knows."""
    planned = config.planned
    for served in daemon["tasks"]:
        following = served.get("next")
        yield _Served(
            name=served["task"],
            task=planned.get(served["task"]),
            is_chain=bool(served["is_chain"]),
            zone=served["zone"],
            is_enabled=bool(served["is_enabled"]) and bool(daemon.get("is_enabled", True)),
            next=datetime.fromisoformat(following) if following else None,
            progress={
                told["run"]: (told["done"], told["total"]) for told in served.get("progress", ())
            },
        )


def _standing(
    config: Config, served: _Served, past: _Past, at: datetime, *, is_served: bool
) -> Standing:
    name = served.name
    summary = past.summaries.get(name, TaskSummary(task=name))
    keys = (name, HoldKind.PAUSE), (name, HoldKind.DISABLE), (ALL, HoldKind.PAUSE)
    paused, disabled, whole = map(past.holds.get, keys)
    hold = in_force(filter(None, (paused, disabled, whole)), at)
    return Standing(
        task=name,
        is_chain=served.is_chain,
        state=_state(summary, hold, is_enabled=served.is_enabled, is_served=is_served),
        zone=served.zone,
        recurrence=in_words(served.task.recurrence) if served.task else "",
        is_enabled=served.is_enabled,
        next=_next(config, served, hold),
        current=summary.current,
        progress=served.progress.get(summary.current.id) if summary.current else None,
        waits=tuple(past.waiting.get(name, ())),
        last=summary.last,
        outcomes=tuple(summary.outcomes),
        paused=paused,
        disabled=disabled,
        failures=past.failures.get(name, 0),
        warnings=tuple(past.warnings.get(name, ())),
    )


def _next(config: Config, served: _Served, hold: Hold | None) -> datetime | None:
    """When something of it runs next: what is due during a pause does not."""
    if hold is None or served.next is None:
        return served.next
    if hold.until is None:
        return None
    if served.next >= hold.until:
        return served.next
    planner = planner_of(config, served.task) if served.task is not None else None
    return planner.next(hold.until - _TICK) if planner is not None else None


def _state(summary: TaskSummary, hold: Hold | None, *, is_enabled: bool, is_served: bool) -> str:
    current = summary.current
    if current is not None and current.state is not State.WAITING:
        # Runs end with their daemon: the next one will record what became of it.
        return "running" if is_served else "unfinished"
    if not is_enabled:
        return "switched off"
    if hold is not None:
        return "disabled" if hold.kind is HoldKind.DISABLE else "paused"
    return "waiting" if current is not None else _settled(summary.outcomes)


def _settled(outcomes: tuple[Outcome, ...]) -> str:
    # A cancelled run counts for neither side.
    telling = [outcome for outcome in outcomes if outcome is not Outcome.CANCELLED]
    if not telling:
        return "cancelled" if outcomes else "never ran"
    if telling[-1] in BAD:
        return "failing"
    return "warned" if telling[-1] is Outcome.WARNED else "ok"

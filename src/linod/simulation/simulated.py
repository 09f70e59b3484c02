"""What a simulation came to, for tests: runs and decisions with the times of their zone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

from attrs import frozen

from linod.errors import LinodError
from linod.events import Outcome, Trigger, Verdict
from linod.simulation.alone import dues_of
from linod.simulation.playing import Simulation
from linod.simulation.report import Report, TaskReport
from linod.simulation.reporting import report_of
from linod.specs import Task
from linod.store.interface import DecisionRow, RunRow
from linod.units import parse_time_of_day

_ROWS_MAX = 10_000_000

TimeOfDay = str | time


@frozen(kw_only=True)
class SimulatedRun:
    """One run; its instants are in the zone of its task."""

    task: str
    due: datetime
    attempt: int
    trigger: Trigger
    planned: datetime
    started: datetime | None
    """None where it never began."""
    ended: datetime | None
    """None where it was going on at the end."""
    outcome: Outcome | None
    reason: str
    waited_for: str
    """What it waited for last."""

    @property
    def took(self) -> timedelta | None:
        """How long it ran."""
        return None if self.started is None or self.ended is None else self.ended - self.started

    @property
    def late(self) -> timedelta | None:
        """How much later than planned it started."""
        return None if self.started is None else self.started - self.planned


@frozen(kw_only=True)
class SimulatedDecision:
    """What became of one occurrence, or of `count` of them in a row."""

    task: str
    due: datetime
    last: datetime
    count: int
    verdict: Verdict
    reason: str


class Simulated:
    """What a simulation came to; its runs can be looked at until it is closed."""

    def __init__(self, played: Simulation) -> None:
        self._played = played
        self._config = played.scenario.config
        self.report: Report = report_of(played)
        """What `linod simulate` prints, as values."""

    @property
    def directory(self) -> Path:
        """Where that is."""
        return self._played.directory

    @property
    def findings(self) -> tuple[str, ...]:
        """What a person should look at, the most important first."""
        return self.report.findings

    def task(self, name: str) -> TaskReport:
        """The figures of a task or chain."""
        self._known(name)
        return next(task for task in self.report.tasks if task.task == name)

    def runs(self, task: str | None = None) -> list[SimulatedRun]:
        """The runs of a task or chain, or of all tasks, in the order in which they began.

        Those that never began come first.
        """
        names = [*self._config.tasks] if task is None else [self._known(task)]
        runs = [run for name in names for run in self._runs(name)]
        return sorted(runs, key=lambda run: run.started or _LONG_AGO)

    def decisions(self, task: str) -> list[SimulatedDecision]:
        """What became of the occurrences of a task or chain, by their dues."""
        name = self._known(task)
        place = self._place(name)
        if name in self._played.counted:
            dues = dues_of(self._played.scenario, self._played.counted[name])
            return [_admitted(name, _local(due, place)) for due in dues]
        rows = self._played.store.decisions(name, limit=_ROWS_MAX)
        return [_decision_of(row, place) for row in reversed(rows)]

    def skipped(self, task: str) -> list[SimulatedDecision]:
        """The occurrences of a task or chain that got no run, and why."""
        return [each for each in self.decisions(task) if each.verdict is not Verdict.ADMITTED]

    def starts_between(
        self, first: TimeOfDay | datetime, last: TimeOfDay | datetime, task: str | None = None
    ) -> list[SimulatedRun]:
        """The runs that began from `first` on and before `last`.

        Two times of day mean every day, in the zone of each task, and may pass midnight:
        `starts_between("22:00", "06:00")`.
        """
        begun = [run for run in self.runs(task) if run.started is not None]
        if isinstance(first, datetime) and isinstance(last, datetime):
            return [run for run in begun if run.started and first <= run.started < last]
        if isinstance(first, datetime) or isinstance(last, datetime):
            raise LinodError("starts_between takes two instants, or two times of day")
        opens, closes = _time_of(first), _time_of(last)
        return [run for run in begun if run.started and _is_in(run.started.time(), opens, closes)]

    def close(self) -> None:
        """Remove what it is looked up in; it also goes when nobody holds this any more."""
        self._played.close()

    def __enter__(self) -> Simulated:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    # -- rows -----------------------------------------------------------------------------------

    def _known(self, name: str) -> str:
        if name not in self._config.planned:
            raise LinodError(f'there is no task "{name}" in this simulation')
        return name

    def _place(self, name: str) -> ZoneInfo:
        return ZoneInfo(self._config.zone_of(self._config.planned[name]))

    def _runs(self, name: str) -> Iterator[SimulatedRun]:
        place, counted = self._place(name), self._played.counted.get(name)
        if counted is not None:
            yield from self._counted_runs(counted, place)
            return
        for row in reversed(self._played.store.runs(name, limit=_ROWS_MAX)):
            yield _run_of(row, place)

    def _counted_runs(self, task: Task, place: ZoneInfo) -> Iterator[SimulatedRun]:
        """The runs of a task that met no other are known from its dues."""
        scenario = self._played.scenario
        for due in dues_of(scenario, task):
            began, ended = _local(due, place), due + scenario.fates.of(task, due, 1).length
            is_over = ended < scenario.ends
            yield SimulatedRun(
                task=task.name,
                due=began,
                attempt=1,
                trigger=Trigger.SCHEDULE,
                planned=began,
                started=began,
                ended=_local(ended, place) if is_over else None,
                outcome=Outcome.SUCCEEDED if is_over else None,
                reason="",
                waited_for="",
            )


_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


def _run_of(row: RunRow, place: ZoneInfo) -> SimulatedRun:
    return SimulatedRun(
        task=row.task,
        due=_local(row.due, place),
        attempt=row.attempt,
        trigger=row.trigger,
        planned=_local(row.planned, place),
        started=_maybe_local(row.started, place),
        ended=_maybe_local(row.ended, place),
        outcome=row.outcome,
        reason=row.reason,
        waited_for=row.held,
    )


def _decision_of(row: DecisionRow, place: ZoneInfo) -> SimulatedDecision:
    return SimulatedDecision(
        task=row.task,
        due=_local(row.due, place),
        last=_local(row.last, place),
        count=row.count,
        verdict=row.verdict,
        reason=row.reason,
    )


def _admitted(task: str, due: datetime) -> SimulatedDecision:
    return SimulatedDecision(
        task=task, due=due, last=due, count=1, verdict=Verdict.ADMITTED, reason=""
    )


def _maybe_local(instant: datetime | None, place: ZoneInfo) -> datetime | None:
    return None if instant is None else _local(instant, place)


def _local(instant: datetime, place: ZoneInfo) -> datetime:
    """Give the wall reading with its offset as it is then.

    Python subtracts and compares two readings of one ZoneInfo without their offsets.
    """
    local = instant.astimezone(place)
    offset = local.utcoffset()
    assert offset is not None
    return local.replace(tzinfo=timezone(offset, local.tzname() or ""))


def _time_of(value: TimeOfDay) -> time:
    if isinstance(value, time):
        return value
    try:
        return parse_time_of_day(value)
    except ValueError as error:
        raise LinodError(f'"{value}": {error}') from None


def _is_in(wall: time, opens: time, closes: time) -> bool:
    if opens <= closes:
        return opens <= wall < closes
    return wall >= opens or wall < closes

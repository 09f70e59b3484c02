"""What a simulation came to, as frozen values: for the terminal, for JSON and for tests."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from attrs import field, frozen

from linod.events import Outcome, Verdict
from linod.simulation.fates import Origin
from linod.simulation.heat import Heat, Peak
from linod.simulation.playing import Cut
from linod.simulation.waits import ASKED_FOR


@frozen(kw_only=True)
class WaitReport:
    """How often and how long runs of a task waited for one thing."""

    task: str
    kind: str
    count: int
    longest: timedelta
    due: datetime | None
    """Of the one that waited longest."""

    @property
    def is_asked_for(self) -> bool:
        """Tell whether the task asks for this wait itself."""
        return self.kind in ASKED_FOR


@frozen(kw_only=True)
class TaskReport:
    """Of one task or chain."""

    task: str
    zone: str
    is_chain: bool
    is_counted: bool
    """What it does was certain: it was counted without the engine."""
    origin: Origin | None
    """Where the lengths of its runs come from; a chain has none."""
    occurrences: int
    every: timedelta | None
    """On average from one due to the next."""
    runs: int
    retries: int
    going: int
    """Runs that were going on at the end."""
    at_once: int
    not_run: Mapping[Verdict, int]
    dropped: Mapping[str, int]
    """Admitted runs that never began, by their reason."""
    stopped: Mapping[str, int]
    """Runs that were cancelled while they ran, by their reason."""
    outcomes: Mapping[Outcome, int]
    took_mean: timedelta | None
    took_longest: timedelta | None
    late_p95: timedelta
    late_longest: timedelta
    behind_median: timedelta | None
    """Of a chain: from its due to its end."""
    behind_longest: timedelta | None
    waits: tuple[WaitReport, ...]
    """The longest one first."""
    warnings: Mapping[str, int]

    @property
    def skipped(self) -> int:
        """Occurrences that got no run."""
        return sum(self.not_run.values())


@frozen(kw_only=True)
class PoolReport:
    """Of one pool."""

    pool: str
    size: int
    full: float
    """The part of the time in which it was full."""
    used: float
    """Places taken, on average."""
    most: int
    waits: int
    longest: WaitReport | None


@frozen(kw_only=True)
class Report:
    """The whole of it."""

    begins: datetime
    ends: datetime
    reached: datetime
    cut_by: Cut | None
    """What ended it before `ends`."""
    seed: int
    zone: str
    tasks: tuple[TaskReport, ...]
    pools: tuple[PoolReport, ...]
    heat: Heat
    peaks: tuple[Peak, ...]
    most_at_once: int
    most_at_once_at: datetime | None
    default: timedelta | None
    """The length of runs of which nothing is known."""
    findings: tuple[str, ...] = field(default=())

    @property
    def occurrences(self) -> int:
        """Of all tasks."""
        return sum(task.occurrences for task in self.tasks)

    @property
    def runs(self) -> int:
        """Of all tasks; chains have none but those of their members."""
        return sum(task.runs for task in self.tasks if not task.is_chain)

    def with_lengths(self, origin: Origin) -> tuple[str, ...]:
        """The tasks that ran and of which the lengths come from there."""
        return tuple(task.task for task in self.tasks if task.origin is origin and task.runs)

    @property
    def guessed(self) -> tuple[str, ...]:
        """The tasks whose runs take the default length."""
        return self.with_lengths(Origin.DEFAULT)

    def to_json(self) -> dict[str, Any]:
        """What `--json` prints."""
        return {
            "begins": self.begins,
            "ends": self.ends,
            "reached": self.reached,
            "cut_by": self.cut_by,
            "seed": self.seed,
            "timezone": self.zone,
            "occurrences": self.occurrences,
            "runs": self.runs,
            "default_duration_s": _seconds(self.default),
            "tasks": [_task_json(task) for task in self.tasks],
            "pools": [_pool_json(pool) for pool in self.pools],
            "most_at_once": {"runs": self.most_at_once, "at": self.most_at_once_at},
            "minutes": [_peak_json(peak) for peak in self.peaks],
            "load": {"by": self.heat.by, "rows": [_row_json(*row) for row in self.heat.rows]},
            "findings": list(self.findings),
        }


# -- JSON ---------------------------------------------------------------------------------------


def _seconds(length: timedelta | None) -> float | None:
    return None if length is None else length.total_seconds()


def _task_json(task: TaskReport) -> dict[str, Any]:
    return {
        "task": task.task,
        "is_chain": task.is_chain,
        "is_counted": task.is_counted,
        "timezone": task.zone,
        "durations_from": task.origin,
        "occurrences": task.occurrences,
        "due_every_s": _seconds(task.every),
        "runs": task.runs,
        "retries": task.retries,
        "going_on": task.going,
        "at_once": task.at_once,
        "not_run": dict(task.not_run),
        "dropped": dict(task.dropped),
        "stopped": dict(task.stopped),
        "outcomes": dict(task.outcomes),
        "took_mean_s": _seconds(task.took_mean),
        "took_longest_s": _seconds(task.took_longest),
        "late_p95_s": _seconds(task.late_p95),
        "late_longest_s": _seconds(task.late_longest),
        "behind_median_s": _seconds(task.behind_median),
        "behind_longest_s": _seconds(task.behind_longest),
        "waits": [_wait_json(wait) for wait in task.waits],
        "warnings": dict(task.warnings),
    }


def _wait_json(wait: WaitReport) -> dict[str, Any]:
    return {
        "task": wait.task,
        "for": wait.kind,
        "count": wait.count,
        "longest_s": _seconds(wait.longest),
        "due": wait.due,
    }


def _pool_json(pool: PoolReport) -> dict[str, Any]:
    return {
        "pool": pool.pool,
        "size": pool.size,
        "full": round(pool.full, 4),
        "used_mean": round(pool.used, 4),
        "most": pool.most,
        "waits": pool.waits,
        "longest_wait": None if pool.longest is None else _wait_json(pool.longest),
    }


def _peak_json(peak: Peak) -> dict[str, Any]:
    return {
        "at": f"{peak.at:%H:%M}",
        "starts": peak.starts,
        "tasks": peak.tasks,
        "at_once": peak.at_once,
        "times": peak.times,
    }


def _row_json(label: str, hours: tuple[float | None, ...]) -> dict[str, Any]:
    rounded = [None if hour is None else round(hour, 4) for hour in hours]
    return {"row": label, "hours": rounded}

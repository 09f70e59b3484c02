"""Builds configurations and an engine on a real store; time is an argument."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

from linod.engine import Engine, Settled
from linod.events import Effect, Event, Outcome, RunEnded, RunStarted, StartRun, TellChanged
from linod.recurrence import parse
from linod.specs import Chain, Config, Linod, Pool, Task, TaskName, ZoneName
from linod.store import open_store
from linod.store.interface import RunRow, StoreError

from .faults import FaultyStore

T = datetime(2026, 11, 21, 7, 0, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return T + timedelta(seconds=seconds)


def build_task(name: str = "mail", recurrence: Any = "every 10 seconds", **keys: Any) -> Task:
    return Task(name=TaskName(name), shell="true", recurrence=parse(recurrence), **keys)


def build_chain(
    *steps: str | list[str],
    name: str = "nightly",
    recurrence: Any = "every 10 seconds",
    **keys: Any,
) -> Chain:
    """A chain of tasks; a list runs together."""
    tasks = tuple((step,) if isinstance(step, str) else tuple(step) for step in steps)
    return Chain(name=TaskName(name), tasks=tasks, recurrence=parse(recurrence), **keys)


def build_pool(name: str, size: int) -> Pool:
    return Pool(name=name, size=size)


def members(*names: str, **keys: Any) -> list[Task]:
    """Tasks that a chain may name: they have no recurrence of their own."""
    return [build_task(name, "manually", **keys) for name in names]


def build_config(
    *parts: Task | Chain | Pool, is_enabled: bool = True, max_running: int = 64
) -> Config:
    return Config(
        path=Path("/etc/linod.toml"),
        zone=ZoneName("UTC"),
        linod=Linod(enabled=is_enabled, max_running=max_running),
        tasks={part.name: part for part in parts if isinstance(part, Task)},
        chains={part.name: part for part in parts if isinstance(part, Chain)},
        pools={part.name: part for part in parts if isinstance(part, Pool)},
    )


class World:
    """An engine with its store, which can die and come back."""

    def __init__(self, path: Path, at_once: int | None = None) -> None:
        self.path = path
        self.at_once = at_once
        self._leases: Iterator[int] = count(1)
        self.store = FaultyStore(open_store(path))
        self.restart()

    def restart(self, boot: str = "boot") -> None:
        """As if the daemon had been killed: what is not in the store is gone."""
        self.store.close()
        self.store = FaultyStore(open_store(self.path))
        self.engine = Engine(
            self.store,
            lease=lambda: f"lease-{next(self._leases)}",
            boot=boot,
            at_once=self.at_once,
        )

    def adopt(
        self,
        now: datetime,
        *parts: Task | Chain | Pool,
        elapsed: timedelta | None = None,
        **keys: Any,
    ) -> Settled:
        return self.engine.adopt(build_config(*parts, **keys), now, elapsed=elapsed)

    def settle(self, now: datetime, *events: Event, elapsed: timedelta | None = None) -> Settled:
        return self.engine.settle(now, events, elapsed=elapsed)

    def starts(
        self, now: datetime, *events: Event, elapsed: timedelta | None = None
    ) -> list[StartRun]:
        return starts(self.settle(now, *events, elapsed=elapsed))

    def fail(
        self, fault: str, now: datetime, *events: Event, elapsed: timedelta | None = None
    ) -> None:
        """Settle, but the commit fails: "undone", or "unknown" (committed, but it raises)."""
        self.store.faults = [fault]
        try:
            self.settle(now, *events, elapsed=elapsed)
        except StoreError:
            return
        raise AssertionError("nothing was committed")

    def runs(self, task: str = "mail") -> list[RunRow]:
        """The runs of a task, oldest first."""
        return self.store.runs(task, limit=10_000)[::-1]

    def ends(self, task: str = "mail") -> list[tuple[str, str]]:
        """State and reason of the runs of a task, oldest first."""
        return [(run.state.value, run.reason) for run in self.runs(task)]

    def verdicts(self, task: str = "mail") -> list[tuple[float, str, str]]:
        """Due in seconds after T, verdict and reason of the decisions on a task, oldest first."""
        rows = reversed(self.store.decisions(task, limit=10_000))
        return [((row.due - T).total_seconds(), row.verdict.value, row.reason) for row in rows]

    def decisions(self, task: str = "mail") -> list[tuple[float, float, int, str]]:
        """The decisions on a task, oldest first: seconds after T, count, verdict."""
        rows = reversed(self.store.decisions(task, limit=1000))
        return [
            (
                (row.due - T).total_seconds(),
                (row.last - T).total_seconds(),
                row.count,
                row.verdict.value,
            )
            for row in rows
        ]


def starts(settled: Settled) -> list[StartRun]:
    return [effect for effect in settled.effects if isinstance(effect, StartRun)]


def names(found: list[StartRun]) -> list[str]:
    return [start.task.name for start in found]


def dues(found: list[StartRun]) -> list[float]:
    """The dues of what starts, in seconds after T."""
    return [(start.due - T).total_seconds() for start in found]


def changes(settled: Settled) -> list[str]:
    """What people are told of changes: the task, and what became of it."""
    found = [effect for effect in settled.effects if isinstance(effect, TellChanged)]
    return [f"{effect.task} {effect.text}" for effect in found]


def only(settled: Settled, kind: type[Effect]) -> Any:
    (effect,) = [effect for effect in settled.effects if isinstance(effect, kind)]
    return effect


def ended(start: StartRun, outcome: Outcome = Outcome.SUCCEEDED, **fields: Any) -> RunEnded:
    return RunEnded(run=start.run, lease=start.lease, outcome=outcome, **fields)


def started(start: StartRun, when: datetime) -> RunStarted:
    return RunStarted(run=start.run, lease=start.lease, worker="1:2", at=when)

"""Builds configurations and an engine on a real store; time is an argument."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

from linod.engine import Engine, Settled
from linod.events import Effect, Event, Outcome, RunEnded, RunStarted, StartRun
from linod.recurrence import parse
from linod.specs import Config, Linod, Task, TaskName, ZoneName
from linod.store import open_store

from .faults import FaultyStore

T = datetime(2026, 11, 21, 7, 0, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return T + timedelta(seconds=seconds)


def build_task(name: str = "mail", recurrence: Any = "every 10 seconds", **keys: Any) -> Task:
    return Task(name=TaskName(name), shell="true", recurrence=parse(recurrence), **keys)


def build_config(*tasks: Task, is_enabled: bool = True) -> Config:
    return Config(
        path=Path("/etc/linod.toml"),
        zone=ZoneName("UTC"),
        linod=Linod(enabled=is_enabled),
        tasks={task.name: task for task in tasks},
    )


class World:
    """An engine with its store, which can die and come back."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._leases: Iterator[int] = count(1)
        self.store = FaultyStore(open_store(path))
        self.restart()

    def restart(self) -> None:
        """As if the daemon had been killed: what is not in the store is gone."""
        self.store.close()
        self.store = FaultyStore(open_store(self._path))
        self.engine = Engine(self.store, lease=lambda: f"lease-{next(self._leases)}", boot="boot")

    def adopt(self, now: datetime, *tasks: Task, is_enabled: bool = True) -> Settled:
        return self.engine.adopt(build_config(*tasks, is_enabled=is_enabled), now)

    def settle(self, now: datetime, *events: Event) -> Settled:
        return self.engine.settle(now, events)

    def starts(self, now: datetime, *events: Event) -> list[StartRun]:
        return starts(self.settle(now, *events))

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


def only(settled: Settled, kind: type[Effect]) -> Any:
    (effect,) = [effect for effect in settled.effects if isinstance(effect, kind)]
    return effect


def ended(start: StartRun, outcome: Outcome = Outcome.SUCCEEDED, **fields: Any) -> RunEnded:
    return RunEnded(run=start.run, lease=start.lease, outcome=outcome, **fields)


def started(start: StartRun, when: datetime) -> RunStarted:
    return RunStarted(run=start.run, lease=start.lease, worker="1:2", at=when)

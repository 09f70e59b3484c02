"""Builds scenarios and plays them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from linod.recurrence import parse
from linod.simulation import Fates, Report, Scenario, Simulation, report_of
from linod.simulation.reading import Duration, Failing, failing_of, lengths_of
from linod.specs import Chain, Config, Linod, Pool, Task, TaskName, ZoneName

MONDAY = datetime(2026, 1, 5, tzinfo=UTC)
NEVER = 10**9
"""No task is dense: the engine plays them all."""


def build_task(name: str, recurrence: Any = "every day at 03:00", **keys: Any) -> Task:
    return Task(name=TaskName(name), shell="true", recurrence=parse(recurrence), **keys)


def build_config(
    *tasks: Task, pools: Mapping[str, int] | None = None, zone: str = "UTC", **keys: Any
) -> Config:
    return Config(
        path=Path("/etc/linod.toml"),
        zone=ZoneName(zone),
        linod=Linod(**keys),
        tasks={task.name: task for task in tasks},
        pools={name: Pool(name=name, size=size) for name, size in (pools or {}).items()},
    )


def build_chain(name: str, recurrence: str, *steps: tuple[str, ...], **keys: Any) -> Chain:
    return Chain(name=TaskName(name), tasks=steps, recurrence=parse(recurrence), **keys)


def build_scenario(
    config: Config,
    *,
    hours: float = 24,
    durations: Mapping[str, Duration] | None = None,
    failures: Mapping[str, Failing] | None = None,
    seed: int = 0,
    begins: datetime = MONDAY,
    **keys: Any,
) -> Scenario:
    fates = Fates(
        seed=seed,
        lengths={name: lengths_of(value) for name, value in (durations or {}).items()},
        failures={name: failing_of(value) for name, value in (failures or {}).items()},
    )
    ends = begins + timedelta(hours=hours)
    return Scenario(config=config, begins=begins, ends=ends, fates=fates, **keys)


def play(scenario: Scenario) -> Report:
    simulation = Simulation(scenario)
    for _ in simulation.play():
        pass
    simulation.close()
    return report_of(simulation)


def starts(scenario: Scenario) -> dict[str, list[float]]:
    """When the runs of each task began, in minutes after the beginning."""
    simulation = Simulation(scenario)
    for _ in simulation.play():
        pass
    found = {
        name: [
            (run.started - scenario.begins).total_seconds() / 60
            for run in reversed(simulation.store.runs(name, limit=1000))
            if run.started is not None
        ]
        for name in scenario.config.planned
    }
    simulation.close()
    return found

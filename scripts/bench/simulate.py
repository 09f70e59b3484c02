"""How fast a simulation is: a hundred tasks, with and without contention, and one a second.

    python scripts/bench/simulate.py [--days 30]

Seconds are those of the processor. "by the engine" are the occurrences that it decided; the
others belong to tasks that met no other, and were counted.
"""

from __future__ import annotations

import argparse
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from linod.recurrence import parse
from linod.simulation import Report, Scenario, Simulation, report_of
from linod.specs import Config, Linod, Pool, Task, TaskName, ZoneName

BEGINS = datetime(2026, 11, 1, tzinfo=UTC)
RECURRENCES = (
    *(5 * ["every minute"] + 15 * ["every 5 minutes"] + 20 * ["every 15 minutes"]),
    *(30 * ["every hour at minute 20"] + 30 * ["every day at 03:30"]),
)
"""Seventy are due at once at 03:30: with [linod] max_running = 64 all are played by the engine."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=30)
    days = parser.parse_args().days
    _measure("no contention", _tasks(pool=None), days)
    _measure("a contended pool", _tasks(pool="database"), days)
    _measure("max_running = 64", _tasks(pool=None), days, max_running=64)
    _measure("one a second", {"often": _task("often", "every second")}, days)


def _tasks(pool: str | None) -> dict[str, Task]:
    return {
        f"t{number}": _task(f"t{number}", text, None if number % 3 else pool)
        for number, text in enumerate(RECURRENCES)
    }


def _task(name: str, recurrence: str, pool: str | None = None) -> Task:
    return Task(name=TaskName(name), shell="true", recurrence=parse(recurrence), pool=pool)


def _measure(what: str, tasks: dict[str, Task], days: int, max_running: int = 100) -> None:
    config = Config(
        path=Path("linod.toml"),
        zone=ZoneName("Europe/Tallinn"),
        linod=Linod(max_running=max_running),
        tasks=tasks,
        pools={"database": Pool(name="database", size=4)},
    )
    scenario = Scenario(config=config, begins=BEGINS, ends=BEGINS + timedelta(days=days))
    began = time.process_time()
    simulation = Simulation(scenario)
    for _ in simulation.play():
        pass
    report: Report = report_of(simulation)
    took_s = time.process_time() - began
    simulation.close()
    decided = simulation.tally.occurrences
    print(
        f"{what:<18} {len(tasks):>4} tasks, {days} days: {report.occurrences:>9,} occurrences, "
        f"{decided:>7,} by the engine, {took_s:6.1f} s"
    )


if __name__ == "__main__":
    main()

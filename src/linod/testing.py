"""Lets a project test its own schedule: the coming days of a linod.toml, played in advance.

    from linod.testing import simulation

    def test_the_nightly_load_is_done_at_six():
        week = simulation("linod.toml", begins="2026-03-23", days=7, durations={"load": "2 hours"})

        assert [run for run in week.runs("load") if f"{run.ended:%H:%M}" > "06:00"] == []

With pytest there is a fixture of the same name, which finds the file from the root of the project.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from linod.errors import ConfigurationError, LinodError
from linod.simulation import Fates, Origin, Scenario, Simulation, only_tasks
from linod.simulation.reading import Duration, Failing, failing_of, lengths_of
from linod.simulation.simulated import Simulated as Simulated
from linod.simulation.simulated import SimulatedDecision as SimulatedDecision
from linod.simulation.simulated import SimulatedRun as SimulatedRun
from linod.specs import Config

BEGINS = "2026-01-05"
"""A Monday: a test without a beginning of its own says the same on every day."""

Instant = str | date | datetime
"""A date is its midnight; without an offset it is in the zone of the configuration."""


def simulation(
    config: str | Path | Config = "linod.toml",
    *,
    days: int = 7,
    begins: Instant = BEGINS,
    tasks: Iterable[str] = (),
    durations: Mapping[str, Duration] | None = None,
    default_duration: Duration = "1 second",
    failures: Mapping[str, Failing] | None = None,
    seed: int = 0,
) -> Simulated:
    """Play a configuration in advance.

    Args:
        config: The file, from the working directory; or a Config.
        days: So many, of the wall clock.
        begins: A date or an instant. Default: Monday 2026-01-05, whatever day it is.
        tasks: Only these, with what they need: members of chains, and tasks in `after`.
        durations: What the runs of tasks take: "12 minutes", "12 m ± 20%", a timedelta, or a
            function of the due.
        default_duration: What the runs of all other tasks take.
        failures: Which runs of tasks fail: a part ("5%", 0.05), or a function of the due that
            says so.
        seed: Other lengths and failures are drawn from another one.

    Raises:
        LinodError: The configuration has errors, an argument is wrong, or there is too much to
            play.
    """
    loaded = config if isinstance(config, Config) else _load(Path(config))
    names = list(tasks)
    _check(loaded, [*names, *(durations or {}), *(failures or {})])
    chosen = only_tasks(loaded, names) if names else loaded
    first, last = _span(chosen, begins, days)
    fates = _fates(durations or {}, default_duration, failures or {}, seed)
    played = Simulation(Scenario(config=chosen, begins=first, ends=last, fates=fates))
    for _reached in played.play():
        pass
    if played.cut_by:
        played.close()
        most = played.scenario.limit
        raise LinodError(f"more than {most:,} occurrences: play fewer days, or name the tasks")
    return Simulated(played)


def _load(path: Path) -> Config:
    from linod.checking import prepare
    from linod.diagnostics import render_text

    loaded = prepare(path, os.environ, is_importing=False)
    if loaded.partial is not None and loaded.partial.linod.is_discovering:
        loaded = prepare(path, os.environ)
    if loaded.config is None:
        errors = loaded.fatal or loaded.errors
        raise ConfigurationError(f"{path} has errors\n{render_text(errors).rstrip()}")
    return loaded.config


def _check(config: Config, names: Iterable[str]) -> None:
    for name in names:
        if name not in config.planned:
            raise LinodError(f'there is no task "{name}" in {config.path}')


def _span(config: Config, begins: Instant, days: int) -> tuple[datetime, datetime]:
    if days < 1:
        raise LinodError("a simulation takes at least one day")
    place = ZoneInfo(config.zone)
    first = _instant(begins, place).astimezone(place)
    last = (first.replace(tzinfo=None) + timedelta(days=days)).replace(tzinfo=place)
    return first.astimezone(UTC), last.astimezone(UTC)


def _instant(value: Instant, place: ZoneInfo) -> datetime:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise LinodError(f'begins = "{value}" is no instant: expected a date') from None
    if not isinstance(value, datetime):
        value = datetime.combine(value, time())
    return value if value.tzinfo is not None else value.replace(tzinfo=place)


def _fates(
    durations: Mapping[str, Duration],
    default: Duration,
    failures: Mapping[str, Failing],
    seed: int,
) -> Fates:
    try:
        return Fates(
            seed=seed,
            lengths={name: lengths_of(value) for name, value in durations.items()},
            default=lengths_of(default, Origin.DEFAULT),
            failures={name: failing_of(value) for name, value in failures.items()},
        )
    except ValueError as error:
        raise LinodError(f"durations and failures: {error}") from None

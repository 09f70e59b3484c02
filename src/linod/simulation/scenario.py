"""What is simulated: a configuration, a stretch of time, and the fates of its runs."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from attrs import evolve, field, frozen

from linod.events import Requested
from linod.simulation.fates import Fates
from linod.specs import Config

LIMIT = 500_000
"""Occurrences that the engine decides at most: some minutes, and 300 MB of a temporary file."""

DENSE = 200
"""A task with fewer occurrences is played, whatever it does: a hundred such take some seconds."""


@frozen(kw_only=True)
class Scenario:
    """The same scenario plays the same, whenever and wherever."""

    config: Config
    begins: datetime
    """The daemon starts; what is due then is decided."""
    ends: datetime
    """What is due then is not decided any more."""
    fates: Fates = field(factory=Fates)
    events: tuple[Requested, ...] = ()
    """What people ask for, each at its own instant."""
    limit: int = LIMIT
    dense: int = DENSE
    """A task of so many occurrences is counted without the engine, where that is the same."""


def only_tasks(config: Config, names: Iterable[str]) -> Config:
    """Leave the named tasks and chains, with what they need: members, and tasks in `after`."""
    wanted, left = dict[str, None](), [*names]
    while left:
        name = left.pop(0)
        if name not in wanted and name in config.planned:
            wanted[name] = None
            left += _needed(config, name)
    return evolve(
        config,
        tasks={name: task for name, task in config.tasks.items() if name in wanted},
        chains={name: chain for name, chain in config.chains.items() if name in wanted},
    )


def _needed(config: Config, name: str) -> list[str]:
    if name in config.chains:
        return [member for step in config.chains[name].tasks for member in step]
    return list(config.tasks[name].after)

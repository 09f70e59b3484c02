"""Plays a seed and has the checker judge it: what the tests, the soak and the mutants share."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from attrs import frozen

from checker import report
from checker.findings import Counts, Finding

from .faults import Fault
from .told import history_of
from .world import CLEARING, Weather, World

MEMORY = Path("/dev/shm")
"""A file system in memory, where there is one: the store syncs each commit all the same."""


@frozen
class Played:
    """What became of a seed."""

    seed: int
    counts: Counts
    findings: tuple[Finding, ...]
    trace: str
    calls: int
    """To the store."""


def play(
    seed: int,
    length: timedelta,
    weather: Weather | None = None,
    plan: Callable[[int, str], Fault | None] | None = None,
    clearing: timedelta = CLEARING,
) -> Played:
    """Play one history from its seed, and judge it."""
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        world = World(Path(folder) / "linod.db", seed, weather, plan)
        world.play(length, clearing)
        judged = report(history_of(world))
        world.store.close()
    return Played(seed, judged.counts, tuple(judged.findings), world.trace, world.store.calls)

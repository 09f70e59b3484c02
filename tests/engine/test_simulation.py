"""Hundreds of occurrences under a virtual clock: the daemon dies, commits fail, the clock jumps.

Nothing here is real but the engine and its store. The keepers are a dict: they know what was
started, and forget the daemon that asked for it.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest

from linod.engine import Settled
from linod.events import (
    Event,
    Outcome,
    RunEnded,
    RunNeverStarted,
    RunRequested,
    ServeStarted,
    StartRun,
    State,
    StopRun,
    Verdict,
)
from linod.specs import CatchUp
from linod.store.interface import DecisionRow, RunRow, StoreError

from .building import World, at, build_task, ended, started

STEPS = 150
JUMPS_S = [0.3, 0.3, 1, 1, 2, 2, 5, 5, 8, 8, 30, 61, 4000, -1, -70]
"""The clock steps back, too: what is decided is not decided again."""
LATTICES = {"fast": 7, "slow": 60, "off": 11}
"""Elapsed recurrences: every so many seconds, counted from 2001-01-01 00:00 UTC."""
ANCHOR_S = 978_307_200


class Keepers:
    """Start what they are told, and never anything twice."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self.going: dict[int, tuple[StartRun, datetime]] = {}
        self.begun: list[tuple[str, datetime, int]] = []
        self.ever: set[int] = set()

    def start(self, start: StartRun, now: datetime) -> None:
        assert start.run not in self.ever, "a run is started once"
        others = [other.task.name for other, _ in self.going.values()]
        assert start.task.name not in others, "no two runs of a task overlap"
        self.ever.add(start.run)
        self.begun.append((start.task.name, start.due, start.attempt))
        self.going[start.run] = (start, now + timedelta(seconds=self._random.uniform(0, 20)))

    def take_ended(self, now: datetime) -> list[Event]:
        over = [start for start, until in self.going.values() if until <= now]
        for start in over:
            del self.going[start.run]
        outcomes = [Outcome.SUCCEEDED, Outcome.FAILED, Outcome.WARNED]
        return [ended(start, self._random.choice(outcomes)) for start in over]

    def prove(self, run: int, lease: str) -> Event:
        """What the run file tells the next daemon."""
        self.going.pop(run, None)
        if run in self.ever:
            return RunEnded(run=run, lease=lease, outcome=Outcome.LOST, reason="its keeper died")
        return RunNeverStarted(run=run, lease=lease)


class Simulation:
    """Plays one history; the same seed plays the same."""

    def __init__(self, path: Path, seed: int) -> None:
        self.random = Random(seed)
        self.world = World(path)
        self.keepers = Keepers(self.random)
        self.tasks = (
            *(
                build_task(name, f"every {period} seconds", enabled=name != "off")
                for name, period in LATTICES.items()
            ),
            build_task("nightly", "every day at 03:10", catch_up=CatchUp.NONE),
            build_task("first", "at start"),
        )
        self.beginning = self.latest = self.now = at(0.5)
        self.events: list[Event] = []
        self.serves: list[datetime] = []
        self.begin()

    def play(self) -> None:
        for _ in range(STEPS):
            self.now += timedelta(seconds=self.random.choice(JUMPS_S))
            self.latest = max(self.latest, self.now)
            self.events += [
                *self.keepers.take_ended(self.now),
                *(started(start, self.now) for start, _ in self.keepers.going.values()),
            ]
            if self.random.random() < 0.1:
                request = RunRequested(request=1, task="fast", by="alice", at=self.now)
                self.events.append(request)
            self.world.store.faults = self.random.choices(["", "undone", "unknown"], [8, 1, 1])
            self.settle(is_dying=self.random.random() < 0.05)
        self.now, self.world.store.faults = self.latest, []
        self.settle(is_dying=False)

    def begin(self) -> None:
        """Start a daemon, which learns what became of the runs of the one before."""
        self.carry_out(self.world.adopt(self.now, *self.tasks))
        begun = [run for run in self.world.engine.unfinished() if run.state is not State.WAITING]
        self.events = [self.keepers.prove(run.id, run.lease) for run in begun]
        self.events.append(ServeStarted(at=self.now))
        self.serves.append(self.now)
        self.settle(is_dying=False)

    def settle(self, *, is_dying: bool) -> None:
        events, self.events = self.events, []
        try:
            settled = self.world.settle(self.now, *events)
        except StoreError:
            self.events = events
            return
        if is_dying:
            # Between the commit and the effect; and the keepers go with their daemon.
            self.now += timedelta(seconds=self.random.choice([0, 2, 90, 100_000]))
            self.latest = max(self.latest, self.now)
            self.world.restart()
            self.begin()
        else:
            self.carry_out(settled)

    def carry_out(self, settled: Settled) -> None:
        for effect in settled.effects:
            assert not isinstance(effect, StopRun)
            if isinstance(effect, StartRun):
                self.keepers.start(effect, self.now)

    def decisions(self, task: str) -> list[DecisionRow]:
        return list(reversed(self.world.store.decisions(task, limit=100_000)))

    def decision(self, run: RunRow) -> DecisionRow:
        row = self.world.store.decision_at(run.task, run.due)
        assert row is not None
        return row


@pytest.fixture(params=range(6), ids="seed {}".format)
def played(request: pytest.FixtureRequest, tmp_path: Path) -> Simulation:
    simulation = Simulation(tmp_path / "linod.db", request.param)
    simulation.play()
    return simulation


def test_whatever_happens_each_occurrence_is_decided_once_and_each_run_started_once(
    played: Simulation,
) -> None:
    for task, period in LATTICES.items():
        scheduled = [row for row in played.decisions(task) if not row.by]
        assert all(one.last < other.due for one, other in pairwise(scheduled))
        assert len(_lattice(period, played)) == sum(row.count for row in scheduled)
    assert [row.due for row in played.decisions("first")] == sorted(set(played.serves))
    assert max(Counter(played.keepers.begun).values()) == 1
    _check_runs(played)


def _check_runs(played: Simulation) -> None:
    runs = played.world.store.runs(limit=100_000)
    going_on = {run.id for run in runs if run.state in (State.STARTING, State.RUNNING)}
    assert played.keepers.going.keys() == going_on
    idle = ("never started", "missed")
    begun = {run.id for run in runs if run.state is not State.WAITING and run.reason not in idle}
    assert played.keepers.ever == begun
    asked = Counter(run.due for run in runs if run.by and run.reason != "never started")
    assert max(asked.values()) == 1
    rows = [row for task in played.tasks for row in played.decisions(task.name)]
    admitted = {(row.task, row.due) for row in rows if row.verdict is Verdict.ADMITTED}
    # A request may come at the very instant of an occurrence that got no run.
    assert admitted == {
        (run.task, run.due)
        for run in runs
        if not run.by or played.decision(run).verdict is Verdict.ADMITTED
    }


def _lattice(period: int, played: Simulation) -> range:
    first = int(played.beginning.timestamp()) + 1
    return range(first + (ANCHOR_S - first) % period, int(played.latest.timestamp()) + 1, period)

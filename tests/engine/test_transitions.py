"""Every change of a run's state that the engine writes is one that the page on decisions knows.

The file of the store keeps the book itself, with triggers: whatever writes is seen.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from attrs import evolve

from linod.engine import Settled
from linod.events import (
    CancelRequested,
    Event,
    Outcome,
    PauseRequested,
    ResumeRequested,
    RunEnded,
    RunNeverStarted,
    RunRequested,
    RunStarted,
    ServeStarted,
    StartRun,
    StopRun,
)
from linod.meanings import TRANSITIONS
from linod.recurrence import parse
from linod.specs import Chain, Config, OnFailed, Overlap, Pool, Retry, TaskName

from .building import World, at, build_config, build_task, starts

STEPS = 400
BOOK = """
CREATE TABLE book (is_chain INTEGER, before TEXT, after TEXT);
CREATE TRIGGER begun AFTER INSERT ON run
BEGIN INSERT INTO book VALUES (new.is_chain, '', new.state); END;
CREATE TRIGGER changed AFTER UPDATE OF state ON run WHEN old.state <> new.state
BEGIN INSERT INTO book VALUES (new.is_chain, old.state, new.state); END;
"""

Way = tuple[str, str]


def build() -> Config:
    """Tasks that wait for each other in all ways."""
    tasks = [
        build_task("skip", retry=Retry(attempts=2, delay=timedelta(seconds=3)), pool="one"),
        build_task("wait", overlap=Overlap.WAIT, pool="one"),
        build_task("replace", overlap=Overlap.REPLACE),
        build_task("behind", after=("skip",)),
        build_task("first", "manually"),
        build_task("second", "manually"),
    ]
    chain = Chain(
        name=TaskName("both"),
        tasks=(("first",), ("second",)),
        recurrence=parse("every 20 seconds"),
        on_failed=OnFailed.CONTINUE,
    )
    pools = {"one": Pool(name="one", size=1)}
    return evolve(build_config(*tasks), chains={"both": chain}, pools=pools)


class Play:
    """Runs end as they please; people and daemons come and go."""

    def __init__(self, path: Path, seed: int) -> None:
        self.path = path
        self.random = Random(seed)
        self.now = at(0.5)
        self.going: dict[int, StartRun] = {}
        self.world = World(path)
        with sqlite3.connect(path) as book:
            book.executescript(BOOK)
        self.begin()

    def begin(self) -> None:
        self.hear(self.world.engine.adopt(build(), self.now))
        self.hear(self.world.settle(self.now, ServeStarted(at=self.now)))

    def play(self) -> None:
        for _ in range(STEPS):
            self.now += timedelta(seconds=self.random.choice([0.5, 1, 2, 5]))
            self.hear(self.world.settle(self.now, *self.events(), *self.requests()))
            if self.random.random() < 0.03:
                self.die()
        self.world.store.close()

    def events(self) -> Iterator[Event]:
        for run, start in [*self.going.items()]:
            chance = self.random.random()
            if chance < 0.3:
                yield RunStarted(run=run, lease=start.lease, worker="1:2", at=self.now)
            elif chance < 0.6:
                del self.going[run]
                yield self.end(start, self.random.choice([*Outcome]))

    def end(self, start: StartRun, outcome: Outcome, reason: str = "") -> RunEnded:
        return RunEnded(run=start.run, lease=start.lease, outcome=outcome, reason=reason)

    def requests(self) -> list[Event]:
        about: dict[str, Any] = {"request": 1, "by": "ann", "at": self.now}
        task = self.random.choice(["skip", "wait", "both", "first"])
        wishes: list[Event] = [
            RunRequested(task=task, **about),
            CancelRequested(run=None, task=task, **about),
            PauseRequested(tasks=(task,), until=self.now + timedelta(seconds=9), **about),
            ResumeRequested(tasks=(task,), **about),
        ]
        return [self.random.choice(wishes)] if self.random.random() < 0.1 else []

    def die(self) -> None:
        """The next daemon learns of each run that it ended, is lost, or never began."""
        former, self.going = self.going, {}
        self.world.restart()
        self.begin()
        ends = [
            self.end(start, self.random.choice([Outcome.LOST, Outcome.FAILED]))
            if self.random.random() < 0.5
            else RunNeverStarted(run=start.run, lease=start.lease)
            for start in former.values()
        ]
        self.hear(self.world.settle(self.now, *ends))

    def hear(self, settled: Settled) -> None:
        for start in starts(settled):
            self.going[start.run] = start
        stops = [each for each in settled.effects if isinstance(each, StopRun)]
        ends = [
            self.end(self.going.pop(stop.run), stop.outcome, stop.reason)
            for stop in stops
            if stop.run in self.going
        ]
        if ends:
            self.hear(self.world.settle(self.now, *ends))

    def ways(self, *, is_chain: bool) -> set[Way]:
        with sqlite3.connect(self.path) as book:
            rows = book.execute("SELECT before, after FROM book WHERE is_chain = ?", (is_chain,))
            return set(rows.fetchall())


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Play:
    play = Play(tmp_path_factory.mktemp("played") / "linod.db", seed=1)
    play.play()
    return play


def known(*, is_of_chain: bool) -> set[Way]:
    return {(way.before or "", way.after) for way in TRANSITIONS if way.is_of_chain is is_of_chain}


def test_all_changes_of_state_that_the_page_knows_are_written_and_no_others(played: Play) -> None:
    assert known(is_of_chain=False) == played.ways(is_chain=False)


def test_a_chain_goes_no_other_ways(played: Play) -> None:
    ways = played.ways(is_chain=True)

    assert known(is_of_chain=True) <= ways
    assert ways - known(is_of_chain=True) <= known(is_of_chain=False)

"""Random histories: every occurrence has exactly one decision, every run is started once."""

from __future__ import annotations

import tempfile
from collections import Counter
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as some

from linod.events import CancelRequested, Outcome, RunRequested, ServeStarted, StartRun
from linod.specs import CatchUp, Task

from .building import World, at, build_task, ended, started, starts

PERIODS = ("every second", "every 7 seconds", "every minute", "every hour")
_STEPS = some.one_of(
    some.tuples(some.just("wait"), some.integers(0, 90_000)),
    some.tuples(some.just("wait_ms"), some.integers(0, 3_000)),
    some.tuples(some.just("end"), some.sampled_from(list(Outcome))),
    some.tuples(some.just("start"), some.just(0)),
    some.tuples(some.just("request"), some.just(0)),
    some.tuples(some.just("cancel"), some.just(0)),
    some.tuples(some.just("restart"), some.just(0)),
    some.tuples(some.just("reload"), some.just(0)),
)


class History:
    """Plays steps against an engine and remembers what it asked for."""

    def __init__(self, folder: str, task: Task) -> None:
        self.world = World(Path(folder) / "linod.db")
        self.task = task
        self.now = at(0.5)
        self.going_on: dict[int, StartRun] = {}
        self.started: list[tuple[object, int]] = []
        self.world.adopt(self.now, task)

    def play(self, step: str, value: object) -> None:
        if step == "wait":
            self.now += timedelta(seconds=int(value))  # type: ignore[call-overload]
        elif step == "wait_ms":
            self.now += timedelta(milliseconds=int(value))  # type: ignore[call-overload]
        elif step == "restart":
            self.restart()
        elif step == "reload":
            self.hear(starts(self.world.adopt(self.now, self.task)))
        self.hear(self.world.starts(self.now, *self.events(step, value)))

    def events(self, step: str, value: object) -> list[object]:
        if step == "request":
            self.now += timedelta(microseconds=1)
            return [RunRequested(request=1, task="mail", by="alice", at=self.now)]
        if step == "cancel":
            return [CancelRequested(request=1, run=None, task="mail", by="alice", at=self.now)]
        if step == "end" and self.going_on:
            _, start = self.going_on.popitem()
            return [ended(start, Outcome(value))]
        if step == "start":
            return [started(start, self.now) for start in self.going_on.values()]
        return []

    def restart(self) -> None:
        lost = [ended(start, Outcome.LOST) for start in self.going_on.values()]
        self.going_on = {}
        self.world.restart()
        self.world.adopt(self.now, self.task)
        self.hear(self.world.starts(self.now, *lost, ServeStarted(at=self.now)))

    def hear(self, begun: list[StartRun]) -> None:
        for start in begun:
            self.going_on[start.run] = start
            self.started.append((start.due, start.attempt))

    def close(self) -> None:
        self.world.store.close()


@settings(max_examples=150, deadline=None)
@given(
    some.sampled_from(PERIODS),
    some.sampled_from([CatchUp.ONE, CatchUp.NONE]),
    some.booleans(),
    some.lists(_STEPS, max_size=25),
)
def test_every_occurrence_is_decided_once_and_started_once(
    recurrence: str, catch_up: CatchUp, is_enabled: bool, steps: list[tuple[str, object]]
) -> None:
    task = build_task(recurrence=recurrence, catch_up=catch_up, enabled=is_enabled)
    with tempfile.TemporaryDirectory() as folder:
        history = History(folder, task)
        for step, value in steps:
            history.play(step, value)

        _check(history, {"every second": 1, "every 7 seconds": 7}.get(recurrence))
        history.close()


def _check(history: History, period: int | None) -> None:
    rows = list(reversed(history.world.store.decisions("mail", limit=100_000)))
    scheduled = [row for row in rows if not row.due.microsecond and not row.by]
    assert all(one.last < other.due for one, other in pairwise(scheduled))
    if period is not None:
        decided = sum(row.count for row in scheduled)
        assert decided == len(_lattice(period, history))
    assert max(Counter(history.started).values(), default=1) == 1
    assert len(history.going_on) <= 1


def _lattice(period: int, history: History) -> range:
    # 2001-01-01 00:00 UTC: the anchor of elapsed recurrences without a start.
    first, anchor = int(at(0.5).timestamp()), 978_307_200 % period
    last = int(history.now.timestamp())
    beginning = first + 1 + (anchor - first - 1) % period
    return range(beginning, last + 1, period)

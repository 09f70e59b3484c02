"""Workers that are done wait with their end while others of their keeper are to start."""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from linod.events import Outcome, RunEnded
from linod.executor.gate import MANY, OPENS_AFTER_S, Gate, pass_through

from .conftest import Stage

pytestmark = pytest.mark.skipif(
    not hasattr(os, "eventfd"), reason="where there are no such counters it is always open"
)


@pytest.fixture
def gate() -> Iterator[Gate]:
    gate = Gate()
    yield gate
    os.close(gate.descriptor)


def is_open(gate: Gate) -> bool:
    poll = select.poll()
    poll.register(gate.descriptor, select.POLLIN)
    return bool(poll.poll(0))


def runs_that_start(gate: Gate, count: int = MANY, now: float = 0.0) -> list[Any]:
    gate.close_for(count, now)
    runs: list[Any] = [SimpleNamespace(started=None, is_over=False) for _ in range(count)]
    for run in runs:
        gate.wait_for(run)
    return runs


def test_it_is_open_as_long_as_few_start(gate: Gate) -> None:
    runs_that_start(gate, MANY - 1)
    gate.look(0.0)

    assert is_open(gate)
    assert gate.opens_at is None


def test_it_is_closed_until_all_of_many_have_begun_or_are_over(gate: Gate) -> None:
    *begin, last = runs_that_start(gate)
    seen = []
    for run in begin:
        gate.look(0.0)
        seen.append(is_open(gate))
        run.started = 1.0
    gate.look(0.0)
    seen.append(is_open(gate))
    last.is_over = True
    gate.look(0.0)

    assert seen == [False] * MANY
    assert is_open(gate)


def test_who_is_let_through_leaves_it_open_for_the_next(gate: Gate) -> None:
    for _ in range(3):
        pass_through(gate.descriptor)

    assert is_open(gate)


def test_those_that_never_begin_hold_nobody(gate: Gate) -> None:
    first, second, *_ = runs_that_start(gate)
    seen = []
    for at, run in ((0.9, first), (1.8, second), (2.7, None)):
        if run is not None:
            run.started = 1.0
        gate.look(at * OPENS_AFTER_S)
        seen.append(is_open(gate))
    gate.look(2.9 * OPENS_AFTER_S)

    assert seen == [False, False, False]
    assert is_open(gate)


def test_it_stays_closed_for_those_that_follow_at_once(gate: Gate) -> None:
    gate.are_more_due = True
    seen = []
    for count in (MANY, 3):
        for run in runs_that_start(gate, count):
            run.started = 1.0
        gate.look(0.0)
        seen.append(is_open(gate))
    gate.are_more_due = False
    gate.look(0.0)

    assert seen == [False, False]
    assert is_open(gate)


def test_it_opens_where_those_do_not_come(gate: Gate) -> None:
    gate.are_more_due = True
    for run in runs_that_start(gate):
        run.started = 1.0
    gate.look(0.0)
    assert not is_open(gate)

    gate.look(1.1 * OPENS_AFTER_S)

    assert is_open(gate)


def test_a_worker_that_does_not_begin_does_not_keep_others_from_their_ends(stage: Stage) -> None:
    stage.module("shop", "def nothing() -> None:\n    pass\n")
    numbers = range(1, 3 * MANY)
    for number in numbers:
        stage.task(f"t{number}", procedure="shop.nothing")

    def ends() -> list[Outcome]:
        return [event.outcome for event in stage.events if isinstance(event, RunEnded)]

    async def scene() -> None:
        await stage.until(stage.keepers)
        (keeper,) = stage.keepers()
        children = Path(f"/proc/{keeper}/task/{keeper}/children")
        await stage.until(lambda: children.read_text().split())
        stage.executor.expect(list(stage.tasks.values()))
        await stage.until(lambda: len(children.read_text().split()) == len(numbers) + 1)
        stuck = int(children.read_text().split()[2 * MANY])
        os.kill(stuck, signal.SIGSTOP)
        stage.executor.start(*(stage.order(f"t{number}", number) for number in numbers))
        await stage.until(lambda: len(ends()) >= len(numbers) - 1, within_s=5.0)
        os.kill(stuck, signal.SIGCONT)
        await stage.until(lambda: len(ends()) == len(numbers))

    stage.play(scene)

    assert set(ends()) == {Outcome.SUCCEEDED}

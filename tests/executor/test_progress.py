"""How far a run is: told over its pipe, to the daemon of now and to the next."""

from __future__ import annotations

import math
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linod.events import Outcome, RunEnded
from linod.executor import wire
from linod.executor.allowance import PER_S, Allowance
from linod.executor.kept import KeptRun
from linod.executor.messages import TaskSpec, rehearsal
from linod.executor.progress import NUMBER_MAX, Pace, Progress

SHOP = """
import os, time
from pathlib import Path
import linod

def until(name):
    while not Path(os.environ["OUT"], name).exists():
        time.sleep(0.01)

def half(run: linod.Run):
    run.progress(40, 80)
    Path(os.environ["OUT"], "ready").touch()
    until("go")

def open_end():
    linod.current_run().progress(1200.5)
    until("go")

def forks(run: linod.Run):
    run.progress(1, 4)
    child = os.fork()
    if child == 0:
        run.progress(4, 4)
        os._exit(0)
    os.waitpid(child, 0)
    time.sleep(0.11)
    run.progress(3, 4)
    until("go")

def long(run: linod.Run):
    for number in range(300_000):
        run.progress(number, 300_000)
    run.progress(300_000, 300_000)
    until("go")
    return "whole"

def wrong(run: linod.Run): run.progress(3, 0)

def lies():
    folder = "/proc/self/fd/"
    pipes = [int(name) for name in os.listdir(folder)
             if os.path.exists(folder + name) and "pipe:" in os.readlink(folder + name)]
    line = LINE
    for pipe in pipes[2:]:
        os.write(pipe, line)
    until("go")
"""


def go(stage: Any) -> None:
    (stage.folder / "go").touch()


def prepare(stage: Any, procedure: str, text: str = SHOP) -> None:
    stage.module("shop", text)
    stage.task("report", procedure=f"shop.{procedure}", env={"OUT": str(stage.folder)})


def told(stage: Any, procedure: str, expected: Progress) -> RunEnded:
    """Play a run that says this at some time; return how it ended."""
    prepare(stage, procedure)

    async def scene() -> RunEnded:
        stage.start("report")
        await stage.until(lambda: stage.executor.progress(1) == expected)
        go(stage)
        end: RunEnded = await stage.ended()
        assert stage.executor.progress(1) is None
        return end

    played: RunEnded = stage.play(scene)
    return played


def test_what_a_run_says_is_known_while_it_runs(stage: Any) -> None:
    assert told(stage, "half", Progress(40, 80)).outcome is Outcome.SUCCEEDED


def test_the_total_may_be_unknown(stage: Any) -> None:
    assert told(stage, "open_end", Progress(1200.5)).outcome is Outcome.SUCCEEDED


def test_a_run_that_says_much_loses_neither_its_last_word_nor_its_result(stage: Any) -> None:
    end = told(stage, "long", Progress(300_000, 300_000))

    assert (end.outcome, end.detail) == (Outcome.SUCCEEDED, {"result": "whole"})


def test_what_a_run_forks_says_nothing(stage: Any) -> None:
    prepare(stage, "forks")

    async def scene() -> Any:
        stage.start("report")
        said = []
        await stage.until(lambda: heard(said) == Progress(3, 4))
        go(stage)
        await stage.ended()
        return said

    def heard(said: list[Any]) -> Any:
        said.append(stage.executor.progress(1))
        return said[-1]

    assert Progress(4, 4) not in stage.play(scene)


def test_what_is_no_number_fails_in_one_line(stage: Any) -> None:
    prepare(stage, "wrong")

    end = stage.run("report")
    assert end.reason == "ValueError: progress: total is 0: expected a number above 0"


# -- the pace ---------------------------------------------------------------------------------


class Said:
    """A pace with a clock, and what it passed on."""

    def __init__(self) -> None:
        self.now = 0.0
        self.sent: list[list[float | None]] = []
        self._pace = Pace(lambda told: self.sent.append(told.to_json()), lambda: self.now)

    def tell(self, at: float, done: float, total: float | None = None) -> None:
        self.now = at
        self._pace.tell(done, total)


def test_the_first_is_told_and_what_comes_too_soon_is_dropped() -> None:
    said = Said()
    for at, done in ((0.0, 1), (0.05, 2), (0.09, 3), (0.1, 4), (0.15, 5), (0.21, 6)):
        said.tell(at, done)

    assert said.sent == [[1, None], [4, None], [6, None]]


def test_what_is_done_is_told_at_once_and_once() -> None:
    said = Said()
    for at, done in ((0.0, 1), (0.01, 5), (0.02, 5), (0.03, 5)):
        said.tell(at, done, 5)

    assert said.sent == [[1, 5], [5, 5]]


# -- what is believed -------------------------------------------------------------------------

NUMBERS = st.integers(0, NUMBER_MAX - 1) | st.floats(0, 2.0**62)
JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists)


@given(NUMBERS, st.none() | NUMBERS.filter(bool))
def test_progress_is_read_as_it_was_told(done: float, total: float | None) -> None:
    progress = Progress(done, total)
    message = wire.decode(wire.encode({"progress": progress.to_json()}))

    assert message is not None
    assert Progress.of_json(message["progress"]) == progress


@given(JSON | st.lists(JSON, min_size=2, max_size=2))
def test_whatever_somebody_sends_is_read_or_passed_over(told: Any) -> None:
    found = Progress.of_json(told)

    assert found is None or (found.to_json() == told and 0 <= found.done < NUMBER_MAX)


@pytest.mark.parametrize("line", [b'{"progress":[1,0]}', b'{"progress":{}}', b"{" * 300])
def test_what_a_run_writes_there_itself_does_no_harm(stage: Any, line: bytes) -> None:
    prepare(stage, "lies", SHOP.replace("LINE", repr(line + b"\n")))
    go(stage)

    assert stage.run("report").outcome is Outcome.SUCCEEDED


# -- what it may cost -------------------------------------------------------------------------


def test_an_end_fits_at_once_and_then_only_so_much_a_second() -> None:
    now = 0.0
    allowance = Allowance(lambda: now)

    assert allowance.takes(wire.LINE_MAX)
    assert not allowance.takes(1)
    now = 1.0
    assert allowance.takes(PER_S)
    assert not allowance.takes(1)


def test_progress_at_full_pace_never_uses_it_up() -> None:
    now = 0.0
    allowance = Allowance(lambda: now)
    line = len(wire.encode({"progress": [math.pi * 1e18, math.e * 1e18]}))
    for tenth in range(100_000):
        now = tenth / 10
        assert allowance.takes(line)

    assert allowance.takes(wire.LINE_MAX - line)


def test_a_run_that_said_too_much_is_heard_again_later() -> None:
    run = KeptRun(rehearsal(), TaskSpec(name="report"))
    line = b'{"progress":[1,2]' + b" " * 1000 + b"}\n"
    heard = sum(len(run.reports(line)) for _ in range(1000))

    assert wire.LINE_MAX // len(line) <= heard < 1000
    limit = time.monotonic() + 10
    while not run.reports(line):
        assert time.monotonic() < limit

"""Orders that queue at long-lived workers: each is executed once, and each run stays its own."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linod.events import Outcome, RunEnded
from linod.executor import tree
from linod.specs import Overlap, Process

from .conftest import Stage

MODULE = """
import json, os, subprocess, sys, time
import linod

def note(*values):
    # One call: others append at the same time.
    line = json.dumps([linod.current_run().id, *values]) + chr(10)
    out = os.open(os.environ["OUT"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(out, line.encode())
    os.close(out)

def short(): note(os.getpid())
def long(): note(os.getpid()); time.sleep(600)
def dies(): note(os.getpid()); os.kill(os.getpid(), 9)
def naps(): note(os.getpid()); time.sleep(0.003)
def raises(): note(os.getpid()); raise ValueError("broken")
def shouts():
    note(os.getpid())
    number = linod.current_run().id
    print("printed in", number)
    subprocess.run(["echo", f"echoed in {number}"])
    os.write(2, f"written in {number}".encode())
def leaves_a_child(): note(subprocess.Popen(["sleep", "600"]).pid)
def leaves_a_stray():
    noted, done = os.pipe()
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            note(os.getpid())
            os.write(done, b"1")
            os.environ.clear()
            time.sleep(600)
        os._exit(0)
    os.wait()
    os.read(noted, 1)
"""
CORES = os.cpu_count() or 1


@pytest.fixture(scope="module")
def stages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Stage]]:
    made: list[Stage] = []

    def make() -> Stage:
        made.append(Stage(tmp_path_factory.mktemp("stage")))
        return made[-1]

    yield make
    for stage in made:
        for pid in stage.marked():
            os.kill(pid, signal.SIGKILL)


@pytest.fixture(autouse=True)
def _module(stage: Any) -> None:
    stage.module("shop", MODULE)


def task(stage: Any, procedure: str, **keys: Any) -> None:
    env = {"OUT": str(stage.folder / "out")}
    path = f"shop.{procedure}"
    keys |= {"process": Process.REUSED, "overlap": Overlap.ALLOW, "env": env}
    stage.task(procedure, procedure=path, **keys)


def noted(stage: Any) -> list[tuple[int, int]]:
    return [tuple(json.loads(line)) for line in stage.text("out").splitlines()]


def at_once(stage: Any, names: list[str]) -> list[RunEnded]:
    """Order runs of these tasks together, from 1 on; give their ends."""

    async def scene() -> list[RunEnded]:
        stage.executor.start(*(stage.order(name, run) for run, name in enumerate(names, 1)))
        return [await stage.ended(run) for run in range(1, len(names) + 1)]

    ends: list[RunEnded] = stage.play(scene)
    return ends


def test_a_burst_is_executed_once_and_by_few(stage: Any) -> None:
    task(stage, "short")

    ends = at_once(stage, ["short"] * 200)

    assert {end.outcome for end in ends} == {Outcome.SUCCEEDED}
    assert sorted(run for run, _ in noted(stage)) == [*range(1, 201)]
    assert len({pid for _, pid in noted(stage)}) < 40


def test_what_goes_past_python_is_of_the_run_that_wrote_it(stage: Any) -> None:
    task(stage, "shouts")

    ends = at_once(stage, ["shouts"] * 30)

    for end in ends:
        said = sorted(line.rpartition(" ")[0].split()[-2] for line in end.log.splitlines())
        assert said == ["echoed", "printed", "written"], end.log
        assert {line.split()[-1] for line in end.log.splitlines()} == {str(end.run)}


def test_nothing_waits_behind_a_run_that_is_not_short(stage: Any) -> None:
    task(stage, "short")
    task(stage, "long")
    names = ["short", "long"] * (2 * CORES) + ["short"] * 30

    async def scene() -> None:
        stage.executor.start(*(stage.order(name, run) for run, name in enumerate(names, 1)))
        for run, name in enumerate(names, 1):
            if name == "short":
                assert (await stage.ended(run)).outcome is Outcome.SUCCEEDED
        await stage.until(lambda: len(noted(stage)) == len(names))
        for run, name in enumerate(names, 1):
            if name == "long":
                stage.stop(run)
                assert (await stage.ended(run)).outcome is Outcome.CANCELLED

    stage.play(scene)

    assert sorted(run for run, _ in noted(stage)) == [*range(1, len(names) + 1)]


def test_a_timeout_ends_no_other_run(stage: Any) -> None:
    task(stage, "short")
    task(stage, "long", timeout=timedelta(seconds=0.2), kill_after=timedelta(seconds=1))
    names = (["short"] * 4 + ["long"]) * 8

    ends = at_once(stage, names)

    for name, end in zip(names, ends, strict=True):
        assert end.outcome is (Outcome.SUCCEEDED if name == "short" else Outcome.TIMED_OUT)
    assert sorted(run for run, _ in noted(stage)) == [*range(1, len(names) + 1)]


def test_a_timeout_at_the_end_of_a_run_does_not_hit_the_next_one(stage: Any) -> None:
    task(stage, "short")
    task(stage, "naps", timeout=timedelta(seconds=0.003), kill_after=timedelta(seconds=1))
    names = ["naps", "short"] * 100

    ends = at_once(stage, names)

    for name, end in zip(names, ends, strict=True):
        if name == "short":
            assert end.outcome is Outcome.SUCCEEDED, end
    assert Outcome.TIMED_OUT in {end.outcome for end in ends}


def test_a_stop_ends_no_other_run(stage: Any) -> None:
    # Many of the stops come when their run is read and has not said that it began.
    task(stage, "short", kill_after=timedelta(seconds=1))
    stopped = [*range(1, 601, 2)]

    async def scene() -> list[RunEnded]:
        for first in range(1, 601, 20):
            runs = range(first, first + 20)
            stage.executor.start(*(stage.order("short", run) for run in runs))
            await asyncio.sleep(0)
            for run in runs:
                if run in stopped:
                    stage.stop(run)
            for run in runs:
                await stage.ended(run)
        return [await stage.ended(run) for run in range(1, 601)]

    for end in stage.play(scene):
        allowed = {Outcome.SUCCEEDED} | ({Outcome.CANCELLED} if end.run in stopped else set())
        assert end.outcome in allowed, end


@pytest.mark.parametrize("procedure", ["leaves_a_child", "leaves_a_stray"])
def test_what_one_leaves_ends_with_it_and_the_others_go_on(stage: Any, procedure: str) -> None:
    task(stage, "short")
    task(stage, procedure)
    names = (["short"] * 3 + [procedure]) * 5

    async def scene() -> None:
        stage.executor.start(*(stage.order(name, run) for run, name in enumerate(names, 1)))
        for run in range(1, len(names) + 1):
            assert (await stage.ended(run)).outcome is Outcome.SUCCEEDED
            if names[run - 1] == procedure:
                (left,) = [pid for number, pid in noted(stage) if number == run]
                assert left not in tree.processes()

    stage.play(scene)

    assert sorted(run for run, _ in noted(stage)) == [*range(1, len(names) + 1)]


def test_a_process_that_is_killed_takes_no_other_run_along(stage: Any) -> None:
    task(stage, "short")
    count = 300

    async def scene() -> list[RunEnded]:
        stage.executor.start(*(stage.order("short", run) for run in range(1, count + 1)))
        killed = 0
        while killed < 5 and len(noted(stage)) < count - 20:
            await stage.until(lambda: noted(stage))
            pid = noted(stage)[-1][1]
            with suppress(ProcessLookupError):  # it is dead already, and not yet replaced
                os.kill(pid, signal.SIGKILL)
                killed += 1
        return [await stage.ended(run) for run in range(1, count + 1)]

    ends = stage.play(scene)

    runs = [run for run, _ in noted(stage)]
    assert len(runs) == len(set(runs))
    lost = [end for end in ends if end.outcome is not Outcome.SUCCEEDED]
    assert len(lost) <= 5
    assert {end.reason for end in lost} <= {
        "its process ended without a result: killed by SIGKILL",
        "killed by SIGKILL",
    }


KINDS = ("short", "long", "dies", "raises", "leaves_a_child")
ENDS = {
    "short": {Outcome.SUCCEEDED},
    "long": set(),
    "dies": {Outcome.FAILED},
    "raises": {Outcome.FAILED},
    "leaves_a_child": {Outcome.SUCCEEDED},
}


@given(st.lists(st.sampled_from(KINDS), min_size=1, max_size=25), st.randoms(use_true_random=False))
@settings(max_examples=12, deadline=None)
def test_whatever_is_stopped_and_dies_each_runs_at_most_once(
    stages: Any, names: list[str], chance: random.Random
) -> None:
    stage = stages()
    stage.module("shop", MODULE)
    for kind in KINDS:
        task(stage, kind, kill_after=timedelta(seconds=1))
    numbers = [*range(1, len(names) + 1)]
    stopped = {run for run in numbers if names[run - 1] == "long" or chance.random() < 0.3}

    async def scene() -> dict[int, RunEnded]:
        stage.executor.start(*(stage.order(name, run) for run, name in enumerate(names, 1)))
        if chance.random() < 0.5:
            await stage.until(lambda: noted(stage))
        for run in sorted(stopped):
            stage.stop(run)
        return {run: await stage.ended(run) for run in numbers}

    ends = stage.play(scene)

    runs = [run for run, _ in noted(stage)]
    assert len(runs) == len(set(runs))
    for run, end in ends.items():
        allowed = ENDS[names[run - 1]] | ({Outcome.CANCELLED} if run in stopped else set())
        assert end.outcome in allowed, (run, names[run - 1], end)
        if run not in stopped:
            assert run in runs


def test_a_stop_that_meets_a_begin_which_nobody_has_heard_of_is_not_lost(stage: Stage) -> None:
    stage.module(
        "naps", "import time\ndef briefly(): time.sleep(0.0047)\ndef long(): time.sleep(600)\n"
    )
    keys = {"process": Process.REUSED, "kill_after": timedelta(seconds=1)}
    for name in ("briefly", "long"):
        stage.task(name, procedure=f"naps.{name}", **keys)

    async def scene() -> None:
        for turn in range(100):
            numbers = range(10 * turn + 1, 10 * turn + 11)
            names = ["briefly"] * 2 + ["long"] * 2 + ["briefly"] * 6
            orders = [stage.order(*each) for each in zip(names, numbers, strict=True)]
            stage.executor.start(*orders)
            # About when a nap is over: the next run begins, and is not heard of at once.
            await asyncio.sleep(0.0045 + turn % 10 * 0.0003)
            for number in numbers[2:4]:
                stage.stop(number)
            for number in numbers:
                await stage.ended(number, 5.0)

    stage.play(scene)

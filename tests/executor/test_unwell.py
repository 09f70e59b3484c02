"""Long-lived workers that do not hear, die of an order, or cannot be replaced."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
from datetime import timedelta
from typing import Any

import pytest

from disks import fill, small_disk
from linod.events import Outcome, RunEnded
from linod.executor import tree
from linod.executor.crew import DEATHS_MAX, HEARS_WITHIN_S, LEAVES_WITHIN_S
from linod.specs import Limits, Overlap, Process

from .conftest import what

MODULE = """
import asyncio, json, os, subprocess, time
import linod

def note(*values):
    with open(os.environ["OUT"], "a") as out:
        out.write(json.dumps([linod.current_run().id, *values]) + chr(10))

def short(): note(os.getpid())
async def short_async(): note(os.getpid())
async def waits():
    note(os.getpid())
    while not os.path.exists(os.environ["GO"]):
        await asyncio.sleep(0.01)
def naps(): note(os.getpid()); time.sleep(0.3)
def dies_beside_its_child():
    note(subprocess.Popen(["sh", "-c", "trap : TERM; while :; do sleep 0.1; done"]).pid)
    os.kill(os.getpid(), 9)
def looks():
    found = (f"/proc/self/fd/{number}" for number in os.listdir("/proc/self/fd"))
    note([os.readlink(each) for each in found if os.path.exists(each)])
"""
CRAMPED = """
import os, resource
most = len(os.listdir("/proc/self/fd")) + 45
resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
from shop import naps
"""


SLOWLY = """
import os, time
from shop import naps
os.register_at_fork(after_in_child=lambda: time.sleep({}))
"""
DYING = """
import os
def ends():
    with open("forked", "a") as file: file.write("x")
    os._exit(3)
os.register_at_fork(after_in_child=ends)
def short(): pass
"""
BLOCKING = """
import time, linod
async def blocks():
    if linod.current_run().id == 1: time.sleep(3)
"""


@pytest.fixture(autouse=True)
def _module(stage: Any) -> None:
    stage.module("shop", MODULE)


def task(stage: Any, procedure: str, name: str = "", **keys: Any) -> None:
    env = {"OUT": str(stage.folder / "out"), **keys.pop("env", {})}
    path = procedure if "." in procedure else f"shop.{procedure}"
    keys = {"process": Process.REUSED, "overlap": Overlap.ALLOW, **keys}
    stage.task(name or procedure, procedure=path, env=env, **keys)


def noted(stage: Any) -> list[Any]:
    return [json.loads(line) for line in stage.text("out").splitlines()]


async def one(stage: Any, name: str, number: int) -> tuple[RunEnded, int]:
    """Have one run executed; return its end, and the process that executed it."""
    stage.start(name, number)
    end = await stage.ended(number, 5.0)
    return end, dict(noted(stage)).get(number, 0)


async def several(stage: Any, name: str, numbers: range) -> set[int]:
    """Have runs executed at once; return their processes."""
    stage.executor.start(*(stage.order(name, number) for number in numbers))
    for number in numbers:
        assert (await stage.ended(number)).outcome is Outcome.SUCCEEDED
    return {pid for number, pid in noted(stage) if number in numbers}


def is_stopped(pid: int) -> bool:
    with open(f"/proc/{pid}/stat") as file:
        return file.read().rpartition(")")[2].split()[0] == "T"


async def stop(stage: Any, pid: int) -> None:
    os.kill(pid, signal.SIGSTOP)
    await stage.until(lambda: is_stopped(pid))


async def deafened(stage: Any, name: str) -> int:
    """Have one run executed, and stop its process, which is idle by then; return that."""
    _, pid = await one(stage, name, 1)
    await stop(stage, pid)
    return pid


@pytest.mark.parametrize("procedure", ["short", "short_async"])
def test_one_that_does_not_hear_is_passed_over(stage: Any, procedure: str) -> None:
    task(stage, procedure)

    async def scene() -> None:
        deaf = await deafened(stage, procedure)
        end, other = await one(stage, procedure, 2)
        assert (end.outcome, other != deaf) == (Outcome.SUCCEEDED, True)
        end, third = await one(stage, procedure, 3)
        assert (end.outcome, third) == (Outcome.SUCCEEDED, other)

    stage.play(scene)


def test_an_idle_one_has_the_order_of_one_that_does_not_hear_at_once(stage: Any) -> None:
    task(stage, "naps")

    async def scene() -> None:
        await several(stage, "naps", range(1, 3))
        _, last = await one(stage, "naps", 3)
        await stop(stage, last)
        await stage.ended(3)
        stage.start("naps", 4)
        await stage.until(lambda: len(noted(stage)) == 4, 0.45)

    stage.play(scene)


def test_one_that_hears_again_is_given_runs_again(stage: Any) -> None:
    task(stage, "short")
    task(stage, "naps")

    async def scene() -> None:
        deaf = await deafened(stage, "short")
        await one(stage, "short", 2)
        os.kill(deaf, signal.SIGCONT)
        found: set[int] = set()
        for first in range(3, 100, 5):
            found |= await several(stage, "naps", range(first, first + 5))
            if deaf in found:
                return
        raise AssertionError("it gets nothing any more")

    stage.play(scene)


def test_one_that_hears_nothing_any_more_is_ended(stage: Any) -> None:
    task(stage, "short")

    async def scene() -> None:
        deaf = await deafened(stage, "short")
        await one(stage, "short", 2)
        assert deaf in tree.processes()
        await stage.until(lambda: deaf not in tree.processes(), HEARS_WITHIN_S + 5)

    stage.play(scene)


def test_a_run_that_waits_for_one_that_does_not_hear_can_be_stopped(stage: Any) -> None:
    task(stage, "short")

    async def scene() -> RunEnded:
        await deafened(stage, "short")
        stage.start("short", 2)
        stage.stop(2)
        return await stage.ended(2, 5.0)

    assert stage.play(scene).outcome is Outcome.CANCELLED


@pytest.mark.parametrize("seconds", [0.12, 0.7, 1.4])
def test_one_that_takes_long_to_begin_is_given_the_time(stage: Any, seconds: float) -> None:
    stage.module("slowly", SLOWLY.format(seconds))
    task(stage, "slowly.naps", "naps")

    processes = stage.play(lambda: several(stage, "naps", range(1, 5)))

    assert len(processes) <= 5
    assert "Traceback" not in stage.log()


def test_what_dies_before_it_reads_anything_fails_its_order_too(stage: Any) -> None:
    stage.module("dying", DYING)
    task(stage, "dying.short", "short")

    end = stage.run("short")

    reason = "its process ended without a result: exit status 3"
    assert (end.outcome, end.reason) == (Outcome.FAILED, reason)
    forked = (stage.folder / "forked").stat().st_size
    assert DEATHS_MAX <= forked < 30


def test_a_keeper_whose_workers_are_full_waits(stage: Any) -> None:
    stage.module("blocking", BLOCKING)
    task(stage, "blocking.blocks", "blocks")

    async def scene() -> float:
        stage.start("blocks", 1)
        await stage.started(1)
        (keeper,) = stage.keepers()
        stage.executor.start(*(stage.order("blocks", number) for number in range(2, 602)))
        before = processor_time(keeper)
        await stage.ended(601)
        return processor_time(keeper) - before

    # Who turns in a loop uses nearly all of the three seconds.
    assert stage.play(scene) < 1.0


def test_an_async_run_that_is_stopped_before_it_began_ends_no_other(stage: Any) -> None:
    with small_disk(stage.directory, "64k") as disk:
        stage.task(
            "waits",
            procedure="shop.waits",
            process=Process.REUSED,
            overlap=Overlap.ALLOW,
            env={"OUT": str(stage.folder / "out"), "GO": str(stage.folder / "go")},
            limits=Limits(file_size=1_000_000),
        )

        async def scene() -> list[RunEnded]:
            stage.start("waits", 1)
            await stage.until(lambda: noted(stage))
            filler = fill(disk)
            stage.start("waits", 2)
            await stage.until(lambda: has_blocked(noted(stage)[0][1]))
            stage.stop(2)
            # Until then the process would have been ended for it.
            limit = asyncio.get_running_loop().time() + 2 * LEAVES_WITHIN_S
            await stage.until(lambda: asyncio.get_running_loop().time() > limit)
            filler.unlink()
            # One that is over before its stop has reached it has rightly succeeded.
            second = await stage.ended(2)
            (stage.folder / "go").touch()
            return [await stage.ended(1), second]

        ends = stage.play(scene)

    assert [end.outcome for end in ends] == [Outcome.SUCCEEDED, Outcome.CANCELLED]


def has_blocked(pid: int) -> bool:
    """Tell whether the loop of a process sleeps for longer than between its looks at a file."""
    with open(f"/proc/{pid}/wchan") as file:
        return "nanosleep" in file.read()


def processor_time(pid: int) -> float:
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_an_order_that_some_die_of_fails_and_says_why(stage: Any) -> None:
    task(stage, "short", env={"WRONG": "no\0variable"})

    end = stage.run("short")

    reason = "its process ended without a result: exit status 1"
    assert (end.outcome, end.reason) == (Outcome.FAILED, reason)
    assert "ValueError: embedded null byte" in end.log
    assert stage.log().count("ValueError") <= DEATHS_MAX


def test_where_the_folder_of_the_configuration_was_removed_runs_go_on(stage: Any) -> None:
    home = stage.folder / "home"
    stage.path = home / "linod.toml"
    task(stage, "short")
    task(stage, "short", "fresh", process=Process.FRESH)

    async def scene() -> None:
        home.mkdir()
        stage.start("fresh", 1)
        await stage.ended(1)
        shutil.rmtree(home)
        for number in (2, 3):
            assert (await one(stage, "short", number))[0].outcome is Outcome.SUCCEEDED

    stage.play(scene)


def test_where_no_more_can_be_forked_orders_wait_for_those_who_are_there(stage: Any) -> None:
    stage.module("cramped", CRAMPED)
    task(stage, "cramped.naps", "naps")

    processes = stage.play(lambda: several(stage, "naps", range(1, 17)))

    assert 1 <= len(processes) < 10


def test_pipes_of_one_that_died_are_no_business_of_who_is_forked_meanwhile(stage: Any) -> None:
    task(stage, "dies_beside_its_child", kill_after=timedelta(seconds=1.2))
    task(stage, "looks", process=Process.FRESH)

    async def scene() -> None:
        stage.start("dies_beside_its_child", 1)
        await stage.until(lambda: noted(stage))
        # One of them was forked before the death.
        for number in (2, 3):
            stage.start("looks", number)
            await stage.ended(number)
        assert not any(getattr(event, "run", 0) == 1 and _is_end(event) for event in stage.events)

    stage.play(scene)

    for links in (links for number, links in noted(stage) if number in (2, 3)):
        kinds = sorted(what(link).partition(":")[0] for link in links)
        assert kinds.count("pipe") == 4, links
        assert "socket" not in kinds, links


def _is_end(event: Any) -> bool:
    return isinstance(event, RunEnded)

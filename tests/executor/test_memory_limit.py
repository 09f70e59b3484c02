"""A run that has too much memory is ended, with all its processes; real processes."""

from __future__ import annotations

import asyncio
import os
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from linod.events import Outcome
from linod.executor import tree, weighing
from linod.executor.groups import Groups, delegated
from linod.specs import Limits

WORK = """
import mmap, os, time


def take(size):
    held = bytearray(size)
    held[::4096] = bytes([1]) * len(held[::4096])
    return held


def greedy():
    held = take(300_000_000)
    time.sleep(600)


def many():
    # Each one is below the limit. One is a daemon of its own, its parent is gone.
    for _ in range(3):
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                held = take(80_000_000)
                time.sleep(617)
            os._exit(0)
    time.sleep(600)


def shared():
    # Five processes that have 60 MB together, though each seems to have them.
    held = take(60_000_000)
    for _ in range(4):
        if os.fork() == 0:
            time.sleep(1.5)
            os._exit(0)
    time.sleep(1.5)


def reserved():
    space = mmap.mmap(-1, 50_000_000_000, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x4000)
    time.sleep(1)


def asked():
    greedy()
"""


def limits(megabytes: int) -> Limits:
    return Limits(memory=megabytes * 1_000_000)


def begin(stage: Any, name: str, megabytes: int, **keys: Any) -> None:
    stage.module("work", WORK)
    stage.task(name, procedure=f"work.{name}", limits=limits(megabytes), **keys)


def test_a_run_that_has_more_than_its_limit_fails_by_its_name(stage: Any) -> None:
    begin(stage, "greedy", 200)

    end = stage.run("greedy")

    assert end.outcome is Outcome.FAILED
    assert end.reason.startswith("memory: ")
    assert end.reason.endswith(" MB are more than its limit of 200 MB")
    assert 200 < float(end.reason.split()[1]) < 450
    assert end.detail == {"signal": "SIGKILL"}
    assert (end.ended - end.started).total_seconds() < 5


def test_the_processes_of_a_run_are_weighed_together_wherever_they_went(stage: Any) -> None:
    begin(stage, "many", 200)

    end = stage.run("many")

    assert end.reason.endswith("are more than its limit of 200 MB")
    assert stage.marked() == []


def test_what_processes_share_is_counted_once(stage: Any) -> None:
    begin(stage, "shared", 150)

    assert stage.run("shared").outcome is Outcome.SUCCEEDED


def test_what_is_reserved_only_is_not_counted(stage: Any) -> None:
    begin(stage, "reserved", 100)

    assert stage.run("reserved").outcome is Outcome.SUCCEEDED


def test_a_program_is_weighed_too(stage: Any) -> None:
    program = "held = bytearray(300_000_000); held[::4096] = bytes([1]) * len(held[::4096])"
    stage.task(
        "program",
        shell=f"sleep 600 | python3 -c '{program}; input()'",
        limits=limits(200),
    )

    assert stage.run("program").reason.endswith("are more than its limit of 200 MB")


def test_only_if_is_weighed_too(stage: Any) -> None:
    begin(stage, "greedy", 200)
    stage.task("gated", command=("true",), only_if="work.asked", limits=limits(200))

    assert stage.run("gated").reason.startswith("only_if: memory: ")


def test_a_timeout_comes_in_its_time_although_memory_is_weighed(stage: Any) -> None:
    stage.task("sleep", shell="sleep 600", timeout=timedelta(seconds=0.7), limits=limits(200))
    before = time.time()

    end = stage.run("sleep")

    assert (end.outcome, end.reason) == (Outcome.TIMED_OUT, "after 0.7 s")
    assert end.ended.timestamp() - before >= 0.7
    assert (end.ended - end.started).total_seconds() < 2


def test_runs_of_other_tasks_go_on(stage: Any) -> None:
    begin(stage, "greedy", 200)
    stage.task("other", procedure="work.greedy")

    async def scene() -> tuple[str, bool]:
        stage.start("other", 1)
        stage.start("greedy", 2)
        reason = (await stage.ended(2)).reason
        return reason, any(getattr(event, "outcome", None) for event in stage.events[:-1])

    reason, is_other_ended = stage.play(scene)
    assert reason.endswith("limit of 200 MB")
    assert not is_other_ended


def test_weighing_is_cheap(stage: Any) -> None:
    stage.task("sleep", shell="sleep 600", limits=limits(200))

    async def scene() -> float:
        stage.start("sleep", 1)
        await stage.started(1)
        await asyncio.sleep(0.5)
        (keeper,) = stage.keepers()
        before = processor_s(keeper)
        await asyncio.sleep(4)
        return processor_s(keeper) - before

    # Twenty looks: 2 % of a processor would be plenty.
    assert stage.play(scene) <= 0.08


def processor_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


# -- the parts --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("used", "limit", "text"),
    [
        (600_000_000, 512_000_000, "memory: 600 MB are more than its limit of 512 MB"),
        (512_000_001, 512_000_000, "memory: 512.1 MB are more than its limit of 512 MB"),
        (1_288_490_189, 2**30, "memory: 1.3 GiB are more than its limit of 1 GiB"),
        (1_600_000, 1_500_000, "memory: 1600 kB are more than its limit of 1500 kB"),
    ],
)
def test_both_numbers_have_the_unit_of_the_limit(used: int, limit: int, text: str) -> None:
    assert weighing.excess(used, limit) == text


def test_a_walk_down_finds_what_a_look_at_all_processes_finds() -> None:
    own = os.getpid()
    child = os.fork()
    if child == 0:
        if os.fork() == 0:
            time.sleep(60)
        os.wait()
        os._exit(0)
    try:
        while len(tree.below([own])) < 3:
            time.sleep(0.01)
        walked = tree.below([own])
        assert walked.keys() == {own, *tree.descendants([own], tree.processes())}
    finally:
        for pid in tree.below([child]):
            os.kill(pid, 9)
        os.waitpid(child, 0)


def test_a_process_that_is_gone_weighs_nothing() -> None:
    assert weighing.weight([tree.Process(2**22 - 1, 0, 0, 0)], 0) == 0


def place(folder: Path, controllers: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "cgroup.controllers").write_text(controllers)
    (folder / "cgroup.subtree_control").write_text("")


def test_the_root_of_a_containers_own_tree_is_delegated(tmp_path: Path) -> None:
    place(tmp_path, "cpu memory\n")

    assert delegated("0::/\n", tmp_path) == tmp_path
    assert delegated("4:memory:/x\n0::/linod\n", tmp_path) == tmp_path


def test_a_group_that_is_not_marked_is_its_managers(tmp_path: Path) -> None:
    place(tmp_path / "system.slice" / "linod.service", "memory\n")
    place(tmp_path / "system.slice", "memory\n")
    place(tmp_path, "memory\n")

    assert delegated("0::/system.slice/linod.service\n", tmp_path) is None
    assert delegated("0::/system.slice\n", tmp_path) is None


def test_a_group_that_is_marked_is_delegated_to_those_below_it_too(tmp_path: Path) -> None:
    service = tmp_path / "system.slice" / "linod.service"
    place(service, "memory\n")
    try:
        os.setxattr(service, "user.delegate", b"1")
    except OSError as error:
        pytest.skip(f"no extended attributes here: {error}")

    assert delegated("0::/system.slice/linod.service\n", tmp_path) == service
    assert delegated("0::/system.slice/linod.service/linod\n", tmp_path) == service


@pytest.mark.parametrize("text", ["", "4:memory:/\n", "0::/../other\n"])
def test_where_there_is_no_group_of_version_2_nothing_is_delegated(
    tmp_path: Path, text: str
) -> None:
    place(tmp_path, "cpu\n")

    assert delegated(text, tmp_path) is None


def test_a_group_that_cannot_limit_memory_is_not_entered(tmp_path: Path) -> None:
    assert not Groups(tmp_path).enter(1, 2, 1_000_000)
    assert list(tmp_path.iterdir()) == []


def test_a_run_in_a_group_of_its_own_is_ended_by_the_kernel(stage: Any) -> None:
    if delegated(Path("/proc/self/cgroup").read_text(), Path("/sys/fs/cgroup")) is None:
        pytest.skip("no control group of version 2 with memory is delegated to us")
    begin(stage, "greedy", 200)

    assert stage.run("greedy").reason == "memory: more than its limit of 200 MB"

"""Workers that are forked ahead of time and prepared for the runs that are expected."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
from attrs import evolve

from linod.events import Outcome
from linod.executor import descriptors, memory
from linod.executor.forking import SPARES_MAX, is_half_gone, room
from linod.specs import Limits, LogLevel, Process, Reference, Task

from .conftest import Stage

MODULE = """
import os
from pathlib import Path
from loguru import logger

def note():
    pairs = " ".join(f"{name}={os.environ[name]}" for name in sorted(os.environ) if "SHOP" in name)
    told = f"{os.getpid()} {os.environ['LINOD_TASK']} {os.environ['LINOD_RUN_ID']} {pairs}"
    Path(os.environ["OUT"]).open("a").write(told + chr(10))

def logs(password="none"):
    logger.debug("debugging")
    logger.info("the password is {}", password)
    print("printed")
"""


@pytest.fixture(autouse=True)
def _modules(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.module("shop", MODULE)
    monkeypatch.setenv("OUT", str(stage.folder / "out"))


_TURNS = 12


def children(stage: Stage) -> list[int]:
    (keeper,) = stage.keepers()
    return [int(pid) for pid in Path(f"/proc/{keeper}/task/{keeper}/children").read_text().split()]


async def waiting(stage: Stage, *tasks: Task, count: int) -> list[int]:
    """Expect runs of these tasks until so many workers wait."""
    await stage.until(stage.keepers)
    await stage.until(lambda: len(children(stage)) >= 1)  # it is ready
    for _ in range(_TURNS):
        # What is expected is dismissed after a while, and a thousand take their time.
        stage.executor.expect(tasks)
        with suppress(AssertionError):
            await stage.until(lambda: len(children(stage)) == count, 5.0)
            return children(stage)
    raise AssertionError(f"{len(children(stage))} wait, and not {count}")


def told(stage: Stage) -> list[list[str]]:
    return [line.split(" ") for line in stage.text("out").splitlines()]


def test_an_expected_run_gets_a_worker_that_waits(stage: Stage) -> None:
    stage.task("mail", procedure="shop.note", env={"SHOP": "mail"})

    async def scene() -> list[int]:
        pids = await waiting(stage, stage.tasks["mail"], count=2)
        stage.start("mail")
        await stage.ended()
        return pids

    pids = stage.play(scene)

    ((pid, *others),) = told(stage)
    assert int(pid) in pids
    assert ["mail", "1", "SHOP=mail"] == others


def test_what_is_prepared_for_one_task_does_not_run_another(stage: Stage) -> None:
    stage.task("mail", procedure="shop.note", env={"SHOP": "mail", "SHOP_MAIL": "1"})
    stage.task("dump", procedure="shop.note", env={"SHOP": "dump"})

    async def scene() -> None:
        await waiting(stage, stage.tasks["mail"], count=2)
        for number, name in enumerate(("dump", "dump", "mail", "mail"), 1):
            stage.start(name, number)
        for number in range(1, 5):
            await stage.ended(number)

    stage.play(scene)

    assert [
        ["dump", "1", "SHOP=dump"],
        ["dump", "2", "SHOP=dump"],
        ["mail", "3", "SHOP=mail", "SHOP_MAIL=1"],
        ["mail", "4", "SHOP=mail", "SHOP_MAIL=1"],
    ] == sorted((line[1:] for line in told(stage)), key=lambda line: line[1])


def test_a_task_that_changed_gets_no_worker_that_is_prepared_for_the_former(stage: Stage) -> None:
    stage.task("mail", procedure="shop.note", env={"SHOP": "old"})

    async def scene() -> None:
        await waiting(stage, stage.tasks["mail"], count=2)
        stage.tasks["mail"] = evolve(stage.tasks["mail"], env={"SHOP": "new"})
        stage.start("mail")
        await stage.ended()

    stage.play(scene)

    assert [["mail", "1", "SHOP=new"]] == [line[1:] for line in told(stage)]


def test_the_successor_of_a_keeper_knows_tasks_before_their_first_run(stage: Stage) -> None:
    names = [f"t{number}" for number in range(30)]
    for name in names:
        stage.task(name, procedure="shop.note")
    stage.task("long", shell="sleep 600")

    async def scene() -> None:
        stage.start("long", 1)
        await stage.started(1)
        (former,) = stage.keepers()
        os.kill(former, signal.SIGKILL)
        await stage.ended(1)
        await stage.until(lambda: stage.keepers() and stage.keepers() != [former])
        for number, name in enumerate(names, 2):
            await stage.until(lambda: len(children(stage)) == 1)
            waits = children(stage)
            stage.start(name, number)
            await stage.ended(number)
            if int(told(stage)[-1][0]) in waits:
                return
        raise AssertionError("each first run of a task got a process that was forked for it")

    stage.play(scene)


def test_it_logs_as_its_run_with_the_level_and_the_secrets_of_its_task(stage: Stage) -> None:
    secret = Reference("hunter22", {"file": "password"}, is_secret=True)
    stage.task(
        "mail",
        procedure="shop.logs",
        arguments={"password": secret},
        log_level=LogLevel.DEBUG,
        umask=0o077,
    )

    async def scene() -> None:
        await waiting(stage, stage.tasks["mail"], count=2)
        stage.start("mail", 7)
        assert Outcome.SUCCEEDED is (await stage.ended(7)).outcome

    stage.play(scene)

    lines = [line for line in stage.log().splitlines() if " mail#7 " in line]
    assert ["debugging", "the password is ***", "printed"] == [
        line.rpartition(": ")[2] for line in lines
    ]


def test_limits_hold_from_the_begin_of_the_run_on(stage: Stage) -> None:
    stage.task("mail", shell="ulimit -n; umask; pwd", limits=Limits(open_files=55), umask=0o027)
    stage.tasks["mail"] = evolve(stage.tasks["mail"], directory=stage.folder / "log")

    async def scene() -> str:
        await waiting(stage, stage.tasks["mail"], count=2)
        stage.start("mail")
        return (await stage.ended()).log

    log = stage.play(scene)

    assert ["55", "0027", str(stage.folder / "log")] == [
        line.rpartition(": ")[2] for line in log.splitlines()
    ]


def test_a_reused_process_is_forked_ahead_too(stage: Stage) -> None:
    stage.task("mail", procedure="shop.note", process=Process.REUSED, env={"SHOP": "mail"})

    async def scene() -> list[int]:
        pids = await waiting(stage, stage.tasks["mail"], count=1)
        stage.start("mail")
        await stage.ended()
        return pids

    pids = stage.play(scene)

    assert int(told(stage)[0][0]) in pids


def faults(pid: int) -> int:
    """Count the pages that a process had to copy or map for itself (proc(5), minflt)."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[7])


def test_a_worker_that_becomes_a_program_does_not_pay_for_a_procedure(stage: Stage) -> None:
    for name in ("dump", "copy"):
        stage.task(name, shell="true")

    async def scene() -> None:
        # One waited already, for anything; another is forked for its program, a third for anything.
        pids = await waiting(stage, *stage.tasks.values(), count=3)
        await stage.until(lambda: max(map(faults, pids)) > min(map(faults, pids)) + 200)

    stage.play(scene)


@pytest.mark.parametrize(
    ("left", "expected"),
    [(None, SPARES_MAX), (64 * 2**30, SPARES_MAX), (2**30, 64), (2**20, 0), (0, 0)],
)
def test_waiting_workers_take_no_more_than_a_share_of_the_memory_that_is_left(
    left: int | None, expected: int
) -> None:
    assert room(left, 1 << 20) == expected


@pytest.mark.parametrize(("files", "expected"), [(65_536, SPARES_MAX), (1024, 85), (10, 0)])
def test_waiting_workers_take_no_more_than_half_of_the_descriptors(
    files: int, expected: int
) -> None:
    assert room(64 * 2**30, files) == expected


@pytest.mark.parametrize(
    ("before", "left", "expected"),
    [(100, 49, True), (100, 50, False), (None, 1, False), (100, None, False)],
)
def test_several_keepers_stop_when_half_of_the_memory_that_was_left_is_gone(
    *, before: int | None, left: int | None, expected: bool
) -> None:
    assert is_half_gone(before, left) is expected


def test_how_much_memory_is_left_is_read_from_the_kernel() -> None:
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")

    left = memory.available()

    assert left is not None
    assert total / 1000 < left < total


@pytest.mark.skipif(
    room(memory.available(), descriptors.limit()) < SPARES_MAX, reason="there is little memory here"
)
def test_no_more_wait_than_there_is_room_for(stage: Stage) -> None:
    for number in range(SPARES_MAX + 20):
        stage.task(f"t{number}", shell="true")

    async def scene() -> int:
        await waiting(stage, *stage.tasks.values(), count=SPARES_MAX + 1)
        for number, name in enumerate(stage.tasks, 1):
            stage.start(name, number)
        for number in range(1, len(stage.tasks) + 1):
            await stage.ended(number, 60)
        return len(stage.tasks)

    assert stage.play(scene) == SPARES_MAX + 20


def test_what_was_expected_in_vain_is_dismissed(stage: Stage) -> None:
    for name in ("a", "b", "c"):
        stage.task(name, shell="true")

    async def scene() -> None:
        await waiting(stage, *stage.tasks.values(), count=4)
        await stage.until(lambda: len(children(stage)) == 1, within_s=20)

    stage.play(scene)


def test_an_armed_order_waits_for_its_start(stage: Stage) -> None:
    for name in ("mail", "dump"):
        stage.task(name, procedure="shop.note", env={"SHOP": name})

    async def scene() -> list[int]:
        pids = await waiting(stage, stage.tasks["mail"], count=2)
        stage.executor.arm([stage.order("mail", 1)])
        stage.start("dump", 2)
        await stage.ended(2)
        assert ["dump"] == [line[1] for line in told(stage)]
        stage.start("mail", 1)
        await stage.ended(1)
        return pids

    pids = stage.play(scene)

    _, (pid, *others) = told(stage)
    assert int(pid) in pids
    assert ["mail", "1", "SHOP=mail"] == others


def test_an_armed_order_needs_no_worker_that_waits(stage: Stage) -> None:
    stage.task("mail", procedure="shop.note", env={"SHOP": "mail"})

    async def scene() -> None:
        await waiting(stage, count=1)
        orders = [stage.order("mail", number) for number in range(1, 6)]
        stage.executor.arm(orders)
        for order in orders:
            stage.executor.start(order)
        for number in range(1, 6):
            assert Outcome.SUCCEEDED is (await stage.ended(number)).outcome

    stage.play(scene)

    assert {"1", "2", "3", "4", "5"} == {line[2] for line in told(stage)}


def test_who_follows_an_armed_run_gets_its_lines(stage: Stage) -> None:
    stage.task("mail", shell="echo sent")
    lines: list[str] = []

    async def scene() -> None:
        await waiting(stage, count=1)
        stage.executor.arm([stage.order("mail")])
        stage.executor.follow(1, lines.append)
        stage.start("mail")
        await stage.ended()

    stage.play(scene)

    assert ["sent"] == [line.rpartition(": ")[2] for line in lines]


@pytest.mark.parametrize("process", [Process.FRESH, Process.REUSED])
def test_an_order_that_was_taken_back_begins_with_another_one_only(
    stage: Stage, process: Process
) -> None:
    stage.task("mail", procedure="shop.note", env={"SHOP": "mail"}, process=process)

    async def scene() -> None:
        count = 1 if process is Process.REUSED else 2
        await waiting(stage, stage.tasks["mail"], count=count)
        stage.executor.arm([stage.order("mail", lease="former")])
        stage.executor.disarm()
        stage.start("mail")
        assert "lease1" == (await stage.ended()).lease

    stage.play(scene)

    assert ["1"] == [line[2] for line in told(stage)]


def test_what_is_armed_for_another_lease_does_not_begin(stage: Stage) -> None:
    stage.task("mail", procedure="shop.note", env={"SHOP": "mail"})

    async def scene() -> None:
        pids = await waiting(stage, stage.tasks["mail"], count=2)
        stage.executor.arm([stage.order("mail", lease="former")])
        stage.start("mail")
        assert "lease1" == (await stage.ended()).lease
        await stage.until(lambda: not set(pids) & set(children(stage)))

    stage.play(scene)

    assert ["1"] == [line[2] for line in told(stage)]


@pytest.mark.parametrize("is_armed", [False, True])
def test_a_prepared_worker_that_was_killed_keeps_nobody_waiting(
    stage: Stage, is_armed: bool
) -> None:
    stage.task("mail", procedure="shop.note", env={"SHOP": "mail"}, timeout=timedelta(seconds=20))

    async def scene() -> None:
        killed = await waiting(stage, stage.tasks["mail"], count=2)
        if is_armed:
            stage.executor.arm([stage.order("mail")])
        for pid in killed:
            os.kill(pid, 9)
        await stage.until(lambda: not set(killed) & set(children(stage)))
        stage.start("mail")
        assert Outcome.SUCCEEDED is (await stage.ended()).outcome

    stage.play(scene)

    assert [["mail", "1", "SHOP=mail"]] == [line[1:] for line in told(stage)]


def test_a_run_that_is_over_before_the_keeper_looks_again_is_no_lost_order(stage: Stage) -> None:
    # Each gets a worker that waits; the next order is given as soon as it has ended.
    stage.task("report", shell="true")

    async def scene() -> list[Outcome]:
        outcomes = []
        for run in range(1, 61):
            if run % 4 == 1:
                await waiting(stage, stage.tasks["report"], count=2)
            stage.start("report", run)
            outcomes.append((await stage.ended(run)).outcome)
        return outcomes

    assert stage.play(scene) == [Outcome.SUCCEEDED] * 60

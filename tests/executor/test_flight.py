"""`log_keep`: what a run logs below its level is written if it fails or is slow, and only then."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from linod.events import Outcome
from linod.log.entries import head_of
from linod.specs import LogLevel, Process

FLIGHT = """
import asyncio, logging, os, signal, subprocess, sys, time
from loguru import logger

def say():
    logger.debug("loguru {}", "debug")
    logging.getLogger("shop").debug("logging debug")
    print("printed")
    os.write(1, b"past python\\n")
    subprocess.run(["sh", "-c", "echo of a child"])
    logger.warning("soon")

def good():
    say()

def bad():
    say()
    raise ValueError("no shop")

def killed():
    logger.debug("last words")
    os.kill(os.getpid(), signal.SIGKILL)

def hung():
    logger.debug("waits for ever")
    time.sleep(60)

def slow():
    logger.debug("before")
    while not os.path.exists("go"):
        time.sleep(0.01)
    logger.debug("after")

def much():
    for number in range(6_000):
        logger.debug("{} {}", number, "x" * 200)
    raise ValueError

def trace():
    logger.trace("below")
    logger.debug("kept")
    raise ValueError

def forks():
    logger.debug("parent")
    pid = os.fork()
    if not pid:
        logger.debug("child debug")
        logger.warning("child warning")
        os._exit(0)
    os.waitpid(pid, 0)
    raise ValueError

async def together(bad: bool):
    logger.debug("first")
    await asyncio.sleep(0.2)
    logger.debug("second")
    if bad:
        raise ValueError
"""
KEEP: dict[str, Any] = {"log_level": LogLevel.WARNING, "log_keep": LogLevel.DEBUG}


@pytest.fixture(autouse=True)
def module(stage: Any) -> None:
    stage.module("flight", FLIGHT)


def run(stage: Any, name: str, number: int = 1, **keys: Any) -> Any:
    stage.task(name, **{"procedure": f"flight.{name}", **KEEP, **keys})
    return stage.run(name, number)


def lines(stage: Any) -> list[str]:
    """Give level and message of each line, without tracebacks."""
    found = (line.split(" ", 2)[2] for line in stage.log().splitlines())
    split = (each.split(None, 3) for each in found)
    return [f"{level} {message}".split("\\n")[0] for level, _, _, message in split]


def test_a_run_that_succeeds_writes_nothing_of_what_it_kept(stage: Any) -> None:
    run(stage, "good")

    assert lines(stage) == ["WARNING soon"]


def test_a_run_that_fails_writes_what_it_kept_in_the_order_of_time(stage: Any) -> None:
    end = run(stage, "bad")
    first, second, told, *kept = lines(stage)
    heads = [head_of(each.encode()) for each in stage.log().splitlines()][3:]

    assert (first, second) == ("WARNING soon", "ERROR ValueError: no shop")
    assert told == "INFO the run failed: 5 records that were kept follow"
    assert sorted(kept) == [
        "DEBUG (kept) logging debug",
        "DEBUG (kept) loguru debug",
        "INFO (kept) of a child",
        "INFO (kept) past python",
        "INFO (kept) printed",
    ]
    assert all(head.is_kept and (head.task, head.run) == ("bad", 1) for head in heads)
    assert [head.at for head in heads] == sorted(head.at for head in heads)
    assert "(kept)" not in end.log


def test_a_worker_that_is_killed_at_once_loses_nothing(stage: Any) -> None:
    assert run(stage, "killed").outcome is Outcome.FAILED

    assert lines(stage) == [
        "INFO the run failed: 1 record that was kept follows",
        "DEBUG (kept) last words",
    ]


def test_a_run_that_times_out_writes_what_it_kept(stage: Any) -> None:
    run(stage, "hung", timeout=timedelta(seconds=3), kill_after=timedelta(0))

    assert lines(stage)[-2:] == [
        "INFO the run timed out: 1 record that was kept follows",
        "DEBUG (kept) waits for ever",
    ]


def test_a_run_that_is_cancelled_writes_nothing_of_it(stage: Any) -> None:
    stage.task("hung", procedure="flight.hung", **KEEP)

    async def scene() -> Any:
        stage.start("hung")
        await stage.started()
        stage.stop(1, is_forced=True)
        return await stage.ended()

    assert stage.play(scene).outcome is Outcome.CANCELLED
    assert lines(stage) == []


def test_a_slow_run_writes_it_when_it_becomes_slow_and_the_rest_at_its_end(stage: Any) -> None:
    stage.task("slow", procedure="flight.slow", directory=stage.folder, **KEEP)

    async def scene() -> None:
        stage.start("slow", slow_after=timedelta(seconds=3))
        await stage.until(lambda: "before" in stage.log())
        (stage.folder / "go").touch()
        await stage.ended()

    stage.play(scene)

    assert lines(stage) == [
        "INFO the run is slow, after 3 s: 1 record that was kept follows",
        "DEBUG (kept) before",
        "INFO the run was slow: 1 record that was kept follows",
        "DEBUG (kept) after",
    ]


def test_the_run_after_a_failure_writes_all_at_once(stage: Any) -> None:
    stage.task("good", procedure="flight.good", **KEEP)

    async def scene() -> Any:
        stage.start("good", is_after_failure=True)
        return await stage.ended()

    end = stage.play(scene)

    assert "(kept)" not in stage.log()
    assert {"DEBUG loguru debug", "INFO printed", "INFO of a child"} <= {*lines(stage)}
    assert "loguru debug" in end.log


def test_what_is_too_much_is_counted_exactly(stage: Any) -> None:
    run(stage, "much")
    told = next(line for line in lines(stage) if "kept follow" in line)
    kept = [line for line in lines(stage) if "(kept)" in line]
    count, lost = (int(each.replace(",", "")) for each in (told.split()[4], told.split()[10]))

    assert len(kept) == count
    assert count + lost == 6_000
    assert kept[-1].startswith("DEBUG (kept) 5999 ")
    assert len("\n".join(kept)) < 1024 * 1024


def test_what_is_below_the_level_of_the_key_is_not_kept(stage: Any) -> None:
    run(stage, "trace")

    assert [line for line in lines(stage) if "(kept)" in line] == ["DEBUG (kept) kept"]


def test_a_process_that_the_run_forks_keeps_nothing_and_logs_as_ever(stage: Any) -> None:
    run(stage, "forks")

    assert [line for line in lines(stage) if "(kept)" in line] == ["DEBUG (kept) parent"]
    assert "WARNING child warning" in lines(stage)


def test_the_output_of_a_command_is_shown_only_where_it_fails(stage: Any) -> None:
    stage.task("fine", shell="echo one; exit 0", **KEEP)
    stage.task("fails", shell="echo two; echo three >&2; exit 3", **KEEP)
    stage.run("fine")
    before = lines(stage)
    stage.run("fails", 2)

    assert before == []
    assert lines(stage) == [
        "WARNING three",
        "INFO the run failed: 1 record that was kept follows",
        "INFO (kept) two",
    ]


def test_runs_of_a_reused_process_keep_each_its_own(stage: Any) -> None:
    for name in ("good", "bad"):
        stage.task(name, procedure=f"flight.{name}", process=Process.REUSED, **KEEP)

    async def scene() -> None:
        for number, name in enumerate(("good", "bad", "good"), 1):
            stage.start(name, number)
            await stage.ended(number)

    stage.play(scene)

    kept = [line for line in stage.log().splitlines() if "(kept)" in line]
    assert len(kept) == 5
    assert all(" bad#2 " in line for line in kept)


def test_async_runs_of_one_process_keep_each_its_own(stage: Any) -> None:
    shared = {"procedure": "flight.together", "process": Process.REUSED, "max_running": 2}
    stage.task("together", arguments={"bad": True}, **shared, **KEEP)

    async def scene() -> None:
        for number in (1, 2):
            stage.start("together", number)
        for number in (1, 2):
            await stage.ended(number)

    stage.play(scene)

    said = ("(kept) first", "(kept) second")
    kept = [line for line in stage.log().splitlines() if line.endswith(said)]
    assert sorted(head_of(line.encode()).run for line in kept) == [1, 1, 2, 2]


def test_a_task_that_keeps_nothing_writes_as_ever(stage: Any) -> None:
    run(stage, "bad", log_keep=None)

    assert lines(stage) == ["WARNING soon", "ERROR ValueError: no shop"]

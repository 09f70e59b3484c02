"""Long-lived workers: what their runs share, what they do not, and how each of them ends."""

from __future__ import annotations

import json
import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from linod.events import Outcome, RunEnded
from linod.executor import claims, tree
from linod.executor.claims import BOOK_RUNS
from linod.specs import Limits, LogLevel, Overlap, Process, Reference

MODULE = """
import asyncio, atexit, json, os, resource, signal, subprocess, sys, threading, time
from pathlib import Path
import linod

calls = 0

def note(*values):
    with open(os.environ["OUT"], "a") as out:
        out.write(json.dumps([linod.current_run().id, *values]) + chr(10))

def counts():
    global calls
    calls += 1
    note(os.getpid(), calls)

def tampers():
    is_default = signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    is_unset = signal.getitimer(signal.ITIMER_REAL)[0] == 0
    note(os.getcwd(), os.umask(0), is_default, is_unset)
    os.chdir("/")
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.setitimer(signal.ITIMER_REAL, 600)

def environment(): note(os.environ["LINOD_RUN_ID"], os.environ["LINOD_TASK"])
def raises(): raise ConnectionResetError("the far end hung up")
def exits(): sys.exit(3)
def exits_at_once(): os._exit(3)
def sleeps(): note(os.getpid()); time.sleep(60)
def shouts(): print("said in run", linod.current_run().id); os.system("echo from below")
def half(): print("no newline", end="")
def tells(password): print("the password is", password); raise ValueError(password)
def leaves_a_child():
    child = subprocess.Popen(["sleep", "60"])
    note(child.pid)
def leaves_a_stray():
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            note(os.getpid())
            time.sleep(60)
        os._exit(0)
    os.wait()
    while not has_noted(): time.sleep(0.01)
def has_noted():
    with open(os.environ["OUT"]) as out:
        return any(json.loads(line)[0] == linod.current_run().id for line in out)
def keeps(size):
    global kept
    kept = b"x" * size
    note(os.getpid())
def burns(seconds):
    until = time.process_time() + seconds
    while time.process_time() < until: pass
    note(os.getpid())
def says_goodbye():
    atexit.register(lambda: Path(os.environ["OUT"]).with_name("bye").touch())

running = 0
most = 0
async def together(count=1):
    global running, most
    running += 1
    most = max(most, running)
    print("hello from", linod.current_run().id)
    limit = time.monotonic() + 10
    while most < count and time.monotonic() < limit: await asyncio.sleep(0.01)
    running -= 1
    note(os.getpid(), most)
async def waits():
    note(os.getpid())
    await asyncio.sleep(60)
async def tidies():
    try:
        await asyncio.sleep(60)
    finally:
        note("tidied")
async def stubborn():
    note(os.getpid())
    while True:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            pass
async def background():
    asyncio.get_running_loop().create_task(lingers())
    await asyncio.sleep(0)
async def lingers():
    try:
        await asyncio.sleep(60)
    finally:
        note("cancelled")
def finishes(run: linod.Run):
    note(os.getpid())
    while not run.should_stop: time.sleep(0.01)
    note("asked")
async def finishes_async(run: linod.Run):
    note(os.getpid())
    while not run.should_stop: await asyncio.sleep(0.01)
    note("asked")
def floods():
    line = json.dumps({"run": linod.current_run().id, "progress": [1, None]}).encode() + b"\\n"
    for name in os.listdir("/proc/self/fd"):
        if os.path.exists(f"/proc/self/fd/{name}") and int(name) > 2:
            try:
                if os.readlink(f"/proc/self/fd/{name}").startswith("pipe:"):
                    for _ in range(100): os.write(int(name), line * 100)
            except OSError:
                pass
    note("done")
def returns(value): return [value, linod.current_run().id]
def knows_its_end(run: linod.Run): note(str(run.deadline), os.environ.get("LINOD_DEADLINE"))
async def wanted(): return True
async def unwanted(): return False
"""


def _seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


@pytest.fixture(autouse=True)
def module(stage: Any) -> None:
    stage.module("shop", MODULE)


def task(stage: Any, procedure: str, name: str = "report", **keys: Any) -> None:
    env = {"OUT": str(stage.folder / "out"), **keys.pop("env", {})}
    stage.task(name, procedure=f"shop.{procedure}", process=Process.REUSED, env=env, **keys)


def noted(stage: Any) -> list[Any]:
    return [json.loads(line) for line in stage.text("out").splitlines()]


def in_turn(stage: Any, *names: str, first: int = 1) -> list[RunEnded]:
    """Play runs one after another."""

    async def scene() -> list[RunEnded]:
        ends = []
        for number, name in enumerate(names, first):
            stage.start(name, number)
            ends.append(await stage.ended(number))
        return ends

    ends: list[RunEnded] = stage.play(scene)
    return ends


def at_once(stage: Any, name: str, count: int) -> list[RunEnded]:
    async def scene() -> list[RunEnded]:
        for number in range(1, count + 1):
            stage.start(name, number)
        return [await stage.ended(number) for number in range(1, count + 1)]

    ends: list[RunEnded] = stage.play(scene)
    return ends


def outcomes(ends: list[RunEnded]) -> list[Outcome]:
    return [end.outcome for end in ends]


# -- one after another ------------------------------------------------------------------------


def test_runs_share_a_process_and_what_it_has(stage: Any) -> None:
    task(stage, "counts")

    ends = in_turn(stage, *["report"] * 3)

    assert outcomes(ends) == [Outcome.SUCCEEDED] * 3
    assert len({pid for _, pid, _ in noted(stage)}) == 1
    assert [(run, calls) for run, _, calls in noted(stage)] == [(1, 1), (2, 2), (3, 3)]


def test_tasks_with_the_same_context_share_a_process(stage: Any) -> None:
    task(stage, "counts")
    task(stage, "counts", "other")

    in_turn(stage, "report", "other")

    assert len({pid for _, pid, _ in noted(stage)}) == 1


@pytest.mark.parametrize(
    "keys",
    [
        {"env": {"MODE": "batch"}},
        {"umask": 0o22},
        {"limits": Limits(open_files=100)},
        {"log_level": LogLevel.DEBUG},
    ],
    ids=lambda keys: next(iter(keys)),
)
def test_tasks_with_different_contexts_do_not(stage: Any, keys: dict[str, Any]) -> None:
    task(stage, "counts")
    task(stage, "counts", "other", **keys)

    in_turn(stage, "report", "other")

    assert len({pid for _, pid, _ in noted(stage)}) == 2


def test_each_run_has_its_own_name_in_the_environment(stage: Any) -> None:
    task(stage, "environment")
    task(stage, "environment", "other")

    in_turn(stage, "report", "other")

    assert noted(stage) == [[1, "1", "report"], [2, "2", "other"]]


def test_directory_umask_signals_and_timers_are_as_at_the_start_again(stage: Any) -> None:
    task(stage, "tampers", umask=0o27)

    ends = in_turn(stage, "report", "report")

    assert outcomes(ends) == [Outcome.SUCCEEDED] * 2
    assert noted(stage) == [[run, str(stage.folder), 0o27, True, True] for run in (1, 2)]


def test_runs_at_the_same_time_have_processes_of_their_own(stage: Any) -> None:
    task(stage, "sleeps", overlap=Overlap.ALLOW)

    async def scene() -> None:
        for number in (1, 2):
            stage.start("report", number)
        await stage.until(lambda: len(noted(stage)) == 2)
        stage.stop(1)
        stage.stop(2)
        assert outcomes([await stage.ended(1), await stage.ended(2)]) == [Outcome.CANCELLED] * 2

    stage.play(scene)

    assert len({pid for _, pid in noted(stage)}) == 2


def test_short_runs_at_once_share_processes_that_are_awake(stage: Any) -> None:
    task(stage, "counts", overlap=Overlap.ALLOW)
    bursts, count = 8, 20

    async def scene() -> None:
        for burst in range(bursts):
            numbers = range(burst * count + 1, (burst + 1) * count + 1)
            for number in numbers:
                stage.start("report", number)
            ends = [await stage.ended(number) for number in numbers]
            assert outcomes(ends) == [Outcome.SUCCEEDED] * count

    stage.play(scene)

    used = [{pid for run, pid, _ in noted(stage) if (run - 1) // count == b} for b in range(bursts)]
    assert min(map(len, used)) < count


def test_a_run_that_waits_for_a_moment_is_ended_all_the_same(stage: Any) -> None:
    task(stage, "sleeps", overlap=Overlap.ALLOW)
    count = 3 * (os.cpu_count() or 1)

    async def scene() -> None:
        for number in range(1, count + 1):
            stage.start("report", number)
        for number in range(1, count + 1):
            stage.stop(number)
        ends = [await stage.ended(number) for number in range(1, count + 1)]
        assert outcomes(ends) == [Outcome.CANCELLED] * count

    stage.play(scene)

    assert stage.marked() == []


def test_a_failed_run_leaves_the_process_to_the_next(stage: Any) -> None:
    for name in ("raises", "exits", "counts"):
        task(stage, name, name)

    ends = in_turn(stage, "counts", "raises", "exits", "counts")

    assert [end.reason for end in ends] == [
        "",
        "ConnectionResetError: the far end hung up",
        "exit status 3",
        "",
    ]
    assert [calls for _, _, calls in noted(stage)] == [1, 2]


def test_a_run_that_reports_too_much_ends_all_the_same(stage: Any) -> None:
    task(stage, "floods", "floods", timeout=_seconds(20))
    task(stage, "counts")

    ends = in_turn(stage, "floods", "report")

    assert outcomes(ends) == [Outcome.SUCCEEDED] * 2


def test_a_process_that_ends_is_replaced(stage: Any) -> None:
    for name in ("exits_at_once", "counts"):
        task(stage, name, name)

    first, second, third = in_turn(stage, "counts", "exits_at_once", "counts")

    assert (first.outcome, third.outcome) == (Outcome.SUCCEEDED, Outcome.SUCCEEDED)
    assert second.reason == "its process ended without a result: exit status 3"
    assert [calls for _, _, calls in noted(stage)] == [1, 1]


def test_it_is_replaced_after_max_runs_and_may_say_goodbye(stage: Any) -> None:
    task(stage, "says_goodbye", "goodbye", max_runs=2)
    task(stage, "counts", max_runs=2)

    async def scene() -> None:
        for number, name in enumerate(["report", "goodbye", "report"], 1):
            stage.start(name, number)
            await stage.ended(number)
        await stage.until((stage.folder / "bye").exists)

    stage.play(scene)

    assert len({pid for _, pid, _ in noted(stage)}) == 2


def test_it_is_replaced_when_half_of_its_memory_is_kept(stage: Any) -> None:
    limits = Limits(memory=200 * 1024 * 1024)
    task(stage, "keeps", arguments={"size": 130 * 1024 * 1024}, limits=limits)

    ends = in_turn(stage, "report", "report")

    assert outcomes(ends) == [Outcome.SUCCEEDED] * 2
    assert len({pid for _, pid in noted(stage)}) == 2


def test_a_limit_of_processor_time_is_each_runs_own(stage: Any) -> None:
    task(stage, "burns", arguments={"seconds": 0.7}, limits=Limits(cpu_time=_seconds(2)))

    ends = in_turn(stage, *["report"] * 4)

    assert outcomes(ends) == [Outcome.SUCCEEDED] * 4
    assert len({pid for _, pid in noted(stage)}) == 1
    assert all(0.6 < end.used["user_s"] + end.used["system_s"] < 1.5 for end in ends)


def test_a_changed_task_gets_a_process_that_knows_it(stage: Any) -> None:
    task(stage, "counts", arguments={})

    async def scene() -> None:
        stage.start("report", 1)
        await stage.ended(1)
        task(stage, "raises")
        stage.start("report", 2)
        assert (await stage.ended(2)).outcome is Outcome.FAILED

    stage.play(scene)


# -- what each run says -----------------------------------------------------------------------


def test_output_is_of_the_run_that_wrote_it(stage: Any) -> None:
    task(stage, "shouts")
    task(stage, "half", "half")

    first, second, third = in_turn(stage, "report", "report", "half")

    for end in (first, second):
        assert f"said in run {end.run}" in end.log
        assert "from below" in end.log
        assert end.log.count("said in run") == 1
    assert "no newline" in third.log


def test_secrets_are_masked(stage: Any) -> None:
    password = Reference("hunter22", {"env": "PASSWORD"}, is_secret=True)
    task(stage, "tells", arguments={"password": password})

    _, end = in_turn(stage, "report", "report")

    assert end.reason == "ValueError: ***"
    assert "hunter22" not in end.log + stage.log()


# -- how a run ends that does not end by itself ------------------------------------------------


def test_a_timeout_ends_the_process_and_the_next_run_gets_a_new_one(stage: Any) -> None:
    task(stage, "sleeps", "slow", timeout=_seconds(0.3))
    task(stage, "counts")

    first, second = in_turn(stage, "slow", "report")

    assert (first.outcome, first.reason) == (Outcome.TIMED_OUT, "after 0.3 s")
    assert second.outcome is Outcome.SUCCEEDED
    assert noted(stage)[0][1] != noted(stage)[1][1]


@pytest.mark.parametrize("procedure", ["leaves_a_child", "leaves_a_stray"])
def test_what_a_run_leaves_behind_ends_with_it(stage: Any, procedure: str) -> None:
    task(stage, procedure, "leaves")
    task(stage, "counts")

    async def scene() -> None:
        stage.start("report", 1)
        await stage.ended(1)
        stage.start("leaves", 2)
        await stage.ended(2)
        _, left = noted(stage)[1]
        assert left not in tree.processes()
        stage.start("report", 3)
        await stage.ended(3)

    stage.play(scene)

    assert [calls for run, *_, calls in noted(stage) if run != 2] == [1, 2]


def test_nothing_is_left_when_linod_ends(stage: Any) -> None:
    task(stage, "counts")

    in_turn(stage, "report")

    ((_, pid, _),) = noted(stage)
    assert pid not in tree.processes()


# -- several at once --------------------------------------------------------------------------


def test_async_runs_of_a_task_share_a_loop(stage: Any) -> None:
    task(stage, "together", arguments={"count": 4}, overlap=Overlap.ALLOW, max_running=4)

    ends = at_once(stage, "report", 4)

    assert outcomes(ends) == [Outcome.SUCCEEDED] * 4
    assert sorted(run for run, _, _ in noted(stage)) == [1, 2, 3, 4]
    assert {(pid, most) for _, pid, most in noted(stage)} == {(noted(stage)[0][1], 4)}
    for end in ends:
        assert f"hello from {end.run}" in end.log
        assert end.log.count("hello from") == 1


def test_an_async_run_is_cancelled_alone(stage: Any) -> None:
    task(stage, "tidies", overlap=Overlap.ALLOW)

    async def scene() -> None:
        for number in (1, 2):
            stage.start("report", number)
            await stage.started(number)
        stage.stop(1)
        assert (await stage.ended(1)).outcome is Outcome.CANCELLED
        assert noted(stage) == [[1, "tidied"]]
        stage.stop(2)
        assert (await stage.ended(2)).outcome is Outcome.CANCELLED

    stage.play(scene)


def test_an_async_run_that_is_cancelled_at_once_ends(stage: Any) -> None:
    task(stage, "tidies", overlap=Overlap.ALLOW)

    async def scene() -> None:
        stage.start("report", 1)
        await stage.started(1)  # its process is awake
        stage.start("report", 2)
        stage.stop(2)
        second = await stage.ended(2, within_s=10.0)
        assert (second.outcome, second.reason) == (Outcome.CANCELLED, "by alice")
        stage.stop(1)
        assert (await stage.ended(1)).outcome is Outcome.CANCELLED

    stage.play(scene)


def test_one_that_will_not_end_takes_the_process_and_its_other_runs_are_lost(stage: Any) -> None:
    task(stage, "stubborn", overlap=Overlap.ALLOW, kill_after=_seconds(0.2))

    async def scene() -> None:
        for number in (1, 2):
            stage.start("report", number)
        await stage.until(lambda: len(noted(stage)) == 2)
        stage.stop(1)
        first, second = await stage.ended(1), await stage.ended(2)
        assert (first.outcome, first.reason) == (Outcome.CANCELLED, "by alice")
        assert (second.outcome, second.reason) == (
            Outcome.LOST,
            "its process was ended for run 1",
        )

    stage.play(scene)


def test_what_an_async_run_started_and_did_not_wait_for_ends_with_it(stage: Any) -> None:
    task(stage, "background")

    (end,) = in_turn(stage, "report")

    assert end.outcome is Outcome.SUCCEEDED
    assert noted(stage) == [[1, "cancelled"]]


@pytest.mark.parametrize(
    ("answer", "outcome"), [("wanted", "succeeded"), ("unwanted", "cancelled")]
)
def test_only_if_is_asked_in_the_same_loop(stage: Any, answer: str, outcome: str) -> None:
    task(stage, "together", only_if=f"shop.{answer}")

    (end,) = in_turn(stage, "report")

    assert end.outcome == outcome


@pytest.mark.parametrize("procedure", ["finishes", "finishes_async"])
def test_a_run_that_looks_whether_to_stop_leaves_the_process_to_the_next(
    stage: Any, procedure: str
) -> None:
    task(stage, procedure)

    async def scene() -> None:
        for number in (1, 2):
            stage.start("report", number)
            await stage.until(lambda number=number: [number] in [n[:1] for n in noted(stage)])
            stage.stop(number)
            assert (await stage.ended(number)).outcome is Outcome.CANCELLED

    stage.play(scene)

    (_, pid), asked, (_, same), asked_too = noted(stage)
    assert (pid, asked, asked_too) == (same, [1, "asked"], [2, "asked"])


def test_term_ends_the_next_run_that_does_not_look(stage: Any) -> None:
    task(stage, "finishes", "polite")
    task(stage, "sleeps", kill_after=_seconds(60))

    async def scene() -> None:
        for number, name in enumerate(["polite", "report"], 1):
            stage.start(name, number)
            await stage.until(lambda number=number: [number] in [n[:1] for n in noted(stage)])
            stage.stop(number)
            await stage.ended(number)

    stage.play(scene)


def test_each_run_has_its_own_result_and_deadline(stage: Any) -> None:
    task(stage, "returns", arguments={"value": "x"})
    task(stage, "knows_its_end", "ends", timeout=_seconds(60))
    task(stage, "knows_its_end", "endless")

    first, second, *_ = in_turn(stage, "report", "report", "ends", "endless")

    assert [first.detail, second.detail] == [{"result": ["x", 1]}, {"result": ["x", 2]}]
    (_, ends, told), endless = noted(stage)
    assert ends != "None"
    assert told is not None
    assert endless == [4, "None", None]


# -- its books --------------------------------------------------------------------------------


def folder_of_runs(stage: Any) -> Path:
    folder: Path = stage.directory / "runs" / str(os.geteuid())
    return folder


def books(stage: Any) -> set[str]:
    """Name the books of workers that live on."""
    return {path.name for path in folder_of_runs(stage).glob("book-*-*-*")}


def test_its_runs_are_in_few_files_also_where_they_say_much(stage: Any) -> None:
    task(stage, "returns", arguments={"value": "x" * 60_000})

    in_turn(stage, *["report"] * 60)

    runs = [path for path in folder_of_runs(stage).iterdir() if path.name.isdigit()]
    assert len(runs) == 60
    assert len({path.stat().st_ino for path in runs}) <= 5


def test_async_runs_that_began_in_the_book_before_end_in_it(stage: Any) -> None:
    count = BOOK_RUNS + 2
    task(stage, "together", overlap=Overlap.ALLOW, max_running=count, arguments={"count": count})

    ends = at_once(stage, "report", count)

    assert outcomes(ends) == [Outcome.SUCCEEDED] * count
    inodes = {(folder_of_runs(stage) / str(end.run)).stat().st_ino for end in ends}
    assert len(inodes) == 2
    folder = os.open(folder_of_runs(stage), os.O_RDONLY)
    assert {len(claims.read(folder, end.run)) for end in ends} == {2}, "its begin and its end"
    os.close(folder)


def test_the_book_of_one_that_leaves_goes_with_it(stage: Any) -> None:
    task(stage, "counts", max_runs=1)

    async def scene() -> None:
        for number in (1, 2):
            stage.start("report", number)
            await stage.ended(number)
        await stage.until(lambda: books(stage) == set())

    stage.play(scene)


def test_the_book_of_one_that_is_killed_goes_too(stage: Any) -> None:
    task(stage, "sleeps")

    async def scene() -> None:
        stage.start("report", 1)
        await stage.until(lambda: noted(stage))
        assert len(books(stage)) == 1
        stage.stop(1, is_forced=True)
        await stage.ended(1)
        await stage.until(lambda: books(stage) == set())

    stage.play(scene)


# -- its keeper and its daemon ----------------------------------------------------------------


def test_a_run_that_somebody_else_decided_does_not_happen(stage: Any) -> None:
    task(stage, "counts")

    async def scene() -> None:
        stage.start("report", 1)
        await stage.ended(1)
        (folder,) = (stage.directory / "runs").iterdir()
        (folder / "2").touch()
        stage.start("report", 2)
        assert (await stage.ended(2)).outcome is Outcome.FAILED
        stage.start("report", 3)
        await stage.ended(3)

    stage.play(scene)

    assert [run for run, *_ in noted(stage)] == [1, 3]


def test_no_descriptor_is_left_in_the_keeper(stage: Any) -> None:
    task(stage, "exits_at_once", "ends")
    task(stage, "counts", max_runs=1)

    async def scene() -> None:
        sizes: list[int] = []
        for number in range(1, 13, 2):
            stage.start("report", number)
            stage.start("ends", number + 1)
            await stage.ended(number)
            await stage.ended(number + 1)
            (keeper,) = stage.keepers()
            await stage.until(lambda keeper=keeper: len(tree.children(keeper) or ()) <= 1)
            if len(sizes) >= 2:  # what a worker had is closed soon after it has gone
                most = max(sizes[:2])
                await stage.until(lambda keeper=keeper, most=most: descriptors(keeper) <= most)
            sizes.append(descriptors(keeper))

    stage.play(scene)


def descriptors(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))

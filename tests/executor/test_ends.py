"""Nothing of a run lives on: timeouts, cancels, strays, floods, zombies."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import time
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from linod.events import Outcome, RunEnded
from linod.executor import tree

HOSTILE = """
import os, signal, subprocess, sys, time

def sleeps():
    ready()
    time.sleep(600)
def ignores_term():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    ready()
    while True: time.sleep(600)
def stray(clean=False):
    # Two forks, a session of its own, TERM ignored: nothing ties it to the run but the keeper.
    if os.fork(): return
    os.setsid()
    if os.fork(): os._exit(0)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    if clean:
        os.execve("/bin/sleep", ["sleep", "617"], {})
    os.execv("/bin/sleep", ["sleep", "617"])
def leaves_stray():
    stray(); wait_for_sleep()
def leaves_unnamed_stray():
    stray(clean=True); wait_for_sleep()
def leaves_strays_and_sleeps():
    stray(); stray(clean=True); wait_for_sleep(); ready(); time.sleep(600)
def wait_for_sleep():
    while not any(name("sleep", pid) for pid in os.listdir("/proc") if pid.isdigit()):
        time.sleep(0.01)
def name(wanted, pid):
    try: return wanted in open(f"/proc/{pid}/comm").read()
    except OSError: return False
def finishes_on_term():
    def end(number, frame): sys.exit(0)
    signal.signal(signal.SIGTERM, end)
    ready()
    time.sleep(600)
def ready():
    open(os.environ["READY"], "w").close()
def forks_and_raises():
    if os.fork() == 0: return
    os.wait()
    raise ValueError("this is the end")
def floods():
    line = "x" * 99 + "\\n"
    for _ in range(5000): os.write(1, (line * 100).encode())
    while not os.path.exists(os.environ["READY"]): os.write(1, (line * 100).encode())
def floods_one_line():
    for _ in range(200): os.write(1, b"y" * 50_000)
def talks_nonsense():
    for pipe in range(3, 20):
        try: os.write(pipe, b"\\n\\xff{]not json\\n[1,2]\\n{\\"end\\": 3}\\n{\\"run\\": 7}\\n")
        except OSError: pass
def talks_without_end():
    report = [pipe for pipe in range(3, 30) if is_pipe(pipe)]
    for pipe in report:
        for _ in range(100): os.write(pipe, b"z" * 10_000)
def is_pipe(number):
    try: return os.readlink(f"/proc/self/fd/{number}").startswith("pipe:")
    except OSError: return False
def not_utf8():
    os.write(1, b"gr\\xfcn\\n")
"""


def begin(stage: Any, procedure: str, **keys: Any) -> None:
    stage.module("hostile", HOSTILE)
    env = {"READY": str(stage.folder / "ready")}
    stage.task("bad", procedure=f"hostile.{procedure}", env=env, **keys)


def sleepers() -> list[int]:
    found = subprocess.run(["pgrep", "-f", "sleep 617"], capture_output=True, text=True)
    return [int(pid) for pid in found.stdout.split()]


async def until_ready(stage: Any) -> None:
    await stage.until((stage.folder / "ready").exists)


def test_a_timeout_ends_the_run_with_term(stage: Any) -> None:
    begin(stage, "sleeps", timeout=timedelta(seconds=0.5))

    end = stage.run("bad")

    assert (end.outcome, end.reason, end.detail) == (
        Outcome.TIMED_OUT,
        "after 0.5 s",
        {"signal": "SIGTERM"},
    )


def test_a_run_that_ignores_term_is_killed(stage: Any) -> None:
    begin(stage, "ignores_term", timeout=timedelta(seconds=2), kill_after=timedelta(seconds=0.3))
    before = time.time()

    end = stage.run("bad")

    assert (end.outcome, end.detail) == (Outcome.TIMED_OUT, {"signal": "SIGKILL"})
    assert end.ended.timestamp() - before >= 2.3
    assert (end.ended - end.started).total_seconds() < 4.5


def test_strays_with_and_without_a_name_are_killed_at_the_timeout(stage: Any) -> None:
    begin(
        stage,
        "leaves_strays_and_sleeps",
        timeout=timedelta(seconds=1),
        kill_after=timedelta(seconds=0.3),
    )

    end = stage.run("bad")

    assert end.outcome == Outcome.TIMED_OUT
    assert (sleepers(), stage.marked()) == ([], [])


@pytest.mark.parametrize("procedure", ["leaves_stray", "leaves_unnamed_stray"])
def test_what_a_run_leaves_behind_is_ended_before_its_end_is_reported(
    stage: Any, procedure: str
) -> None:
    begin(stage, procedure)

    async def scene() -> tuple[str, list[int]]:
        stage.start("bad")
        end = await stage.ended()
        return end.outcome, sleepers()

    assert stage.play(scene) == (Outcome.SUCCEEDED, [])


def test_a_process_that_a_procedure_forked_does_not_end_the_run(stage: Any) -> None:
    begin(stage, "forks_and_raises")

    assert stage.run("bad").reason == "ValueError: this is the end"


def test_a_cancelled_run_has_the_outcome_that_was_asked_for(stage: Any) -> None:
    begin(stage, "sleeps")

    async def scene() -> Any:
        stage.start("bad")
        await until_ready(stage)
        stage.stop(1)
        return await stage.ended()

    end = stage.play(scene)
    assert (end.outcome, end.reason) == (Outcome.CANCELLED, "by alice")


def test_a_cancel_finds_what_a_shell_forks_meanwhile(stage: Any) -> None:
    # The child that a shell forks while the others are signalled has missed its TERM.
    stage.task("shell", shell="sleep 617; true", kill_after=timedelta(seconds=60))

    async def scene() -> None:
        for number in range(1, 61):
            stage.start("shell", number)
            await asyncio.sleep(number % 6 / 1000)
            stage.stop(number)
        for number in range(1, 61):
            assert (await stage.ended(number)).outcome == Outcome.CANCELLED

    stage.play(scene)


def test_a_run_that_ends_itself_on_term_is_cancelled_all_the_same(stage: Any) -> None:
    begin(stage, "finishes_on_term")

    async def scene() -> Any:
        stage.start("bad")
        await until_ready(stage)
        stage.stop(1)
        return await stage.ended()

    end = stage.play(scene)
    assert (end.outcome, end.detail) == (Outcome.CANCELLED, {"exit_status": 0})


def test_force_kills_at_once(stage: Any) -> None:
    begin(stage, "ignores_term")

    async def scene() -> tuple[Any, float]:
        stage.start("bad")
        await until_ready(stage)
        before = time.monotonic()
        stage.stop(1, is_forced=True)
        return await stage.ended(), time.monotonic() - before

    end, took_s = stage.play(scene)
    assert end.detail == {"signal": "SIGKILL"}
    assert took_s < 2


def test_a_stop_before_the_keeper_is_ready_is_not_lost(stage: Any) -> None:
    begin(stage, "sleeps")

    async def scene() -> Any:
        stage.start("bad")
        stage.stop(1)
        return await stage.ended()

    assert stage.play(scene).outcome == Outcome.CANCELLED


def test_a_flood_is_bounded_and_does_not_stall_others(stage: Any) -> None:
    begin(stage, "floods")
    stage.task("quick", command=("true",))

    async def scene() -> tuple[Any, list[int], float, int]:
        stage.start("quick", 9)
        await stage.ended(9)
        stage.start("bad", 1)
        await stage.started(1)
        before = time.monotonic()
        stage.start("quick", 2)
        await stage.ended(2)
        took_s = time.monotonic() - before
        ended = [event.run for event in stage.events if isinstance(event, RunEnded)]
        (stage.folder / "ready").touch()
        end = await stage.ended(1, 100)
        return end, ended, took_s, _peak_kib(stage.keepers()[0])

    end, ended, took_s, peak_kib = stage.play(scene)
    assert end.outcome == Outcome.SUCCEEDED
    assert 60_000 < len(end.log) <= 64 * 1024
    assert ended == [9, 2]  # while the flood went on
    assert took_s < 2
    assert peak_kib < 150_000


def test_a_line_without_end_is_cut_with_a_mark(stage: Any) -> None:
    begin(stage, "floods_one_line")

    end = stage.run("bad")

    assert end.log.rstrip("\n").endswith("[cut]")
    assert len(end.log) <= 64 * 1024


def test_nonsense_on_the_report_pipe_harms_nobody(stage: Any) -> None:
    begin(stage, "talks_nonsense")

    assert stage.run("bad").outcome == Outcome.SUCCEEDED


def test_too_much_on_the_report_pipe_is_not_believed(stage: Any) -> None:
    begin(stage, "talks_without_end")

    end = stage.run("bad")

    assert (end.outcome, end.reason) == (
        Outcome.FAILED,
        "its process ended without a result: exit status 0",
    )


def test_output_that_is_no_utf8_is_replaced(stage: Any) -> None:
    begin(stage, "not_utf8")

    assert stage.run("bad").log.endswith("stdout: gr\ufffdn\n")


def test_the_log_of_a_killed_run_is_kept(stage: Any) -> None:
    stage.task("talk", shell="echo nearly there; exec sleep 600", timeout=timedelta(seconds=3))

    assert stage.run("talk").log.endswith("nearly there\n")


def test_no_zombie_is_left_after_many_runs(stage: Any) -> None:
    stage.task("forks", shell="(true & true &) ; true")

    async def scene() -> None:
        for number in range(1, 21):
            stage.start("forks", number)
        await asyncio.gather(*(stage.ended(number) for number in range(1, 21)))
        await stage.until(lambda: _zombies(stage.keepers()[0]) == [], 5)

    stage.play(scene)


def test_a_terminals_interrupt_does_not_reach_a_keeper(stage: Any) -> None:
    stage.task("list", command=("true",))

    async def scene() -> tuple[bool, str]:
        stage.start("list", 1)
        await stage.ended(1)
        (keeper,) = stage.keepers()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            os.kill(keeper, number)
        stage.start("list", 2)
        outcome = (await stage.ended(2)).outcome
        return os.getsid(keeper) == keeper and stage.keepers() == [keeper], outcome

    assert stage.play(scene) == (True, Outcome.SUCCEEDED)


def _zombies(keeper: int) -> list[str]:
    children = Path(f"/proc/{keeper}/task/{keeper}/children").read_text().split()
    states = []
    for child in children:
        with suppress(OSError):  # it is reaped by now
            states.append(Path(f"/proc/{child}/stat").read_text().rpartition(")")[2])
    return [state for state in states if state.split()[0] == "Z"]


def _peak_kib(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))


def test_a_process_is_named_by_its_start_too() -> None:
    own = tree.start_time(os.getpid())

    assert tree.is_alive(os.getpid(), own)
    assert not tree.is_alive(os.getpid(), own - 1)


def test_a_keeper_keeps_no_descriptors_of_ended_runs(stage: Any) -> None:
    stage.task("list", command=("true",))

    async def scene() -> tuple[int, int]:
        await _run_many(stage, range(1, 6))
        before = await _quiet_descriptors(stage)
        await _run_many(stage, range(6, 46))
        return before, await _quiet_descriptors(stage)

    before, after = stage.play(scene)
    assert before == after


async def _run_many(stage: Any, numbers: range) -> None:
    for number in numbers:
        stage.start("list", number)
    await asyncio.gather(*(stage.ended(number) for number in numbers))


async def _quiet_descriptors(stage: Any) -> int:
    """Count those of the keeper once its only child is the same spare worker for a while."""
    (keeper,) = stage.keepers()
    children = Path(f"/proc/{keeper}/task/{keeper}/children")
    seen: list[tuple[str, int]] = []

    def is_quiet() -> bool:
        seen.append((children.read_text(), len(os.listdir(f"/proc/{keeper}/fd"))))
        return len(seen) > 30 and len(set(seen[-30:])) == 1 and len(seen[-1][0].split()) == 1

    await stage.until(is_quiet)
    return seen[-1][1]

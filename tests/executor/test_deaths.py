"""When a keeper or the daemon dies: workers go with them, and the run files tell what happened."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

from linod.events import Outcome, RunNeverStarted
from linod.executor import claims, runfiles, tree
from linod.executor.runfiles import Proof

SLEEP = ("sleep", f"641{os.getpid():07}")
"""No other process of the tests sleeps so long."""
SLEEP_LINE = " ".join(SLEEP)


def sleepers() -> list[int]:
    found = subprocess.run(["pgrep", "-f", SLEEP_LINE], capture_output=True, text=True)
    return [int(pid) for pid in found.stdout.split()]


def lines_of(stage: Any, run: int) -> list[Any]:
    folder = runfiles.prepare(stage.directory)
    try:
        return claims.read(folder, run)
    finally:
        os.close(folder)


def wait_until_gone(found: Any, within_s: float) -> float:
    before = time.monotonic()
    while found():
        assert time.monotonic() < before + within_s, found()
        time.sleep(0.01)
    return time.monotonic() - before


def test_a_killed_keeper_loses_its_runs_and_ends_all_of_them(stage: Any) -> None:
    # The worker dies by the kernel's hand; its child, in a session of its own, by the daemon's.
    stage.task("long", shell=f"setsid {SLEEP_LINE} & exec {SLEEP_LINE}")

    async def scene() -> tuple[Any, list[int]]:
        stage.start("long")
        await stage.until(lambda: len(sleepers()) == 2)
        os.kill(stage.keepers()[0], signal.SIGKILL)
        return await stage.ended(), sleepers()

    end, left = stage.play(scene)
    assert (end.outcome, end.reason) == (Outcome.LOST, "its keeper died")
    assert left == []


def test_the_book_of_a_killed_keeper_does_not_stay(stage: Any) -> None:
    stage.task("long", shell=f"exec {SLEEP_LINE}")

    def books() -> list[str]:
        names = os.listdir(stage.directory / "runs" / str(os.geteuid()))
        return [name for name in names if name.startswith("book-")]

    async def scene() -> list[str]:
        stage.start("long")
        await stage.until(lambda: len(sleepers()) == 1)
        before, (keeper,) = books(), stage.keepers()
        os.kill(keeper, signal.SIGKILL)
        await stage.ended()
        await stage.until(lambda: not set(before) & set(books()))
        return before

    assert len(stage.play(scene)) == 1


def test_a_keeper_that_died_of_a_run_is_replaced_before_the_next_one(stage: Any) -> None:
    stage.task("long", shell=f"exec {SLEEP_LINE}")

    async def scene() -> list[int]:
        stage.start("long")
        await stage.until(lambda: len(sleepers()) == 1)
        (killed,) = stage.keepers()
        os.kill(killed, signal.SIGKILL)
        await stage.until(lambda: stage.keepers() not in ([], [killed]))
        return stage.keepers()

    assert len(stage.play(scene)) == 1


FORKS = """
import os, time
from pathlib import Path
def fork():
    if os.fork(): time.sleep(600)
    os.setsid()
    if os.fork(): os._exit(0)
    Path(os.environ["PIDS"]).write_text(str(os.getpid()))
    time.sleep(600)
"""


def test_what_only_forked_is_found_by_the_run_file_it_holds(stage: Any) -> None:
    stage.module("forks", FORKS)
    pids = stage.folder / "pids"
    stage.task("forks", procedure="forks.fork", env={"PIDS": str(pids)})

    async def scene() -> int:
        stage.start("forks")
        await stage.until(lambda: stage.text("pids"))
        os.kill(stage.keepers()[0], signal.SIGKILL)
        await stage.ended()
        return tree.start_time(int(stage.text("pids")))

    assert stage.play(scene) == 0


def test_after_a_keeper_died_the_next_run_has_a_new_one(stage: Any) -> None:
    stage.task("long", command=SLEEP)
    stage.task("quick", command=("true",))

    async def scene() -> str:
        stage.start("long", 1)
        await stage.started(1)
        os.kill(stage.keepers()[0], signal.SIGKILL)
        stage.start("quick", 2)
        await stage.ended(1)
        found = [event for event in stage.events if getattr(event, "run", 0) == 2]
        if not found:
            await stage.until(lambda: any(e.run == 2 for e in stage.events))
        if any(isinstance(event, RunNeverStarted) for event in stage.events):
            stage.start("quick", 3)
            return str((await stage.ended(3)).outcome)
        return str((await stage.ended(2)).outcome)

    assert stage.play(scene) == Outcome.SUCCEEDED


def test_closing_ends_what_runs_and_its_end_is_in_the_run_file(stage: Any) -> None:
    line = f"trap '' TERM; echo on > ready; while true; do {SLEEP_LINE}; done"
    stage.task("long", shell=line)

    async def scene() -> None:
        stage.start("long")
        await stage.until((stage.folder / "ready").exists)

    stage.play(scene)
    assert sleepers() == []
    assert lines_of(stage, 1)[-1]["outcome"] == "lost"


def test_a_run_without_a_file_never_started(tmp_path: Path) -> None:
    found = runfiles.recover(tmp_path, 7, "l", boot=tree.boot_id())

    assert (found.proof, found.end.outcome, found.end.reason) == (
        Proof.NEVER_STARTED,
        Outcome.LOST,
        "never started",
    )


def test_a_run_that_was_seen_to_start_is_lost_without_its_file(tmp_path: Path) -> None:
    for _ in range(2):
        found = runfiles.recover(tmp_path, 7, "l", boot=tree.boot_id(), is_running=True)

        assert (found.proof, found.end.reason) == (Proof.LOST, "its keeper died")


def test_a_worker_that_comes_after_the_recovery_exits(stage: Any) -> None:
    runfiles.recover(stage.directory, 1, "l", boot=tree.boot_id())
    stage.task("mark", shell="echo on > ready")

    stage.run("mark")

    assert not (stage.folder / "ready").exists()


def test_a_run_without_a_file_from_another_boot_is_lost(tmp_path: Path) -> None:
    found = runfiles.recover(tmp_path, 7, "l", boot="another")

    assert (found.proof, found.end.reason) == (Proof.LOST, "the machine was restarted")


def write_run_file(directory: Path, *lines: str) -> None:
    folder = directory / "runs" / str(os.geteuid())
    folder.mkdir(parents=True)
    (folder / "7").write_text("".join(f"7 {line}\n" for line in lines))


def test_a_file_with_an_end_tells_that_end(tmp_path: Path) -> None:
    first = json.dumps([999999, 5, tree.boot_id()])
    end = '{"outcome": "warned", "reason": "half", "started": 1.0, "ended": 2.5, "detail": {}}'
    write_run_file(tmp_path, first, end)

    found = runfiles.recover(tmp_path, 7, "l", boot=tree.boot_id())

    assert (found.proof, found.end.outcome, found.end.reason, found.end.detail) == (
        Proof.ENDED,
        Outcome.WARNED,
        "half",
        {},
    )
    assert found.end.ended.isoformat() == "1970-01-01T00:00:02.500000+00:00"


def test_a_file_from_another_boot_without_an_end_is_lost(tmp_path: Path) -> None:
    write_run_file(tmp_path, '[1, 5, "another"]')

    found = runfiles.recover(tmp_path, 7, "l", boot="another")

    assert (found.proof, found.end.reason) == (Proof.LOST, "the machine was restarted")


def test_a_file_without_an_end_ends_the_worker_that_still_lives(tmp_path: Path) -> None:
    worker = subprocess.Popen(SLEEP, start_new_session=True)
    first = json.dumps([worker.pid, tree.start_time(worker.pid), tree.boot_id()])
    write_run_file(tmp_path, first)

    found = runfiles.recover(tmp_path, 7, "l", boot=tree.boot_id())

    assert (found.proof, found.end.reason) == (Proof.LOST, "its keeper died")
    assert worker.wait(5) == -signal.SIGKILL


def test_a_reused_pid_is_left_alone(tmp_path: Path) -> None:
    other = subprocess.Popen(SLEEP, start_new_session=True)
    first = json.dumps([other.pid, tree.start_time(other.pid) - 1, tree.boot_id()])
    write_run_file(tmp_path, first)

    runfiles.recover(tmp_path, 7, "l", boot=tree.boot_id())

    assert other.poll() is None
    other.kill()
    other.wait()


def test_what_stands_in_a_run_file_is_not_trusted(tmp_path: Path) -> None:
    nonsense = ['"x"', "[" * 5000, '{"outcome": "great"}', '{"outcome": ["lost"]}', "\x00\xff"]
    write_run_file(tmp_path, *nonsense)

    found = runfiles.recover(tmp_path, 7, "l", boot=tree.boot_id())

    assert found.proof == Proof.LOST


def test_a_link_in_the_place_of_a_run_file_is_not_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text('7 [1, 2, "x"]\n7 {"outcome": "succeeded"}\n')
    folder = tmp_path / "runs" / str(os.geteuid())
    folder.mkdir(parents=True)
    (folder / "7").symlink_to(secret)

    assert runfiles.recover(tmp_path, 7, "l", boot=tree.boot_id()).proof == Proof.LOST

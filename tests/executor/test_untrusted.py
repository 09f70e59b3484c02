"""What a user can write cannot hurt the daemon: run files, and what keepers of that user say."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from linod.events import Outcome
from linod.executor import runfiles, tree
from linod.executor.messages import KeeperKey
from linod.executor.runfiles import Proof

NOBODY = 65534
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has keepers of other users")


def write_run_file(directory: Path, user: str | None, *lines: str) -> None:
    folder = runfiles.prepare(directory, user)
    (directory / "runs" / str(os.fstat(folder).st_uid) / "7").write_text(
        "".join(f"7 {line}\n" for line in lines)
    )
    os.close(folder)


def test_a_fifo_in_the_place_of_a_run_file_is_not_read(tmp_path: Path) -> None:
    os.close(runfiles.prepare(tmp_path))
    fifo = tmp_path / "runs" / str(os.geteuid()) / "7"
    os.mkfifo(fifo)
    writer = os.open(fifo, os.O_RDWR)

    found = runfiles.recover(tmp_path, 7, "l", boot=tree.boot_id())

    os.close(writer)
    assert found.proof == Proof.LOST


def test_of_the_detail_of_an_end_only_what_is_known_is_taken(tmp_path: Path) -> None:
    detail = {"exit_status": 3, "signal": ["x"], "traceback": 7, "bases": [1], "deep": {"a": 1}}
    end = json.dumps({"outcome": "failed", "detail": detail})
    write_run_file(tmp_path, None, json.dumps([1, 1, tree.boot_id()]), end)

    found = runfiles.recover(tmp_path, 7, "l", boot=tree.boot_id())

    assert found.end.detail == {"exit_status": 3}


@as_root
def test_a_user_cannot_name_the_process_of_another_to_be_killed(tmp_path: Path) -> None:
    other = subprocess.Popen(["sleep", "623"], start_new_session=True)
    first = json.dumps([other.pid, tree.start_time(other.pid), tree.boot_id()])
    write_run_file(tmp_path, "nobody", first)

    runfiles.recover(tmp_path, 7, "l", boot=tree.boot_id(), user="nobody")

    assert other.poll() is None
    other.kill()
    other.wait()


@as_root
def test_the_process_of_a_run_of_a_user_is_killed(tmp_path: Path) -> None:
    worker = subprocess.Popen(["sleep", "623"], start_new_session=True, user="nobody")
    first = json.dumps([worker.pid, tree.start_time(worker.pid), tree.boot_id()])
    write_run_file(tmp_path, "nobody", first)

    runfiles.recover(tmp_path, 7, "l", boot=tree.boot_id(), user="nobody")

    assert worker.wait(5) == -signal.SIGKILL


@as_root
def test_a_folder_that_was_made_but_not_given_away_is_given_away(tmp_path: Path) -> None:
    (tmp_path / "runs" / str(NOBODY)).mkdir(parents=True)

    os.close(runfiles.prepare(tmp_path, "nobody"))

    folder = (tmp_path / "runs" / str(NOBODY)).stat()
    assert (folder.st_uid, folder.st_mode & 0o777) == (NOBODY, 0o700)


@as_root
def test_a_keeper_of_another_user_does_not_inherit_the_secrets_of_the_daemon() -> None:
    key = KeeperKey("nobody", None, (("SHOP", "ee"),))

    environ = key.environ({"PATH": "/bin", "LC_ALL": "C", "TOKEN": "hunter2", "HOME": "/root"})

    assert environ == {
        "PATH": "/bin",
        "LC_ALL": "C",
        "SHOP": "ee",
        "HOME": "/nonexistent",
        "USER": "nobody",
        "LOGNAME": "nobody",
    }


def test_a_keeper_of_the_same_user_inherits_all() -> None:
    assert KeeperKey(None, None, ()).environ({"TOKEN": "x"}) == {"TOKEN": "x"}


BABBLE = """
import os, stat, time
for number in range(3, 20):
    try:
        if stat.S_ISSOCK(os.fstat(number).st_mode):
            os.write(number, b'{"is": "ended", "run": 1, "outcome": "great"}\\n')
            time.sleep(5)
    except OSError:
        pass
def sell(): pass
"""


def test_a_module_that_talks_in_its_keepers_place_is_imported_after_the_fork(stage: Any) -> None:
    stage.module("shop", BABBLE)
    stage.task("sell", procedure="shop.sell")

    assert stage.run("sell").outcome == Outcome.SUCCEEDED


HUNGRY = """
import os, resource, time
top = max(map(int, os.listdir("/proc/self/fd")))
while os.dup(0) < top: pass
limit = top + 25
resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
def eat():
    while not os.path.exists("go"): time.sleep(0.01)
"""


def test_a_keeper_without_descriptors_refuses_runs_and_goes_on_with_others(stage: Any) -> None:
    stage.module("shop", HUNGRY)
    stage.task("eat", procedure="shop.eat", directory=stage.folder)

    async def scene() -> list[Any]:
        for number in range(1, 7):
            stage.start("eat", number)
            await asyncio.sleep(0.05)
        last = await stage.ended(6)
        (stage.folder / "go").touch()
        return [*[await stage.ended(number) for number in range(1, 6)], last]

    first, *_, last = stage.play(scene)
    assert first.outcome == Outcome.SUCCEEDED
    assert last.reason == "its worker could not be forked: Too many open files"


def test_a_keeper_that_cannot_be_started_again_fails_its_runs(stage: Any) -> None:
    stage.module("shop", "import os, time\ntime.sleep(0.5)\nos._exit(3)\n")
    stage.task("sell", procedure="shop.sell")

    async def scene() -> Any:
        stage.start("sell")
        await asyncio.sleep(0)
        (stage.directory / "runs").rename(stage.directory / "gone")
        (stage.directory / "runs").write_text("in the way")
        return await stage.ended()

    end = stage.play(scene)
    assert end.outcome == Outcome.FAILED
    assert end.reason.startswith("its keeper could not be started: ")


def test_a_keeper_that_cannot_be_warmed_does_not_keep_the_daemon_from_starting(
    stage: Any,
) -> None:
    stage.task("hello", shell="true")
    stage.directory.mkdir()
    (stage.directory / "runs").write_text("in the way")

    end = stage.run("hello")

    assert end.reason.startswith("its keeper could not be started: ")


def test_a_reload_while_a_keeper_imports_leaves_no_keeper_behind(stage: Any) -> None:
    stage.module("shop", "import time\ntime.sleep(0.3)\ndef sell(): pass\n")
    stage.task("sell", procedure="shop.sell")

    async def scene() -> list[int]:
        await stage.until(stage.keepers)
        former = set(stage.keepers())
        stage.executor.configure(stage.config())
        await stage.until(lambda: not former & set(stage.keepers()))
        stage.start("sell")
        await stage.ended()
        return stage.keepers()

    assert len(stage.play(scene)) == 1


def test_what_was_proven_and_not_recorded_is_proven_again(tmp_path: Path) -> None:
    runfiles.recover(tmp_path, 7, "l", boot=tree.boot_id())

    again = runfiles.recover(tmp_path, 7, "l", boot=tree.boot_id())

    assert again.proof == Proof.NEVER_STARTED


def test_run_files_of_which_the_store_has_the_end_are_swept(tmp_path: Path) -> None:
    for run in (7, 8):
        runfiles.recover(tmp_path, run, "l", boot=tree.boot_id())

    runfiles.sweep(tmp_path, {8})

    assert os.listdir(tmp_path / "runs" / str(os.geteuid())) == ["8"]

"""What each run used, and how it is told when memory ran out."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from linod.events import Outcome
from linod.executor.kept import KeptRun
from linod.executor.messages import TaskSpec, rehearsal

WORK = """
import time


def busy() -> None:
    until = time.process_time() + 0.3
    while time.process_time() < until:
        pass


def greedy() -> None:
    held = bytearray(150_000_000)
    held[::4096] = bytes([1]) * len(held[::4096])


def insatiable() -> None:
    held = bytearray(900_000_000)
    held[::4096] = bytes([1]) * len(held[::4096])
"""
CONFIG = """
[linod]
timezone = "UTC"

[tasks.insatiable]
procedure = "work.insatiable"
recurrence = "at start"
"""
LIMITED, LIMIT = "memory.limit_in_bytes", 300_000_000
ENDED_WITHIN_S = 30.0
USED = resource.getrusage(resource.RUSAGE_SELF)


def test_a_run_tells_its_processor_time_and_its_peak_of_memory(stage: Any) -> None:
    stage.module("work", WORK)
    stage.task("busy", procedure="work.busy")
    stage.task("greedy", procedure="work.greedy")
    busy, greedy = stage.run("busy").used, stage.run("greedy", 2).used
    assert 0.29 <= busy["user_s"] + busy["system_s"] < 3, busy
    assert 5_000_000 < busy["memory"] < 140_000_000
    assert 150_000_000 < greedy["memory"] < 300_000_000


def test_what_the_children_of_a_program_used_is_counted(stage: Any) -> None:
    command = f"{sys.executable} -c 'import time\nwhile time.process_time() < 0.3: pass' && true"
    stage.task("shell", shell=command)
    end = stage.run("shell")
    assert end.outcome is Outcome.SUCCEEDED
    assert end.used["user_s"] + end.used["system_s"] >= 0.25


def test_a_run_killed_by_a_person_is_not_out_of_memory(stage: Any) -> None:
    stage.task("shell", shell="kill -9 $$")
    assert stage.run("shell").reason == "killed by SIGKILL"


def kept_run() -> KeptRun:
    return KeptRun(rehearsal(), TaskSpec(name="mail", procedure="shop.mail"))


def test_a_run_out_of_memory_fails_so() -> None:
    run = kept_run()
    run.died(signal.SIGKILL, USED, is_oom=True)
    assert run.result()["reason"] == "out of memory: killed by SIGKILL"


def test_what_was_reported_before_memory_ran_out_stands() -> None:
    run = kept_run()
    run.take_report({"end": {"outcome": "succeeded"}})
    run.died(signal.SIGKILL, USED, is_oom=True)
    assert run.result()["outcome"] == "succeeded"


def test_a_run_that_was_to_end_when_memory_ran_out_ends_as_wanted() -> None:
    run = kept_run()
    run.wanted = (Outcome.CANCELLED, "cancelled by alice")
    run.died(signal.SIGKILL, USED, is_oom=True)
    assert run.result()["outcome"] == "cancelled"


@pytest.fixture
def group() -> Iterator[Path]:
    """A control group with little memory; skipped where none can be made."""
    own = _own_group()
    if own is None:
        pytest.skip("there is no control group of version 1 for memory here")
    folder = own / f"linod-test-{os.getpid()}"
    try:
        folder.mkdir()
        (folder / LIMITED).write_text(str(LIMIT))
    except OSError as error:
        pytest.skip(f"no control group can be made here: {error}")
    yield folder
    folder.rmdir()


def test_a_run_that_the_kernel_ends_for_want_of_memory_says_so(tmp_path: Path, group: Path) -> None:
    (tmp_path / "work.py").write_text(WORK)
    (tmp_path / "linod.toml").write_text(CONFIG)
    line = f"echo $$ > {group}/cgroup.procs && exec {sys.executable} -m linod serve"
    with subprocess.Popen(["sh", "-c", line], cwd=tmp_path, stderr=subprocess.DEVNULL) as daemon:
        try:
            run = _ended(tmp_path)
        finally:
            daemon.terminate()
    assert run["state"] == "failed"
    assert run["reason"] == "out of memory: killed by SIGKILL"


def _ended(folder: Path) -> dict[str, Any]:
    """Wait for the end of the only run."""
    command = [sys.executable, "-m", "linod", "history", "--json"]
    deadline = time.monotonic() + ENDED_WITHIN_S
    while time.monotonic() < deadline:
        told = subprocess.run(command, cwd=folder, capture_output=True, check=False).stdout
        runs: list[dict[str, Any]] = json.loads(told or "[]")
        if runs and runs[0]["ended"] is not None:
            return runs[0]
        time.sleep(0.1)
    raise AssertionError("it did not end")


def _own_group() -> Path | None:
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if "memory" in controllers.split(","):
            mount = Path("/sys/fs/cgroup/memory")
            return next(
                (at for at in (mount / path.lstrip("/"), mount) if (at / LIMITED).exists()), None
            )
    return None

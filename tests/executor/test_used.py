"""What each run used, and how it is told when memory ran out."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from linod.events import Outcome

GREEDY = """
import time


def busy() -> None:
    until = time.process_time() + 0.3
    while time.process_time() < until:
        pass


def greedy() -> None:
    held = bytearray(150_000_000)
    held[::4096] = bytes([1]) * len(held[::4096])
"""
LIMITED = "memory.limit_in_bytes"


def test_a_run_tells_its_processor_time_and_its_peak_of_memory(stage: Any) -> None:
    stage.module("work", GREEDY)
    stage.task("busy", procedure="work.busy")
    stage.task("greedy", procedure="work.greedy")
    busy, greedy = stage.run("busy").used, stage.run("greedy", 2).used
    assert 0.29 <= busy["user_s"] + busy["system_s"] < 3, busy
    assert 5_000_000 < busy["memory"] < 140_000_000
    assert 150_000_000 < greedy["memory"] < 300_000_000


def test_what_the_children_of_a_program_used_is_counted(stage: Any) -> None:
    command = "python3 -c 'import time\nwhile time.process_time() < 0.3: pass' && true"
    stage.task("shell", shell=command)
    end = stage.run("shell")
    assert end.outcome is Outcome.SUCCEEDED
    assert end.used["user_s"] + end.used["system_s"] >= 0.25


def test_a_run_killed_by_a_person_is_not_out_of_memory(stage: Any) -> None:
    stage.task("shell", shell="kill -9 $$")
    assert stage.run("shell").reason == "killed by SIGKILL"


@pytest.fixture
def small_group() -> Iterator[None]:
    """A control group of 100 MB for this process and what it starts; skipped where none is ours."""
    own = _own_group()
    if own is None:
        pytest.skip("no memory control group (version 1) can be made here")
    folder = own / f"linod-test-{os.getpid()}"
    try:
        folder.mkdir()
        (folder / LIMITED).write_text(str(100_000_000))
        (folder / "cgroup.procs").write_text(str(os.getpid()))
    except OSError as error:
        pytest.skip(f"no control group can be made here: {error}")
    yield
    (own / "cgroup.procs").write_text(str(os.getpid()))
    folder.rmdir()


@pytest.mark.usefixtures("small_group")
def test_a_run_that_the_kernel_ends_for_want_of_memory_says_so(stage: Any) -> None:
    stage.module("work", GREEDY)
    stage.task("greedy", procedure="work.greedy")
    end = stage.run("greedy")
    assert end.outcome is Outcome.FAILED
    assert end.reason == "out of memory: killed by SIGKILL"
    assert end.detail["signal"] == "SIGKILL"


def _own_group() -> Path | None:
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if "memory" in controllers.split(","):
            found = Path("/sys/fs/cgroup/memory") / path.lstrip("/")
            return found if (found / LIMITED).exists() else Path("/sys/fs/cgroup/memory")
    return None

"""What a run inherits of its keeper: its own pipes and the log, and nothing else."""

from __future__ import annotations

import json
import os
import resource
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linod.events import Outcome
from linod.executor import descriptors

from .conftest import what

LOOKS = """
import json, os, pathlib


def looks() -> None:
    found = {}
    for number in os.listdir("/proc/self/fd"):
        try:
            found[number] = os.readlink(f"/proc/self/fd/{number}")
        except OSError:
            pass  # that of the folder itself
    path = os.environ["FOUND"] + "/found" + os.environ["LINOD_RUN_ID"]
    pathlib.Path(path).write_text(json.dumps(found))
"""


def printed(end: Any) -> list[str]:
    return [line.rpartition("stdout: ")[2] for line in end.log.splitlines()]


async def twice(stage: Any, name: str) -> list[Any]:
    """Run it in a worker that is forked when it is due, and in one that waited."""
    ends = []
    for number in (1, 2):
        stage.start(name, number)
        ends.append(await stage.ended(number))
        await stage.until(lambda: is_one_waiting(stage))
    return ends


def is_one_waiting(stage: Any) -> bool:
    (keeper,) = stage.keepers()
    return bool(Path(f"/proc/{keeper}/task/{keeper}/children").read_text())


def test_a_program_has_its_input_and_its_two_outputs_only(stage: Any) -> None:
    stage.task("list", command=("ls", "/proc/self/fd"))

    ends = stage.play(lambda: twice(stage, "list"))

    # 3 is the folder that ls reads.
    assert [printed(end) for end in ends] == [["0", "1", "2", "3"]] * 2


def test_a_program_reads_nothing(stage: Any) -> None:
    stage.task("cat", command=("readlink", "/proc/self/fd/0"))

    assert printed(stage.run("cat")) == ["/dev/null"]


def test_a_procedure_has_its_pipes_its_run_file_and_the_log(stage: Any) -> None:
    stage.module("shop", LOOKS)
    stage.task("looks", procedure="shop.looks", env={"FOUND": str(stage.folder)})

    stage.play(lambda: twice(stage, "looks"))

    for number in ("1", "2"):
        links = json.loads(stage.text(f"found{number}")).values()
        pipes = [link for link in links if link.startswith("pipe:")]
        # The console is where the log goes when its file cannot be written.
        console, log = os.readlink("/proc/self/fd/2"), stage.folder / "log" / "linod.log"
        assert len(pipes) == 4, links
        others = {what(link) for link in set(links) - set(pipes)}
        assert others == {"/dev/null", console, str(log), "book", "gate", f"mark of {number}"}


@pytest.fixture
def few_files() -> Iterator[int]:
    """Lower the soft limit of open files; keepers are started with it."""
    former = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (128, former[1]))
    yield 128
    resource.setrlimit(resource.RLIMIT_NOFILE, former)


def test_many_runs_at_once_need_more_files_than_a_process_may_have_open(
    stage: Any, few_files: int
) -> None:
    stage.task("wait", shell="until [ -e go ]; do sleep 0.1; done; ulimit -n")

    async def scene() -> list[Any]:
        for number in range(1, 41):
            stage.start("wait", number)
        for number in range(1, 41):
            await stage.started(number)
        (stage.folder / "go").touch()
        return [await stage.ended(number) for number in range(1, 41)]

    ends = stage.play(scene)

    assert {end.outcome for end in ends} == {Outcome.SUCCEEDED}
    assert {end.log.split()[-1] for end in ends} == {str(few_files)}


# -- sets of descriptors ----------------------------------------------------------------------


@given(st.sets(st.one_of(st.integers(0, 40), st.integers(0, 20_000)), max_size=60))
def test_a_set_is_given_by_its_ranges(numbers: set[int]) -> None:
    ranges = descriptors.ranges(descriptors.bits(numbers))

    assert {number for first, end in ranges for number in range(first, end)} == numbers
    assert all(end < first for (_, end), (first, _) in pairwise(ranges))

"""A disk without space under the run files: runs wait, and no file says what is not so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from disks import fill, small_disk
from linod.events import Outcome
from linod.executor import runfiles
from linod.specs import Limits, Process

OWN_FILE = Limits(file_size=1_000_000)
"""A run that may not write large files does not write to the book of its keeper."""


@pytest.fixture
def directory(stage: Any) -> Iterator[Path]:
    with small_disk(stage.directory, "64k") as path:
        yield path


def test_what_never_started_is_not_lost_on_a_full_disk(directory: Path) -> None:
    boot = runfiles.tree.boot_id()
    runfiles.prepare(directory)
    filler = fill(directory)

    with pytest.raises(OSError, match="No space"):
        runfiles.recover(directory, 1, "lease1", boot=boot)
    filler.unlink()

    assert runfiles.recover(directory, 1, "lease1", boot=boot).proof == "never started"


def test_a_run_waits_until_there_is_space_for_its_file(stage: Any, directory: Path) -> None:
    stage.task("report", shell="echo done", limits=OWN_FILE)

    async def scene() -> Any:
        stage.start("report", 1)
        await stage.ended(1)
        filler = fill(directory)
        stage.start("report", 2)
        await stage.until(lambda: "no space for its run file" in stage.log())
        filler.unlink()
        return await stage.ended(2)

    ended = stage.play(scene)

    assert ended.outcome == Outcome.SUCCEEDED
    assert ended.started is not None


def in_one_process(stage: Any) -> None:
    """Have a task whose runs are executed by one process, each of which says which it is."""
    text = "import linod, os\ndef says(): print('said in', linod.current_run().id, os.getpid())\n"
    stage.module("shop", text)
    stage.task("says", procedure="shop.says", process=Process.REUSED, limits=OWN_FILE)


def looks_again(first: Any) -> Callable[[], bool]:
    """Tell later whether the process of a run has looked twice whether there is space."""
    path = Path("/proc", first.log.split()[-1], "status")

    def sleeps() -> int:
        lines = path.read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("voluntary"))

    before = sleeps()
    # It was awakened by its order, and after its first look.
    return lambda: sleeps() >= before + 2


def test_a_run_that_waits_in_a_process_of_several_says_so_itself(
    stage: Any, directory: Path
) -> None:
    in_one_process(stage)

    async def scene() -> list[Any]:
        stage.start("says", 1)
        first = await stage.ended(1)
        filler, has_looked = fill(directory), looks_again(first)
        stage.start("says", 2)
        await stage.until(has_looked)
        filler.unlink()
        return [first, await stage.ended(2)]

    first, second = stage.play(scene)

    assert "no space" not in first.log
    assert "no space for its run file" in second.log
    assert (second.outcome, "said in 2" in second.log) == (Outcome.SUCCEEDED, True)


def test_a_run_that_waits_in_a_process_of_several_can_be_ended(stage: Any, directory: Path) -> None:
    in_one_process(stage)

    async def scene() -> Any:
        stage.start("says", 1)
        first = await stage.ended(1)
        filler, has_looked = fill(directory), looks_again(first)
        stage.start("says", 2)
        await stage.until(has_looked)
        stage.stop(2)
        end = await stage.ended(2, 5.0)
        filler.unlink()
        stage.start("says", 3)
        await stage.ended(3)
        return end

    assert stage.play(scene).outcome == Outcome.CANCELLED
    assert "said in 2" not in stage.log()


def test_a_run_that_waits_for_space_can_be_ended(stage: Any, directory: Path) -> None:
    stage.task("report", shell="echo done", limits=OWN_FILE)

    async def scene() -> Any:
        stage.start("report", 1)
        await stage.ended(1)
        fill(directory)
        stage.start("report", 2)
        await stage.until(lambda: "no space for its run file" in stage.log())
        stage.stop(2)
        return await stage.ended(2)

    assert stage.play(scene).outcome == Outcome.CANCELLED

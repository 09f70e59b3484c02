"""A disk without space under the run files: runs wait, and no file says what is not so."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from disks import fill, small_disk
from linod.events import Outcome
from linod.executor import runfiles
from linod.specs import Limits

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

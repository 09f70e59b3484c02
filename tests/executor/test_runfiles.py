"""The run file, made at once or of a draft that has no name before the run begins."""

from __future__ import annotations

import os
import resource
import signal
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from linod.executor import runfiles, worker

FIRST = [123, 456, "the-boot"]


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[int]:
    descriptor = os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)
    yield descriptor
    os.close(descriptor)


def drafted(folder: int) -> int:
    file = runfiles.draft(folder, FIRST)
    if file is None:
        pytest.skip("the file system has no files without a name")
    return file


def station(folder: int) -> Any:
    return SimpleNamespace(folder=folder, boot="the-boot")


def test_a_draft_becomes_a_run_file_with_its_line(folder: int, tmp_path: Path) -> None:
    file = drafted(folder)
    assert os.listdir(folder) == []

    assert runfiles.publish(folder, 7, file)
    os.write(file, b'{"outcome": "succeeded"}\n')
    os.close(file)

    assert runfiles.read(folder, 7) == [FIRST, {"outcome": "succeeded"}]
    assert (tmp_path / "7").stat().st_mode & 0o777 == 0o600


def test_a_draft_that_is_not_wanted_leaves_nothing(folder: int) -> None:
    os.close(drafted(folder))

    assert os.listdir(folder) == []


def test_who_comes_second_knows_of_the_first(folder: int) -> None:
    os.close(runfiles.create(folder, 7, ["first"]))
    file = drafted(folder)

    with pytest.raises(FileExistsError):
        runfiles.publish(folder, 7, file)
    os.close(file)

    assert runfiles.read(folder, 7) == [["first"]]


def test_a_draft_is_not_put_where_a_link_points(folder: int, tmp_path: Path) -> None:
    (tmp_path / "7").symlink_to("elsewhere")
    file = drafted(folder)

    with pytest.raises(FileExistsError):
        runfiles.publish(folder, 7, file)
    os.close(file)

    assert not (tmp_path / "elsewhere").exists()


def test_what_cannot_be_published_is_created(folder: int) -> None:
    reading, writing = os.pipe()

    file = worker.create_file(station(folder), 7, 456, writing)
    os.close(file)

    assert [[os.getpid(), 456, "the-boot"]] == runfiles.read(folder, 7)
    assert os.read(reading, 1) == b""  # it was closed
    os.close(reading)


def test_where_there_is_no_space_for_its_line_there_is_no_draft(folder: int) -> None:
    former = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, former[1]))
    try:
        file = runfiles.draft(folder, FIRST)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, former)
        signal.signal(signal.SIGXFSZ, handler)

    assert file is None

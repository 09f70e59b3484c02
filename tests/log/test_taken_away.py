"""Others rename, remove or move away the file while many write it: nothing is lost or doubled."""

from __future__ import annotations

import os
import threading
from contextlib import ExitStack

import pytest

from linod.log.sink import FileSink

from .processes import fork, until

WRITERS, RECORDS = 4, 4_000


def write_numbers(path, writer, marks):
    sink = FileSink(path, 2)
    for number in range(RECORDS):
        if number % 400 == 0 and number:  # however slow the machine is, several are taken away
            until(lambda: len([*marks.glob("taken.*")]) >= number // 400)  # noqa: B023 - at once
        sink.write(f"{writer} {number} {'x' * (number % 90)}.\n".encode())
        if number % 50 == 0:  # a pace at which several files come and go
            threading.Event().wait(0.004)


def rename_and_create(path, number):
    path.rename(path.with_name(f"linod.log.{number}"))
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o640))


def rename(path, number):
    path.rename(path.with_name(f"linod.log.{number}"))


def remove(path, _number):
    path.unlink()


def move_the_directory(path, number):
    path.parent.rename(path.parent.with_name(f"moved.{number}"))


def replace_by_another(path, number):
    other = path.with_name(f"other.{number}")
    other.touch(0o640)
    other.rename(path)


@pytest.mark.parametrize(
    "take_away", [rename_and_create, rename, remove, move_the_directory, replace_by_another]
)
def test_what_was_written_is_in_one_of_the_files_once(tmp_path, take_away):
    path = tmp_path / "log" / "linod.log"
    running = {fork(write_numbers, path, writer, tmp_path) for writer in range(WRITERS)}
    held = []
    files = ExitStack()  # what has no name any more is there as long as it is open

    while running:
        try:
            held.append(files.enter_context(path.open("rb")))
            take_away(path, len(held))
            (tmp_path / f"taken.{len(held)}").touch()
        except FileNotFoundError:  # it is not there again yet
            pass
        threading.Event().wait(0.01)
        running -= {pid for pid in running if os.waitpid(pid, os.WNOHANG)[0]}
    if path.exists():
        held.append(files.enter_context(path.open("rb")))

    by_inode = {os.fstat(file.fileno()).st_ino: file for file in held}
    lines = b"".join(file.read() for file in by_inode.values()).decode().splitlines()
    files.close()
    assert len(by_inode) > 5
    assert all(line.endswith(".") for line in lines)
    expected = [f"{writer} {number}" for writer in range(WRITERS) for number in range(RECORDS)]
    assert sorted(line.rsplit(" ", 1)[0] for line in lines) == sorted(expected)

"""A file that is refused stays as it is, to the byte, with what SQLite keeps beside it."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from linod.errors import ConfigurationError
from linod.store import open_store

BLOB = "INSERT INTO more VALUES (randomblob(9000))"
DATA = ("", "-wal", "-journal")
"""Names of what holds data; `-shm` is only an index."""


def die_writing(path: Path, *statements: str, mode: str = "wal") -> None:
    """Commit in a process that dies: what it wrote is not in the file yet."""
    child = os.fork()
    if child == 0:
        connection = sqlite3.connect(path, isolation_level=None)
        connection.execute(f"PRAGMA journal_mode = {mode}")
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute("PRAGMA cache_size = 2")
        for statement in statements:
            connection.execute(statement)
        os.kill(os.getpid(), 9)
    os.waitpid(child, 0)


def make_foreign(path: Path) -> None:
    die_writing(path, "CREATE TABLE theirs (x)", "INSERT INTO theirs VALUES (1)")


def make_foreign_with_journal(path: Path) -> None:
    blobs = ["INSERT INTO theirs VALUES (randomblob(9000))"] * 50
    die_writing(path, "CREATE TABLE theirs (x)", "BEGIN", *blobs, mode="delete")


def make_newer(path: Path) -> None:
    open_store(path).close()
    die_writing(path, "PRAGMA user_version = 99")


def make_incomplete(path: Path) -> None:
    open_store(path).close()
    die_writing(path, "DROP TABLE decision")


def make_damaged(path: Path) -> None:
    open_store(path).close()
    die_writing(path, "CREATE TABLE more (x)", *[BLOB] * 20)
    data = bytearray(path.read_bytes())
    data[8192:12288] = b"\xff" * 4096
    path.write_bytes(data)


def make_cut(path: Path) -> None:
    open_store(path).close()
    die_writing(path, "CREATE TABLE more (x)", *[BLOB] * 20)
    os.truncate(path, 5000)


def make_empty(path: Path) -> None:
    open_store(path).close()
    die_writing(path, "CREATE TABLE more (x)")
    os.truncate(path, 0)


def make_missing(path: Path) -> None:
    open_store(path).close()
    die_writing(path, "CREATE TABLE more (x)")
    path.unlink()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (make_foreign, "is the database of another application"),
        (make_foreign_with_journal, "is the database of another application"),
        (make_newer, "was written by a newer linod"),
        (make_incomplete, "there is no table decision"),
        (make_damaged, "is damaged"),
        (make_cut, "is damaged"),
        (make_empty, "is empty, but its log"),
        (make_missing, "is gone, but its log"),
    ],
)
def test_what_is_refused_is_left_as_it_is(
    make: Callable[[Path], None], words: str, tmp_path: Path
) -> None:
    path = tmp_path / "linod.db"
    make(path)
    before = contents(path)

    with pytest.raises(ConfigurationError, match=words) as refused:
        open_store(path)

    assert str(path) in str(refused.value)
    assert contents(path) == before


def contents(path: Path) -> dict[str, bytes]:
    found = [path.with_name(path.name + suffix) for suffix in DATA]
    return {each.name: each.read_bytes() for each in found if each.exists()}


def test_a_store_whose_making_was_cut_short_is_made(tmp_path: Path) -> None:
    path = tmp_path / "linod.db"
    path.touch()

    open_store(path).close()

    assert path.stat().st_size > 0


def test_what_a_killed_daemon_committed_is_there_again(tmp_path: Path) -> None:
    path = tmp_path / "linod.db"
    open_store(path).close()
    die_writing(path, "INSERT INTO meta VALUES ('color', 'green')")

    store = open_store(path)

    assert store.meta()["color"] == "green"
    store.close()

"""The SQLite store: the suite of all stores, and what is its own."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from linod.errors import ConfigurationError
from linod.events import Outcome
from linod.store import open_reader, open_store
from linod.store.interface import Store, StoreError

from . import suite


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "var" / "linod.db"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    opened = open_store(path)
    yield opened
    opened.close()


class TestSqlite(suite.StoreSuite):
    pass


@pytest.mark.usefixtures("store")
def test_file_and_directory_belong_to_their_owner_alone(path: Path) -> None:
    modes = [stat.S_IMODE(each.stat().st_mode) for each in (path.parent, *path.parent.iterdir())]

    assert modes[0] == 0o700
    assert {0o600} == set(modes[1:])


def test_a_reader_sees_what_was_committed_and_writes_nothing(store: Store, path: Path) -> None:
    reader = open_reader(path)
    run = suite.add_ended(store, suite.T, Outcome.SUCCEEDED)

    assert [run] == [row.id for row in reader.runs()]
    with pytest.raises(StoreError):
        reader._rows("DELETE FROM run")  # type: ignore[attr-defined]
    reader.close()


def test_a_reader_needs_no_files_of_the_writer(path: Path) -> None:
    opened = open_store(path)
    suite.add_ended(opened, suite.T, Outcome.SUCCEEDED)
    opened.close()

    assert os.listdir(path.parent) == ["linod.db"]
    reader = open_reader(path)
    assert len(reader.runs()) == 1
    reader.close()


def test_a_commit_survives_the_process(path: Path) -> None:
    child = os.fork()
    if child == 0:
        suite.add_ended(open_store(path), suite.T, Outcome.SUCCEEDED)
        os.kill(os.getpid(), 9)
    os.waitpid(child, 0)

    opened = open_store(path)
    assert len(opened.runs()) == 1
    opened.close()


def test_a_missing_store_is_said_to_be_missing(path: Path) -> None:
    with pytest.raises(ConfigurationError, match="there is no store"):
        open_reader(path)


def test_the_database_of_another_application_is_refused_and_left(path: Path) -> None:
    path.parent.mkdir()
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE theirs (x)")
    before = path.read_bytes()

    with pytest.raises(ConfigurationError, match="another application"):
        open_store(path)
    assert before == path.read_bytes()


def test_a_newer_schema_is_refused(path: Path) -> None:
    open_store(path).close()
    with sqlite3.connect(path) as newer:
        newer.execute("PRAGMA user_version = 99")

    with pytest.raises(ConfigurationError, match="newer linod"):
        open_store(path)


def test_what_is_no_database_is_refused_and_left(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"This is my diary, not a database." * 100)

    with pytest.raises(ConfigurationError, match="left as it is"):
        open_store(path)
    assert path.read_bytes().startswith(b"This is my diary")


def test_a_damaged_store_is_found_at_start(path: Path) -> None:
    opened = open_store(path)
    for n in range(200):
        suite.add_ended(opened, suite.T + timedelta(seconds=n), Outcome.SUCCEEDED)
    opened.close()
    damaged = bytearray(path.read_bytes())
    damaged[8192:20480] = b"\xff" * 12288
    path.write_bytes(damaged)

    with pytest.raises(ConfigurationError, match="damaged"):
        open_store(path)


def test_a_store_that_lacks_a_table_is_found_at_start(path: Path) -> None:
    open_store(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TABLE decision")

    with pytest.raises(ConfigurationError, match="there is no table decision"):
        open_store(path)


def test_a_value_that_nobody_wrote_is_told_as_damage(path: Path) -> None:
    opened = open_store(path)
    suite.add_ended(opened, suite.T, Outcome.SUCCEEDED)
    opened.close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE run SET started = 900000000000000000")

    with pytest.raises(StoreError, match="damaged"):
        open_reader(path).runs()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_the_store_of_another_user_is_refused_in_a_sentence(path: Path) -> None:
    open_store(path).close()
    path.parent.chmod(0o700)
    os.seteuid(65534)
    try:
        with pytest.raises(ConfigurationError, match="cannot be read: Permission denied"):
            open_reader(path)
    finally:
        os.seteuid(0)


def test_a_directory_instead_of_a_file_is_refused(path: Path) -> None:
    path.mkdir(parents=True)

    with pytest.raises(ConfigurationError, match="cannot be written"):
        open_store(path)


def test_a_foreign_lock_is_an_error_that_passes(store: Store, path: Path) -> None:
    foreign = sqlite3.connect(path, isolation_level=None)
    foreign.execute("BEGIN IMMEDIATE")

    with pytest.raises(StoreError, match="locks it"), store.transaction():
        pass
    foreign.execute("ROLLBACK")
    suite.add_ended(store, suite.T, Outcome.SUCCEEDED)
    foreign.close()


def test_a_full_disk_loses_nothing_that_was_committed(store: Store) -> None:
    kept = suite.add_ended(store, suite.T, Outcome.SUCCEEDED)
    pages = store._rows("PRAGMA page_count")[0][0]  # type: ignore[attr-defined]
    store._rows(f"PRAGMA max_page_count = {pages}")  # type: ignore[attr-defined]

    with pytest.raises(StoreError, match="full"):
        fill(store)
    store._rows("PRAGMA max_page_count = 100000")  # type: ignore[attr-defined]
    suite.add_ended(store, suite.T + timedelta(seconds=2000), Outcome.SUCCEEDED)
    assert kept == store.runs(limit=10_000)[-1].id


def fill(store: Store) -> None:
    for n in range(1, 1000):
        suite.add_ended(store, suite.T + timedelta(seconds=n), Outcome.SUCCEEDED)

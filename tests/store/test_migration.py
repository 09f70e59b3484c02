"""A store of an older schema is brought up to date by who writes, all of it or nothing."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import suppress
from importlib.resources import files
from pathlib import Path

import pytest

from linod.errors import ConfigurationError
from linod.store import open_reader, open_store, opening

OLD = (
    "INSERT INTO cursor VALUES ('mail', 5, 5, 'interval seconds=10', 'abc', 1)",
    "INSERT INTO decision VALUES ('mail', 5, 5, 1, 'admitted', '', '')",
    "INSERT INTO run (task, due, attempt, trigger, state, queued, planned, started, ended,"
    " outcome, lease) VALUES ('mail', 5, 1, 'schedule', 'succeeded', 5, 5, 6, 7, 'succeeded', 'x')",
    "INSERT INTO log VALUES (1, 'a line')",
)


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A store as schema 1 had it."""
    path = tmp_path / "linod.db"
    text = (files("linod.store") / "schema" / "0001.sql").read_text("utf-8")
    with sqlite3.connect(path) as connection:
        connection.executescript(text)
        for statement in OLD:
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {opening.APPLICATION_ID}")
        connection.execute("PRAGMA user_version = 1")
    connection.close()
    return path


def test_an_old_store_keeps_its_rows(old: Path) -> None:
    store = open_store(old)

    (run,) = store.runs()
    assert ("mail", 1, False, None, 0, "") == (
        run.task,
        run.attempt,
        run.is_chain,
        run.parent,
        run.origin,
        run.held,
    )
    assert (0, "") == (store.cursors()["mail"].failures, store.cursors()["mail"].boot)
    assert [row.verdict.value for row in store.decisions()] == ["admitted"]
    store.close()


def test_a_reader_of_an_old_store_says_what_to_do(old: Path) -> None:
    with pytest.raises(ConfigurationError, match="linod serve brings it up to date"):
        open_reader(old)


def test_a_migration_that_is_cut_short_changes_nothing(old: Path) -> None:
    text = (files("linod.store") / "schema" / "0002.sql").read_text("utf-8")
    statements = [part for part in text.split(";") if part.strip()]
    for number in range(1, len(statements)):
        connection = sqlite3.connect(old, isolation_level=None)
        connection.execute("BEGIN IMMEDIATE")
        for statement in statements[:number]:
            connection.execute(statement)
        connection.close()

    store = open_store(old)

    assert len(store.runs()) == 1
    store.close()


def test_who_reads_a_store_that_is_being_made_never_finds_an_old_one(tmp_path: Path) -> None:
    seen: set[int] = set()
    for number in range(40):
        path = tmp_path / f"{number}.db"
        making = threading.Thread(target=lambda path=path: open_store(path).close())  # type: ignore[misc]
        making.start()
        while making.is_alive():
            seen |= versions(path)
        making.join()

    assert opening.SCHEMA_VERSION in seen
    assert seen <= {0, opening.SCHEMA_VERSION}


def versions(path: Path) -> set[int]:
    """Read the version of the schema a few times, as far as there is a file."""
    try:
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=0)
    except sqlite3.OperationalError:
        return set()
    found = set()
    for _ in range(20):
        with suppress(sqlite3.OperationalError):  # locked, or not there yet
            found.add(connection.execute("PRAGMA user_version").fetchone()[0])
    connection.close()
    return found

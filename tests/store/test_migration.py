"""A store of an older schema is brought up to date by who writes, all of it or nothing."""

from __future__ import annotations

import sqlite3
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

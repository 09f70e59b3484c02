"""Looks whether a store is sound: its pages by SQLite's word, its rows by linod's rules."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from linod.store import opening, rows
from linod.store.interface import DecisionRow, StoreError

PROBLEMS_MAX = 20
"""Nobody reads more; the first one says what to do already."""


def problems(path: Path) -> list[str]:
    """List what is wrong with a store file; it is only read.

    Raises ConfigurationError where it cannot be opened, is no store of linod, or is damaged so
    that its head cannot be read.
    """
    connection = opening.open_to_read(path)
    try:
        found = list(_problems(connection))
    except (sqlite3.DatabaseError, UnicodeDecodeError, StoreError) as error:
        found = [str(error)]
    finally:
        connection.close()
    return found[:PROBLEMS_MAX]


def _problems(connection: sqlite3.Connection) -> Iterator[str]:
    for (line,) in connection.execute(f"PRAGMA integrity_check({PROBLEMS_MAX})"):
        if line != "ok":
            yield from line.splitlines()
    yield from _unreadable(connection)
    yield from _covered_twice(connection)
    yield from _undecided(connection)


def _unreadable(connection: sqlite3.Connection) -> Iterator[str]:
    """Find rows that no linod wrote: a flipped bit within a value is none of SQLite's business."""
    for table, columns, read in (
        ("cursor", rows.CURSOR_COLUMNS, rows.cursor_row),
        ("decision", rows.DECISION_COLUMNS, rows.decision_row),
        ("run", rows.RUN_COLUMNS, rows.run_row),
        ("hold", rows.HOLD_COLUMNS, rows.hold_row),
        ("warning", rows.WARNING_COLUMNS, rows.warning_row),
        ("action", rows.ACTION_COLUMNS, rows.action_row),
    ):
        for row in connection.execute(f"SELECT {columns} FROM {table}"):
            try:
                read(row)
            except (ValueError, OverflowError, TypeError) as error:
                yield f"a row of {table} cannot be read: {error}"


def _covered_twice(connection: sqlite3.Connection) -> Iterator[str]:
    """Find ranges of one task that overlap; what a person or an event brought may lie within."""
    statement = f"SELECT {rows.DECISION_COLUMNS} FROM decision WHERE last > due ORDER BY task, due"
    ranges = map(rows.decision_row, connection.execute(statement))
    for one, other in pairwise(ranges):
        if one.task == other.task and other.due <= one.last:
            yield f"{one.task}: {_named(one)} and {_named(other)} overlap"


def _undecided(connection: sqlite3.Connection) -> Iterator[str]:
    """Find runs whose occurrence has no decision: they cannot have been started by linod."""
    statement = (
        "SELECT run.id, run.task FROM run WHERE NOT EXISTS (SELECT 1 FROM decision"
        " WHERE decision.task = run.task AND decision.due <= run.due AND decision.last >= run.due)"
    )
    for number, task in connection.execute(statement):
        yield f"run {number} of {task} has no decision"


def _named(row: DecisionRow) -> str:
    return f"{row.verdict} {row.due.isoformat()}"

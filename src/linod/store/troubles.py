"""What keeps a store from being used just now, in words for people."""

from __future__ import annotations

import sqlite3

_WORDS = {
    sqlite3.SQLITE_BUSY: "another process locks it",
    sqlite3.SQLITE_LOCKED: "another process locks it",
    sqlite3.SQLITE_FULL: "its disk is full, free some space",
    sqlite3.SQLITE_READONLY: "let this user write it",
    sqlite3.SQLITE_PERM: "let this user write it",
}
_PASSING = frozenset(
    (
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_NOMEM,
    )
)


def trouble(error: sqlite3.OperationalError) -> str:
    """Say what is wrong, and what to do where that is known."""
    return _WORDS.get(_primary(error), str(error))


def is_passing(error: sqlite3.OperationalError) -> bool:
    """Tell whether the same may succeed later: no path and no mode is wrong."""
    return _primary(error) in _PASSING


def _primary(error: sqlite3.OperationalError) -> int:
    # The rest says where it happened (sqlite.org/rescode.html); Python's own errors have none.
    return getattr(error, "sqlite_errorcode", 0) & 0xFF

"""Opens a SQLite store file, or says in one line why it is not opened.

A file of another application, a newer schema, a damaged file, a directory that cannot be written:
the file is left as it is, and the message says what to do.
"""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from urllib.parse import quote

from linod.advice import refusal
from linod.errors import ConfigurationError, LinodError
from linod.store.troubles import is_passing, trouble

APPLICATION_ID = 0x6C696E64
"""ASCII "lind", in the header of the file."""
SCHEMA_VERSION = 2
TABLES = ("meta", "cursor", "decision", "run", "log", "hold", "warning", "action")
BUSY_TIMEOUT_S = 2.0
"""A foreign lock is waited for this long; then the daemon says so and tries again by itself."""
CHECKED_BYTES = 256 * 1024 * 1024
"""quick_check reads the whole file: up to this size it takes about a second."""
_PAGE = 4096
"""The size of a store that is being made."""


def open_to_write(path: Path) -> sqlite3.Connection:
    """Open or make the store for the one process that writes it."""
    _make_directory(path.parent)
    _refuse_log_alone(path)
    _make_file(path)
    with _refusing(path):
        _look_first(path)
        connection = _connect(path, "rw")
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            _migrate(connection)
            _check_tables(connection, path)
        except BaseException:
            connection.close()
            raise
    return connection


def open_to_read(path: Path) -> sqlite3.Connection:
    """Open the store to look at it."""
    try:
        os.stat(path)
    except FileNotFoundError:
        raise ConfigurationError(f"there is no store {path} yet (linod serve makes it)") from None
    except OSError as error:
        raise refusal(f"the store {path} cannot be read", error) from None
    with _refusing(path):
        connection = _connect_read_only(path)
        try:
            _check_identity(connection, path)
            if _pragma(connection, "user_version") == 0:
                raise ConfigurationError(f"there is nothing in the store {path} yet")
            _check_is_current(connection, path)
        except BaseException:
            connection.close()
            raise
    return connection


def beside(path: Path, suffix: str) -> Path:
    """Name what SQLite keeps beside a store; where that is a link, beside its target."""
    return Path(os.path.realpath(path) + suffix)


def _look_first(path: Path) -> None:
    """Refuse what is not to be written; only read, so that it stays as it is.

    The first connection that may write takes what SQLite keeps beside the file into it.
    """
    connection = _connect(path, "ro")
    try:
        _check_identity(connection, path)
        _check_health(connection, path)
        if _pragma(connection, "user_version") == SCHEMA_VERSION:
            _check_tables(connection, path)
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_READONLY_ROLLBACK:
            raise
        # A journal waits to be rolled back: a store of linod has none once it is made.
        if path.stat().st_size > _PAGE:
            raise _foreign(path) from None
    finally:
        connection.close()


def _connect(path: Path, mode: str, more: str = "") -> sqlite3.Connection:
    uri = f"file:{quote(os.fspath(path.absolute()))}?mode={mode}{more}"
    # The thread that opens it hands it to the store's thread; only one uses it at a time.
    return sqlite3.connect(
        uri, uri=True, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
    )


def _connect_read_only(path: Path) -> sqlite3.Connection:
    connection = _connect(path, "ro")
    try:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.OperationalError:
        connection.close()
        if path.with_name(path.name + "-wal").exists():
            raise
        # Nobody writes it, and where its directory is not ours SQLite cannot make the files
        # that WAL wants (sqlite.org/wal.html#read_only_databases).
        return _connect(path, "ro", "&immutable=1")
    return connection


def _make_directory(directory: Path) -> None:
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise refusal(f"the store's directory {directory} cannot be made", error) from None


def _refuse_log_alone(path: Path) -> None:
    """Refuse to make a store anew beside the log of one: SQLite would throw that away."""
    log = beside(path, "-wal")
    size = _size_of(path)
    if not size and _size_of(log):
        state = "gone" if size is None else "empty"
        raise ConfigurationError(
            f"the store {path} is {state}, but its log {log} is there: restore both from a "
            "backup, or move the log away to begin anew"
        )


def _size_of(path: Path) -> int | None:
    try:
        state = path.stat()
    except OSError:
        return None
    return state.st_size if stat.S_ISREG(state.st_mode) else None


def _make_file(path: Path) -> None:
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK
    try:
        os.close(os.open(path, flags, 0o600))
    except OSError as error:
        raise refusal(f"the store {path} cannot be written", error) from None
    _refuse_irregular(path)
    for suffix in ("-wal", "-shm", "-journal"):
        _refuse_irregular(beside(path, suffix))
    if not os.access(path.parent, os.W_OK):
        raise ConfigurationError(
            f"the store's directory {path.parent} cannot be written by this user; "
            "SQLite keeps its log beside the file"
        )


def _refuse_irregular(path: Path) -> None:
    """Refuse what SQLite could not write, with words of its own that name no path."""
    if not os.path.lexists(path):
        return
    if not path.is_file():
        raise ConfigurationError(f"{path} is not a file: move it away")
    if not os.access(path, os.R_OK | os.W_OK):
        raise ConfigurationError(f"this user cannot write {path}: chown or chmod it")


@contextmanager
def _refusing(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        kind = LinodError if is_passing(error) else ConfigurationError
        raise kind(f"the store {path} cannot be opened: {trouble(error)}") from None
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
        # SQLite's own message may quote what is damaged.
        raise _damaged(path, str(error)) from None


def _damaged(path: Path, what: str) -> ConfigurationError:
    return ConfigurationError(
        f"the store {path} is damaged or no SQLite file ({what}); it is left as it is: "
        "restore it from a backup, or move it away to begin anew"
    )


def _foreign(path: Path) -> ConfigurationError:
    return ConfigurationError(
        f"{path} is the database of another application; name another file as [linod] store"
    )


def _check_identity(connection: sqlite3.Connection, path: Path) -> None:
    application, version = (
        _pragma(connection, "application_id"),
        _pragma(connection, "user_version"),
    )
    is_empty = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
    if application != APPLICATION_ID and not (is_empty and application == version == 0):
        raise _foreign(path)
    if version > SCHEMA_VERSION:
        raise ConfigurationError(
            f"the store {path} was written by a newer linod (schema {version}, "
            f"this one knows {SCHEMA_VERSION}); use that one"
        )


def _check_is_current(connection: sqlite3.Connection, path: Path) -> None:
    version = _pragma(connection, "user_version")
    if version < SCHEMA_VERSION:
        raise ConfigurationError(
            f"the store {path} was written by an older linod (schema {version}, this one reads "
            f"{SCHEMA_VERSION}): linod serve brings it up to date"
        )


def _check_health(connection: sqlite3.Connection, path: Path) -> None:
    if path.stat().st_size > CHECKED_BYTES:
        return
    found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        raise _damaged(path, found.splitlines()[-1])


def _check_tables(connection: sqlite3.Connection, path: Path) -> None:
    found = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
    missing = [table for table in TABLES if table not in found]
    if missing:
        raise _damaged(path, f"there is no table {missing[0]}")


def _migrate(connection: sqlite3.Connection) -> None:
    """Bring the schema up to date: each step in one transaction with its version.

    A new store gets all of them in one: who reads it meanwhile finds none, not an old one.
    """
    version = _pragma(connection, "user_version")
    steps = range(version + 1, SCHEMA_VERSION + 1)
    for some in [[*steps]] if version == 0 else [[step] for step in steps]:
        connection.execute("BEGIN IMMEDIATE")
        try:
            for step in some:
                for statement in _statements(step):
                    connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {some[-1]}")
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


def _statements(version: int) -> Iterator[str]:
    text = (files("linod.store") / "schema" / f"{version:04}.sql").read_text("utf-8")
    statement = ""
    for line in text.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])

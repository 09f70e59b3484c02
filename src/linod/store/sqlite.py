"""The store in one SQLite file: WAL, synchronous FULL, one writing connection in one process.

Rules of this border:
- No sqlite3 exception leaves: what fails at opening is a ConfigurationError, later a StoreError.
- Text from outside may hold what UTF-8 cannot (lone surrogates); it is escaped on the way in.
- Readers open the file `mode=ro` and see what was committed last.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from attrs import evolve

from linod.events import Outcome, State, Trigger, Verdict
from linod.store import opening
from linod.store.interface import (
    LOG_BYTES,
    OUTCOMES_SHOWN,
    CursorRow,
    DecisionRow,
    RunRow,
    StoreError,
    StoreLost,
    TaskSummary,
    of_microseconds,
    to_microseconds,
)

_RUN_COLUMNS = (
    "id, task, due, attempt, trigger, state, queued, planned, started, ended, outcome,"
    " reason, detail, arguments, by, lease, keeper, worker, boot"
)
_DECISION_COLUMNS = "task, due, last, count, verdict, reason, by"
_Row = TypeVar("_Row")
_CURSOR_COLUMNS = "task, through, reached, definition, definition_hash, first_seen"


class SqliteReader:
    """Looks at a store file."""

    def __init__(self, path: Path) -> None:
        self._connection = opening.open_to_read(path)

    def close(self) -> None:
        self._connection.close()

    def cursors(self) -> dict[str, CursorRow]:
        rows = self._rows(f"SELECT {_CURSOR_COLUMNS} FROM cursor")
        with _readable():
            return {row[0]: _cursor(row) for row in rows}

    def run(self, id: int) -> RunRow | None:
        return _first(self._runs("WHERE id = ?", (id,)))

    def runs(
        self, task: str | None = None, *, limit: int = 50, before: int | None = None
    ) -> list[RunRow]:
        beyond = 2**63 - 1 if before is None else before
        if task is None:
            return self._runs("WHERE id < ? ORDER BY id DESC LIMIT ?", (beyond, limit))
        where = "WHERE task = ? AND id < ? ORDER BY id DESC LIMIT ?"
        return self._runs(where, (task, beyond, limit))

    def attempts(self, task: str, due: datetime) -> list[RunRow]:
        where = "WHERE task = ? AND due = ? ORDER BY attempt"
        return self._runs(where, (task, to_microseconds(due)))

    def unfinished(self) -> list[RunRow]:
        return self._runs("WHERE outcome IS NULL ORDER BY id", ())

    def log_text(self, id: int) -> str:
        row = _first(self._rows("SELECT text FROM log WHERE run = ?", (id,)))
        return "" if row is None else str(row[0])

    def decisions(
        self, task: str | None = None, *, limit: int = 50, before: datetime | None = None
    ) -> list[DecisionRow]:
        beyond = 2**63 - 1 if before is None else to_microseconds(before)
        if task is None:
            return self._decisions("WHERE last < ? ORDER BY last DESC LIMIT ?", (beyond, limit))
        where = "WHERE task = ? AND due < ? ORDER BY due DESC LIMIT ?"
        return self._decisions(where, (task, beyond, limit))

    def decision_at(self, task: str, due: datetime) -> DecisionRow | None:
        where = "WHERE task = ? AND due <= ? AND last >= ? ORDER BY due DESC LIMIT 1"
        at = to_microseconds(due)
        return _first(self._decisions(where, (task, at, at)))

    def decisions_between(self, task: str, first: datetime, last: datetime) -> list[DecisionRow]:
        where = "WHERE task = ? AND due <= ? AND last >= ? ORDER BY due"
        return self._decisions(where, (task, to_microseconds(last), to_microseconds(first)))

    def summaries(self, tasks: Sequence[str] | None = None) -> dict[str, TaskSummary]:
        names = list(self.cursors()) if tasks is None else list(tasks)
        found = {name: TaskSummary(task=name) for name in names}
        for name, run in self._newest_ended(names).items():
            found[name] = evolve(found[name], last=run, outcomes=self._outcomes(name))
        for run in sorted(self.unfinished(), key=_precedence):
            if run.task in found:
                found[run.task] = evolve(found[run.task], current=run)
        return found

    def meta(self) -> dict[str, str]:
        return dict(self._rows("SELECT key, value FROM meta"))

    def _newest_ended(self, names: Sequence[str]) -> dict[str, RunRow]:
        newest = (
            "WHERE id IN (SELECT (SELECT max(id) FROM run"
            " WHERE run.task = named.value AND outcome IS NOT NULL)"
            " FROM json_each(?) AS named)"
        )
        return {run.task: run for run in self._runs(newest, (json.dumps(names),))}

    def _outcomes(self, task: str) -> tuple[Outcome, ...]:
        rows = self._rows(
            "SELECT outcome FROM run WHERE task = ? AND outcome IS NOT NULL"
            " ORDER BY id DESC LIMIT ?",
            (task, OUTCOMES_SHOWN),
        )
        return tuple(Outcome(row[0]) for row in reversed(rows))

    def _runs(self, where: str, values: Sequence[Any]) -> list[RunRow]:
        rows = self._rows(f"SELECT {_RUN_COLUMNS} FROM run {where}", values)
        with _readable():
            return [_run(row) for row in rows]

    def _decisions(self, where: str, values: Sequence[Any]) -> list[DecisionRow]:
        rows = self._rows(f"SELECT {_DECISION_COLUMNS} FROM decision {where}", values)
        with _readable():
            return [_decision(row) for row in rows]

    def _rows(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with _translated():
            return self._connection.execute(statement, values).fetchall()


class SqliteStore(SqliteReader):
    """Writes a store file; the lock that keeps it alone is the daemon's."""

    def __init__(self, path: Path) -> None:
        self._connection = opening.open_to_write(path)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        with _translated():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                # A failed commit may leave the transaction open, or have ended it already.
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def put_cursor(self, cursor: CursorRow) -> None:
        self._write(
            f"INSERT INTO cursor ({_CURSOR_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (task) DO UPDATE SET through = excluded.through,"
            " reached = max(reached, excluded.reached), definition = excluded.definition,"
            " definition_hash = excluded.definition_hash, first_seen = excluded.first_seen",
            (
                cursor.task,
                to_microseconds(cursor.through),
                to_microseconds(cursor.reached),
                cursor.definition,
                cursor.definition_hash,
                to_microseconds(cursor.first_seen),
            ),
        )

    def move_cursor(self, task: str, through: datetime) -> None:
        microseconds = to_microseconds(through)
        self._write(
            "UPDATE cursor SET through = ?, reached = max(reached, ?) WHERE task = ?",
            (microseconds, microseconds, task),
        )

    def add_decision(self, decision: DecisionRow) -> None:
        self._write(
            f"INSERT INTO decision ({_DECISION_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                decision.task,
                to_microseconds(decision.due),
                to_microseconds(decision.last),
                decision.count,
                decision.verdict.value,
                _text(decision.reason),
                _text(decision.by),
            ),
        )

    def grow_decision(self, decision: DecisionRow, last: datetime, count: int) -> None:
        self._write(
            "UPDATE decision SET last = ?, count = count + ? WHERE task = ? AND due = ?",
            (to_microseconds(last), count, decision.task, to_microseconds(decision.due)),
        )

    def add_run(self, run: RunRow) -> RunRow:
        written = self._write(
            "INSERT INTO run (task, due, attempt, trigger, state, queued, planned, arguments, by,"
            " lease, keeper, boot) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                run.task,
                to_microseconds(run.due),
                run.attempt,
                run.trigger.value,
                run.state.value,
                to_microseconds(run.queued),
                to_microseconds(run.planned),
                _text(run.arguments),
                _text(run.by),
                run.lease,
                run.keeper,
                run.boot,
            ),
        )
        assert written.lastrowid is not None
        return evolve(run, id=written.lastrowid)

    def next_attempt(self, task: str, due: datetime) -> int:
        statement = "SELECT coalesce(max(attempt), 0) + 1 FROM run WHERE task = ? AND due = ?"
        return int(self._rows(statement, (task, to_microseconds(due)))[0][0])

    def lease_run(self, id: int, lease: str, keeper: str, boot: str) -> bool:
        written = self._write(
            "UPDATE run SET state = 'starting', lease = ?, keeper = ?, boot = ?"
            " WHERE id = ? AND state = 'waiting'",
            (lease, keeper, boot, id),
        )
        return written.rowcount == 1

    def mark_running(self, id: int, lease: str, worker: str, started: datetime) -> bool:
        written = self._write(
            "UPDATE run SET state = 'running', worker = ?, started = ?"
            " WHERE id = ? AND lease = ? AND state = 'starting'",
            (worker, to_microseconds(started), id, lease),
        )
        return written.rowcount == 1

    def end_run(
        self,
        id: int,
        lease: str,
        outcome: Outcome,
        *,
        ended: datetime,
        started: datetime | None = None,
        reason: str = "",
        detail: Mapping[str, Any] | None = None,
        log: str = "",
    ) -> RunRow | None:
        written = self._write(
            "UPDATE run SET state = ?, outcome = ?, ended = ?, started = coalesce(?, started),"
            " reason = ?, detail = ? WHERE id = ? AND lease = ? AND outcome IS NULL",
            (
                outcome.value,
                outcome.value,
                to_microseconds(ended),
                None if started is None else to_microseconds(started),
                _text(reason),
                json.dumps(dict(detail or {}), default=str),
                id,
                lease,
            ),
        )
        if written.rowcount != 1:
            return None
        if log:
            self._write("INSERT OR REPLACE INTO log (run, text) VALUES (?, ?)", (id, _tail(log)))
        return self.run(id)

    def put_meta(self, key: str, value: str) -> None:
        self._write("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", (key, value))

    def prune(self, before: datetime, *, limit: int = 500) -> int:
        beyond = to_microseconds(before)
        gone = self._rows(_RUNS_TO_PRUNE, (beyond, limit))
        self._write_many("DELETE FROM log WHERE run = ?", gone)
        self._write_many("DELETE FROM run WHERE id = ?", gone)
        blank = self._rows(_DECISIONS_TO_PRUNE, (beyond, limit))
        self._write_many("DELETE FROM decision WHERE task = ? AND due = ?", blank)
        return len(gone) + len(blank)

    def _write(self, statement: str, values: Sequence[Any]) -> sqlite3.Cursor:
        with _translated():
            return self._connection.execute(statement, values)

    def _write_many(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        with _translated():
            self._connection.executemany(statement, rows)


# INDEXED BY: the planner, which knows no statistics, would else walk the whole table.
_RUNS_TO_PRUNE = """
SELECT id FROM run INDEXED BY run_ended WHERE ended < ?
AND NOT (outcome IN ('failed', 'timed_out', 'lost') AND id = (
    SELECT max(failed.id) FROM run AS failed INDEXED BY run_failed
    WHERE failed.task = run.task AND failed.outcome IN ('failed', 'timed_out', 'lost')))
ORDER BY ended LIMIT ?
"""
_DECISIONS_TO_PRUNE = """
SELECT task, due FROM decision INDEXED BY decision_last WHERE last < ?
AND EXISTS (SELECT 1 FROM decision AS newer
    WHERE newer.task = decision.task AND newer.due > decision.due)
AND NOT EXISTS (SELECT 1 FROM run WHERE run.task = decision.task AND run.due = decision.due)
ORDER BY last LIMIT ?
"""


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        raise StoreError(f"the store cannot be used now: {error}") from error
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.IntegrityError):
            # Uniqueness is the last guard: what it stops is a bug above it.
            raise AssertionError(f"the store refused a row: {error}") from error
        raise StoreLost(f"the store is damaged: {error}") from error


@contextmanager
def _readable() -> Iterator[None]:
    """Tell of a value that no linod wrote: a flipped bit is none of SQLite's business."""
    try:
        yield
    except (ValueError, OverflowError, TypeError) as error:
        raise StoreLost(f"the store is damaged: {error}") from error


def _first(rows: Sequence[_Row]) -> _Row | None:
    return rows[0] if rows else None


def _precedence(run: RunRow) -> tuple[bool, int]:
    # Sorted, the last one of a task is what goes on: its oldest run that does not wait.
    return run.state is not State.WAITING, -run.id


def _text(text: str) -> str:
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")


def _tail(log: str) -> str:
    encoded = _text(log).encode("utf-8")
    if len(encoded) <= LOG_BYTES:
        return encoded.decode("utf-8")
    return encoded[-LOG_BYTES:].decode("utf-8", "ignore")


def _instant(microseconds: int | None) -> datetime | None:
    return None if microseconds is None else of_microseconds(microseconds)


def _cursor(row: Sequence[Any]) -> CursorRow:
    return CursorRow(
        task=row[0],
        through=of_microseconds(row[1]),
        reached=of_microseconds(row[2]),
        definition=row[3],
        definition_hash=row[4],
        first_seen=of_microseconds(row[5]),
    )


def _decision(row: Sequence[Any]) -> DecisionRow:
    return DecisionRow(
        task=row[0],
        due=of_microseconds(row[1]),
        last=of_microseconds(row[2]),
        count=row[3],
        verdict=Verdict(row[4]),
        reason=row[5],
        by=row[6],
    )


def _run(row: Sequence[Any]) -> RunRow:
    return RunRow(
        id=row[0],
        task=row[1],
        due=of_microseconds(row[2]),
        attempt=row[3],
        trigger=Trigger(row[4]),
        state=Outcome(row[10]) if row[10] else State(row[5]),
        queued=of_microseconds(row[6]),
        planned=of_microseconds(row[7]),
        started=_instant(row[8]),
        ended=_instant(row[9]),
        outcome=Outcome(row[10]) if row[10] else None,
        reason=row[11],
        detail=json.loads(row[12]),
        arguments=row[13],
        by=row[14],
        lease=row[15],
        keeper=row[16],
        worker=row[17],
        boot=row[18],
    )

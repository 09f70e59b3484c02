"""The store in one SQLite file: WAL, synchronous FULL, one writing connection in one process.

Rules of this border:
- No sqlite3 exception leaves: what fails at opening is a ConfigurationError, later a StoreError.
- Text from outside may hold what UTF-8 cannot (lone surrogates); it is escaped on the way in.
- Readers open the file `mode=ro` and see what was committed last.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from linod.changing import changer
from linod.events import Outcome
from linod.policy import Hold, HoldKind
from linod.store import opening, rows
from linod.store.interface import (
    ActionRow,
    CursorRow,
    DecisionRow,
    RunRow,
    WarningRow,
    to_microseconds,
)
from linod.store.reading import SqliteReader

_changed = changer(RunRow)
_MICROSECOND = timedelta(microseconds=1)
_TABLES_OF_TASKS = ("cursor", "decision", "run", "hold", "warning", "action")


class SqliteStore(SqliteReader):
    """Writes a store file; the lock that keeps it alone is the daemon's."""

    def __init__(self, path: Path) -> None:
        self._connection = opening.open_to_write(path)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        with rows.translated():
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
            f"INSERT INTO cursor ({rows.CURSOR_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (task) DO UPDATE SET through = excluded.through,"
            " reached = max(reached, excluded.reached), definition = excluded.definition,"
            " definition_hash = excluded.definition_hash, first_seen = excluded.first_seen,"
            " failures = excluded.failures, boot = excluded.boot",
            (
                cursor.task,
                to_microseconds(cursor.through),
                to_microseconds(cursor.reached),
                cursor.definition,
                cursor.definition_hash,
                to_microseconds(cursor.first_seen),
                cursor.failures,
                cursor.boot,
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
            f"INSERT INTO decision ({rows.DECISION_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                decision.task,
                to_microseconds(decision.due),
                to_microseconds(decision.last),
                decision.count,
                decision.verdict.value,
                rows.escaped(decision.reason),
                rows.escaped(decision.by),
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
            " lease, keeper, boot, detail, is_chain, parent, origin, is_caught_up, delay, held,"
            " held_since, pool)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                run.task,
                to_microseconds(run.due),
                run.attempt,
                run.trigger.value,
                run.state.value,
                to_microseconds(run.queued),
                to_microseconds(run.planned),
                rows.escaped(run.arguments),
                rows.escaped(run.by),
                run.lease,
                run.keeper,
                run.boot,
                rows.text_of(run.detail),
                run.is_chain,
                run.parent,
                run.origin,
                run.is_caught_up,
                None if run.delay is None else run.delay // _MICROSECOND,
                rows.escaped(run.held),
                rows.microseconds_of(run.held_since),
                run.pool,
            ),
        )
        assert written.lastrowid is not None
        return _changed(
            run,
            id=written.lastrowid,
            arguments=rows.escaped(run.arguments),
            by=rows.escaped(run.by),
            held=rows.escaped(run.held),
        )

    def next_attempt(self, task: str, due: datetime) -> int:
        statement = "SELECT coalesce(max(attempt), 0) + 1 FROM run WHERE task = ? AND due = ?"
        return int(self._rows(statement, (task, to_microseconds(due)))[0][0])

    def lease_run(self, id: int, lease: str, keeper: str, boot: str, pool: str) -> bool:
        written = self._write(
            "UPDATE run SET state = 'starting', lease = ?, keeper = ?, boot = ?, pool = ?"
            " WHERE id = ? AND state = 'waiting'",
            (lease, keeper, boot, pool, id),
        )
        return written.rowcount == 1

    def hold_run(self, id: int, held: str, since: datetime) -> None:
        self._write(
            "UPDATE run SET held = ?, held_since = ? WHERE id = ? AND state = 'waiting'",
            (rows.escaped(held), to_microseconds(since), id),
        )

    def plan_run(self, id: int, planned: datetime) -> None:
        self._write(
            "UPDATE run SET planned = ?, delay = NULL WHERE id = ? AND state = 'waiting'",
            (to_microseconds(planned), id),
        )

    def begin_chain(self, id: int, started: datetime) -> None:
        self._write(
            "UPDATE run SET state = 'running', started = ? WHERE id = ? AND state = 'waiting'",
            (to_microseconds(started), id),
        )

    def put_detail(self, id: int, detail: Mapping[str, Any]) -> None:
        self._write(
            "UPDATE run SET detail = ? WHERE id = ? AND outcome IS NULL",
            (rows.text_of(detail), id),
        )

    def mark_running(self, id: int, lease: str, worker: str, started: datetime) -> bool:
        written = self._write(
            "UPDATE run SET state = 'running', worker = ?, started = ?"
            " WHERE id = ? AND lease = ? AND state = 'starting'",
            (rows.escaped(worker), to_microseconds(started), id, lease),
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
        worker: str = "",
        reason: str = "",
        detail: Mapping[str, Any] | None = None,
        log: str = "",
        known: RunRow | None = None,
    ) -> RunRow | None:
        reason, text = rows.escaped(reason), rows.text_of(detail or {})
        written = self._write(
            "UPDATE run SET state = ?, outcome = ?, ended = ?, started = coalesce(?, started),"
            " worker = coalesce(?, worker), reason = ?, detail = ?"
            " WHERE id = ? AND lease = ? AND outcome IS NULL",
            (
                outcome.value,
                outcome.value,
                to_microseconds(ended),
                None if started is None else to_microseconds(started),
                rows.escaped(worker) or None,
                reason,
                text,
                id,
                lease,
            ),
        )
        if written.rowcount != 1:
            return None
        if log:
            self._write(
                "INSERT OR REPLACE INTO log (run, text) VALUES (?, ?)", (id, rows.tail(log))
            )
        if known is None:
            return self.run(id)
        return _changed(
            known,
            state=outcome,
            outcome=outcome,
            ended=ended,
            started=started or known.started,
            worker=rows.escaped(worker) or known.worker,
            reason=reason,
            detail=rows.detail_of(text),
        )

    def put_meta(self, key: str, value: str) -> None:
        self._write("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", (key, value))

    def set_failures(self, task: str, failures: int) -> None:
        self._write("UPDATE cursor SET failures = ? WHERE task = ?", (failures, task))

    def set_boot(self, task: str, boot: str) -> None:
        self._write("UPDATE cursor SET boot = ? WHERE task = ?", (boot, task))

    def put_hold(self, hold: Hold) -> None:
        self._write(
            f"INSERT OR REPLACE INTO hold ({rows.HOLD_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)",
            (
                hold.task,
                hold.kind.value,
                to_microseconds(hold.since),
                rows.microseconds_of(hold.until),
                rows.escaped(hold.reason),
                rows.escaped(hold.by),
            ),
        )

    def remove_hold(self, task: str, kind: HoldKind) -> None:
        self._write("DELETE FROM hold WHERE task = ? AND kind = ?", (task, kind.value))

    def add_warning(self, warning: WarningRow) -> None:
        self._write(
            f"INSERT OR IGNORE INTO warning ({rows.WARNING_COLUMNS}) VALUES (?, ?, ?, ?, ?)",
            (
                warning.task,
                to_microseconds(warning.at),
                warning.kind.value,
                warning.run or 0,
                rows.escaped(warning.text),
            ),
        )

    def add_action(self, action: ActionRow) -> None:
        self._write(
            f"INSERT OR IGNORE INTO action ({rows.ACTION_COLUMNS}) VALUES (?, ?, ?, ?, ?)",
            (
                to_microseconds(action.at),
                action.verb,
                action.task,
                rows.escaped(action.by),
                rows.escaped(action.text),
            ),
        )

    def rename_task(self, old: str, new: str) -> None:
        for table in _TABLES_OF_TASKS:
            self._write(f"UPDATE {table} SET task = ? WHERE task = ?", (new, old))

    def forget_task(self, task: str) -> int:
        self._write("DELETE FROM log WHERE run IN (SELECT id FROM run WHERE task = ?)", (task,))
        gone = self._write("DELETE FROM run WHERE task = ?", (task,)).rowcount
        for table in ("decision", "cursor", "hold", "warning"):
            self._write(f"DELETE FROM {table} WHERE task = ?", (task,))
        return gone

    def cut_decision(self, decision: DecisionRow, last: datetime, count: int) -> None:
        self._write(
            "UPDATE decision SET last = ?, count = ? WHERE task = ? AND due = ?",
            (to_microseconds(last), count, decision.task, to_microseconds(decision.due)),
        )

    def remove_decision(self, decision: DecisionRow) -> None:
        self._write(
            "DELETE FROM decision WHERE task = ? AND due = ? AND verdict <> 'admitted'",
            (decision.task, to_microseconds(decision.due)),
        )

    def prune(self, before: datetime, *, limit: int = 500) -> int:
        beyond = to_microseconds(before)
        gone = self._rows(_RUNS_TO_PRUNE, (beyond, limit))
        self._write_many("DELETE FROM log WHERE run = ?", gone)
        self._write_many("DELETE FROM run WHERE id = ?", gone)
        blank = self._rows(_DECISIONS_TO_PRUNE, (beyond, limit))
        self._write_many("DELETE FROM decision WHERE task = ? AND due = ?", blank)
        for table in ("warning", "action"):
            self._write(f"DELETE FROM {table} WHERE at < ?", (beyond,))
        return len(gone) + len(blank)

    def _write(self, statement: str, values: Sequence[Any]) -> sqlite3.Cursor:
        # A context manager takes longer than some statements do.
        try:
            return self._connection.execute(statement, values)
        except sqlite3.Error as error:
            raise rows.translation(error) from error

    def _write_many(self, statement: str, values: Iterable[Sequence[Any]]) -> None:
        with rows.translated():
            self._connection.executemany(statement, values)


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

"""Looks at the store in a SQLite file; whoever reads sees what was committed last."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from attrs import evolve

from linod.events import Outcome
from linod.policy import NEVER_STARTED, Hold, WarningKind
from linod.store import opening, rows
from linod.store.interface import (
    OUTCOMES_SHOWN,
    ActionRow,
    CursorRow,
    DecisionRow,
    RunRow,
    TaskSummary,
    WarningRow,
    of_microseconds,
    to_microseconds,
)

_ENDS_COMPARED = 100


class SqliteReader:
    """Looks at a store file."""

    def __init__(self, path: Path) -> None:
        self._connection = opening.open_to_read(path)

    def close(self) -> None:
        self._connection.close()

    def cursors(self) -> dict[str, CursorRow]:
        found = self._rows(f"SELECT {rows.CURSOR_COLUMNS} FROM cursor")
        with rows.readable():
            return {row[0]: rows.cursor_row(row) for row in found}

    def run(self, id: int) -> RunRow | None:
        return rows.first(self._runs("WHERE id = ?", (id,)))

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
        row = rows.first(self._rows("SELECT text FROM log WHERE run = ?", (id,)))
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
        own = self._decisions("WHERE task = ? AND due = ?", (task, to_microseconds(due)))
        return rows.first(own) or self._range_at(task, due)

    def decisions_between(self, task: str, first: datetime, last: datetime) -> list[DecisionRow]:
        where = "WHERE task = ? AND due BETWEEN ? AND ? ORDER BY due"
        found = self._decisions(where, (task, to_microseconds(first), to_microseconds(last)))
        before = self._range_at(task, first)
        return found if before is None or before in found else [before, *found]

    def _range_at(self, task: str, instant: datetime) -> DecisionRow | None:
        """The range that holds an instant: ranges of a task do not overlap."""
        # INDEXED BY: most rows are of one due, and would else be walked through.
        found = rows.first(
            self._decisions(
                "INDEXED BY decision_range WHERE task = ? AND due <= ? AND last > due"
                " ORDER BY due DESC LIMIT 1",
                (task, to_microseconds(instant)),
            )
        )
        return found if found is not None and found.last >= instant else None

    def summaries(self, tasks: Sequence[str] | None = None) -> dict[str, TaskSummary]:
        names = list(self.cursors()) if tasks is None else list(tasks)
        found = {name: TaskSummary(task=name) for name in names}
        for name, run in self._newest_ended(names).items():
            found[name] = evolve(found[name], last=run, outcomes=self._outcomes(name))
        for run in sorted(self.unfinished(), key=rows.precedence):
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
        found = self._rows(
            "SELECT outcome FROM run WHERE task = ? AND outcome IS NOT NULL"
            " ORDER BY id DESC LIMIT ?",
            (task, OUTCOMES_SHOWN),
        )
        return tuple(Outcome(row[0]) for row in reversed(found))

    def _runs(self, where: str, values: Sequence[Any]) -> list[RunRow]:
        found = self._rows(f"SELECT {rows.RUN_COLUMNS} FROM run {where}", values)
        with rows.readable():
            return [rows.run_row(row) for row in found]

    def _decisions(self, where: str, values: Sequence[Any]) -> list[DecisionRow]:
        found = self._rows(f"SELECT {rows.DECISION_COLUMNS} FROM decision {where}", values)
        with rows.readable():
            return [rows.decision_row(row) for row in found]

    def _rows(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with rows.translated():
            return self._connection.execute(statement, values).fetchall()

    def children(self, parent: int) -> list[RunRow]:
        return self._runs("WHERE parent = ? ORDER BY id", (parent,))

    def last_end(self, task: str) -> RunRow | None:
        where = (
            "WHERE task = ? AND outcome IS NOT NULL AND outcome <> 'cancelled' AND reason <> ?"
            " ORDER BY id DESC LIMIT ?"
        )
        # Ends come in another order than numbers only where runs go on side by side.
        ended = self._runs(where, (task, NEVER_STARTED, _ENDS_COMPARED))
        return max(ended, key=lambda run: (run.ended, run.id), default=None)

    def newest_success(self, task: str, upto: datetime) -> RunRow | None:
        where = (
            "INDEXED BY run_succeeded WHERE task = ? AND outcome IN ('succeeded', 'warned')"
            " AND due <= ? ORDER BY due DESC, attempt DESC LIMIT 1"
        )
        return rows.first(self._runs(where, (task, to_microseconds(upto))))

    def newest_admitted(self, task: str, upto: datetime) -> datetime | None:
        where = "WHERE task = ? AND due <= ? AND verdict = 'admitted' ORDER BY due DESC LIMIT 1"
        row = rows.first(self._decisions(where, (task, to_microseconds(upto))))
        return None if row is None else row.due

    def asked_dues(self, task: str, first: datetime, last: datetime) -> list[datetime]:
        found = self._rows(
            "SELECT DISTINCT due FROM run WHERE task = ? AND due BETWEEN ? AND ? AND NOT EXISTS"
            " (SELECT 1 FROM decision WHERE decision.task = run.task"
            " AND decision.due = run.due AND verdict = 'admitted') ORDER BY due",
            (task, to_microseconds(first), to_microseconds(last)),
        )
        return [of_microseconds(due) for (due,) in found]

    def lengths(self, task: str, limit: int) -> list[timedelta]:
        found = self._rows(
            "SELECT ended - started FROM run INDEXED BY run_succeeded"
            " WHERE task = ? AND outcome IN ('succeeded', 'warned') AND started IS NOT NULL"
            " ORDER BY due DESC, attempt DESC LIMIT ?",
            (task, limit),
        )
        return [timedelta(microseconds=max(0, row[0])) for row in found]

    def holds(self) -> list[Hold]:
        found = self._rows(f"SELECT {rows.HOLD_COLUMNS} FROM hold ORDER BY since, task")
        with rows.readable():
            return [rows.hold_row(row) for row in found]

    def warnings(self, task: str | None = None, *, limit: int = 50) -> list[WarningRow]:
        where, values = ("", ()) if task is None else ("WHERE task = ?", (task,))
        statement = f"SELECT {rows.WARNING_COLUMNS} FROM warning {where} ORDER BY at DESC LIMIT ?"
        found = self._rows(statement, (*values, limit))
        with rows.readable():
            return [rows.warning_row(row) for row in found]

    def has_warning(
        self, task: str, kind: WarningKind, run: int | None, first: datetime, last: datetime
    ) -> bool:
        statement = (
            "SELECT 1 FROM warning WHERE task = ? AND at BETWEEN ? AND ? AND kind = ? AND run = ?"
            " LIMIT 1"
        )
        bounds = to_microseconds(first), to_microseconds(last)
        return bool(self._rows(statement, (task, *bounds, kind.value, run or 0)))

    def actions(self, task: str | None = None, *, limit: int = 50) -> list[ActionRow]:
        where, values = ("", ()) if task is None else ("WHERE task IN (?, '')", (task,))
        statement = f"SELECT {rows.ACTION_COLUMNS} FROM action {where} ORDER BY at DESC LIMIT ?"
        found = self._rows(statement, (*values, limit))
        with rows.readable():
            return [rows.action_row(row) for row in found]

    def actions_at(self, at: datetime, by: str) -> list[ActionRow]:
        statement = f"SELECT {rows.ACTION_COLUMNS} FROM action WHERE at = ? AND by = ?"
        found = self._rows(statement, (to_microseconds(at), rows.escaped(by)))
        with rows.readable():
            return [rows.action_row(row) for row in found]

"""Rows of SQLite as frozen values, and its errors as those of the store."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, TypeVar

from linod.events import Outcome, State, Trigger, Verdict
from linod.policy import Hold, HoldKind, WarningKind
from linod.store.interface import (
    LOG_BYTES,
    ActionRow,
    CursorRow,
    DecisionRow,
    RunRow,
    StoreError,
    StoreLost,
    WarningRow,
    of_microseconds,
    to_microseconds,
)
from linod.store.troubles import trouble

RUN_COLUMNS = (
    "id, task, due, attempt, trigger, state, queued, planned, started, ended, outcome,"
    " reason, detail, arguments, by, lease, keeper, worker, boot,"
    " is_chain, parent, origin, is_caught_up, delay, held, held_since, pool"
)
DECISION_COLUMNS = "task, due, last, count, verdict, reason, by"
CURSOR_COLUMNS = "task, through, reached, definition, definition_hash, first_seen, failures, boot"
HOLD_COLUMNS = "task, kind, since, until, reason, by"
WARNING_COLUMNS = "task, at, kind, run, text"
ACTION_COLUMNS = "at, verb, task, by, text"

_Row = TypeVar("_Row")


@contextmanager
def translated() -> Iterator[None]:
    try:
        yield
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
        raise translation(error) from error


def translation(error: Exception) -> Exception:
    """Say what an error of SQLite, or of its texts, means to who uses the store."""
    if isinstance(error, sqlite3.OperationalError):
        return StoreError(f"the store cannot be used: {trouble(error)}")
    if isinstance(error, sqlite3.IntegrityError):
        # Uniqueness is the last guard: what it stops is a bug above it.
        return AssertionError(f"the store refused a row: {error}")
    return StoreLost(f"the store is damaged: {error}")


@contextmanager
def readable() -> Iterator[None]:
    """Tell of a value that no linod wrote: a flipped bit is none of SQLite's business."""
    try:
        yield
    except (ValueError, OverflowError, TypeError) as error:
        raise StoreLost(f"the store is damaged: {error}") from error


def first(rows: Sequence[_Row]) -> _Row | None:
    return rows[0] if rows else None


def precedence(run: RunRow) -> tuple[bool, int]:
    # Sorted, the last one of a task is what goes on: its oldest run that does not wait.
    return run.state is not State.WAITING, -run.id


def escaped(text: str) -> str:
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")


def tail(log: str) -> str:
    encoded = escaped(log).encode("utf-8")
    if len(encoded) <= LOG_BYTES:
        return encoded.decode("utf-8")
    return encoded[-LOG_BYTES:].decode("utf-8", "ignore")


def text_of(detail: Mapping[str, Any]) -> str:
    return _encode(dict(detail)) if detail else "{}"


def detail_of(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text) if text != "{}" else {}
    return found


# json.dumps makes an encoder for each call that names an option.
_encode = json.JSONEncoder(default=str).encode


def instant_of(microseconds: int | None) -> datetime | None:
    return None if microseconds is None else of_microseconds(microseconds)


def cursor_row(row: Sequence[Any]) -> CursorRow:
    return CursorRow(
        task=row[0],
        through=of_microseconds(row[1]),
        reached=of_microseconds(row[2]),
        definition=row[3],
        definition_hash=row[4],
        first_seen=of_microseconds(row[5]),
        failures=row[6],
        boot=row[7],
    )


def decision_row(row: Sequence[Any]) -> DecisionRow:
    return DecisionRow(
        task=row[0],
        due=of_microseconds(row[1]),
        last=of_microseconds(row[2]),
        count=row[3],
        verdict=Verdict(row[4]),
        reason=row[5],
        by=row[6],
    )


def run_row(row: Sequence[Any]) -> RunRow:
    return RunRow(
        id=row[0],
        task=row[1],
        due=of_microseconds(row[2]),
        attempt=row[3],
        trigger=Trigger(row[4]),
        state=Outcome(row[10]) if row[10] else State(row[5]),
        queued=of_microseconds(row[6]),
        planned=of_microseconds(row[7]),
        started=instant_of(row[8]),
        ended=instant_of(row[9]),
        outcome=Outcome(row[10]) if row[10] else None,
        reason=row[11],
        detail=detail_of(row[12]),
        arguments=row[13],
        by=row[14],
        lease=row[15],
        keeper=row[16],
        worker=row[17],
        boot=row[18],
        is_chain=bool(row[19]),
        parent=row[20],
        origin=row[21],
        is_caught_up=bool(row[22]),
        delay=None if row[23] is None else timedelta(microseconds=row[23]),
        held=row[24],
        held_since=instant_of(row[25]),
        pool=row[26],
    )


def hold_row(row: Sequence[Any]) -> Hold:
    """Read a pause or a disable."""
    return Hold(
        task=row[0],
        kind=HoldKind(row[1]),
        since=of_microseconds(row[2]),
        until=instant_of(row[3]),
        reason=row[4],
        by=row[5],
    )


def warning_row(row: Sequence[Any]) -> WarningRow:
    """Read a warning."""
    return WarningRow(
        task=row[0],
        at=of_microseconds(row[1]),
        kind=WarningKind(row[2]),
        run=row[3] or None,
        text=row[4],
    )


def action_row(row: Sequence[Any]) -> ActionRow:
    """Read what a person did."""
    return ActionRow(at=of_microseconds(row[0]), verb=row[1], task=row[2], by=row[3], text=row[4])


def microseconds_of(instant: datetime | None) -> int | None:
    """Write an instant that may be absent."""
    return None if instant is None else to_microseconds(instant)

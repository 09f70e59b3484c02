"""The store of a simulation: the product's own, in a temporary file, with fewer commits.

Nobody else reads it and no power fails: many transactions are committed as one. All else,
journal and `synchronous` included, is as in the product.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from linod.store import rows
from linod.store.interface import DecisionRow, WarningRow
from linod.store.sqlite import SqliteStore

_TRANSACTIONS_PER_COMMIT = 1000
_BYTES_PER_OCCURRENCE = 700
"""Measured: rows of a decision and a run, their indexes, and the log of what is not committed."""
_MEMORY = Path("/dev/shm")
_MEMORY_PART = 0.25
"""Of what is free there: others need memory, too."""


class SimulatedStore(SqliteStore):
    """Tells of what is decided as it is written."""

    def __init__(
        self,
        path: Path,
        *,
        decided: Callable[[DecisionRow, datetime, int], None],
        warned: Callable[[WarningRow], None],
    ) -> None:
        """`decided` gets a row, its last due by now, and how many occurrences were added to it."""
        super().__init__(path)
        self._decided = decided
        self._warned = warned
        self._transactions = 0

    @contextmanager
    def transaction(self) -> Iterator[None]:
        with rows.translated():
            if not self._connection.in_transaction:
                self._connection.execute("BEGIN IMMEDIATE")
            yield
            self._transactions += 1
            if self._transactions % _TRANSACTIONS_PER_COMMIT == 0:
                self._connection.execute("COMMIT")

    def add_decision(self, decision: DecisionRow) -> None:
        super().add_decision(decision)
        self._decided(decision, decision.last, decision.count)

    def grow_decision(self, decision: DecisionRow, last: datetime, count: int) -> None:
        super().grow_decision(decision, last, count)
        self._decided(decision, last, count)

    def add_warning(self, warning: WarningRow) -> None:
        super().add_warning(warning)
        self._warned(warning)


def temporary_directory(occurrences: int) -> tempfile.TemporaryDirectory[str]:
    """Make a directory for a store: in memory where there is plenty, else where TMPDIR says."""
    where = _MEMORY if _has_room(_MEMORY, occurrences * _BYTES_PER_OCCURRENCE) else None
    return tempfile.TemporaryDirectory(prefix="linod-simulate-", dir=where)


def _has_room(directory: Path, needed: int) -> bool:
    try:
        found = os.statvfs(directory)
    except OSError:
        return False
    is_writable = os.access(directory, os.W_OK)
    return is_writable and needed < found.f_bavail * found.f_frsize * _MEMORY_PART

"""A store whose commits fail: before they are carried out, or after, so that nobody knows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from linod.store.interface import Store, StoreError


class FaultyStore:
    """Passes everything on; the next transactions fail as `faults` says, one after another."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.faults: list[str] = []
        """"undone", "unknown" (committed, but it raises) or "" (all is well)."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        fault = self.faults.pop(0) if self.faults else ""
        with self._store.transaction():
            yield
            if fault == "undone":
                raise StoreError("the disk is full")
        if fault == "unknown":
            raise StoreError("the commit was not answered")

"""A store of which any call can fail: before it is carried out, or after, so that nobody knows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from functools import wraps
from typing import Any

from linod.store.interface import Store, StoreError

WRITES = (
    *("put_cursor", "move_cursor", "add_decision", "grow_decision", "add_run", "next_attempt"),
    *("lease_run", "hold_run", "plan_run", "begin_chain", "put_detail", "mark_running", "end_run"),
    *("set_failures", "set_boot", "put_hold", "remove_hold", "add_warning", "add_action"),
    *("cut_decision", "remove_decision", "rename_task", "forget_task"),
)
READS = (
    *("cursors", "run", "runs", "attempts", "unfinished", "decisions", "decision_at"),
    *("decisions_between", "children", "last_end", "newest_success", "newest_admitted"),
    *("asked_dues", "lengths", "holds", "warnings"),
)


class Fault(StrEnum):
    """How a call fails."""

    BUSY = "database is locked"
    FULL = "database or disk is full"
    IO = "disk I/O error"
    UNKNOWN = "the commit was carried out and not answered"
    AFTER = "an error after the commit"


COMMITTED = (Fault.UNKNOWN, Fault.AFTER)
"""Those of a commit that was carried out all the same."""


class FaultyStore:
    """Counts calls, and lets the one fail that `plan` names."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.calls = 0
        self.plan: Callable[[int, str], Fault | None] = _never
        self.is_committed = False
        """Whether the last transaction that failed was carried out all the same."""

    @property
    def seen(self) -> Store:
        """The store itself, for who only watches."""
        return self._store

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._store, name)
        if name not in WRITES and name not in READS:
            return method

        @wraps(method)
        def call(*args: Any, **named: Any) -> Any:
            self._pass(name)
            return method(*args, **named)

        # The next look-up finds it without coming here.
        self.__dict__[name] = call
        return call

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self.is_committed = False
        self._pass("begin")
        with self._store.transaction():
            yield
            fault = self._next("commit")
            if fault is not None and fault not in COMMITTED:
                raise StoreError(fault)
        self.is_committed = True
        if fault is Fault.AFTER:
            raise RuntimeError(fault)
        if fault is not None:
            raise StoreError(fault)

    def _pass(self, name: str) -> None:
        fault = self._next(name)
        if fault is not None:
            raise StoreError(fault)

    def _next(self, name: str) -> Fault | None:
        self.calls += 1
        return self.plan(self.calls, name)


def _never(_call: int, _name: str) -> Fault | None:
    return None

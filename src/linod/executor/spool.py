"""The ends of runs that a daemon may not have read: told again to the one that comes next."""

from __future__ import annotations

from collections import deque
from typing import Any

SPOOL_MAX = 4 * 1024 * 1024
"""Bytes: more than a socket holds. What falls out is in the run files, without the log."""


class Spool:
    """The newest ends, within a bound."""

    def __init__(self) -> None:
        self._ends: deque[tuple[int, dict[str, Any]]] = deque()
        self._size = 0

    def add(self, message: dict[str, Any], size: int) -> None:
        """Keep the message of an end; it has `size` bytes."""
        self._ends.append((size, message))
        self._size += size
        while self._size > SPOOL_MAX:
            self._size -= self._ends.popleft()[0]

    def messages(self) -> list[dict[str, Any]]:
        """Return those that are kept, the oldest first."""
        return [message for _, message in self._ends]

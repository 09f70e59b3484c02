"""The ends of runs that a daemon may not have read: told again to the one that comes next."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

SPOOL_MAX = 4 * 1024 * 1024
"""Bytes: more than a socket holds. What falls out is in the run files, without the log."""


ENDS_MAX = 4096
"""Short ones: more than a socket holds of them, too."""


class Spool:
    """The newest ends, within these bounds, as the lines that tell them."""

    def __init__(self) -> None:
        self._lines: deque[bytes] = deque()
        self._size = 0

    def add(self, line: bytes) -> None:
        """Keep the line of an end."""
        self._lines.append(line)
        self._size += len(line)
        while self._size > SPOOL_MAX or len(self._lines) > ENDS_MAX:
            self._size -= len(self._lines.popleft())

    def lines(self) -> Iterable[bytes]:
        """Give those that are kept, the oldest first."""
        return tuple(self._lines)

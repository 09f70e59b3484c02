"""How much a run may report: what its end needs at once, and a little more each second."""

from __future__ import annotations

from collections.abc import Callable

from linod.executor.wire import LINE_MAX

PER_S = 4096
"""Bytes: ten lines of progress a second have less than a thousand."""


class Allowance:
    """Bytes that may be taken; user code may write anything where a run reports."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._left = float(LINE_MAX)
        self._at = clock()

    def takes(self, size: int) -> bool:
        """Take so many bytes if they are allowed now."""
        now = self._clock()
        self._left = min(LINE_MAX, self._left + (now - self._at) * PER_S)
        self._at = now
        if size > self._left:
            return False
        self._left -= size
        return True

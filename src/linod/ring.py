"""What a run logs below its level, kept in memory until it is known how the run ends.

Rules of this border:
- The memory is shared by a keeper and its worker: of a worker that is killed at once the keeper
  still has what was kept. No call to the system is made to keep a line, and each count is stored
  by one instruction: wherever a worker is killed, the counts are whole.
- It is bounded; the oldest lines go first. Each line has the number of its run and, within that,
  its own, so that those that went are counted exactly.
- Writing waits for nobody: what another thread, or a signal handler, keeps meanwhile is written by
  whoever is at it.
- Processes that a run forks itself keep nothing: they would write over its lines.
"""

from __future__ import annotations

import mmap
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple

RING_SIZE = 1024 * 1024
"""Bytes: some thousand records, and no more than a thousand runs at once can spare."""
_BEGUN, _WHOLE = 0, 1
"""The counts before the lines: how many bytes were begun, and how many are whole."""
_HEADER_SIZE = 16

# A writer that overtakes a copy of a megabyte so often has nothing to say that is worth it.
_COPIES_MAX = 5


class KeptLine(NamedTuple):
    """A line that was kept."""

    number: int
    """Of the line within its run, from 1."""
    at: float
    """Seconds since 1970."""
    line: bytes


class Ring:
    """The newest lines, within a bound."""

    def __init__(self, size: int = RING_SIZE) -> None:
        self._size = size
        self._memory = mmap.mmap(-1, _HEADER_SIZE + size)
        # Not struct.pack_into: that clears the place first and writes byte by byte.
        self._counted = memoryview(self._memory)[:_HEADER_SIZE].cast("Q")
        self._waiting: deque[bytes] = deque()
        self._lock = threading.Lock()
        self._counts: dict[int, int] = {}

    def hide(self) -> None:
        """Keep it from processes that are forked from now on."""
        with suppress(OSError, AttributeError):  # macOS has no such advice
            self._memory.madvise(mmap.MADV_DONTFORK)

    def add(self, run: int, at: float, line: bytes) -> None:
        """Keep a line, which ends with a newline."""
        number = self._counts[run] = self._counts.get(run, 0) + 1
        self._waiting.append(b"%d %d %.6f %b" % (run, number, at, line))
        while self._waiting and self._lock.acquire(blocking=False):
            try:
                while self._waiting:
                    self._put(self._waiting.popleft())
            finally:
                self._lock.release()

    def forget(self, run: int) -> None:
        """Count no more of a run that has ended."""
        self._counts.pop(run, None)

    def lines(self, run: int) -> list[KeptLine]:
        """List what is there of a run, oldest first; in another process, too."""
        wanted = b"%d" % run
        return [
            KeptLine(int(number), float(at), line + b"\n")
            for each, number, at, line in self._entries()
            if each == wanted
        ]

    def _put(self, data: bytes) -> None:
        if len(data) > self._size:
            return
        whole = self._counted[_WHOLE]
        self._counted[_BEGUN] = begun = whole + len(data)
        at, rest = whole % self._size, self._size - whole % self._size
        self._write(at, data[:rest])
        self._write(0, data[rest:])
        self._counted[_WHOLE] = begun

    def _write(self, at: int, data: bytes) -> None:
        start = _HEADER_SIZE + at
        self._memory[start : start + len(data)] = data

    def _entries(self) -> Iterator[list[bytes]]:
        first, data = self._copy()
        lines = data.split(b"\n")[:-1]
        for entry in lines if first == 0 else lines[1:]:
            yield entry.split(b" ", 3)

    def _copy(self) -> tuple[int, bytes]:
        """Give where what is whole begins, and its bytes; a writer may be at it."""
        for _ in range(_COPIES_MAX):
            whole = self._counted[_WHOLE]
            data = self._memory[_HEADER_SIZE:]
            begun = self._counted[_BEGUN]
            # What was begun until now may lie over the oldest bytes.
            first = max(0, begun - self._size)
            if first < whole:
                start, stop = first % self._size, whole % self._size
                return first, data[start:stop] if start < stop else data[start:] + data[:stop]
        return 0, b""

"""What is kept of a run below the level of its log, until it is known how it ends (`log_keep`).

Its worker keeps records in memory that both have; its output beside Python is kept here.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from linod.ring import RING_SIZE, Ring


class Kept(NamedTuple):
    """What there is to write."""

    lines: list[bytes]
    """In the order of their times."""
    lost: int
    """How many older ones are gone."""

    def told(self, why: str) -> str:
        """Say what follows, and why."""
        count = len(self.lines)
        follow = "record that was kept follows" if count == 1 else "records that were kept follow"
        gone = f", {self.lost:,} older are gone" if self.lost else ""
        return f"{why}: {count:,} {follow}{gone}"


class Flight:
    """The kept records of one run."""

    def __init__(self, run: int, ring: Ring | None) -> None:
        self.slow_at: float | None = None
        """From then on the run is slow, on the clock of limits."""
        self.is_slow = False
        self._run = run
        self._ring = ring
        self._output: deque[tuple[float, bytes]] = deque()
        self._size = 0
        self._lost = 0
        self._taken = 0

    def is_due(self, now: float) -> bool:
        """Say whether the run has just become slow."""
        return self.slow_at is not None and self.slow_at <= now

    def add(self, at: float, line: bytes) -> None:
        """Keep a line of its output; the oldest go first."""
        self._output.append((at, line))
        self._size += len(line)
        while self._size > RING_SIZE:
            self._size -= len(self._output.popleft()[1])
            self._lost += 1

    def take(self) -> Kept:
        """Give what is kept and was not given before."""
        ring = [] if self._ring is None else self._ring.lines(self._run)
        new = [each for each in ring if each.number > self._taken]
        lost = self._lost + (new[0].number - self._taken - 1 if new else 0)
        self._taken = new[-1].number if new else self._taken
        lines = sorted(
            [*((each.at, each.line) for each in new), *self._output], key=lambda pair: pair[0]
        )
        self._output.clear()
        self._size = self._lost = 0
        return Kept([line for _, line in lines], lost)

"""Forks the workers of a keeper, some of them ahead of time.

Rules of this border:
- What a worker inherits of its keeper is named here: its pipes, and what modules opened when they
  were imported. All else is closed in the worker.
- TERM, INT and HUP, which a keeper ignores, wait until the worker has its own handling of them.
"""

from __future__ import annotations

import os
import signal
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple

from linod.executor import descriptors, waiting, wire, worker
from linod.executor.messages import Order, Settings, rehearsal

_BLOCKED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_PIPES = ("stdout", "stderr", "report", "lines")
_AGAIN_S = 10.0
SPARES_MAX = 128
"""Waiting workers: each has about a megabyte of its own."""


class Forked(NamedTuple):
    """A worker and our ends of its pipes."""

    pid: int
    pipes: dict[str, int]


class Spare(NamedTuple):
    """A worker that was forked ahead of time and waits for its order."""

    pid: int
    pipes: dict[str, int]
    orders: int
    """Writing end of the pipe on which it waits."""


class Forking:
    """Gives each run a worker: one that waits, where there is one, else a new one."""

    def __init__(
        self,
        settings: Settings,
        folder: int,
        boot: str,
        log_plan: Any,
        find: Callable[[Order], worker.Job],
        own: Callable[[], list[int]],
    ) -> None:
        self._settings = settings
        self._folder = folder
        self._boot = boot
        self._log_plan = log_plan
        self._find = find
        self._own = own
        """The descriptors of the keeper's loop."""
        self._pid = os.getpid()
        self._files = descriptors.raise_limit()
        self._spares: deque[Spare] = deque()
        self._none_before = 0.0
        """Forking ahead failed: nothing is forked ahead until then."""
        self._expected = 0
        self._until = 0.0
        """Until then so many are expected."""

    @property
    def waiting(self) -> set[int]:
        """The workers that have no order yet."""
        return {spare.pid for spare in self._spares}

    def expect(self, count: int, until: float) -> None:
        """Have so many wait until then, within a bound; one waits always."""
        self._expected, self._until = min(count, SPARES_MAX), until

    def needs_more(self, now: float) -> bool:
        """Say whether fewer wait than are wanted; not for a while where that has failed."""
        return len(self._spares) < self._wanted(now) and now >= self._none_before

    def ease(self, now: float) -> float | None:
        """Dismiss what was expected in vain; say when to look again, if there is such a time."""
        if len(self._spares) <= 1:
            return None
        if now < self._until:
            return self._until
        while len(self._spares) > 1:
            _dismiss(self._spares.pop())
        return None

    def start(self, order: Order, message: dict[str, Any]) -> Forked:
        """Have a worker execute an order; raises OSError where none can be forked."""
        self._expected = max(0, self._expected - 1)
        while self._spares:
            spare = self._spares.popleft()
            if _took(spare, message):
                return Forked(spare.pid, spare.pipes)
        return self._fork(lambda station: waiting.work(station, self._find(order)), [])

    def hire(self, message: dict[str, Any]) -> Spare:
        """Have a worker execute an order and those that follow it; raises OSError."""
        self._expected = max(0, self._expected - 1)
        while True:
            spare = self._spares.popleft() if self._spares else self._new_spare()
            if _is_told(spare, message):
                return spare

    def _wanted(self, now: float) -> int:
        return max(1, self._expected) if now < self._until else 1

    def make_spare(self, now: float) -> None:
        """Fork a worker ahead of time: the next run need not wait for it."""
        self._none_before = now + _AGAIN_S
        with suppress(OSError):
            self._spares.append(self._new_spare())
            self._none_before = now
            rehearsal()  # a fork makes pages costly to write on both sides

    def _new_spare(self) -> Spare:
        reading, writing = os.pipe()
        try:
            forked = self._fork(
                lambda station: waiting.wait(station, reading, self._find), [writing]
            )
        except OSError:
            os.close(writing)
            raise
        finally:
            os.close(reading)
        return Spare(*forked, writing)

    def dismiss_all(self) -> None:
        """Let the workers that wait read EOF, and end: they do not know a new task."""
        while self._spares:
            _dismiss(self._spares.popleft())

    def died(self, pid: int) -> bool:
        """Take note of a dead child; True if it was one that waited."""
        found = next((spare for spare in self._spares if spare.pid == pid), None)
        if found is not None:
            self._spares.remove(found)
            _dismiss(found)
        return found is not None

    def _fork(self, work: Callable[[worker.Station], None], more: list[int]) -> Forked:
        theirs: dict[str, int] = {}
        ours: dict[str, int] = {}
        others = [*self._own(), *self._of_spares(), *more]
        signal.pthread_sigmask(signal.SIG_BLOCK, _BLOCKED)
        try:
            for name in _PIPES:
                ours[name], theirs[name] = os.pipe()
                os.set_blocking(ours[name], False)
            close = _ranges([*others, *ours.values(), theirs["stdout"], theirs["stderr"]])
            pid = os.fork()
            if pid == 0:
                work(self._station(theirs, close))
        except OSError:
            for descriptor in ours.values():
                os.close(descriptor)
            raise
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _BLOCKED)
            for descriptor in theirs.values():
                os.close(descriptor)
        return Forked(pid, ours)

    def _of_spares(self) -> list[int]:
        return [end for spare in self._spares for end in (spare.orders, *spare.pipes.values())]

    def _station(self, theirs: dict[str, int], close: list[tuple[int, int]]) -> worker.Station:
        return worker.Station(
            log_plan=self._log_plan,
            directory=self._settings.directory,
            folder=self._folder,
            boot=self._boot,
            keeper=self._pid,
            close=close,
            files=self._files,
            **theirs,
        )


def _ranges(descriptors: list[int]) -> list[tuple[int, int]]:
    """Join numbers to ranges [first, end): hundreds of waiting workers are few system calls."""
    ranges: list[tuple[int, int]] = []
    for number in sorted(descriptors):
        if ranges and ranges[-1][1] == number:
            ranges[-1] = (ranges[-1][0], number + 1)
        else:
            ranges.append((number, number + 1))
    return ranges


def _took(spare: Spare, message: dict[str, Any]) -> bool:
    """Give its only order to a worker that waits; False if that is dead."""
    is_told = _is_told(spare, message)
    if is_told:
        os.close(spare.orders)
    return is_told


def _is_told(spare: Spare, message: dict[str, Any]) -> bool:
    try:
        os.write(spare.orders, wire.encode(message))
    except OSError:
        _dismiss(spare)
        return False
    return True


def _dismiss(spare: Spare) -> None:
    for descriptor in (spare.orders, *spare.pipes.values()):
        os.close(descriptor)

"""Forks the workers of a keeper, some of them ahead of time.

Rules of this border:
- What a worker inherits of its keeper is named here: its pipes, and what modules opened when they
  were imported. All else is closed in the worker.
- TERM, INT and HUP, which a keeper ignores, wait until the worker has its own handling of them.
"""

from __future__ import annotations

import os
import signal
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from itertools import chain
from typing import Any, NamedTuple

from attrs import define, field

from linod.executor import descriptors, memory, messages, signals, waiting, worker
from linod.executor.claims import BOOK_RUNS, Books, forget_worker
from linod.executor.messages import Order, Settings, prepare
from linod.executor.orders import Inbox
from linod.ring import Ring

_BLOCKED = (int(signal.SIGTERM), int(signal.SIGINT), int(signal.SIGHUP))
_PIPES = ("stdout", "stderr", "report", "lines")
_AGAIN_S = 10.0
_AFTER_DEATH_S = 0.2
SPARES_MAX = 1024
"""Waiting workers, where there is memory for so many, and descriptors."""
_FILES_OF_SPARE = 6
_OF_SPARE = 4 * 1024 * 1024
"""What one has of its own at most, in bytes."""
BOOKS = SPARES_MAX // BOOK_RUNS + 2
"""Who waits has one of these, mostly."""
_SHARE_OF_MEMORY = 4
"""They take a quarter of the memory that is left."""
_SHARE_OF_FILES = 2
"""And half of the descriptors: what they become are runs, which need most of these as well."""


class Forked(NamedTuple):
    """A worker and our ends of its pipes."""

    pid: int
    pipes: dict[str, int]
    ring: Ring | None
    """Where it keeps records, and we find them."""


@define(eq=False)
class Spare:
    """A worker that was forked ahead of time and waits for its order."""

    pid: int
    pipes: dict[str, int]
    ring: Ring | None
    inbox: Inbox
    """Where it waits for what it is to do."""
    task: str | None = None
    """For which it is prepared; such a one gets no other's run."""
    bits: int = field(init=False)
    """All its descriptors, as a number."""

    @bits.default
    def _bits(self) -> int:
        return descriptors.bits((*self.inbox.descriptors(), *self.pipes.values()))


class Forking:
    """Gives each run a worker: one that waits, where there is one, else a new one."""

    def __init__(
        self,
        settings: Settings,
        folder: int,
        boot: str,
        log_plan: Any,
        find: worker.Find,
        own: Callable[[], list[int]],
        is_keeping: Callable[[], bool],
        gate: int,
    ) -> None:
        self._settings = settings
        self._folder = folder
        self._boot = boot
        self._log_plan = log_plan
        self._find = find
        self._own = own
        """The descriptors of the keeper's loop."""
        self._is_keeping = is_keeping
        """Whether records of a run may have to be kept."""
        self._gate = gate
        self._pid = os.getpid()
        self._files = descriptors.raise_limit()
        self._books = Books(folder, str(self._pid), BOOKS)
        self._spares: deque[Spare] = deque()
        self._armed: dict[int, Spare] = {}
        """Those that have the order of a run, and wait for their go."""
        self._none_before = 0.0
        """Forking ahead failed: nothing is forked ahead until then."""
        self._missing: deque[str | None] = deque()
        """For what no worker is prepared yet."""
        self._until = 0.0
        """So long what is expected is waited for."""
        self._left: int | None = None
        """Memory that was left when something was expected last."""

    @property
    def waiting(self) -> set[int]:
        """The workers that may not do anything yet."""
        return {spare.pid for spare in self._idle()}

    def expect(self, tasks: Sequence[str | None], until: float) -> None:
        """Prepare so many workers, for these tasks (None: for any run), within a bound."""
        self._until = until
        ready = Counter(spare.task for spare in self._spares)
        self._left = memory.available()
        found = room(self._left, descriptors.limit())
        most = min(SPARES_MAX, found + len(self._spares))
        missing = Counter(tasks[:most]) - ready
        self._missing = deque(missing.elements())
        for spare in [spare for spare in self._spares if spare.task is None]:
            self._prepare(spare)

    def needs_more(self, now: float) -> bool:
        """Say whether fewer wait than are wanted; not for a while where that has failed.

        One waits always that is prepared for nothing.
        """
        return self._wants(now) and now >= self._none_before

    def _wants(self, now: float) -> bool:
        is_expected = bool(self._missing) and now < self._until
        return is_expected or all(spare.task is not None for spare in self._spares)

    def look_at(self, now: float) -> float | None:
        """Say when to look again whether more are wanted, or fewer, if there is such a time."""
        times = [self._until] if len(self._spares) > 1 else []
        if now < self._none_before and self._wants(now):
            times.append(self._none_before)
        return min(times, default=None)

    def ease(self, now: float) -> None:
        """Dismiss what was expected in vain."""
        if len(self._spares) <= 1 or now < self._until:
            return
        kept = next((spare for spare in self._spares if spare.task is None), None)
        for spare in self._spares:
            if spare is not kept:
                _dismiss(spare)
        self._spares = deque([] if kept is None else [kept])
        self._missing.clear()

    def arm(self, order: Order, message: dict[str, Any]) -> None:
        """Give an order to a worker that waits, if there is one; it executes it at its start."""
        spare = self._taken(order.task)
        if spare is not None and _is_told(spare, message):
            self._armed[order.run] = spare

    def go(self, run: int) -> Forked | None:
        """Have the worker that has the order of a run execute it; None where there is none."""
        spare = self._armed.pop(run, None)
        if spare is None or not _took(spare, messages.go([run])):
            return None
        return Forked(spare.pid, spare.pipes, spare.ring)

    def disarm(self) -> None:
        """Let those that have orders read EOF, and end: none of them holds."""
        while self._armed:
            _dismiss(self._armed.popitem()[1])

    def start(self, order: Order, message: dict[str, Any]) -> Forked:
        """Have a worker execute an order; raises OSError where none can be forked."""
        while (spare := self._taken(order.task)) is not None:
            if _took(spare, message):
                return Forked(spare.pid, spare.pipes, spare.ring)
        return self._fork(lambda station: waiting.work(station, order, self._find), [])

    def hire(self, message: dict[str, Any]) -> Spare:
        """Have a worker execute an order and those that follow it; raises OSError."""
        while (spare := self._taken(None)) is not None:
            if _is_told(spare, message):
                return spare
        spare = self._new_spare(None)
        spare.inbox.send(message)  # where it is dead already, that is told by its death
        return spare

    def _taken(self, task: str | None) -> Spare | None:
        """Take the worker that is prepared for a task, else one that is for nothing, if any."""
        with suppress(ValueError):
            self._missing.remove(task)
        for wanted in dict.fromkeys((task, None)):
            for spare in self._spares:
                if spare.task == wanted:
                    self._spares.remove(spare)
                    return spare
        return None

    def make_spare(self, now: float) -> None:
        """Fork a worker ahead of time: the next run need not wait for it."""
        if self._missing and is_half_gone(self._left, memory.available()):
            self._missing.clear()
            return
        self._none_before = now + _AGAIN_S
        with suppress(OSError):
            self._spares.append(self._new_spare(self._missing[0] if self._missing else None))
            self._none_before = now
            if self._missing:
                self._missing.popleft()

    def _prepare(self, spare: Spare) -> None:
        """Have a worker prepare for the next task that is expected."""
        if self._missing:
            spare.task = self._missing.popleft()
            if spare.task is not None and not _is_told(spare, prepare(spare.task)):
                self._spares.remove(spare)

    def _new_spare(self, task: str | None) -> Spare:
        inbox = Inbox()
        try:
            forked = self._fork(
                lambda station: waiting.wait(station, inbox.reading, self._find, task),
                [inbox.writing],
            )
        except OSError:
            inbox.close()
            raise
        return Spare(*forked, inbox, task)

    def dismiss_all(self) -> None:
        """Let the workers that wait read EOF, and end: they do not know a new task."""
        self.disarm()
        while self._spares:
            _dismiss(self._spares.popleft())

    def died(self, pid: int, now: float) -> bool:
        """Take note of a dead child; True if it was one that waited.

        The next one is forked after a pause: it may die like this one.
        """
        found = next((spare for spare in self._idle() if spare.pid == pid), None)
        if found is None:
            return False
        _dismiss(found)
        self._none_before = now + _AFTER_DEATH_S
        if found in self._spares:
            self._spares.remove(found)
            if found.task is not None:
                self._missing.append(found.task)
        else:
            self._armed = {run: spare for run, spare in self._armed.items() if spare is not found}
        return True

    def forget(self, pid: int) -> None:
        """Leave nothing behind of a worker that lived on, and is dead."""
        forget_worker(self._folder, self._pid, pid)

    def close(self) -> None:
        """Leave nothing behind; nothing is forked any more."""
        self.dismiss_all()
        self._books.close()

    def _idle(self) -> Iterator[Spare]:
        return chain(self._spares, self._armed.values())

    def _fork(self, work: Callable[[worker.Station], None], more: list[int]) -> Forked:
        theirs: dict[str, int] = {}
        ours: dict[str, int] = {}
        others = [*self._own(), *more]
        ring = Ring() if self._is_keeping() else None
        signals.set_mask(signals.BLOCK, _BLOCKED)
        try:
            for name in _PIPES:
                ours[name], theirs[name] = os.pipe()
                os.set_blocking(ours[name], False)
            close = descriptors.bits([*others, *ours.values(), theirs["stdout"], theirs["stderr"]])
            for spare in self._idle():
                close |= spare.bits
            station = self._station(theirs, descriptors.ranges(close), ring)
            pid = os.fork()
            if pid == 0:
                work(station)
        except OSError:
            for descriptor in ours.values():
                os.close(descriptor)
            raise
        finally:
            signals.set_mask(signals.UNBLOCK, _BLOCKED)
            for descriptor in theirs.values():
                os.close(descriptor)
        if ring is not None:
            ring.hide()
        return Forked(pid, ours, ring)

    def _station(
        self, theirs: dict[str, int], close: list[tuple[int, int]], ring: Ring | None
    ) -> worker.Station:
        return worker.Station(
            log_plan=self._log_plan,
            directory=self._settings.directory,
            folder=self._folder,
            boot=self._boot,
            keeper=self._pid,
            close=close,
            files=self._files,
            gate=self._gate,
            ring=ring,
            book=self._books.next(),
            **theirs,
        )


def room(left: int | None, files: int) -> int:
    """Say for how many more waiting workers there is room.

    Args:
        left: Bytes of memory that may still be taken; None where the kernel does not say.
        files: How many descriptors a keeper may have.
    """
    most = min(SPARES_MAX, files // _SHARE_OF_FILES // _FILES_OF_SPARE)
    return most if left is None else min(most, left // _SHARE_OF_MEMORY // _OF_SPARE)


def is_half_gone(before: int | None, left: int | None) -> bool:
    """Tell whether all keepers together, which look at the same number, have taken enough.

    Args:
        before: Bytes of memory that were left when something was expected; None: unknown.
        left: Those that are left now.
    """
    return before is not None and left is not None and left < before // 2


def _took(spare: Spare, message: dict[str, Any]) -> bool:
    """Tell a worker that waits what it begins with; False if that is dead."""
    is_told = _is_told(spare, message)
    if is_told:
        spare.inbox.close()
    return is_told


def _is_told(spare: Spare, message: dict[str, Any]) -> bool:
    # Looked at before: a short run may be over as soon as its order is sent.
    if not _is_dead(spare.pid) and spare.inbox.send(message):
        return True
    _dismiss(spare)
    return False


def _is_dead(pid: int) -> bool:
    """Tell whether a child of ours has ended, and leave it to who waits for the dead."""
    try:
        return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:
        return True


def _dismiss(spare: Spare) -> None:
    spare.inbox.close()
    for descriptor in spare.pipes.values():
        os.close(descriptor)

"""How a run learns in a worker that it is to end: TERM, which a run that asks does not die of.

Rules of this border:
- Until a run asks for the first time, in the main thread, TERM ends the process as ever.
- From then on TERM is heard and told to all runs of the process that have asked; a handler that
  user code had set before is called too.
- A process that user code forks dies of TERM again: who made it may want to end it that way.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Any

from linod.executor.limiting import clock


class Stop:
    """Whether one run is to end."""

    def __init__(self, timeout_s: float | None = None) -> None:
        self._ends_at = None if timeout_s is None else clock() + timeout_s
        self._pid = os.getpid()
        self._is_asked = False
        self.is_read = False
        """The run looks itself whether it is to end."""

    def ask(self) -> None:
        """Ask the run to end."""
        self._is_asked = True

    def is_asked(self) -> bool:
        """Tell whether it was asked to end, or its time is over; hear TERM from now on."""
        self.is_read = True
        # Only the main thread may say what a signal does.
        if threading.current_thread() is threading.main_thread() and os.getpid() == self._pid:
            _terms.tell(self)
        return self._is_asked or (self._ends_at is not None and clock() >= self._ends_at)

    def end(self) -> None:
        """Let TERM end the process as before; what was heard was for the run that has ended."""
        _terms.forget(self)

    def forget(self) -> None:
        """Let TERM end the process as before, also one that was heard meanwhile."""
        if _terms.forget(self) and self._is_asked:
            os.kill(os.getpid(), signal.SIGTERM)


class _Terms:
    """Hears TERM for the runs of this process."""

    def __init__(self) -> None:
        self._stops: set[Stop] = set()
        self._former: Callable[[int, FrameType | None], Any] | int | None = None
        self._is_known_to_forks = False
        self._forking = threading.local()
        """The signals that a thread blocked before it began to fork."""

    def tell(self, stop: Stop) -> None:
        """Tell this one too; not where something that is not Python's hears TERM."""
        if stop in self._stops:
            return
        if not self._stops:
            self._former = signal.getsignal(signal.SIGTERM)
            if self._former is None:
                return
            signal.signal(signal.SIGTERM, self._hear)
            self._watch_forks()
        self._stops.add(stop)

    def forget(self, stop: Stop) -> bool:
        """Tell this one no more; say whether TERM ends the process again because of that."""
        if stop not in self._stops:
            return False
        self._stops.remove(stop)
        return not self._stops and self._restore()

    def _hear(self, number: int, frame: FrameType | None) -> None:
        for stop in tuple(self._stops):
            stop.ask()
        if callable(self._former):
            self._former(number, frame)

    def _restore(self) -> bool:
        is_ours = signal.getsignal(signal.SIGTERM) == self._hear
        if is_ours:
            signal.signal(signal.SIGTERM, self._former)
        return is_ours and self._former == signal.SIG_DFL

    def _watch_forks(self) -> None:
        if not self._is_known_to_forks:
            os.register_at_fork(
                before=self._hold,
                after_in_parent=self._let_go,
                after_in_child=self._leave_to_child,
            )
            self._is_known_to_forks = True

    def _hold(self) -> None:
        # A child that gets TERM before it is left to it would take that for one of ours.
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTERM,))
        self._forking.blocked = blocked

    def _let_go(self) -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, self._forking.blocked)

    def _leave_to_child(self) -> None:
        if self._stops:
            self._stops.clear()
            with suppress(ValueError):  # in another interpreter than the main one
                self._restore()
        self._let_go()


_terms = _Terms()

"""Says what happens: on the terminal, and in the log where there is one.

It writes in a thread of its own: a terminal that was stopped with Ctrl-S, or a log on a disk that
hangs, must not keep anything from being decided.
"""

from __future__ import annotations

import queue
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from loguru import logger

from linod import views
from linod.daemon import clock
from linod.events import Effect, TellChanged, TellDecided, TellEnded, TellStarted
from linod.log.plan import LEVEL_NUMBERS, LogPlan
from linod.specs import LogLevel

LINES_MAX = 10_000
"""Lines that wait to be written; one more is dropped, rather than memory filled."""
_CLOSE_WITHIN_S = 2.0

_Line = tuple[datetime, LogLevel, str]


class Teller:
    """One per daemon."""

    def __init__(self, plan: LogPlan, write: Callable[[str], None] | None = None) -> None:
        self.plan = plan
        self._write = write or _write_to_terminal
        self._lines: queue.Queue[_Line | None] = queue.Queue(LINES_MAX)
        self._thread = threading.Thread(target=self._work, name="linod-teller", daemon=True)
        self._thread.start()

    def say(self, level: LogLevel, text: str) -> None:
        """Say one line."""
        if LEVEL_NUMBERS[level] >= LEVEL_NUMBERS[self.plan.level]:
            with suppress(queue.Full):
                self._lines.put_nowait((clock.now(), level, text))

    def tell(self, effect: Effect, now: datetime) -> None:
        """Say what became of a run or of occurrences, or what people should know."""
        if isinstance(effect, TellEnded):
            self.say(*views.ended(effect, now))
        elif isinstance(effect, TellStarted):
            self.say(*views.started(effect))
        elif isinstance(effect, TellDecided):
            self.say(*views.decided(effect, now))
        elif isinstance(effect, TellChanged):
            self.say(*views.changed(effect, self.plan.zone))

    def close(self) -> None:
        """Write what waits, but not for ever."""
        with suppress(queue.Full):
            self._lines.put(None, timeout=_CLOSE_WITHIN_S)
        self._thread.join(_CLOSE_WITHIN_S)

    def _work(self) -> None:
        while (line := self._lines.get()) is not None:
            at, level, text = line
            self._write(views.terminal_line(at, self.plan.zone, level, text))
            if self.plan.path is not None:
                logger.log(level.value, text)


def _write_to_terminal(line: str) -> None:
    # Who reads may be gone; that is no reason to stop.
    with suppress(OSError, ValueError):
        sys.stdout.write(line + "\n")
        sys.stdout.flush()

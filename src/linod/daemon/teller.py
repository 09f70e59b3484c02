"""Says what happens: on the terminal, and in the log where there is one.

It writes in a thread of its own: a terminal that was stopped with Ctrl-S, or a log on a disk that
hangs, must not keep anything from being decided.
"""

from __future__ import annotations

import os
import queue
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime

from loguru import logger

from linod import views
from linod.daemon import clock
from linod.events import Effect, TellChanged, TellDecided, TellEnded, TellStarted
from linod.log.plan import LEVEL_NUMBERS, LogPlan
from linod.specs import LogLevel, SinkName

LINES_MAX = 10_000
"""Lines that wait to be written; one more is dropped, rather than memory filled."""
_CLOSE_WITHIN_S = 2.0

_Line = tuple[datetime, LogLevel, str]


class Teller:
    """One per daemon."""

    def __init__(self, plan: LogPlan, write: Callable[[str], None] | None = None) -> None:
        """Write by `write`, which gets one line or several; None: to the terminal."""
        self.plan = plan
        self._write = write or _write_to_terminal
        self._lines: queue.SimpleQueue[list[_Line] | None] = queue.SimpleQueue()
        self._given = 0
        self._taken = 0
        self._thread = threading.Thread(target=self._work, name="linod-teller", daemon=True)
        self._thread.start()

    def say(self, level: LogLevel, text: str) -> None:
        """Say one line."""
        self._give([(clock.now(), level, text)])

    def tell(self, effects: Sequence[Effect], now: datetime) -> None:
        """Say what became of runs and of occurrences, and what people should know."""
        if not self._is_wanted(LogLevel.DEBUG):
            effects = [each for each in effects if not isinstance(each, TellStarted)]
        sentences = (self._sentence(effect, now) for effect in effects)
        self._give([(now, *sentence) for sentence in sentences if sentence is not None])

    def _sentence(self, effect: Effect, now: datetime) -> tuple[LogLevel, str] | None:
        if isinstance(effect, TellEnded):
            return views.ended(effect, now)
        if isinstance(effect, TellStarted):
            return views.started(effect)
        if isinstance(effect, TellDecided):
            return views.decided(effect, now)
        if isinstance(effect, TellChanged):
            return views.changed(effect, self.plan.zone)
        return None

    def _is_wanted(self, level: LogLevel) -> bool:
        return LEVEL_NUMBERS[level] >= LEVEL_NUMBERS[self.plan.lowest]

    def _give(self, lines: Sequence[_Line]) -> None:
        """Hand lines to the thread, all at once: waking it costs more than a line does."""
        room = LINES_MAX - (self._given - self._taken)
        wanted = [line for line in lines if self._is_wanted(line[1])][: max(0, room)]
        if wanted:
            self._given += len(wanted)
            self._lines.put(wanted)

    def close(self) -> None:
        """Write what waits, but not for ever."""
        self._lines.put(None)
        self._thread.join(_CLOSE_WITHIN_S)

    def _work(self) -> None:
        while (lines := self._lines.get()) is not None:
            if not self._is_shown_by_log():
                zone = self.plan.zone
                shown = (views.terminal_line(at, zone, level, text) for at, level, text in lines)
                self._write("\n".join(shown))
            if self.plan.is_kept:
                for _, level, text in lines:
                    logger.log(level.value, text)
            self._taken += len(lines)

    def _is_shown_by_log(self) -> bool:
        """Tell whether a sink of the log ends where the terminal's lines do."""
        names = {sink.name for sink in self.plan.beside}
        if SinkName.JOURNALD in names and _is_stdout_journal():
            return True
        return not names.isdisjoint((SinkName.STDOUT, SinkName.STDERR))


def _is_stdout_journal() -> bool:
    """Ask systemd, which says so in the environment (systemd.exec(5)), but for a redirection."""
    try:
        status = os.fstat(1)
    except OSError:
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"


def _write_to_terminal(lines: str) -> None:
    # Who reads may be gone; that is no reason to stop.
    with suppress(OSError, ValueError):
        sys.stdout.write(_encodable(lines, sys.stdout.encoding) + "\n")
        sys.stdout.flush()


def _encodable(text: str, encoding: str) -> str:
    """Escape what a terminal has no sign for: the other lines are not to be lost with it."""
    return text if text.isascii() else text.encode(encoding, "backslashreplace").decode(encoding)

"""The one way of a record from any source to its line: is it wanted, write it, tell of losses.

A process has one recorder at a time. It names who writes (a program or a run of a task) and holds
the thresholds; a worker gets a new one after the fork and takes over the sink of its parent.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from datetime import tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from linod.log.lines import JsonLines, Origin, Record, TextLines
from linod.log.plan import LEVEL_NUMBERS, LogPlan
from linod.log.sink import ConsoleSink, FileSink
from linod.specs import LogFormat, LogLevel

# Logger names come from code, so they are few; a program that makes them up starts over.
_NAMES_MAX = 1_000
_LINES: dict[LogFormat, type[TextLines] | type[JsonLines]] = {
    LogFormat.TEXT: TextLines,
    LogFormat.JSON: JsonLines,
}


class Thresholds:
    """The lowest level per logger: `[log] levels`, longest prefix first, else one for all."""

    def __init__(self, base: LogLevel, levels: Mapping[str, LogLevel]) -> None:
        self._base = LEVEL_NUMBERS[base]
        self._levels = {name: LEVEL_NUMBERS[level] for name, level in levels.items()}
        self._known: dict[str, int] = {}
        self.lowest = min([self._base, *self._levels.values()])

    def of(self, logger: str) -> int:
        """Give the number below which records of this logger are left out."""
        if not self._levels:
            return self._base
        known = self._known.get(logger)
        if known is None:
            if len(self._known) >= _NAMES_MAX:
                self._known.clear()
            known = self._known[logger] = self._found(logger)
        return known

    def _found(self, logger: str) -> int:
        name = logger
        while name:
            if name in self._levels:
                return self._levels[name]
            name = name.rpartition(".")[0]
        return self._base


class Recorder:
    """What this process writes as, and through."""

    def __init__(
        self,
        plan: LogPlan,
        origin: Origin,
        *,
        level: LogLevel | None = None,
        secrets: Sequence[str] = (),
        on_line: Callable[[bytes], None] | None = None,
        former: Recorder | None = None,
    ) -> None:
        self.plan = plan
        self.origin = origin
        self.thresholds = Thresholds(level or plan.level, plan.levels)
        self.sink = _sink(plan, former)
        self._lines = _LINES[plan.format](_zone(plan.zone), secrets)
        self._on_line = on_line
        self._thread = threading.local()

    def write(self, record: Record, origin: Origin | None = None) -> bytes:
        """Write a record and give its line."""
        line = self._line(record, origin or _here.get() or self.origin)
        self.pass_on(line)
        return line

    def pass_on(self, line: bytes) -> None:
        """Write a line that is one already."""
        if not self.sink.write(line):
            self._tell_trouble()
        elif self.sink.lost:
            self._tell_losses()

    def record(self, record: Record) -> None:
        """Write a record of this process."""
        line = self.write(record)
        if self._on_line is not None:
            self._hand_on(line)

    def _hand_on(self, line: bytes) -> None:
        """Call `on_line`, but not for what it logs itself."""
        if self._on_line is None or getattr(self._thread, "is_handing_on", False):
            return
        self._thread.is_handing_on = True
        try:
            self._on_line(line)
        finally:
            self._thread.is_handing_on = False

    def _line(self, record: Record, origin: Origin) -> bytes:
        try:
            return self._lines.line(record, origin)
        except Exception as error:  # noqa: BLE001 - a call to log() must not fail a procedure
            text = f"a record could not be written: {type(error).__name__}"
            return self._lines.line(Record(record.at, "ERROR", "linod.log", text), origin)

    def _tell_trouble(self) -> None:
        """Say once that records are being lost; a run leaves that to its keeper and daemon."""
        if self.sink.lost == 1 and self.origin.task is None:
            self.sink.tell_console(f"cannot be written: {self.sink.reason}; losses are counted")

    def _tell_losses(self) -> None:
        lost, self.sink.lost = self.sink.lost, 0
        noun = "record is" if lost == 1 else "records are"
        text = f"{lost} {noun} missing here: {self.sink.reason}"
        line = self._line(Record(time.time(), "WARNING", "linod.log", text), self.origin)
        if not self.sink.write(line):
            self.sink.lost += lost - 1  # the sink has counted this line, which is none of them


def _sink(plan: LogPlan, former: Recorder | None) -> FileSink | ConsoleSink:
    """Keep the former sink where it is the same file: it is open, and a worker starts sooner."""
    if former is not None and (former.plan.path, former.plan.fd) == (plan.path, plan.fd):
        return former.sink
    if plan.path is None:
        return ConsoleSink(plan.fd)
    return FileSink(plan.path, plan.fd)


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # removed while the daemon runs
        return ZoneInfo("UTC")


# -- which run a record is of ------------------------------------------------------------------

_here: ContextVar[Origin | None] = ContextVar("linod_origin", default=None)


def name_run(task: str, run: int) -> None:
    """Say which run this process executes from now on."""
    if (recorder := current()) is not None:
        recorder.origin = recorder.origin._replace(task=task, run=run)


def name_run_here(task: str, run: int) -> None:
    """Say which run this context is of, in a process that executes several."""
    if (recorder := current()) is not None:
        _here.set(recorder.origin._replace(task=task, run=run))


def named_run() -> int | None:
    """Give the run that records of this context are of."""
    recorder = current()
    origin = _here.get() or (None if recorder is None else recorder.origin)
    return None if origin is None else origin.run


# -- the recorder of this process ---------------------------------------------------------------

_current: Recorder | None = None


def current() -> Recorder | None:
    """Give the recorder of this process, if it has been put on the log."""
    return _current


def make_current(recorder: Recorder | None) -> None:
    """Set the recorder of this process."""
    global _current  # a log belongs to its process
    _current = recorder


def _after_fork() -> None:
    if _current is not None:
        _current.sink.reset_after_fork()
        if _current.origin.task is None:
            _current.origin = _current.origin._replace(pid=os.getpid())


os.register_at_fork(after_in_child=_after_fork)

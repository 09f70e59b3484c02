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
from datetime import UTC
from typing import TYPE_CHECKING

from linod.log.beside import NoSink, Outlet, lines_of, outlets, severity
from linod.log.lines import JsonLines, Origin, Record, missing_here
from linod.log.plan import LEVEL_NUMBERS, LogPlan
from linod.log.sink import ConsoleSink, FileSink, is_forbidden
from linod.ring import Ring
from linod.specs import LogLevel

if TYPE_CHECKING:
    from linod.log.sending import SendingSink

    Sink = FileSink | ConsoleSink | NoSink | SendingSink

# Logger names come from code, so they are few; a program that makes them up starts over.
_NAMES_MAX = 1_000


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

    def takes(self, record: Record) -> bool:
        """Say whether a record is at or above its logger's level."""
        return severity(record) >= self.of(record.logger)

    def _found(self, logger: str) -> int:
        name = logger
        while name:
            if name in self._levels:
                return self._levels[name]
            name = name.rpartition(".")[0]
        return self._base


class Keeping:
    """Which records below the level of a run are kept in memory, and where."""

    def __init__(self, level: LogLevel, plan: LogPlan, ring: Ring | None) -> None:
        self.thresholds = Thresholds(level, plan.levels)
        self.ring = ring
        """None: where nothing runs yet, nothing is kept."""
        self.open: set[int] = set()
        """Runs whose records are written at once all the same."""


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
        keeping: Keeping | None = None,
        former: Recorder | None = None,
    ) -> None:
        self.plan = plan
        self.origin = origin
        self.keeping = keeping
        self._thresholds = Thresholds(level or plan.lowest, plan.levels)
        self.lowest = self._thresholds.lowest
        """Below this number nothing is wanted."""
        if keeping is not None:
            self.lowest = min(self.lowest, keeping.thresholds.lowest)
        self.sink = _sink(plan, former, origin.program)
        self._lines = lines_of(plan.format, plan.zone, secrets)
        self._wire = JsonLines(UTC, secrets) if self.sink.is_sending else None
        self.beside: tuple[Outlet, ...] = outlets(
            plan, secrets, None if former is None else former.beside
        )
        self._of_file = self._of_beside = None
        if level is None and plan.beside and plan.file_level not in (None, plan.level):
            self._of_file = Thresholds(plan.file_level or plan.level, plan.levels)
            self._of_beside = Thresholds(plan.level, plan.levels)
        self._on_line = on_line
        self._thread = threading.local()
        self._pid = os.getpid()

    def way(self, logger: str, number: int) -> Callable[[Record], None] | None:
        """Give what a record of this level is to be handed to; None where it is not wanted."""
        if number >= self._thresholds.of(logger):
            return self.record
        keeping = self.keeping
        if keeping is None or number < keeping.thresholds.of(logger):
            return None
        run = (_here.get() or self.origin).run
        if run in keeping.open:
            return self.record
        return None if keeping.ring is None or run is None else self.keep

    def keep(self, record: Record) -> None:
        """Keep a record in memory."""
        origin = _here.get() or self.origin
        keeping = self.keeping
        if keeping is not None and keeping.ring is not None and origin.run is not None:
            keeping.ring.add(origin.run, record.at, self.kept_line(record, origin))

    def kept_line(self, record: Record, origin: Origin) -> bytes:
        """Give the line of a record that is kept."""
        return self._line(record._replace(is_kept=True), origin)

    def write(self, record: Record, origin: Origin | None = None) -> bytes:
        """Write a record and give its line."""
        if os.getpid() != self._pid:
            self.reset_after_fork()  # a fork of C code, as in uWSGI, calls no hooks
        origin = origin or _here.get() or self.origin
        line = self._line(record, origin)
        if self._of_file is None or self._of_file.takes(record):
            self.pass_on(line if self._wire is None else self._line(record, origin, self._wire))
        if self.beside and (self._of_beside is None or self._of_beside.takes(record)):
            self._write_beside(record, origin)
        return line

    def _write_beside(self, record: Record, origin: Origin) -> None:
        for outlet in self.beside:
            trouble = outlet.write(record, origin)
            if trouble and origin.task is None:
                self._tell_of(outlet.name, trouble)

    def _tell_of(self, name: str, trouble: str) -> None:
        """Say once in the file, or on the console, that another sink is losing records."""
        text = f"{name} cannot be written: {trouble}; losses are counted"
        record = Record(time.time(), "WARNING", "linod.log", text)
        line = self._line(record, self.origin)
        if self.plan.path is None or not self.sink.write(line):
            ConsoleSink(self.plan.fd).write(line)

    def pass_on(self, line: bytes) -> None:
        """Write a line that is one already, to the file or else the console."""
        if not self.sink.write(line):
            self._tell_trouble()
        elif self.sink.lost:
            self._tell_losses()

    def record(self, record: Record) -> None:
        """Write a record of this process."""
        line = self.write(record)
        if self._on_line is not None:
            self._hand_on(line)

    def reset_after_fork(self) -> None:
        """Let go of what belongs to the parent, and write under our own pid."""
        self._pid = os.getpid()
        self.sink.reset_after_fork()
        for outlet in self.beside:
            outlet.reset_after_fork()
        if self.keeping is not None:
            self.keeping.ring = None  # it is the parent's
        if self.origin.task is None:
            self.origin = self.origin._replace(pid=self._pid)

    def _hand_on(self, line: bytes) -> None:
        """Call `on_line`, but not for what it logs itself."""
        if self._on_line is None or getattr(self._thread, "is_handing_on", False):
            return
        self._thread.is_handing_on = True
        try:
            self._on_line(line)
        finally:
            self._thread.is_handing_on = False

    def _line(self, record: Record, origin: Origin, form: JsonLines | None = None) -> bytes:
        lines = form or self._lines
        try:
            return lines.line(record, origin)
        except Exception as error:  # noqa: BLE001 - a call to log() must not fail a procedure
            text = f"a record could not be written: {type(error).__name__}"
            return lines.line(Record(record.at, "ERROR", "linod.log", text), origin)

    def _tell_trouble(self) -> None:
        """Say once that records are being lost; a run leaves that to its keeper and daemon."""
        if self.sink.lost == 1 and self.origin.task is None:
            self.sink.tell_console(f"cannot be written: {self.sink.reason}; losses are counted")

    def _tell_losses(self) -> None:
        lost, self.sink.lost = self.sink.lost, 0
        text = missing_here(lost, self.sink.reason)
        line = self._line(Record(time.time(), "WARNING", "linod.log", text), self.origin)
        if not self.sink.write(line):
            self.sink.lost += lost - 1  # the sink has counted this line, which is none of them


def _sink(plan: LogPlan, former: Recorder | None, program: str) -> Sink:
    """Keep the former sink where it is the same file: it is open, and a worker starts sooner."""
    if former is not None and _place(former.plan) == _place(plan):
        return former.sink
    if plan.server is not None:
        from linod.log.sending import sink_to  # only who sends needs sockets

        return sink_to(plan, program)
    if plan.path is None:
        return NoSink() if plan.beside else ConsoleSink(plan.fd)
    if is_forbidden(plan.path):
        from linod.log.sending import sink_of  # only who cannot write the file needs sockets

        return sink_of(plan, program) or FileSink(plan.path, plan.fd)
    return FileSink(plan.path, plan.fd)


def _place(plan: LogPlan) -> tuple[object, ...]:
    return plan.path, plan.fd, bool(plan.beside), plan.server, plan.keys


# -- which run a record is of ------------------------------------------------------------------

_here: ContextVar[Origin | None] = ContextVar("linod_origin", default=None)


def name_run(task: str, run: int, *, is_open: bool = False) -> None:
    """Say which run this process executes from now on.

    What is kept of others is written at once of one that is open.
    """
    if (recorder := current()) is not None:
        _note(recorder, run, is_open=is_open)
        recorder.origin = recorder.origin._replace(task=task, run=run)


def name_run_here(task: str, run: int, *, is_open: bool = False) -> None:
    """Say which run this context is of, in a process that executes several."""
    if (recorder := current()) is not None:
        _note(recorder, run, is_open=is_open)
        _here.set(recorder.origin._replace(task=task, run=run))


def _note(recorder: Recorder, run: int, *, is_open: bool) -> None:
    if recorder.keeping is not None and is_open:
        recorder.keeping.open.add(run)


def forget_run(run: int) -> None:
    """Let go of what is noted of a run that has ended in this process."""
    recorder = current()
    keeping = None if recorder is None else recorder.keeping
    if keeping is not None:
        keeping.open.discard(run)
        if keeping.ring is not None:
            keeping.ring.forget(run)


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
        _current.reset_after_fork()


os.register_at_fork(after_in_child=_after_fork)

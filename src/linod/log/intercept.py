"""Put a process on the log: loguru, the standard library's logging, and warnings.

Rules of this border:
- Every source ends in `Recorder.record`; none is sent through another, so user code that forwards
  loguru to logging, or the other way round, makes no circle.
- What user code sets up itself stays: other loguru sinks, other handlers. Only handlers that
  write to the console are taken off in a process of linod, because the log is the console there,
  and its lines would come twice, the second time without their level.
- `logger.remove()` in user code takes linod's sink away too. It comes back with the next run.
"""

from __future__ import annotations

import logging
import os
import sys
import time
import warnings
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TextIO

from loguru import logger

from linod.errors import ConfigurationError
from linod.log.lines import ExceptionText, Origin, Record, describe_exception, safe_text
from linod.log.plan import LEVEL_NUMBERS, LogPlan
from linod.log.recorder import Keeping, Recorder, Thresholds, current, make_current
from linod.log.sink import open_log
from linod.ring import Ring
from linod.specs import LogLevel

if TYPE_CHECKING:
    import loguru


def start_log(
    plan: LogPlan,
    *,
    program: str,
    task: str | None = None,
    run: int | None = None,
    level: LogLevel | None = None,
    secrets: Sequence[str] = (),
    on_line: Callable[[bytes], None] | None = None,
    keep: LogLevel | None = None,
    ring: Ring | None = None,
) -> None:
    """Put this process on the log; call it again after a fork with the task and the run.

    Args:
        plan: Where lines go, made by `LogPlan.of` and handed on as JSON.
        program: Who writes while there is no task: "daemon", "keeper".
        task: The task of the run that this process executes.
        run: The number of that run.
        level: `log_level` of the task. In a keeper: the lowest of all its tasks, which spares
            its workers 3 ms that loguru needs to lower a threshold.
        secrets: Values to mask in every line.
        on_line: Called with every line of this process as written, newline included.
        keep: `log_keep` of the task: from this level up records below `level` go to the ring. In
            a keeper: the lowest of all its tasks, as for `level`.
        ring: Where they are kept; without one they are not.
    """
    keeping = None if keep is None else Keeping(keep, plan, ring)
    attach(plan, Origin(program, os.getpid(), task, run), level, secrets, on_line, keeping)
    _LOGURU.take_off_console()
    _take_off_console_handlers()


def check_log(plan: LogPlan) -> None:
    """Refuse, in one line, a log that this process cannot write."""
    if plan.path is None:
        return
    try:
        os.close(open_log(str(plan.path)))
    except OSError as error:
        reason = error.strerror or str(error)
        raise ConfigurationError(
            f"the log {plan.path} cannot be written: {reason}; see [log] directory"
        ) from None


def write_output(
    text: str,
    level: LogLevel,
    task: str | None,
    run: int | None,
    *,
    task_level: LogLevel | None = None,
    kept_level: LogLevel | None = None,
    keep: Callable[[float, bytes], None] | None = None,
) -> bytes:
    """Log what a run wrote to stdout (INFO) or stderr (WARNING), a record per line.

    Gives the lines as written, for the run's own last 64 KiB. `task_level` is `log_level` of the
    task, by which lines are left out; those from `kept_level` up are given to `keep` then, with
    their time.
    """
    recorder = current()
    if recorder is None:
        return b""
    name = "stdout" if LEVEL_NUMBERS[level] < LEVEL_NUMBERS[LogLevel.WARNING] else "stderr"
    plan = recorder.plan
    origin = recorder.origin._replace(task=task, run=run)
    records = [
        Record(time.time(), level, name, line) for line in text.removesuffix("\n").split("\n")
    ]

    def is_above(least: LogLevel) -> bool:
        return LEVEL_NUMBERS[level] >= Thresholds(least, plan.levels).of(name)

    if is_above(task_level or plan.lowest):
        return b"".join([recorder.write(record, origin) for record in records])
    if keep is not None and kept_level is not None and is_above(kept_level):
        for record in records:
            keep(record.at, recorder.kept_line(record, origin))
    return b""


def write_kept(lines: Sequence[bytes], text: str, task: str, run: int) -> None:
    """Write what was kept of a run, behind a record that says why."""
    recorder = current()
    if recorder is not None:
        origin = recorder.origin._replace(task=task, run=run)
        recorder.write(Record(time.time(), LogLevel.INFO, "linod.executor", text), origin)
        write_lines(lines)


def write_lines(lines: Iterable[bytes]) -> None:
    """Write the lines of another process as they are."""
    recorder = current()
    if recorder is not None:
        for line in lines:
            recorder.pass_on(line)


def end_log() -> None:
    """Write what streams hold back; call it before os._exit, which runs no exit handlers."""
    for stream in (sys.stdout, sys.stderr):
        finish = getattr(stream, "finish", None)
        if finish is not None:
            finish()
    recorder = current()
    if recorder is not None:
        recorder.sink.close()


def attach(
    plan: LogPlan,
    origin: Origin,
    level: LogLevel | None = None,
    secrets: Sequence[str] = (),
    on_line: Callable[[bytes], None] | None = None,
    keeping: Keeping | None = None,
) -> None:
    """Make a recorder current and lead loguru, logging and warnings to it."""
    recorder = Recorder(
        plan,
        origin,
        level=level,
        secrets=secrets,
        on_line=on_line,
        keeping=keeping,
        former=current(),
    )
    make_current(recorder)
    recorder.sink.open()
    _LOGURU.attach(recorder.lowest)
    _attach_logging(recorder.lowest)
    warnings.showwarning = _show_warning


# -- loguru -------------------------------------------------------------------------------------


class _Loguru:
    """linod's place among loguru's sinks."""

    def __init__(self) -> None:
        self._id: int | None = None
        self._level = 0

    def attach(self, level: int) -> None:
        """Let records from this level up come to `_take`."""
        if level >= self._level and self._id in _loguru_sinks():
            return
        with suppress(ValueError):
            logger.remove(0 if self._id is None else self._id)  # 0 is loguru's own, to stderr
        # The filter writes and refuses. loguru formats an exception after the filter, in a way
        # that a chain of a thousand causes breaks, and then drops the record; and it allows no
        # record while another one is being written, as in a signal handler.
        self._id = logger.add(
            _nowhere,
            level=level,
            filter=_take,
            format="",
            colorize=False,
            backtrace=False,
            diagnose=False,
            catch=True,
        )
        self._level = level

    def take_off_console(self) -> None:
        """Remove sinks of user code that write to the console."""
        for number, sink in _loguru_sinks().items():
            if getattr(sink, "_stream", None) in _streams():
                logger.remove(number)


def _loguru_sinks() -> dict[int, object]:
    """List loguru's sinks by number: loguru has no public way to ask, and adding costs 3 ms."""
    handlers = logger._core.handlers  # type: ignore[attr-defined]
    return {number: handler._sink for number, handler in handlers.items()}


def _streams() -> list[TextIO]:
    streams = (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__)
    return [stream for stream in streams if stream is not None]


_LOGURU = _Loguru()


def _nowhere(_message: str) -> None:
    pass


def _take(record: loguru.Record) -> bool:
    recorder = current()
    name = record["name"] or "-"
    level = record["level"]
    take = None if recorder is None else recorder.way(name, level.no)
    if take is None:
        return False
    exception = record["exception"]
    take(
        Record(
            record["time"].timestamp(),
            level.name,
            name,
            record["message"],
            record["function"],
            record["line"],
            describe_exception(exception.value) if exception and exception.value else None,
            record["extra"],
            level.no,
        )
    )
    return False


# -- the standard library -----------------------------------------------------------------------

# A record passes several handlers of linod where user code adds some; it is written once.
_WRITTEN = "linod_written"
_STANDARD_ATTRIBUTES = frozenset(
    (*logging.makeLogRecord({}).__dict__, "message", "asctime", "taskName", _WRITTEN)
)
# Fewer attributes than these are no more than the standard ones: most records need no comparison.
_STANDARD_COUNT = len(logging.makeLogRecord({}).__dict__) + 1
_LEVEL_NAMES = {number: str(name) for name, number in LEVEL_NUMBERS.items()}


class LogHandler(logging.Handler):
    """Lead the standard library's records to the recorder of this process."""

    def createLock(self) -> None:  # noqa: N802 - logging's name
        """Do without a lock: the sink has one, and a signal handler may log."""
        self.lock = None

    def handle(self, record: logging.LogRecord) -> bool:
        """Write a record, once."""
        recorder = current()
        take = None if recorder is None else recorder.way(record.name, record.levelno)
        if take is None:
            return True
        if self.filters:
            kept = self.filter(record)
            if not kept:
                return False
            record = kept if isinstance(kept, logging.LogRecord) else record
        if _WRITTEN not in record.__dict__:
            record.__dict__[_WRITTEN] = True
            take(_record_of(record))
        return True


_HANDLER = LogHandler()


def _attach_logging(level: int) -> None:
    root = logging.getLogger()
    if _HANDLER not in root.handlers:
        root.addHandler(_HANDLER)
    if root.level != level:
        root.setLevel(level)


def _record_of(record: logging.LogRecord) -> Record:
    attributes = record.__dict__
    return Record(
        record.created,
        _LEVEL_NAMES.get(record.levelno) or str(record.levelname),
        str(record.name),
        _message_of(record),
        record.funcName or "",
        record.lineno or 0,
        _exception_of(record),
        _extra_of(attributes) if len(attributes) > _STANDARD_COUNT else None,
        record.levelno,
    )


def _extra_of(attributes: dict[str, Any]) -> dict[str, Any] | None:
    return {name: attributes[name] for name in attributes.keys() - _STANDARD_ATTRIBUTES} or None


def _message_of(record: logging.LogRecord) -> str:
    try:
        text = record.getMessage()
    except Exception as error:  # noqa: BLE001 - wrong arguments, or the methods of a foreign class
        text = (
            f"{safe_text(record.msg)} [arguments {safe_text(record.args, repr)} do not fit: "
            f"{type(error).__name__}]"
        )
    if record.stack_info:
        return f"{text}\n{record.stack_info}"
    return text


def _exception_of(record: logging.LogRecord) -> ExceptionText | None:
    if record.exc_info and isinstance(record.exc_info, tuple) and record.exc_info[1]:
        return describe_exception(record.exc_info[1])
    if record.exc_text:
        return ExceptionText("", "", record.exc_text)
    return None


def _take_off_console_handlers() -> None:
    streams = _streams()
    loggers = [logging.root, *logging.root.manager.loggerDict.values()]
    for found in loggers:
        if isinstance(found, logging.PlaceHolder) or not found.handlers:
            continue
        for handler in found.handlers[:]:
            if isinstance(handler, logging.StreamHandler) and handler.stream in streams:
                _take_off(found, handler)


def _take_off(found: logging.Logger, handler: logging.Handler) -> None:
    found.removeHandler(handler)
    if not found.propagate and _HANDLER not in found.handlers:
        found.addHandler(_HANDLER)


# -- warnings -----------------------------------------------------------------------------------

_show_warning_before = warnings.showwarning


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    recorder = current()
    if file is not None or recorder is None:
        _show_warning_before(message, category, filename, lineno, file, line)
        return
    take = recorder.way("py.warnings", LEVEL_NUMBERS[LogLevel.WARNING])
    if take is None:
        return
    text = f"{category.__name__}: {safe_text(message)} ({filename}:{lineno})"
    take(Record(time.time(), LogLevel.WARNING, "py.warnings", text))

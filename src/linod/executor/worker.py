"""The process in which one run executes: from the fork to its end.

Rules of this border:
- Its first act is to create the run file; if that exists, somebody else decided and it exits.
- It never returns into the keeper's frames: `work` ends the process, whatever happens.
- What it has to do between fork and the procedure's first line is kept short: everything that
  can be made before the fork is in the `Job`.
"""

from __future__ import annotations

import asyncio
import atexit
import inspect
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable
from contextlib import suppress
from types import TracebackType
from typing import Any, NoReturn
from zoneinfo import ZoneInfo

from attrs import frozen
from loguru import logger

from linod.events import Outcome
from linod.executor import privileges, resolve, runfiles, tree, wire
from linod.executor.binding import Plan, Unbindable, plan_of
from linod.executor.messages import Order, TaskSpec, order_of, rehearsal
from linod.log import end_log, replace_streams, start_log
from linod.log.lines import Masks
from linod.log.plan import LogPlan
from linod.run import Run, set_current_run
from linod.specs import LogLevel

EXIT_REFUSED = 75
"""Exit status of a worker whose run file was there already."""
_EXIT_NOT_STARTED = 127
_TRACEBACK_MAX = 32 * 1024
_BASES_MAX = 30
_IMPORT_WITHIN_S = 60
_DEFAULTS = (signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD)


@frozen(kw_only=True)
class Station:
    """What a worker has, whichever run it executes; made before the fork."""

    log_plan: LogPlan
    directory: str
    folder: int
    """Descriptor of runs/UID."""
    boot: str
    keeper: int
    """Its pid."""
    stdout: int
    stderr: int
    report: int
    lines: int
    close: Iterable[int]
    """Descriptors of the keeper that are no business of a run."""


@frozen(kw_only=True)
class Job:
    """What a worker has to do."""

    order: Order
    spec: TaskSpec
    plan: Plan | resolve.Unresolved | None
    """None: the module is imported in the worker."""


def work(station: Station, job: Job) -> NoReturn:
    """Execute a run; ends the process."""
    _leave(lambda: _work(station, job, _become(station)))


def wait(station: Station, orders: int, find: Callable[[Order], Job]) -> NoReturn:
    """Be forked ahead of time: wait for an order and execute it; ends the process."""
    _leave(lambda: _wait(station, orders, find))


def _leave(act: Callable[[], int]) -> NoReturn:
    status = 1
    try:
        status = act()
    except BaseException:  # noqa: BLE001 - nothing may reach the keeper's frames
        with suppress(BaseException):
            os.write(2, traceback.format_exc().encode())
    finally:
        os._exit(status)


def _become(station: Station) -> int:
    """Become a process of its own; return its start time. Ends it if the keeper is gone."""
    os.setsid()
    if not privileges.die_with_parent(station.keeper):
        os._exit(EXIT_REFUSED)
    os.dup2(station.stdout, 1)
    os.dup2(station.stderr, 2)
    for descriptor in station.close:
        os.close(descriptor)
    _reset_signals()
    return tree.start_time(os.getpid())


def _wait(station: Station, orders: int, find: Callable[[Order], Job]) -> int:
    ticks = _become(station)
    _rehearse(station)
    line = bytearray()
    while not line.endswith(b"\n"):
        data = os.read(orders, wire.LINE_MAX)
        if not data:
            return EXIT_REFUSED
        line += data
    os.close(orders)
    return _work(station, find(order_of(wire.decode(bytes(line)) or {})), ticks)


def _rehearse(station: Station) -> None:
    """Pay for what a first use costs after a fork, copied pages, while nobody waits."""
    start_log(station.log_plan, program="worker")
    replace_streams()
    order = rehearsal()
    os.environ.update(order.environ(station.directory))
    _run(order)


def _work(station: Station, job: Job, ticks: int) -> int:
    try:
        first = [os.getpid(), ticks, station.boot]
        file = runfiles.create(station.folder, job.order.run, first)
    except FileExistsError:
        return EXIT_REFUSED
    except OSError as error:
        reason = f"its run file cannot be made: {error.strerror}"
        return Reporter(station.report, -1).end(_failure(reason))
    os.close(station.folder)
    reporter = Reporter(station.report, file)
    reporter.started(ticks)
    os.environ.update(job.spec.env)
    os.environ.update(job.order.environ(station.directory))
    problem = _enter(job.spec.directory)
    if problem is not None:
        return reporter.end(_failure(problem))
    if job.spec.procedure is None:
        return _execute(job.spec, reporter)
    return _call(station, job, reporter)


class Reporter:
    """Tells the keeper and the run file how the run goes."""

    def __init__(self, pipe: int, file: int) -> None:
        self._pipe = pipe
        self._file = file
        self._started = 0.0

    def started(self, ticks: int) -> None:
        """Say that the run file is there."""
        self._started = time.time()
        self._send({"started": [ticks, self._started]})

    def end(self, end: dict[str, Any]) -> int:
        """Say how the run ended: run file first, that is what outlives us."""
        end |= {"started": self._started, "ended": time.time()}
        with suppress(OSError):
            os.write(self._file, wire.encode(end))
        self._send({"end": end})
        return 0

    def _send(self, message: dict[str, Any]) -> None:
        data = wire.encode(message)
        with suppress(OSError):
            while data:
                data = data[os.write(self._pipe, data) :]


def _reset_signals() -> None:
    """Undo what the keeper set; what user modules set at import stays theirs."""
    signal.set_wakeup_fd(-1)
    for number in _DEFAULTS:
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def _enter(directory: str | None) -> str | None:
    if directory is None:
        return None
    try:
        os.chdir(directory)
    except OSError as error:
        return f'its directory "{directory}" cannot be entered: {error.strerror}'
    return None


# -- programs ---------------------------------------------------------------------------------


def _execute(spec: TaskSpec, reporter: Reporter) -> int:
    """Become the program; returns only if that is not possible."""
    if spec.manage is not None:
        return reporter.end(_failure("manage is not there yet: it comes with Django"))
    command = spec.command if spec.command is not None else ["/bin/sh", "-c", spec.shell or ""]
    for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    try:
        os.execvp(command[0], command)
    except (OSError, ValueError) as error:
        reporter.end(_failure(_why_not_executed(command[0], error)))
    return _EXIT_NOT_STARTED


def _why_not_executed(program: str, error: OSError | ValueError) -> str:
    if isinstance(error, FileNotFoundError):
        if os.path.exists(program):
            return f'program "{program}" cannot be started: its interpreter is missing'
        where = "" if "/" in program else f" in PATH ({os.environ.get('PATH', '')})"
        return f'program "{program}" was not found{where}'
    if isinstance(error, PermissionError):
        return f'program "{program}" may not be executed'
    return f'program "{program}" cannot be started: {getattr(error, "strerror", None) or error}'


# -- procedures -------------------------------------------------------------------------------


def _call(station: Station, job: Job, reporter: Reporter) -> int:
    _start_log(station, job)
    run = _run(job.order)
    set_current_run(run)
    atexit._clear()  # handlers of the keeper's imports are the keeper's
    end = _outcome(lambda: _bound_call(job, run))
    _finish_threads()
    return reporter.end(_masked(end, Masks(job.spec.secrets)))


def _start_log(station: Station, job: Job) -> None:
    pipe = station.lines

    def copy(line: bytes) -> None:
        with suppress(OSError):
            os.write(pipe, line)

    start_log(
        station.log_plan,
        program="worker",
        task=job.spec.name,
        run=job.order.run,
        level=None if job.spec.log_level is None else LogLevel(job.spec.log_level),
        secrets=job.spec.secrets,
        on_line=copy,
    )
    replace_streams()


def _run(order: Order) -> Run:
    zone = ZoneInfo(order.zone)
    return Run(
        id=order.run,
        task=order.task,
        due=order.due.astimezone(zone),
        planned=order.planned.astimezone(zone),
        attempt=order.attempt,
        trigger=order.trigger,
        key=order.key,
        zone=order.zone,
    )


def _bound_call(job: Job, run: Run) -> dict[str, Any]:
    try:
        plan = job.plan or _imported(job.spec.procedure or "")
    except resolve.Unresolved as error:
        return _unresolved(error)
    if isinstance(plan, resolve.Unresolved):
        return _unresolved(plan)
    try:
        positional, named = plan.bind(job.spec.arguments, run.due, run)
    except Unbindable as error:
        return _failure(f"{plan.described.signature}: {error}")
    result = plan.function(*positional, **named)
    if inspect.isawaitable(result):
        result = asyncio.run(_awaited(result))
    if inspect.isgenerator(result) or inspect.isasyncgen(result):
        return _failure(f"{plan.path} returned a generator: nothing of it has run")
    return {"outcome": str(Outcome.SUCCEEDED), "reason": "", "detail": {}}


def _imported(path: str) -> Plan:
    """Import what the keeper would not, but not for ever."""

    def give_up(_number: int, _frame: Any) -> NoReturn:
        raise TimeoutError(f"it was still being imported after {_IMPORT_WITHIN_S} s")

    former = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(_IMPORT_WITHIN_S)
    try:
        return plan_of(path)
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, former)


async def _awaited(result: Any) -> Any:
    return await result


def _outcome(call: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Call and say how it ended: this is the edge to user code."""
    try:
        return call()
    except SystemExit as error:
        if error.code is None or (error.code == 0 and isinstance(error.code, int)):
            return {"outcome": str(Outcome.SUCCEEDED), "reason": "", "detail": {}}
        return _of_exit(error)
    except Warning as error:
        _log(logger.warning, error)
        return _raised(error) | {"outcome": str(Outcome.WARNED)}
    except BaseException as error:  # noqa: BLE001 - the edge to user code
        error.__traceback__ = _user_frames(error)
        _log(logger.opt(exception=error).error, error)
        return _raised(error)


def _log(write: Callable[[str, str], None], error: BaseException) -> None:
    with suppress(Exception):  # what user classes do when they are shown
        write("{}", resolve.one_line(error))


def _masked(value: Any, mask: Masks) -> Any:
    """Mask secrets in all texts of an end: an exception likes to quote what it was given."""
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, list):
        return [_masked(item, mask) for item in value]
    if isinstance(value, dict):
        return {name: _masked(item, mask) for name, item in value.items()}
    return value


def _of_exit(error: SystemExit) -> dict[str, Any]:
    if isinstance(error.code, int):
        end = _failure(f"exit status {error.code}")
        return end | {"detail": {"exit_status": error.code}}
    return _failure(resolve.one_line(error))


def _raised(error: BaseException) -> dict[str, Any]:
    kind = type(error)
    return _failure(resolve.one_line(error)) | {
        "detail": {
            "exception": f"{kind.__module__}.{kind.__qualname__}",
            # What `retry.on` is compared with: names of the exception and of its bases.
            "bases": [base.__name__ for base in kind.__mro__[:_BASES_MAX]],
            "traceback": traceback_of(error),
        }
    }


def traceback_of(error: BaseException) -> str:
    """Write the traceback from the first frame of user code on, at most 32 KiB of its end."""
    try:
        text = "".join(traceback.format_exception(error))
    except Exception:  # noqa: BLE001 - what user classes do when they are shown
        text = resolve.one_line(error)
    return text[-_TRACEBACK_MAX:]


def _user_frames(error: BaseException) -> TracebackType | None:
    """Return the traceback from the first frame of user code on."""
    frames = error.__traceback__
    while frames is not None and frames.tb_frame.f_code.co_filename == __file__:
        frames = frames.tb_next
    return frames


def _unresolved(error: resolve.Unresolved) -> dict[str, Any]:
    return _failure(error.message) | {"detail": {"traceback": "\n".join(error.notes)}}


def _failure(reason: str) -> dict[str, Any]:
    return {"outcome": str(Outcome.FAILED), "reason": reason, "detail": {}}


def _finish_threads() -> None:
    """Do what the interpreter does at its end: wait for threads, then run exit handlers."""
    for finish in (getattr(threading, "_shutdown", None), atexit._run_exitfuncs, end_log):
        try:
            if finish is not None:
                finish()
        except BaseException:  # noqa: BLE001 - user code in exit handlers
            with suppress(Exception):
                traceback.print_exc()
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):
            stream.flush()

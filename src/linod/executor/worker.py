"""The process in which one run executes: from the fork to its end.

One that is to execute several (`reused`) goes through the same steps for each of them.

Rules of this border:
- Its first act for a run is to claim it with the run file; if that exists, somebody else decided
  and it exits. What it does before, for a task of which a run is expected, nobody outside notices.
- It never returns into the keeper's frames: `leave` ends the process, whatever happens.
- What it has to do between fork and the procedure's first line is kept short: everything that
  can be made before the fork is in the `Job`.
"""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import datetime
from typing import Any, NoReturn

from attrs import evolve, frozen

from linod.advice import why
from linod.executor import (
    around,
    claims,
    descriptors,
    gate,
    management,
    priority,
    privileges,
    returning,
    signals,
    tree,
    wire,
)
from linod.executor.calling import Planned, asked, called, is_async
from linod.executor.containing import FILE_SIZE, contain
from linod.executor.failing import failure
from linod.executor.given import deadline_of, run_of
from linod.executor.messages import DEADLINE, Order, TaskSpec, deadline_environ
from linod.executor.progress import Pace, Progress
from linod.executor.stopping import Stop
from linod.log import end_log, keep_mode, name_run, replace_streams, start_log
from linod.log.lines import Masks
from linod.log.plan import LogPlan
from linod.ring import Ring
from linod.run import Run, set_current_run
from linod.specs import LogLevel

EXIT_REFUSED = 75
"""Exit status of a worker whose run file was there already."""
REASON_MAX = 350
"""Characters of a reason: the first line of an exception, and where it was raised."""
_EXIT_NOT_STARTED = 127
SPACE_WITHIN_S = 60.0
"""A disk that is full for longer fails the run."""
_SPACE_AGAIN_S = 0.5
_DEFAULTS = (int(signal.SIGTERM), int(signal.SIGHUP), int(signal.SIGCHLD))
_INT = int(signal.SIGINT)
_ALL = tuple(map(int, signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}))


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
    close: Iterable[tuple[int, int]]
    """Ranges [first, end) of descriptors of the keeper that are no business of a run."""
    files: descriptors.Limit
    """Of open files, for the run."""
    gate: int
    """Where it is held when it is done."""
    ring: Ring | None = None
    """Where records are kept."""
    book: int | None = None
    """The keeper's, where it has one."""


@frozen(kw_only=True)
class Job:
    """What a worker has to do for each run of a task."""

    spec: TaskSpec
    procedure: Planned = None
    only_if: Planned = None

    @property
    def is_async(self) -> bool:
        """Tell whether it is known to be called in a loop."""
        return is_async(self.procedure)

    @property
    def is_bare(self) -> bool:
        """Tell whether it is a program without only_if: nothing of Python is executed for it."""
        return self.spec.is_program and self.spec.only_if is None


Find = Callable[[str], Job]
"""What is to be done for a task, by its name."""


def leave(station: Station, act: Callable[[], int]) -> NoReturn:
    """Do what is to be done and end the process with its status, whatever happens."""
    status = 1
    try:
        status = act()
    except BaseException:  # noqa: BLE001 - nothing may reach the keeper's frames
        with suppress(BaseException):
            os.write(2, traceback.format_exc().encode())
    finally:
        with suppress(BaseException):
            gate.pass_through(station.gate)
        priority.go_last()
        os._exit(status)


def become(station: Station) -> int:
    """Become a process of its own; return its start time. Ends it if the keeper is gone."""
    os.setsid()
    if not privileges.die_with_parent(station.keeper):
        os._exit(EXIT_REFUSED)
    privileges.be_ended_first()
    os.dup2(station.stdout, 1)
    os.dup2(station.stderr, 2)
    for first, end in station.close:
        os.closerange(first, end)
    descriptors.lower_limit(station.files)
    reset_signals()
    return tree.start_time(os.getpid())


def prepare(station: Station, job: Job) -> None:
    """Become what each run of a task needs: environment and log."""
    os.environ.pop(DEADLINE, None)  # linod itself may be part of a run
    os.environ.update(job.spec.env)
    if job.is_bare:
        return

    def copy(line: bytes) -> None:
        with suppress(OSError):
            os.write(station.lines, line)

    put_on_log(station, job.spec, copy)
    atexit._clear()  # handlers of the keeper's imports are the keeper's


def arm(station: Station, job: Job, order: Order) -> None:
    """Become what one run needs, of a task for which the process is prepared."""
    os.environ.update(order.environ(station.directory))
    if not job.is_bare:
        name_run(order.task, order.run, is_open=order.is_after_failure)


def work(station: Station, job: Job, order: Order, ticks: int) -> int:
    """Execute a run for which the process is armed; return its status."""
    try:
        file = claim(station, station.book, job, order.run, ticks, tell)
    except FileExistsError:
        return EXIT_REFUSED
    except OSError as error:
        reason = f"its run file cannot be made: {why(error)}"
        return Reporter(station.report, -1, order.run).end(failure(reason, error))
    os.close(station.folder)
    tree.mark(order.run, station.directory)
    reporter = Reporter(station.report, file, order.run)
    reporter.started(ticks)
    deadline = deadline_of(reporter.at, job.spec.timeout_s)
    os.environ.update(deadline_environ(deadline))
    problem = enter(job.spec.directory)
    if problem is not None:
        return reporter.end(problem)
    if job.is_bare:
        contain(job.spec, order.run)
        return _execute(job.spec, reporter)
    return _call(job, order, reporter, deadline)


def tell(text: str) -> None:
    """Tell who looks at a run what linod itself does for it."""
    os.write(2, text.encode() + b"\n")


def claim(
    station: Station,
    book: int | None,
    job: Job,
    run: int,
    ticks: int,
    on_wait: Callable[[str], None],
) -> int:
    """Claim a run in a book, or with a file of its own; return where to write its end.

    It waits for a disk that is full, as decisions do, and says so with `on_wait`, once.
    """
    first = claimant(ticks, station.boot)
    if FILE_SIZE in job.spec.limits:
        book = None  # to what a run may write to a file at most, what others wrote there counts
    if book is not None and claims.enter(station.folder, run, book, first):
        return book
    limit = time.monotonic() + SPACE_WITHIN_S
    is_told = False
    while True:
        try:
            return claims.create(station.folder, run, first)
        except OSError as error:
            if error.errno not in claims.NO_SPACE or time.monotonic() > limit:
                raise
        if not is_told:
            on_wait("there is no space for its run file: it waits")
            is_told = True
        time.sleep(_SPACE_AGAIN_S)


def claimant(ticks: int, boot: str) -> list[Any]:
    """Say who claims a run: what the first line of a run file holds."""
    return [os.getpid(), ticks, boot]


class Reporter:
    """Tells the keeper and the run file how the run goes."""

    def __init__(self, pipe: int, file: int, run: int, *, is_shared: bool = False) -> None:
        """`is_shared` tells that the pipe serves several runs."""
        self._pipe = pipe
        self._file = file
        self._run = run
        self._mark = {"run": run} if is_shared else {}
        self.at = 0.0
        """When the run began."""

    def started(self, ticks: int) -> None:
        """Say that the run file is there."""
        self.at = time.time()
        self._send({"started": [ticks, self.at]})

    def passed(self) -> None:
        """Say that only_if lets the run go on: what happens now is no doing of it."""
        self._send({"passed": True})

    def progress(self, progress: Progress) -> None:
        """Say how far it is."""
        self._send({"progress": progress.to_json()})

    def end(self, end: dict[str, Any]) -> int:
        """Say how the run ended: run file first, that is what outlives us."""
        end |= {"started": self.at, "ended": time.time()}
        text = wire.encode(end)
        with suppress(OSError):
            os.write(self._file, claims.line(self._run, text))
        mark = wire.encode(self._mark)[:-2]  # without its end
        self._write(b'%b%b"end":%b}\n' % (mark, b"," if self._mark else b"", text[:-1]))
        return 0

    def _send(self, message: dict[str, Any]) -> None:
        self._write(wire.encode(self._mark | message))

    def _write(self, data: bytes) -> None:
        with suppress(OSError):
            while data:
                data = data[os.write(self._pipe, data) :]


def reset_signals() -> None:
    """Undo what the keeper set; what user modules set at import stays theirs."""
    signal.set_wakeup_fd(-1)
    for number in _DEFAULTS:
        signals.set_handler(number, signals.DEFAULT)
    signals.set_handler(_INT, signal.default_int_handler)
    signals.set_mask(signals.REPLACE, ())


def enter(directory: str | None) -> dict[str, Any] | None:
    """Go to the directory of the task; return how the run ends where that is not possible."""
    if directory is None:
        return None
    with suppress(OSError):  # where it is was removed
        if os.getcwd() == directory:
            return None
    try:
        os.chdir(directory)
    except OSError as error:
        reason = f'its directory "{directory}" cannot be entered: {error.strerror}'
        return failure(reason, error)
    return None


# -- programs ---------------------------------------------------------------------------------


def _execute(spec: TaskSpec, reporter: Reporter) -> int:
    """Become the program; returns only if that is not possible."""
    command = spec.command if spec.command is not None else ["/bin/sh", "-c", spec.shell or ""]
    for number in _ALL:
        signals.set_handler(number, signals.DEFAULT)  # exec keeps what user code ignores
    try:
        os.execvp(command[0], command)
    except (OSError, ValueError) as error:
        reason = _why_not_executed(command[0], error)
        end = failure(reason, error, exit_status=_EXIT_NOT_STARTED)
        reporter.end(masked_end(end, Masks(spec.secrets)))
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


def _call(job: Job, order: Order, reporter: Reporter, deadline: datetime | None) -> int:
    """Ask only_if, then call the procedure or become the program."""
    run, stop = begun(job, order, reporter, deadline)
    set_current_run(run)
    around.before()
    end = end_of(job, run, reporter)
    finish()
    if end is not None:
        return reporter.end(masked_end(end, Masks(job.spec.secrets)))
    stop_timers()
    signals.set_mask(signals.REPLACE, ())
    stop.forget()
    reporter.passed()
    return _execute(job.spec, reporter)


def begun(
    job: Job, order: Order, reporter: Reporter, deadline: datetime | None
) -> tuple[Run, Stop]:
    """Contain the process; return the run as user code gets it, and how it learns that it ends."""
    contain(job.spec, order.run)
    stop = Stop(job.spec.timeout_s)
    return run_of(order, deadline, stop, Pace(reporter.progress)), stop


def end_of(job: Job, run: Run, reporter: Reporter) -> dict[str, Any] | None:
    """Call user code; return how user code ended the run; None where a program is to follow."""
    spec = job.spec
    if spec.only_if is not None:
        end = asked(spec.only_if, job.only_if, run)
        if end is not None or spec.is_program:
            return end
        reporter.passed()
    if spec.manage is not None:
        return management.managed(spec.manage, run)
    assert spec.procedure is not None, "a program without only_if needs no call"
    return called(spec.procedure, job.procedure, spec.arguments, run)


def stop_timers() -> None:
    """Stop what only_if set: the program would get the signal."""
    for timer in (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF):
        signal.setitimer(timer, 0)


def put_on_log(station: Station, spec: TaskSpec, copy: Callable[[bytes], None]) -> None:
    """Put this process on the log, for a task; `copy` gets each line. Name each run to it."""
    if spec.umask is not None:
        keep_mode()
    start_log(
        _log_plan(station.log_plan, spec),
        program="worker",
        task=spec.name,
        level=None if spec.log_level is None else LogLevel(spec.log_level),
        secrets=spec.secrets,
        on_line=copy,
        keep=None if spec.log_keep is None else LogLevel(spec.log_keep),
        ring=station.ring,
    )
    replace_streams()


def _log_plan(plan: LogPlan, spec: TaskSpec) -> LogPlan:
    """Leave the file to the keeper where this process may not write large ones."""
    if FILE_SIZE not in spec.limits:
        return plan
    if plan.beside:
        return evolve(plan, path=None, server=None)
    return evolve(plan, path=None, server=None, fd=os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC))


def masked_end(end: dict[str, Any], mask: Masks) -> dict[str, Any]:
    """Mask secrets in an end, and cut its reason only then."""
    shown: dict[str, Any] = masked(end, mask)
    return shown | {"reason": shown["reason"][:REASON_MAX]}


def masked(value: Any, mask: Masks) -> Any:
    """Mask secrets in all texts of an end: an exception likes to quote what it was given."""
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, list):
        return [masked(item, mask) for item in value]
    if isinstance(value, dict):
        return {
            name: (returning.masked if name == returning.RESULT else masked)(item, mask)
            for name, item in value.items()
        }
    return value


def finish() -> None:
    """Do what the interpreter does at its end: wait for threads, then run exit handlers."""
    shutdown = getattr(threading, "_shutdown", None)
    for step in (shutdown, atexit._run_exitfuncs, around.after, end_log):
        try:
            if step is not None:
                step()
        except BaseException:  # noqa: BLE001 - user code in exit handlers
            with suppress(Exception):
                traceback.print_exc()
    for stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__):
        with suppress(Exception):
            if stream is not None:
                stream.flush()

"""A worker that executes one run after another, or several async ones at once.

Rules of this border:
- Its runs have the same context: environment, directory, priority, limits, secrets, level of the
  log. So it is set once.
- What a run leaves in the process the next one finds: modules, connections, caches. Directory,
  umask, signals and timers are set again before each run that has the process for itself.
- Which run speaks is known by the process where there is one at a time, by the context where
  there are several.
"""

from __future__ import annotations

import asyncio
import atexit
import fcntl
import os
import resource
import stat
import termios
import time
from array import array
from collections.abc import Callable, Coroutine, Generator
from contextlib import suppress
from contextvars import ContextVar
from typing import Any

from attrs import frozen

from linod.executor import around, tree, wire, worker
from linod.executor.calling import asked_in_loop, called_in_loop
from linod.executor.claims import Books, owner_of
from linod.executor.containing import contain, limit_cpu_time
from linod.executor.failing import failure
from linod.executor.given import deadline_of, run_of
from linod.executor.kept import LEFT
from linod.executor.messages import DEADLINE, Order, TaskSpec, deadline_environ, order_of
from linod.executor.orders import ASK, Orders
from linod.executor.progress import Pace
from linod.executor.stopping import Stop
from linod.executor.weighing import MAXRSS_UNIT
from linod.executor.worker import Find, Job, Reporter, Station
from linod.log import end_log, forget_run, name_run, name_run_here, named_run
from linod.log.lines import Masks
from linod.run import Run, set_current_run, set_run_here

_BACKGROUND_ENDS_WITHIN_S = 1.0
_HEARD_WITHIN_S = 2.0
_ALONE_WITHIN_S = 10.0
"""A keeper gives up what will not die before that."""
_LOOK_AGAIN_S = 0.0005
_AWAKE = wire.encode({"is": "awake"})


@frozen
class Began:
    """A run that has its run file."""

    file: int
    mark: int | None
    reporter: Reporter
    run: Run
    stop: Stop


_Usage = tuple[resource.struct_rusage, resource.struct_rusage]


def serve(station: Station, orders: Orders, find: Find, first: Order, ticks: int) -> int:
    """Execute runs until the orders end; return the status of the process."""
    job = find(first.task)
    executing = Executing(station, job.spec, ticks)
    if job.is_async:
        asyncio.run(Together(executing, orders, find).serve(first))
    else:
        _one_after_another(executing, orders, find, first)
    worker.finish()
    return 0


class Executing:
    """What a worker does at its begin, and before and after each run."""

    def __init__(self, station: Station, spec: TaskSpec, ticks: int) -> None:
        self.station = station
        self._ticks = ticks
        self._books = Books(station.folder, owner_of(station.keeper, os.getpid()))
        """Their name is taken away by the keeper, however this process ends."""
        self._directory = _here()
        self._umask = os.umask(0o077)
        os.umask(self._umask)
        self._masks = Masks(spec.secrets)
        worker.put_on_log(station, spec, self._copy)
        contain(spec, None)
        os.environ.update(spec.env)
        atexit._clear()  # handlers of the keeper's imports are the keeper's

    def begin(self, job: Job, order: Order) -> Began | None:
        """Claim the run and say that it began; None where it ended at once."""
        run, spec = order.run, job.spec
        waited: list[str] = []
        try:
            file = self._claim(job, run, waited.append)
        except OSError as error:
            reporter = Reporter(self.station.report, -1, run, is_shared=True)
            reporter.end(failure(f"its run file cannot be made: {error.strerror}", error))
            return None
        reporter = Reporter(self.station.report, file, run, is_shared=True)
        reporter.started(self._ticks)
        for text in waited:
            worker.tell(text)  # said before, it would have been the words of the run before it
        limit_cpu_time(spec)
        deadline = deadline_of(reporter.at, spec.timeout_s)
        self._name(order.environ(self.station.directory) | deadline_environ(deadline))
        stop = Stop(spec.timeout_s)
        made = run_of(order, deadline, stop, Pace(reporter.progress))
        mark = tree.mark(run, self.station.directory)
        return Began(file, mark, reporter, made, stop)

    def _claim(self, job: Job, run: int, on_wait: Callable[[str], None]) -> int:
        """Claim a run; return a descriptor of its own: the next run may begin another book."""
        book = self._books.next()
        file = worker.claim(self.station, book, job, run, self._ticks, on_wait)
        return os.dup(file) if file == book else file

    def _name(self, environ: dict[str, str]) -> None:
        """Set the variables of a run, where they are not as the last one left them."""
        if DEADLINE not in environ:
            os.environ.pop(DEADLINE, None)
        for name, value in environ.items():
            if os.environ.get(name) != value:
                os.environ[name] = value

    def enter(self, spec: TaskSpec) -> dict[str, Any] | None:
        """Set what a former run may have changed; return how the run ends where that fails."""
        os.umask(self._umask if spec.umask is None else spec.umask)
        worker.reset_signals()
        return worker.enter(spec.directory or self._directory)

    def end(self, began: Began, end: dict[str, Any], more: dict[str, Any]) -> None:
        """Say how the run ended, and more."""
        began.stop.end()
        began.reporter.end(worker.masked_end(end, self._masks) | more)
        forget_run(began.run.id)
        for descriptor in (began.mark, began.file):
            if descriptor is not None:
                with suppress(OSError):
                    os.close(descriptor)

    def _copy(self, line: bytes) -> None:
        with suppress(OSError):
            os.write(self.station.lines, b"%d %b" % (named_run() or 0, line))


def say_awake(station: Station) -> None:
    """Answer who asks whether this process hears."""
    with suppress(OSError):
        os.write(station.report, _AWAKE)


def _here() -> str | None:
    """Say where this process is; None where that was removed: there its runs stay."""
    try:
        return os.getcwd()
    except OSError:
        return None


def _one_after_another(executing: Executing, orders: Orders, find: Find, first: Order) -> None:
    _execute(executing, find(first.task), first)
    while (message := orders.next()) is not None:
        if message["do"] == ASK:
            say_awake(executing.station)
            continue
        order = order_of(message)
        _execute(executing, find(order.task), order)


def _until_heard() -> None:
    """Wait until the keeper has read what went past Python: the next run's comes behind it."""
    limit = time.monotonic() + _HEARD_WITHIN_S
    while any(map(_unread, (1, 2))) and time.monotonic() < limit:
        time.sleep(_LOOK_AGAIN_S)


def _unread(descriptor: int) -> int:
    """Say how many bytes are in a pipe."""
    count = array("i", [0])
    try:
        if stat.S_ISFIFO(os.fstat(descriptor).st_mode):
            fcntl.ioctl(descriptor, termios.FIONREAD, count)
    except OSError:
        return 0  # user code closed it
    return count[0]


def _has_children() -> bool:
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def _until_alone() -> None:
    """Wait until the keeper has ended what a run left below this process."""
    limit = time.monotonic() + _ALONE_WITHIN_S
    while tree.below(tree.children(os.getpid()) or ()) and time.monotonic() < limit:
        time.sleep(_LOOK_AGAIN_S)


def _execute(executing: Executing, job: Job, order: Order) -> None:
    name_run(order.task, order.run, is_open=order.is_after_failure)
    began = executing.begin(job, order)
    if began is None:
        return
    before = _usage()
    end = executing.enter(job.spec)
    if end is None:
        set_current_run(began.run)
        around.before()
        end = worker.end_of(job, began.run, began.reporter)
        end_log()
        around.after()
        worker.stop_timers()
        set_current_run(None)
    assert end is not None, "programs have a worker of their own"
    has_left = _has_children()
    if not has_left:
        _until_heard()
    executing.end(began, end, {"used": _used(before)} | ({LEFT: True} if has_left else {}))
    if has_left:
        # What these write the keeper takes until they are gone.
        _until_alone()
        _until_heard()


class Together:
    """Async runs of a worker, in one loop."""

    def __init__(self, executing: Executing, orders: Orders, find: Find) -> None:
        self._executing = executing
        self._orders = orders
        self._find = find
        self._going: dict[int, asyncio.Task[None]] = {}
        self._stops: dict[int, Stop] = {}
        self._background: dict[int, set[asyncio.Task[Any]]] = {}
        self._crowded: set[int] = set()
        """Runs that were not always alone: nobody knows what each of them used."""

    async def serve(self, first: Order) -> None:
        """Execute runs until the orders end and the last run has ended."""
        loop = asyncio.get_running_loop()
        loop.set_task_factory(self._made)
        over = asyncio.Event()

        def hear() -> None:
            self._hear(self._orders.read())
            if self._orders.is_over:
                loop.remove_reader(self._orders)
                over.set()

        self._begin(first)
        loop.add_reader(self._orders, hear)
        await over.wait()
        if self._going:
            await asyncio.wait(self._going.values())

    def _hear(self, messages: list[dict[str, Any]]) -> None:
        for message in messages:
            if message["do"] == "cancel":
                self._cancel(message["run"])
            elif message["do"] == ASK:
                say_awake(self._executing.station)
            else:
                self._begin(order_of(message))

    def _cancel(self, number: int) -> None:
        """Have a run end: one that looks for itself ends by itself."""
        stop = self._stops.get(number)
        if stop is None:
            return
        stop.ask()

        def cancel() -> None:
            if number in self._stops and not stop.is_read:
                self._going[number].cancel()

        # What is cancelled before its first step never takes it, and says nothing of its end.
        asyncio.get_running_loop().call_soon(cancel)

    def _begin(self, order: Order) -> None:
        number, job = order.run, self._find(order.task)
        began = self._executing.begin(job, order)
        if began is None:
            return
        self._stops[number] = began.stop
        self._background[number] = set()
        task = asyncio.get_running_loop().create_task(self._execute(job, order, began))
        self._going[number] = task
        task.add_done_callback(lambda _: self._going.pop(number, None))
        if len(self._going) > 1:
            self._crowded |= self._going.keys()

    async def _execute(self, job: Job, order: Order, began: Began) -> None:
        number = order.run
        before = _usage()
        name_run_here(order.task, number, is_open=order.is_after_failure)
        set_run_here(began.run)
        _number.set(number)
        around.before()
        end = await _end(job, began.run, began.reporter)
        del self._stops[number]
        await self._end_background(number)
        end_log()
        around.after()
        used = {} if number in self._crowded else _used(before)
        self._crowded.discard(number)
        self._executing.end(began, end, {"used": used})

    async def _end_background(self, number: int) -> None:
        """Cancel what the run started and did not wait for, as `asyncio.run` does."""
        left = self._background.pop(number)
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left, timeout=_BACKGROUND_ENDS_WITHIN_S)

    def _made(
        self,
        loop: asyncio.AbstractEventLoop,
        coroutine: Coroutine[Any, Any, Any] | Generator[Any, None, Any],
        /,
        **options: Any,
    ) -> asyncio.Task[Any]:
        task = asyncio.Task(coroutine, loop=loop, **options)
        own = self._background.get(_number.get())
        if own is not None:
            own.add(task)
            task.add_done_callback(own.discard)
        return task


async def _end(job: Job, run: Run, reporter: Reporter) -> dict[str, Any]:
    """Call user code; return how it ended the run."""
    spec = job.spec
    if spec.only_if is not None:
        end = await asked_in_loop(spec.only_if, job.only_if, run)
        if end is not None:
            return end
        reporter.passed()
    assert spec.procedure is not None, "only procedures are known to be async"
    return await called_in_loop(spec.procedure, job.procedure, spec.arguments, run)


_number: ContextVar[int] = ContextVar("linod_number", default=0)


def _usage() -> _Usage:
    return resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)


def _used(before: _Usage) -> dict[str, Any]:
    """Say what was used since then; the memory is the most that the process ever had."""
    after = _usage()
    pairs = tuple(zip(before, after, strict=True))
    return {
        "user_s": round(sum(new.ru_utime - old.ru_utime for old, new in pairs), 6),
        "system_s": round(sum(new.ru_stime - old.ru_stime for old, new in pairs), 6),
        "memory": max(each.ru_maxrss for each in after) * MAXRSS_UNIT,
    }

"""The daemon from its first instant to its last: start, signals, reload, drain."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from datetime import timedelta
from math import inf
from pathlib import Path
from typing import Any

import linod
from linod.control.server import Server
from linod.daemon import clock, systemd
from linod.daemon.desk import Desk
from linod.daemon.draining import Draining
from linod.daemon.first_run import FirstRun, end_of
from linod.daemon.locking import Lock
from linod.daemon.log_service import LogService
from linod.daemon.recovery import Recovery
from linod.daemon.reloading import load_settled
from linod.daemon.requests import Refusal
from linod.daemon.service import Service
from linod.daemon.teller import Teller
from linod.diagnostics import render_text
from linod.engine import Engine
from linod.errors import LinodError
from linod.events import Answer, Outcome, ServeStarted
from linod.executor.executor import CLOSE_WITHIN_S, Executor
from linod.log import LogPlan, Rotator, check_log, start_log
from linod.log.serving import check_server
from linod.specs import Config, LogLevel
from linod.store.interface import Store, StoreError
from linod.views import count_of, duration, tasks_of

LEAVE_AFTER_S = 7.0
"""From `stop_timeout` to leaving, where nothing may finish: 5 s to KILL, and 2 s for its ends."""
CLOSE_MIN_S = 0.5
"""For keepers to end, whatever else took long."""
PRUNE_EVERY_S = 3600.0
PRUNE_FIRST_S = 60.0
PRUNE_BATCH = 100
"""Rows per transaction: less than ten milliseconds, which is what pruning may delay a start."""
PRUNE_PAUSE_S = 0.05
ROTATE_EVERY_S = 1.0
WATCH_EVERY_S = 1.0
"""For so long two daemons may serve when somebody moves the directory away."""


class Shell:
    """One per daemon; lives on its event loop."""

    def __init__(
        self,
        config: Config,
        environ: Mapping[str, str],
        *,
        late: Collection[str],
        lock: Lock,
        store: Store,
        engine: Engine,
        teller: Teller,
        first: FirstRun | None = None,
        is_handed_over: bool = False,
    ) -> None:
        self._config = config
        self._late = late
        self._lock = lock
        self._environ = environ
        self._store = store
        self._teller = teller
        self._first = first
        self._is_handed_over = is_handed_over
        """A former daemon made room for this one."""
        self._is_handing_over = False
        """This one makes room for the next."""
        self._executor = Executor(config.directory, teller.plan, self._hear)
        self._service = Service(store, engine, self._executor, teller)
        self._engine = engine
        self._rotator, self._log_service = Rotator(teller.plan), LogService(teller.say)
        self._since = clock.now()
        self._reloading = asyncio.Lock()
        self._begun = asyncio.Event()
        self._stops = 0
        self._exit_code = 0
        self._stopped = asyncio.Event()
        self._killed = asyncio.Event()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._draining = Draining(self._service, self._executor, teller, self._killed)
        self._leave_at = inf
        """When to be gone, on the clock of the loop."""
        self._desk = Desk(
            self._service,
            self._executor,
            store,
            reload=self.reload,
            stop=self._stop_asked,
            hand_over=self._hand_over,
            config=lambda: self._config,
            since=self._since,
        )
        self._server = Server(config.directory, self._desk.answer)

    async def serve(self) -> int:
        """Serve until told to stop; return the exit code."""
        self._handle_signals()
        await self._server.open()
        try:
            if not await self._begin():
                return self._exit_code
            deciding = asyncio.create_task(self._service.run())
            for work in (self._rotate(), self._prune(), self._watch()):
                self._keep(asyncio.create_task(work))
            await self._stop_or_fail(deciding)
            await self._drain()
            await self._service.rest()
            deciding.cancel()
            with suppress(asyncio.CancelledError):
                await deciding
        finally:
            await self._close()
        return self._exit_code

    def _hear(self, event: Any) -> None:
        self._service.hear(event)

    # -- start ------------------------------------------------------------------------------

    async def _begin(self) -> bool:
        """Start; False where a signal came before the store could be used."""
        self._desk.is_enabled = self._config.linod.enabled
        recovery = Recovery(self._service, self._executor, self._teller, self._stopped)
        # Who replaces a daemon wants everything new.
        may_reuse = not self._is_handed_over
        kept = await recovery.take_over(self._config.directory, may_reuse=may_reuse)
        self._log_service.prepare(self._config, self._teller.plan)
        await self._log_service.configure(self._config)
        # Keepers import while the past is looked up.
        self._executor.configure(self._config, self._teller.plan, self._late)
        starting = asyncio.create_task(self._service.start(self._config))
        await self._first_of(starting, self._stopped.wait())
        if not starting.done():
            starting.cancel()
            return False
        await starting
        if not await recovery.look_back(kept, self._config):
            return False
        started = ServeStarted(at=clock.now(), is_handed_over=self._is_handed_over)
        self._service.hear(started)
        self._begin_first()
        self._begun.set()
        self._teller.say(LogLevel.INFO, self._greeting())
        systemd.notify(self._environ, "READY=1")
        return True

    def _begin_first(self) -> None:
        """Ask for the first run in the first settle: before anything of a former one starts."""
        asked = self._first.begin(self._service, self._engine) if self._first else None
        if asked is not None and self._first is not None and self._first.is_only:
            self._exit_code = 1  # until it is known to have ended well
            self._keep(asyncio.create_task(self._end_with(asked)))

    async def _end_with(self, asked: asyncio.Future[Answer]) -> None:
        """Stop when the run has ended, with its result."""
        end = await end_of(asked, self._service, self._store)
        if end in (Outcome.SUCCEEDED, Outcome.WARNED):
            self._exit_code = 0
        elif not isinstance(end, Outcome):
            self._teller.say(LogLevel.ERROR, f"nothing was run: {end}")
        if not self._stopped.is_set():
            self._stop()

    def _greeting(self) -> str:
        tasks = tasks_of(len(self._config.tasks), len(self._config.chains))
        parts = [f"linod {linod.__version__}: {tasks} from {self._shown(self._config.path)}"]
        parts.append(f"store {self._shown(self._config.store_path)}")
        if self._teller.plan.path is not None:
            parts.append(f"log {self._shown(self._teller.plan.path)}")
        if not self._desk.is_enabled:
            parts.append("switched off: nothing starts")
        return ", ".join(parts)

    def _shown(self, path: Path) -> str:
        # Where we were started may be gone.
        with suppress(ValueError, OSError):
            return os.fspath(path.relative_to(Path.cwd()))
        return os.fspath(path)

    # -- signals ----------------------------------------------------------------------------

    def _handle_signals(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            _handle_signal(number, self._stop)
        _handle_signal(signal.SIGHUP, self._reload_soon)

    def _stop(self) -> None:
        self._engine.drain()
        self._stops += 1
        self._desk.is_stopping = True
        self._stopped.set()
        if self._stops > 1:
            self._killed.set()

    def _stop_asked(self) -> dict[str, Any]:
        finishing = len(self._draining.finishing())
        self._stop()
        return {"pid": os.getpid(), "finishing": finishing}

    def _hand_over(self) -> dict[str, Any]:
        """Make room for the next daemon, which goes on with all that runs."""
        if self._desk.is_stopping:
            raise Refusal("linod is stopping")
        self._is_handing_over = True
        self._stop()
        return {"pid": os.getpid()}

    def _reload_soon(self) -> None:
        self._keep(asyncio.create_task(self._reload_for_signal()))

    async def _reload_for_signal(self) -> None:
        # What is wrong was told where it was found.
        with suppress(LinodError):
            await self.reload()

    def _keep(self, task: asyncio.Task[Any]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._let_go)

    def _let_go(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._teller.say(LogLevel.ERROR, f"a part of the daemon ended: {error!r}")

    # -- reload -----------------------------------------------------------------------------

    async def reload(self) -> dict[str, Any]:
        """Take what the file says now; an error leaves everything as it was."""
        await self._begun.wait()
        async with self._reloading:
            if self._desk.is_stopping:
                raise Refusal("linod is stopping")
            systemd.notify(self._environ, "RELOADING=1")
            try:
                return await self._reload()
            except LinodError as error:
                self._teller.say(LogLevel.ERROR, f"not reloaded: {error}")
                raise
            finally:
                systemd.notify(self._environ, "READY=1")

    async def _reload(self) -> dict[str, Any]:
        path = self._config.path
        loaded = await load_settled(path, self._environ)
        config, text = loaded.config, render_text(loaded.diagnostics)
        if config is None or loaded.fatal:
            errors = count_of(len(loaded.fatal), "error")
            raise Refusal(f"{errors} in {path}, everything stays as it is", diagnostics=text)
        self._refuse_another_place(config)
        plan = LogPlan.of(config, self._environ)
        check_log(plan)
        check_server(config)
        await self._service.adopt(config)
        self._take_log(plan)
        self._log_service.prepare(config, plan)
        await self._log_service.configure(config)
        self._config = config
        self._desk.is_enabled = config.linod.enabled
        self._executor.configure(config, plan, loaded.late)
        tasks, chains = len(config.tasks), len(config.chains)
        what = tasks_of(tasks, chains)
        self._teller.say(LogLevel.INFO, f"reloaded: {what} from {self._shown(path)}")
        return {"tasks": tasks, "chains": chains, "diagnostics": text}

    def _refuse_another_place(self, config: Config) -> None:
        for new, old, key in (
            (config.store_path, self._config.store_path, "store"),
            (config.directory, self._config.directory, "directory"),
        ):
            if new != old:
                raise Refusal(
                    f"[linod] {key} changed from {old} to {new}: stop the daemon and start it anew"
                )

    def _take_log(self, plan: LogPlan) -> None:
        start_log(plan, program="daemon")
        self._teller.plan = plan
        self._rotator = Rotator(plan)

    # -- what goes on beside ----------------------------------------------------------------

    async def _rotate(self) -> None:
        while True:
            await asyncio.sleep(ROTATE_EVERY_S)
            if self._teller.plan.path is not None:
                await asyncio.to_thread(self._rotator.rotate_if_due, clock.now())

    async def _watch(self) -> None:
        """Stop where the lock or the store is not ours any more: another daemon may begin."""
        while (lost := await asyncio.to_thread(self._lock.lost)) is None:
            await asyncio.sleep(WATCH_EVERY_S)
        self._exit_code = 1
        self._stop()
        self._teller.say(
            LogLevel.ERROR,
            f"{self._shown(lost)} was removed or replaced: stopping, before anything is lost",
        )

    async def _prune(self) -> None:
        await asyncio.sleep(PRUNE_FIRST_S)
        while True:
            # A store in trouble is the loop's to tell; here the next hour will do.
            with suppress(StoreError):
                while await self._service.in_store(self._prune_some) >= PRUNE_BATCH:
                    await asyncio.sleep(PRUNE_PAUSE_S)
            await asyncio.sleep(PRUNE_EVERY_S)

    def _prune_some(self) -> int:
        with self._store.transaction():
            before = clock.now() - self._config.linod.keep
            return self._store.prune(before, limit=PRUNE_BATCH)

    # -- stop -------------------------------------------------------------------------------

    async def _stop_or_fail(self, deciding: asyncio.Task[None]) -> None:
        """Wait until told to stop; raise what ended the loop, should it end by itself."""
        await self._first_of(deciding, self._stopped.wait())
        if deciding.done():
            await deciding

    async def _drain(self) -> None:
        systemd.notify(self._environ, "STOPPING=1")
        if self._is_handing_over:
            await self._service.rest()
            return
        limit = self._config.linod.stop_timeout
        leave_at = asyncio.get_running_loop().time() + limit.total_seconds() + LEAVE_AFTER_S
        await self._service.rest()
        if not self._draining.finishing():
            self._leave_at = leave_at
        await self._draining.drain(limit)

    async def _close(self) -> None:
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        rest = self._leave_at - asyncio.get_running_loop().time()
        within_s = min(CLOSE_WITHIN_S, max(CLOSE_MIN_S, rest))
        kept = self._kept()
        await self._executor.close(within_s, kept=kept)
        self._tell_left(len(self._service.board.begun), len(kept))
        await self._server.close()
        self._service.close()
        await self._log_service.close()
        lasted = duration((clock.now() - self._since) / timedelta(seconds=1))
        self._teller.say(LogLevel.INFO, f"stopped after {lasted}")

    def _kept(self) -> list[int]:
        """The runs that go on under their keepers."""
        if self._is_handing_over:
            return [run.id for run in self._service.board.begun]
        return self._draining.keeping()

    def _tell_left(self, left: int, kept: int) -> None:
        lost = left - kept
        if kept:
            runs = "1 run goes" if kept == 1 else f"{kept} runs go"
            self._teller.say(LogLevel.INFO, f"{runs} on, for the next daemon to take over")
        if lost > 0:
            self._teller.say(LogLevel.WARNING, f"{count_of(lost, 'run')} left to the next start")

    async def _first_of(self, *waits: Any) -> None:
        """Wait for the first of some; what is no task by itself is cancelled then."""
        tasks = [asyncio.ensure_future(each) for each in waits]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task, each in zip(tasks, waits, strict=True):
            if task is not each:
                task.cancel()


def _handle_signal(number: signal.Signals, callback: Callable[[], None]) -> None:
    """Call back on the event loop when a signal came; none is lost, however busy it is.

    asyncio learns of signals by what wakes it, and of none where that is full. It only wakes here:
    what is done stands in Python's own handler.
    """
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(number, _nothing)
    signal.signal(number, lambda _number, _frame: loop.call_soon_threadsafe(callback))


def _nothing() -> None:
    """Do nothing."""

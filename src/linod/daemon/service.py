"""The loop of the daemon: events to the engine in the store's thread, effects to who acts.

Rules of this border:
- The event loop never waits for a disk: the engine and everything else that reads or writes the
  store runs in the store's one thread. Callbacks only queue an event.
- Settlements are carried out in the order in which they were committed.
- A store that fails is told once and tried again; events wait until they are recorded.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from linod.daemon import clock
from linod.daemon.board import Board, Served
from linod.daemon.teller import Teller
from linod.engine import Engine, Settled
from linod.events import (
    Answer,
    Event,
    Requested,
    StartRun,
    StopRun,
)
from linod.executor import Executor
from linod.specs import Config, LogLevel
from linod.store.interface import RunRow, Store, StoreError
from linod.views import duration

RETRY_S = 0.5
"""Between two attempts at a store that fails: well within the 10 s after which a full disk that
has space again must be noticed."""
TROUBLE_AGAIN_S = 60.0
"""A trouble that lasts is told again this often."""
CLOCK_STEP_TOLD = timedelta(seconds=60)
"""Smaller steps of the clock are what a time server does."""

_Result = TypeVar("_Result")


class Service:
    """Decides and acts, from the first adopted configuration to the last recorded end."""

    def __init__(self, store: Store, engine: Engine, executor: Executor, teller: Teller) -> None:
        self.board = Board()
        self.trouble = ""
        """What is wrong with the store just now."""
        self._store = store
        self._engine = engine
        self._executor = executor
        self._teller = teller
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="linod-store")
        self._events: list[Event] = []
        self._wake = asyncio.Event()
        self._alarm = clock.Alarm(self._wake.set)
        self._offset = clock.offset()
        self._answers: dict[int, asyncio.Future[Answer]] = {}
        self._ends: dict[int, set[asyncio.Future[RunRow]]] = {}
        self._changed = asyncio.Event()
        self._last_request = datetime.fromtimestamp(0, UTC)
        self._trouble_told = 0.0
        self._trouble_since = 0.0

    # -- what others call -------------------------------------------------------------------

    def hear(self, event: Event) -> None:
        """Queue an event; never blocks."""
        self._events.append(event)
        self._wake.set()

    async def in_store(self, work: Callable[[], _Result]) -> _Result:
        """Do something in the store's thread."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    async def start(self, config: Config) -> None:
        """Adopt the first configuration and show what the store knows."""
        self.carry_out(await self._until_stored(lambda: self._adopt(config)))
        summaries = await self._until_stored(lambda: self._store.summaries(list(config.tasks)))
        served, unfinished = await self.in_store(self._serving)
        self.board.remember(summaries, unfinished)
        self.board.serve(served)

    async def adopt(self, config: Config) -> None:
        """Adopt another configuration; raises StoreError where it cannot be recorded."""
        try:
            settled, (served, _unfinished) = await self.in_store(
                lambda: (self._adopt(config), self._serving())
            )
        except StoreError:
            self._wake.set()  # what it may have committed is made good at once
            raise
        self.board.serve(served)
        self.carry_out(settled)

    async def run(self) -> None:
        """Settle whenever something happened or is due; ends when it is cancelled."""
        while True:
            self._wake.clear()
            is_settled = await self._settle()
            if is_settled and not self._events:
                await self._wake.wait()

    async def rest(self) -> None:
        """Wait until what is being decided just now is committed and carried out."""
        await self.in_store(lambda: None)

    def wish(self, event: Requested) -> asyncio.Future[Answer]:
        """Put a request to the engine, whenever it can be recorded; give its answer."""
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._answers[event.request] = answer
        self.hear(event)
        return answer

    async def ask(self, event: Requested, timeout_s: float) -> Answer | None:
        """Put a request to the engine; None where the store kept it from answering in time."""
        answer = self.wish(event)
        try:
            async with asyncio.timeout(timeout_s):
                return await answer
        except TimeoutError:
            return None
        finally:
            self._answers.pop(event.request, None)
            self._events = [*filter(self._is_wanted, self._events)]

    def instant_of_request(self) -> datetime:
        """The present, a little later where a request came at the same instant."""
        tick = timedelta(microseconds=1)
        self._last_request = max(clock.now(), self._last_request + tick)
        return self._last_request

    def end_of(self, run: int) -> asyncio.Future[RunRow]:
        """A future of the row with which an unfinished run ends; cancel it to wait no more."""
        future: asyncio.Future[RunRow] = asyncio.get_running_loop().create_future()
        self._ends.setdefault(run, set()).add(future)
        future.add_done_callback(lambda done: self._ends.get(run, set()).discard(done))
        return future

    async def idle(self, timeout_s: float) -> None:
        """Wait until no run is going on, but not longer than that."""
        try:
            async with asyncio.timeout(max(0.0, timeout_s)):
                while self.board.begun:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            return

    def close(self) -> None:
        """Let the thread and the alarm go; call it when `run` has ended."""
        self._alarm.close()
        self._thread.shutdown(cancel_futures=True)

    def _adopt(self, config: Config) -> Settled:
        return self._engine.adopt(config, clock.now(), elapsed=clock.elapsed())

    def _decide(self, events: Sequence[Event]) -> Settled:
        return self._engine.settle(clock.now(), events, elapsed=clock.elapsed())

    # -- the loop ---------------------------------------------------------------------------

    async def _settle(self) -> bool:
        """Settle once; False where the store kept us from it, and it is to be tried again."""
        events, self._events = self._events, []
        try:
            settled = await self.in_store(lambda: self._decide(events))
        except StoreError as error:
            self._events = [*filter(self._is_wanted, events), *self._events]
            await self._bear(error)
            return False
        self._recover_from_trouble()
        self.carry_out(settled)
        self._notice_clock()
        return True

    async def _until_stored(self, work: Callable[[], _Result]) -> _Result:
        while True:
            try:
                result = await self.in_store(work)
            except StoreError as error:
                await self._bear(error)
                continue
            self._recover_from_trouble()
            return result

    def _is_wanted(self, event: Event) -> bool:
        """Tell whether somebody waits for it still: a request is not recorded behind their back."""
        if isinstance(event, Requested):
            return event.request in self._answers
        return True

    async def _bear(self, error: StoreError) -> None:
        """Say what is wrong with the store, at first and then once a minute; wait a little."""
        present = asyncio.get_running_loop().time()
        if not self.trouble:
            self._trouble_since = present
        if not self.trouble or present - self._trouble_told > TROUBLE_AGAIN_S:
            self._trouble_told = present
            self._teller.say(LogLevel.ERROR, f"{error}; nothing is decided until it can")
        self.trouble = str(error)
        await asyncio.sleep(RETRY_S)

    def _recover_from_trouble(self) -> None:
        if self.trouble:
            lasted = duration(asyncio.get_running_loop().time() - self._trouble_since)
            self._teller.say(LogLevel.INFO, f"the store can be used again, after {lasted}")
            self.trouble = ""

    def carry_out(self, settled: Settled) -> None:
        """Do what a settlement asks for: first what starts and stops, then what is told."""
        for effect in settled.effects:
            if isinstance(effect, StartRun):
                self._executor.start(effect)
            elif isinstance(effect, StopRun):
                self._executor.stop(effect)
        self._alarm.set(settled.wake)
        self.board.apply(settled)
        present = clock.now()
        for effect in settled.effects:
            if isinstance(effect, Answer):
                self._give(effect)
            elif not isinstance(effect, StartRun | StopRun):
                self._teller.tell(effect, present)
        for run in settled.rows:
            if run.is_ended:
                self._finish(run)
        self._changed.set()

    def _give(self, answer: Answer) -> None:
        future = self._answers.pop(answer.request, None)
        if future is not None and not future.done():
            future.set_result(answer)

    def _finish(self, run: RunRow) -> None:
        self._executor.forget(run.id)
        for future in self._ends.pop(run.id, ()):
            if not future.done():
                future.set_result(run)

    def _serving(self) -> tuple[list[Served], tuple[RunRow, ...]]:
        """The tasks as they are served now; called in the store's thread, like the engine."""
        served = [
            Served(
                task=plan.task.name,
                zone=plan.zone,
                is_enabled=plan.task.enabled,
                next_due=plan.next_due,
            )
            for plan in self._engine.plans
        ]
        return served, self._engine.unfinished()

    def _notice_clock(self) -> None:
        offset = clock.offset()
        step = offset - self._offset
        if abs(step) >= CLOCK_STEP_TOLD:
            way = "forward" if step > timedelta(0) else "back"
            by = duration(abs(step).total_seconds())
            self._teller.say(LogLevel.WARNING, f"the clock was set {way} by {by}")
        self._offset = offset

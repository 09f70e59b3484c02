"""The loop of the daemon: events to the engine in the store's thread, effects to who acts.

Rules of this border:
- The event loop never waits for a disk: the engine and everything else that reads or writes the
  store runs in the store's one thread. Callbacks only queue an event.
- Settlements are carried out in the order in which they were committed.
- A store that fails is told once and tried again; events wait until they are recorded.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from attrs import frozen

from linod.daemon import clock
from linod.daemon.ahead import AT_ONCE, Ahead, NotYet
from linod.daemon.board import Board, Served
from linod.daemon.foresight import Foresight
from linod.daemon.teller import Teller
from linod.engine import Engine, Plan, Settled
from linod.events import (
    Answer,
    ClockAccepted,
    Event,
    Requested,
    RunEnded,
    RunStarted,
    StartRun,
    StopRun,
)
from linod.executor import Executor
from linod.policy import Hold
from linod.specs import Config, LogLevel, Task
from linod.store.interface import ActionRow, RunRow, Store, StoreError, TaskSummary, WarningRow
from linod.views import clock_ahead, duration

RETRY_S = 0.5
"""Between two attempts at a store that fails: well within the 10 s after which a full disk that
has space again must be noticed."""
ENDS_TOGETHER_S = 0.01
"""So soon after a settlement an end waits for others: the commit that records it costs as much."""
_HURRIED_S = 0.002
"""And so soon where all places were taken: others may wait for one."""
START_RECORDED_WITHIN_S = 0.05
"""That a run began is nothing to decide by: mostly it is recorded with what is, or with its end."""
TROUBLE_AGAIN_S = 60.0
"""A trouble that lasts is told again this often."""
CLOCK_STEP_TOLD = timedelta(seconds=60)
"""Smaller steps of the clock are what a time server does."""
EXPECTED_MAX = 1024
"""Of what is due at once, so many starts are prepared; keepers have a bound of their own."""
_EXPECTED_EACH = 4
"""And so many for each place: most runs are short."""
WARNINGS_MAX = 10_000
"""Of the last day, to be counted: more say no more."""

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
        self._loop = asyncio.get_running_loop()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="linod-store")
        self._events: list[Event] = []
        self._unhurried: asyncio.TimerHandle | None = None
        """Wakes for events that may wait a moment."""
        self._settled_at = 0.0
        self._places = 0
        """Runs at once."""
        self._wake = asyncio.Event()
        self._settling = asyncio.Lock()
        """Held until what is committed is carried out: all in the order of their commits."""
        self._alarm = clock.Alarm(self._wake.set)
        self._foresight = Foresight(self._due_by, self._prepare)
        self._ahead = Ahead(lambda: engine.is_closed)
        self._next_wake: datetime | None = None
        """When something is due next, by the last settlement."""
        self._offset = clock.offset()
        self._answers: dict[int, asyncio.Future[Answer]] = {}
        self._ends: dict[int, set[asyncio.Future[RunRow]]] = {}
        self._watchers: list[Callable[[RunRow], None]] = []
        self._changed = asyncio.Event()
        self._last_request = datetime.fromtimestamp(0, UTC)
        self._trouble_told = 0.0
        self._trouble_since = 0.0

    # -- what others call -------------------------------------------------------------------

    def hear(self, event: Event) -> None:
        """Queue an event; never blocks."""
        self._events.append(event)
        now = self._loop.time()
        if isinstance(event, RunStarted):
            self._wake_at(now + START_RECORDED_WITHIN_S)
        elif isinstance(event, RunEnded):
            is_full = self._executor.count + 1 >= self._places
            self._wake_at(self._settled_at + (_HURRIED_S if is_full else ENDS_TOGETHER_S))
        else:
            self._wake.set()

    async def in_store(self, work: Callable[[], _Result]) -> _Result:
        """Do something in the store's thread."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    async def start(self, config: Config) -> None:
        """Adopt the first configuration and show what the store knows."""
        self.carry_out(await self._until_stored(lambda: self._adopt(config)))
        summaries, warnings = await self._until_stored(self._past)
        present = await self.in_store(self._present)
        self.board.remember(summaries, warnings)
        self.board.unfinished = {run.id: run for run in present.unfinished}
        self._serve(present)
        self._tell_ahead()

    async def adopt(self, config: Config) -> None:
        """Adopt another configuration; raises StoreError where it cannot be recorded."""
        async with self._settling:
            try:
                settled, present = await self.in_store(
                    lambda: (self._adopt(config), self._present())
                )
            except StoreError:
                self._wake.set()  # what it may have committed is made good at once
                raise
            self.carry_out(settled)
        self._serve(present)
        # Old names may have become new ones. A store in trouble is the loop's to tell.
        with suppress(StoreError):
            self.board.remember(*await self.in_store(self._past))

    async def run(self) -> None:
        """Settle whenever something happened or is due; ends when it is cancelled."""
        while True:
            self._wake.clear()
            is_settled = await self._settle()
            if is_settled and not self._wake.is_set():
                await self._wake.wait()

    async def rest(self) -> None:
        """Wait until what is being decided just now is committed and carried out."""
        self._ahead.hurry()
        async with self._settling:
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
        self._last_request = clock.distinct(clock.now(), self._last_request)
        return self._last_request

    def end_of(self, run: int) -> asyncio.Future[RunRow]:
        """A future of the row with which an unfinished run ends; cancel it to wait no more."""
        future: asyncio.Future[RunRow] = asyncio.get_running_loop().create_future()
        self._ends.setdefault(run, set()).add(future)
        future.add_done_callback(lambda done: self._ends.get(run, set()).discard(done))
        return future

    def watch(self, callback: Callable[[RunRow], None]) -> Callable[[], None]:
        """Give every run that changes, as it is then; return what ends that."""
        self._watchers.append(callback)
        return lambda: self._watchers.remove(callback)

    async def record(self, verb: str, by: str) -> None:
        """Record what a person did to linod as a whole; raises StoreError."""
        row = ActionRow(at=self.instant_of_request(), verb=verb, task="", by=by)
        await self.in_store(lambda: self._record(row))

    async def until_ended(self, runs: Collection[int], timeout_s: float | None) -> None:
        """Wait until none of these runs is going on, but not longer than that."""
        try:
            async with asyncio.timeout(timeout_s):
                while any(run in self.board.unfinished for run in runs):
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            return

    def close(self) -> None:
        """Let the thread and the alarm go; call it when `run` has ended."""
        self._alarm.close()
        self._foresight.close()
        self._thread.shutdown(cancel_futures=True)

    def _prepare(self, instant: datetime, tasks: list[Task]) -> None:
        """Have keepers fork ahead for what is due next, and decide it ahead where that is safe."""
        self._executor.expect(tasks)
        if tasks:
            self._ahead.expect(instant, len(tasks))
            self._alarm.set(self._ahead.ring_at(self._next_wake))

    async def _due_by(self, instant: datetime) -> list[Task]:
        """Guess what will be started then, or soon, where runs make place for each other."""
        most = min(EXPECTED_MAX, _EXPECTED_EACH * self._places)
        return await self.in_store(lambda: self._engine.due_by(instant, most))

    def _adopt(self, config: Config) -> Settled:
        self._places = config.linod.max_running
        return self._engine.adopt(config, clock.now(), elapsed=clock.elapsed())

    def _record(self, row: ActionRow) -> None:
        with self._store.transaction():
            self._store.add_action(row)

    def _decide(self, events: Sequence[Event]) -> Settled:
        return self._engine.settle(clock.now(), events, elapsed=clock.elapsed())

    def _decide_ahead(self, instant: datetime) -> Settled:
        """Decide what is due at an instant to come, and commit it so that it is known by then."""
        present, elapsed = clock.now(), clock.elapsed()
        if self._engine.foreseen(present, elapsed=elapsed) != instant:
            return self._decide(())

        def wait(starts: Sequence[StartRun]) -> None:
            self._loop.call_soon_threadsafe(self._executor.arm, starts)
            self._ahead.wait(instant)

        return self._engine.settle_ahead(
            instant, wait, elapsed=elapsed + (instant - present), at_once=AT_ONCE
        )

    # -- the loop ---------------------------------------------------------------------------

    async def _settle(self) -> bool:
        """Settle once; False where the store kept us from it, and it is to be tried again."""
        events, self._events = self._events, []
        if self._unhurried is not None:
            self._unhurried.cancel()
            self._unhurried = None
        try:
            async with self._settling:
                self.carry_out(await self._decided(events))
        except NotYet:
            return False
        except StoreError as error:
            self._events = [*filter(self._is_wanted, events), *self._events]
            await self._bear(error)
            return False
        self._settled_at = self._loop.time()
        if self._notice_clock() or any(isinstance(event, ClockAccepted) for event in events):
            await self._look_ahead()
        return True

    async def _decided(self, events: Sequence[Event]) -> Settled:
        """Decide, in time, and commit; raises NotYet and StoreError."""
        instant = None if events else self._ahead.take(clock.now(), self._next_wake)
        if instant is None:
            settled = await self.in_store(lambda: self._decide(events))
        else:
            settled = await self._decided_ahead(instant)
        self._recover_from_trouble()
        return settled

    async def _decided_ahead(self, instant: datetime) -> Settled:
        """Decide ahead, while keepers arm what will be started, and commit."""
        try:
            settled = await self.in_store(lambda: self._decide_ahead(instant))
        except (NotYet, StoreError):
            self._executor.disarm()
            raise
        await self._ahead.hold()
        return settled

    def _wake_at(self, at: float) -> None:
        if at <= self._loop.time():
            self._wake.set()
            return
        if self._unhurried is not None:
            if self._unhurried.when() <= at:
                return
            self._unhurried.cancel()
        self._unhurried = self._loop.call_at(at, self._wake.set)

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
            self._teller.say(LogLevel.ERROR, f"{error}; nothing is decided")
        self.trouble = str(error)
        await asyncio.sleep(RETRY_S)

    def _recover_from_trouble(self) -> None:
        if self.trouble:
            lasted = duration(asyncio.get_running_loop().time() - self._trouble_since)
            self._teller.say(LogLevel.INFO, f"the store can be used again, after {lasted}")
            self.trouble = ""

    def carry_out(self, settled: Settled) -> None:
        """Do what a settlement asks for: first what starts and stops, then what is told."""
        self._executor.start(
            *(each for each in settled.effects if isinstance(each, StartRun)),
            are_more_due=settled.wake is not None and settled.wake <= clock.now(),
        )
        for effect in settled.effects:
            if isinstance(effect, StopRun):
                self._executor.stop(effect)
        self._next_wake = settled.wake
        self._alarm.set(self._ahead.ring_at(settled.wake))
        self._foresight.look(settled.due)
        self.board.apply(settled)
        for effect in settled.effects:
            if isinstance(effect, Answer):
                self._give(effect)
        self._teller.tell(settled.effects, clock.now())
        for callback in tuple(self._watchers):
            for run in settled.rows:
                callback(run)
        self._finish([run for run in settled.rows if run.is_ended])
        self._changed.set()

    def _give(self, answer: Answer) -> None:
        future = self._answers.pop(answer.request, None)
        if future is not None and not future.done():
            future.set_result(answer)

    def _finish(self, ended: Sequence[RunRow]) -> None:
        if ended:
            # All in one go: a thread wakes the loop, thousands of them fill what wakes it.
            self._executor.forget([run.id for run in ended])
        for run in ended:
            for future in self._ends.pop(run.id, ()):
                if not future.done():
                    future.set_result(run)

    # -- the present ------------------------------------------------------------------------

    def _present(self) -> _Present:
        """How things stand; called in the store's thread, like the engine, but needs no disk."""
        engine = self._engine
        return _Present(
            served=[_served(plan) for plan in engine.plans],
            holds=engine.holds,
            unfinished=engine.unfinished(),
            ahead=engine.ahead(clock.now()),
        )

    def _past(self) -> tuple[dict[str, TaskSummary], list[WarningRow]]:
        names = [plan.name for plan in self._engine.plans]
        return self._store.summaries(names), self._store.warnings(limit=WARNINGS_MAX)

    def _serve(self, present: _Present) -> None:
        self.board.serve(present.served, present.holds)
        self.board.ahead = present.ahead

    # -- the clock --------------------------------------------------------------------------

    def _notice_clock(self) -> bool:
        """Say that the clock was set; tell whether it was set back."""
        offset = clock.offset()
        step, self._offset = offset - self._offset, offset
        if abs(step) < CLOCK_STEP_TOLD:
            return False
        way = "forward" if step > timedelta(0) else "back"
        by = duration(abs(step).total_seconds())
        self._teller.say(LogLevel.WARNING, f"the clock was set {way} by {by}")
        return step < timedelta(0)

    async def _look_ahead(self) -> None:
        known = self.board.ahead
        self.board.ahead = await self.in_store(lambda: self._engine.ahead(clock.now()))
        if self.board.ahead.items() - known.items():
            self._tell_ahead()

    def _tell_ahead(self) -> None:
        """Say which tasks do not run before the clock has caught up."""
        ahead = self.board.ahead
        if ahead:
            until, zone = max(ahead.values()), self._teller.plan.zone
            self._teller.say(LogLevel.WARNING, clock_ahead(len(ahead), until, zone))


@frozen(kw_only=True)
class _Present:
    served: list[Served]
    holds: tuple[Hold, ...]
    unfinished: tuple[RunRow, ...]
    ahead: Mapping[str, datetime]


def _served(plan: Plan) -> Served:
    return Served(
        task=plan.name,
        zone=plan.zone,
        is_chain=plan.chain is not None,
        is_enabled=plan.task.enabled,
        next_due=plan.next_due,
        failures=plan.failures,
    )

"""The loop between events and effects, with an engine, a store and keepers that do as told."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
import weakref
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from linod.daemon import clock
from linod.daemon.ahead import NotYet
from linod.daemon.service import Service
from linod.daemon.teller import Teller
from linod.engine import Settled
from linod.events import Event, Outcome, RunEnded, RunRequested, RunStarted, StartRun, Trigger
from linod.log.plan import LogPlan
from linod.specs import Config, Linod, Task
from linod.store.interface import StoreError


class Engine:
    """Hears events once the store is free; fails as long as it is told to."""

    def __init__(self) -> None:
        self.is_free = threading.Event()
        self.failures = 0
        self.calls: list[list[Event]] = []
        self.heard: list[Event] = []

    def settle(self, _now: datetime, events: Sequence[Event], *, elapsed: timedelta) -> Settled:
        assert elapsed > timedelta(0)
        self.calls.append(list(events))
        assert self.is_free.wait(10)
        if self.failures:
            self.failures -= 1
            raise StoreError("the store is locked")
        self.heard += events
        return Settled()

    def adopt(self, _config: Config, _now: datetime, **_elapsed: timedelta) -> Settled:
        raise StoreError("the store is locked")


def play(
    scene: Callable[[Service, Engine], Awaitable[Any]],
    engine: Engine | None = None,
    executor: Executor | None = None,
) -> Any:
    decides = engine or Engine()

    async def run() -> Any:
        teller = Teller(LogPlan.of(CONFIG, {}), lambda _line: None)
        service = Service(None, decides, executor or Executor(), teller)  # type: ignore[arg-type]
        running = asyncio.create_task(service.run())
        try:
            return await scene(service, decides)
        finally:
            decides.is_free.set()
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            service.close()
            teller.close()

    return asyncio.run(run())


class Foreseeing(Engine):
    """Something is due soon, and can be decided ahead."""

    def __init__(self, instant: datetime) -> None:
        super().__init__()
        self.instant = instant
        self.is_closed = False
        self.cannot_commit = False
        self.committed: list[datetime] = []

    def settle(self, now: datetime, events: Sequence[Event], *, elapsed: timedelta) -> Settled:
        super().settle(now, events, elapsed=elapsed)
        if self.committed:
            return Settled()
        if clock.now() >= self.instant:  # the machine was too slow for it: another one
            self.instant = clock.now() + timedelta(seconds=0.3)
        return Settled(wake=self.instant, due=self.instant)

    def due_by(self, instant: datetime, _at_most: int) -> list[str]:
        return ["mail"] if instant >= self.instant else []

    def foreseen(self, _now: datetime, **_elapsed: timedelta) -> datetime:
        return self.instant

    def settle_ahead(
        self, instant: datetime, until: Callable[[Sequence[str]], None], **_values: object
    ) -> Settled:
        if clock.now() >= instant:
            raise NotYet
        until(["mail"])
        return self.commit(instant)

    def commit(self, _instant: datetime) -> Settled:
        if self.cannot_commit:
            raise StoreError("the store is locked")
        self.committed.append(clock.now())
        return Settled()


class Executor:
    """Hears what is expected."""

    def __init__(self) -> None:
        self.expected: list[list[str]] = []
        self.armed: list[list[str]] = []
        self.count = 0

    def start(self, *commands: StartRun, **_hints: bool) -> None:
        assert commands == (), "nothing is to be started here"

    def expect(self, tasks: list[str]) -> None:
        self.expected.append(tasks)

    def arm(self, starts: list[str]) -> None:
        self.armed.append(starts)

    def disarm(self) -> None:
        self.armed.append([])


CONFIG = Config(path=Path("/etc/linod.toml"), linod=Linod())


async def until(is_true: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not is_true():
            await asyncio.sleep(0.005)


def test_a_request_that_was_given_up_while_the_store_failed_is_not_recorded_later() -> None:
    async def scene(service: Service, engine: Engine) -> list[Event]:
        engine.failures = 1
        request = RunRequested(request=1, task="mail", by="alice", at=service.instant_of_request())
        assert await service.ask(request, 0.05) is None
        engine.is_free.set()
        await until(lambda: service.trouble)
        await until(lambda: not service.trouble)
        return engine.heard

    assert play(scene) == []


def test_at_rest_what_was_being_decided_is_carried_out() -> None:
    async def scene(service: Service, engine: Engine) -> list[Event]:
        engine.is_free.set()
        await until(lambda: engine.calls)
        await service.rest()
        engine.is_free.clear()
        request = RunRequested(request=1, task="mail", by="alice", at=service.instant_of_request())
        asking = asyncio.create_task(service.ask(request, 10))
        await until(lambda: any(engine.calls))
        engine.is_free.set()
        await service.rest()
        asking.cancel()
        return list(engine.heard)

    assert len(play(scene)) == 1


def begun(run: int) -> RunStarted:
    at = datetime(2026, 11, 21, 7, tzinfo=UTC)
    return RunStarted(run=run, lease="l", worker="1:2", at=at)


def test_that_runs_began_is_recorded_with_what_is_to_be_decided() -> None:
    async def scene(service: Service, engine: Engine) -> list[list[Event]]:
        engine.is_free.set()
        await until(lambda: engine.calls)
        await service.rest()
        service.hear(begun(1))
        await asyncio.sleep(0)
        service.hear(begun(2))
        service.hear(RunEnded(run=1, lease="l", outcome=Outcome.SUCCEEDED))
        await until(lambda: len(engine.heard) == 3)
        return engine.calls[1:]

    assert [3] == [len(events) for events in play(scene)]


def test_that_a_run_began_is_recorded_soon_where_nothing_else_happens() -> None:
    async def scene(service: Service, engine: Engine) -> list[Event]:
        engine.is_free.set()
        await until(lambda: engine.calls)
        service.hear(begun(1))
        await until(lambda: engine.heard)
        return engine.heard

    assert [begun(1)] == play(scene)


def ended(run: int) -> RunEnded:
    return RunEnded(run=run, lease="l", outcome=Outcome.SUCCEEDED)


def test_ends_right_behind_a_settlement_are_recorded_together() -> None:
    async def scene(service: Service, engine: Engine) -> list[list[Event]]:
        engine.is_free.set()
        await until(lambda: engine.calls)
        await service.rest()
        service.hear(ended(0))
        await until(lambda: len(engine.heard) == 1)
        for run in range(1, 20):
            service.hear(ended(run))
            await asyncio.sleep(0)
        await until(lambda: len(engine.heard) == 20)
        return engine.calls

    # A machine that pauses in the middle may cut them; one after another they would be twenty.
    assert len([events for events in play(scene) if events]) < 10


def test_a_request_does_not_wait_for_others() -> None:
    async def scene(service: Service, engine: Engine) -> int:
        engine.is_free.set()
        await until(lambda: engine.calls)
        await service.rest()
        service.hear(ended(0))
        request = RunRequested(request=1, task="mail", by="alice", at=service.instant_of_request())
        service.wish(request)
        await until(lambda: request in engine.heard)
        (events,) = [events for events in engine.calls if request in events]
        return len(events)

    assert play(scene) == 2


def play_until_committed(engine: Foreseeing, executor: Executor) -> None:
    engine.is_free.set()

    async def scene(_service: Service, _engine: Engine) -> None:
        await until(lambda: engine.committed)

    play(scene, engine, executor)


def test_what_is_foreseen_is_decided_before_its_instant_and_the_first_is_committed_at_it() -> None:
    engine, executor = Foreseeing(clock.now() + timedelta(seconds=0.3)), Executor()
    play_until_committed(engine, executor)

    assert ["mail"] == executor.armed[-1]
    assert all(each == ["mail"] for each in executor.expected)
    assert 1 == len(engine.committed)
    assert engine.committed[0] >= engine.instant


class Ticking(Foreseeing):
    """Timers go off all the time, before what the calendar brings."""

    def settle(self, *values: Any, **elapsed: timedelta) -> Settled:
        settled = super().settle(*values, **elapsed)
        soon = clock.now() + timedelta(milliseconds=5)
        return Settled(wake=min(soon, settled.due or soon), due=settled.due)


def test_timers_do_not_hide_what_the_calendar_brings_next() -> None:
    engine, executor = Ticking(clock.now() + timedelta(seconds=4)), Executor()
    engine.is_free.set()

    async def scene(_service: Service, _engine: Engine) -> timedelta:
        await until(lambda: ["mail"] in executor.expected)
        return engine.instant - clock.now()

    assert play(scene, engine, executor) > timedelta(seconds=0.5)
    assert [["mail"]] == executor.expected[:1]


class Between(Foreseeing):
    """A timer goes off shortly before what many tasks are due at, when that could be decided."""

    has_fired = False

    @property
    def timer(self) -> datetime:
        return self.instant - timedelta(milliseconds=60)

    def settle(self, *values: Any, **elapsed: timedelta) -> Settled:
        settled = super().settle(*values, **elapsed)
        self.has_fired = clock.now() >= self.timer
        wake = self.instant if self.has_fired else self.timer
        return evolve(settled, wake=wake) if settled.due else settled

    def due_by(self, instant: datetime, _at_most: int) -> list[str]:
        return ["mail"] * 100 if instant >= self.instant else []

    def foreseen(self, _now: datetime, **_elapsed: timedelta) -> datetime | None:  # type: ignore[override]
        return self.instant if self.has_fired else None


def test_a_timer_shortly_before_does_not_keep_it_from_being_decided_ahead() -> None:
    engine, executor = Between(clock.now() + timedelta(seconds=1.5)), Executor()
    play_until_committed(engine, executor)

    assert ["mail"] == executor.armed[-1]


class Repeating(Foreseeing):
    """Some instants follow each other, and each commit takes its time."""

    def settle(self, *_values: object, **_elapsed: timedelta) -> Settled:
        if clock.now() >= self.instant:
            self.instant = clock.now() + timedelta(seconds=0.1)
        return Settled(wake=self.instant, due=self.instant)

    def commit(self, instant: datetime) -> Settled:
        before = clock.now() < instant
        time.sleep(0.004)
        self.committed.append(instant)
        self.instant = instant + timedelta(seconds=0.1)
        effects = (start_at(instant),) if before else ()
        return Settled(wake=self.instant, due=self.instant, effects=effects)


def start_at(instant: datetime) -> StartRun:
    return StartRun(
        run=1,
        lease="l",
        task=Task(name="mail", shell="true"),
        due=instant,
        planned=instant,
        attempt=1,
        trigger=Trigger.SCHEDULE,
        zone="UTC",
    )


class Starter(Executor):
    """Notes by how much starts are after their instants."""

    def __init__(self) -> None:
        super().__init__()
        self.late: list[timedelta] = []

    def start(self, *commands: StartRun, **_hints: bool) -> None:
        self.late += [clock.now() - command.due for command in commands]


def test_what_is_committed_before_its_instant_starts_at_it() -> None:
    engine, executor = Repeating(clock.now() + timedelta(seconds=0.3)), Starter()
    engine.is_free.set()

    async def scene(_service: Service, _engine: Engine) -> None:
        await until(lambda: len(executor.late) > 2)

    play(scene, engine, executor)

    assert min(executor.late) >= timedelta(0)


def test_what_was_armed_for_a_commit_that_failed_is_taken_back() -> None:
    engine, executor = Foreseeing(clock.now() + timedelta(seconds=0.3)), Executor()
    engine.is_free.set()
    engine.cannot_commit = True

    async def scene(_service: Service, _engine: Engine) -> None:
        await until(lambda: ["mail"] in executor.armed)
        armed_at = executor.armed.index(["mail"])
        await until(lambda: len(executor.armed) > armed_at + 1)
        assert [] == executor.armed[armed_at + 1]

    play(scene, engine, executor)


def test_a_follower_who_left_leaves_nothing_behind() -> None:
    async def scene(service: Service, engine: Engine) -> object:
        engine.is_free.set()
        future = service.end_of(1)
        left = weakref.ref(future)
        future.cancel()
        del future
        await asyncio.sleep(0)
        gc.collect()
        return left()

    assert play(scene) is None


def test_an_adoption_that_failed_is_made_good_at_once() -> None:
    async def scene(service: Service, engine: Engine) -> None:
        engine.is_free.set()
        await until(lambda: engine.calls)
        with pytest.raises(StoreError):
            await service.adopt(CONFIG)
        await until(lambda: len(engine.calls) > 1)

    play(scene)

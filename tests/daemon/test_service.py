"""The loop between events and effects, with an engine, a store and keepers that do as told."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from linod.daemon.service import Service
from linod.daemon.teller import Teller
from linod.engine import Settled
from linod.events import Event, RunRequested
from linod.log.plan import LogPlan
from linod.specs import Config, Linod
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


def play(scene: Callable[[Service, Engine], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        engine, teller = Engine(), Teller(LogPlan.of(CONFIG, {}), lambda _line: None)
        service = Service(None, engine, None, teller)  # type: ignore[arg-type]
        running = asyncio.create_task(service.run())
        try:
            return await scene(service, engine)
        finally:
            engine.is_free.set()
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            service.close()
            teller.close()

    return asyncio.run(run())


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

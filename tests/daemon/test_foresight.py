"""How long before something is due its preparation begins."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import pytest

from linod.daemon import clock
from linod.daemon.foresight import Foresight, lead
from linod.specs import Task

TASKS = [Task(name="backup", shell="true")]


@pytest.mark.parametrize(
    ("tasks", "seconds"), [(0, 1.0), (1, 1.0), (142, 1.0), (200, 1.4), (1000, 7.0), (5000, 8.0)]
)
def test_the_more_is_due_the_sooner_it_begins_within_a_bound(tasks: int, seconds: float) -> None:
    assert lead(tasks) == timedelta(seconds=seconds)


Prepared = list[tuple[datetime, datetime]]
"""For what instants, and when."""


def prepared(*wakes: timedelta) -> Prepared:
    """Have one instant after the other be the next, so long from now on; give what came of it."""
    found: Prepared = []

    async def scene() -> None:
        done = asyncio.Event()

        async def due_by(_wake: datetime) -> list[Task]:
            return TASKS

        def prepare(wake: datetime, tasks: list[Task]) -> None:
            assert tasks == TASKS
            found.append((wake, clock.now()))
            done.set()

        foresight = Foresight(due_by, prepare)
        for rest in wakes:
            wake = clock.now() + rest
            foresight.look(wake)
            foresight.look(wake)  # it is known
            for _ in range(9):  # until it waits
                await asyncio.sleep(0)
        await asyncio.wait_for(done.wait(), 20)
        await asyncio.sleep(0)
        foresight.close()

    asyncio.run(scene())
    return found


def test_it_prepares_once_and_not_before_its_time() -> None:
    ((wake, at),) = prepared(timedelta(seconds=1.3))

    assert wake - lead(1) <= at < wake


def test_what_is_not_the_next_instant_any_more_is_not_prepared() -> None:
    now = clock.now()

    ((wake, _),) = prepared(timedelta(seconds=1.2), timedelta(seconds=1.4))

    assert wake - now > timedelta(seconds=1.3)


def test_what_is_due_at_once_is_prepared_at_once() -> None:
    now = clock.now()

    ((_, at),) = prepared(timedelta(seconds=0.01))

    assert at - now < timedelta(seconds=0.9)


def test_what_came_nearer_while_it_was_asked_is_not_prepared_for_the_former() -> None:
    async def scene() -> tuple[list[datetime], datetime]:
        found: list[datetime] = []
        may_say, has_asked = asyncio.Event(), asyncio.Event()

        async def due_by(_wake: datetime) -> list[Task]:
            has_asked.set()
            await may_say.wait()
            return TASKS

        foresight = Foresight(due_by, lambda wake, _tasks: found.append(wake))
        former, nearer = (clock.now() + timedelta(seconds=each) for each in (0.9, 0.5))
        foresight.look(former)
        await has_asked.wait()
        foresight.look(nearer)
        may_say.set()
        while not found:
            await asyncio.sleep(0)
        for _ in range(20):
            await asyncio.sleep(0)
        foresight.close()
        return found, nearer

    found, nearer = asyncio.run(scene())

    assert found == [nearer]

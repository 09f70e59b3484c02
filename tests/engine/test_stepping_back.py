"""What waits while the clock steps back behind its planned start."""

from __future__ import annotations

from datetime import time, timedelta
from pathlib import Path

import pytest

from linod.specs import Allowed

from .building import World, at, build_pool, build_task, dues, ended, starts

HOUR = 3600


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "linod.db")


def test_a_run_whose_place_came_free_in_its_past_starts_when_the_clock_shows_its_time(
    world: World,
) -> None:
    slow = build_task("slow", "every hour", start=at(0), pool="one")
    mail = build_task("mail", "every hour", start=at(0), pool="one", jitter=timedelta(seconds=9))
    world.adopt(at(-10), slow, mail, build_pool("one", 1))
    (first,) = world.starts(at(0), elapsed=timedelta(seconds=10))
    world.settle(at(9), elapsed=timedelta(seconds=19))

    freed = world.settle(at(-50), ended(first), elapsed=timedelta(seconds=20))

    assert starts(freed) == []
    assert freed.wake is not None
    assert at(0) < freed.wake <= at(9)
    assert ["mail"] == [
        start.task.name for start in world.starts(freed.wake, elapsed=timedelta(seconds=80))
    ]


@pytest.mark.parametrize("is_restart", [False, True])
def test_what_waits_for_its_window_does_not_start_before_its_due(
    world: World, is_restart: bool
) -> None:
    # Due at 12:00, it waits for the next morning; then the clock shows 8:00, inside the window.
    allowed = Allowed(first=time(7), last=time(9))
    task = build_task(recurrence="every day at 12:00", allowed=allowed)
    world.adopt(at(-10), task)
    world.settle(at(5 * HOUR))
    if is_restart:
        world.restart()
    world.adopt(at(HOUR), task)

    assert [] == world.starts(at(HOUR))
    assert [] == world.starts(at(5 * HOUR))
    assert [5 * HOUR] == dues(world.starts(at(24 * HOUR)))

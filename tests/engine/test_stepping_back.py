"""What waits while the clock steps back behind its planned start."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from .building import World, at, build_pool, build_task, ended, starts


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

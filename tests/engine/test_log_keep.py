"""`log_keep`: a start says whether its task failed last, and from when on it is slow."""

from __future__ import annotations

from datetime import timedelta

import pytest

from linod.events import Outcome, StartRun
from linod.specs import LogLevel, Task, Warn

from .building import World, at, build_task, ended, started

HOUR = 3600


def play(world: World, task: Task, *outcomes: Outcome) -> StartRun:
    """Let it run so often, a minute each time; give the start that follows."""
    world.adopt(at(5), task)
    for number, outcome in enumerate(outcomes, 1):
        due = at(number * HOUR)
        (start,) = world.starts(due)
        world.settle(due, started(start, due))
        end = due + timedelta(minutes=1)
        world.settle(end, ended(start, outcome, started=due, ended=end))
    (start,) = world.starts(at((len(outcomes) + 1) * HOUR))
    return start


def build_kept(**keys: object) -> Task:
    return build_task("mail", "every hour", log_keep=LogLevel.DEBUG, **keys)


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        ((), False),
        ((Outcome.SUCCEEDED,), False),
        ((Outcome.FAILED,), True),
        ((Outcome.TIMED_OUT,), True),
        ((Outcome.FAILED, Outcome.WARNED), False),
        ((Outcome.FAILED, Outcome.CANCELLED), True),
    ],
)
def test_a_start_says_whether_the_task_failed_last(
    world: World, outcomes: tuple[Outcome, ...], expected: bool
) -> None:
    assert play(world, build_kept(), *outcomes).is_after_failure is expected


def test_a_task_that_keeps_nothing_is_started_as_ever(world: World) -> None:
    start = play(world, build_task("mail", "every hour"), Outcome.FAILED)

    assert (start.is_after_failure, start.slow_after) == (False, None)


def test_it_is_slow_from_what_people_are_warned_of(world: World) -> None:
    start = play(world, build_kept(warn=Warn(running=timedelta(minutes=3))))

    assert start.slow_after == timedelta(minutes=3)


def test_without_a_warning_it_is_slow_by_its_history(world: World) -> None:
    start = play(world, build_kept(), *[Outcome.SUCCEEDED] * 5)

    assert start.slow_after == timedelta(minutes=2)

"""What settlements tell people: attempts that follow, holds, failures, warnings, the clock."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from linod.events import Outcome, RunRequested, TellEnded
from linod.specs import OnLost, Retry

from .building import World, at, build_task, ended, only, starts

MANUALLY = "manually"
THREE = Retry(attempts=3, delay=timedelta(seconds=10))


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "linod.db")


def request(seconds: float, due: float | None = None) -> RunRequested:
    return RunRequested(
        request=1,
        task="mail",
        by="alice",
        at=at(seconds),
        due=None if due is None else at(due),
    )


def test_a_failed_attempt_says_when_the_next_one_starts(world: World) -> None:
    world.adopt(at(0), build_task(recurrence=MANUALLY, retry=THREE))
    (start,) = world.starts(at(1), request(1))

    told = only(world.settle(at(2), ended(start, Outcome.TIMED_OUT)), TellEnded)

    assert (told.attempt, told.attempts_max, told.again) == (1, 3, timedelta(seconds=10))


def test_the_last_attempt_says_that_it_was_the_last(world: World) -> None:
    world.adopt(at(0), build_task(recurrence=MANUALLY, retry=Retry(attempts=2)))
    (first,) = world.starts(at(1), request(1))
    world.settle(at(2), ended(first, Outcome.FAILED))
    (second,) = world.starts(at(12))

    told = only(world.settle(at(13), ended(second, Outcome.FAILED)), TellEnded)

    assert (told.attempt, told.attempts_max, told.again) == (2, 2, None)


def test_without_retry_there_is_no_number_of_attempts(world: World) -> None:
    world.adopt(at(0), build_task(recurrence=MANUALLY))
    (start,) = world.starts(at(1), request(1))

    told = only(world.settle(at(2), ended(start, Outcome.FAILED)), TellEnded)

    assert (told.attempts_max, told.again) == (None, None)


def test_a_second_series_counts_up_to_nothing(world: World) -> None:
    world.adopt(at(0), build_task(recurrence=MANUALLY, retry=THREE))
    (first,) = world.starts(at(1), request(1))
    world.settle(at(2), ended(first))
    (again,) = world.starts(at(3), request(3, due=1))

    told = only(world.settle(at(4), ended(again, Outcome.FAILED)), TellEnded)

    assert (told.attempt, told.attempts_max, told.again) == (2, None, timedelta(seconds=10))


def test_a_lost_run_is_tried_again_at_once(world: World) -> None:
    world.adopt(at(0), build_task(recurrence=MANUALLY, on_lost=OnLost.RETRY))
    (start,) = world.starts(at(1), request(1))

    settled = world.settle(at(2), ended(start, Outcome.LOST))

    assert only(settled, TellEnded).again == timedelta(0)
    assert len(starts(settled)) == 1

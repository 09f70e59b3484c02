"""What settlements tell people: attempts that follow, holds, failures, warnings, the clock."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from linod.events import ClockAccepted, Outcome, PauseRequested, RunRequested, TellEnded
from linod.policy import HoldKind, WarningKind
from linod.specs import OnLost, Retry, Warn

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


def test_a_settlement_carries_all_holds_where_one_changed(world: World) -> None:
    world.adopt(at(0), build_task(), build_task("report"))
    world.settle(at(1), PauseRequested(request=1, tasks=("report",), by="alice", at=at(1)))

    changed = world.settle(at(2), PauseRequested(request=2, tasks=("mail",), by="bob", at=at(2)))
    unchanged = world.settle(at(10))

    assert changed.holds is not None
    assert [(hold.task, hold.kind) for hold in changed.holds] == [
        ("report", HoldKind.PAUSE),
        ("mail", HoldKind.PAUSE),
    ]
    assert unchanged.holds is None


def test_a_settlement_carries_the_failures_in_a_row_that_changed(world: World) -> None:
    world.adopt(at(0), build_task(recurrence=MANUALLY))
    (first,) = world.starts(at(1), request(1))
    failed = world.settle(at(2), ended(first, Outcome.FAILED))
    (second,) = world.starts(at(3), request(3))
    succeeded = world.settle(at(4), ended(second))

    assert (failed.failures, succeeded.failures) == ({"mail": 1}, {"mail": 0})


def test_a_settlement_carries_new_warnings(world: World) -> None:
    world.adopt(at(0), build_task(recurrence=MANUALLY, warn=Warn(late=timedelta(seconds=5))))
    world.settle(at(1), request(1))

    (warning,) = world.settle(at(7)).warnings

    assert (warning.task, warning.kind, warning.run) == ("mail", WarningKind.LATE, 1)


def test_a_clock_that_stepped_back_leaves_tasks_ahead(world: World) -> None:
    world.adopt(at(0), build_task())
    world.settle(at(8000))

    assert world.engine.ahead(at(4401)) == {}
    assert world.engine.ahead(at(4399)) == {"mail": at(8000)}


def test_an_accepted_clock_leaves_nothing_ahead(world: World) -> None:
    world.adopt(at(0), build_task())
    world.settle(at(8000))

    world.settle(at(10), ClockAccepted(request=1, by="alice", at=at(10)))

    assert world.engine.ahead(at(10)) == {}

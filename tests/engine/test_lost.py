"""on_lost: a run whose end nobody saw, and one that never started."""

from __future__ import annotations

from datetime import timedelta

import pytest

from linod.events import Outcome, RunNeverStarted, ServeStarted, StartRun
from linod.specs import OnLost, Retry, Task

from .asking import cancel, pause, run
from .building import World, at, build_chain, build_task, dues, ended, members

LOST, FAILED = Outcome.LOST, Outcome.FAILED


def build_lost(**keys: object) -> Task:
    """Due at 10, 3610, ...; tried again when it is lost."""
    return build_task(recurrence="every hour", start=at(10), on_lost=OnLost.RETRY, **keys)


def never(start: StartRun) -> RunNeverStarted:
    return RunNeverStarted(run=start.run, lease=start.lease)


def begin(world: World, task: Task) -> StartRun:
    world.adopt(at(5), task)
    (start,) = world.starts(at(10))
    return start


def test_a_lost_run_is_not_tried_again_by_default(world: World) -> None:
    start = begin(world, build_task())

    assert [] == world.starts(at(11), ended(start, LOST))


def test_a_lost_run_is_tried_again_at_once(world: World) -> None:
    start = begin(world, build_lost())

    (second,) = world.starts(at(11), ended(start, LOST))

    assert (at(10), 2) == (second.due, second.attempt)


def test_a_lost_run_is_tried_again_three_times(world: World) -> None:
    found = [begin(world, build_lost())]
    attempts = 0
    while found:
        attempts += 1
        found = world.starts(at(10 + attempts), ended(found[0], LOST))

    assert 4 == attempts
    assert ["lost"] * 4 == [state for state, _ in world.ends()]


def test_a_further_try_says_so(world: World) -> None:
    start = begin(world, build_lost())
    world.settle(at(11), ended(start, LOST))

    assert "lost, try 2 of 4" == world.runs()[1].held


def test_lost_runs_and_retries_have_budgets_of_their_own(world: World) -> None:
    task = build_lost(retry=Retry(attempts=2, delay=timedelta(0)))
    found, outcomes = [begin(world, task)], [LOST, FAILED, LOST, LOST, FAILED, FAILED]
    for number, outcome in enumerate(outcomes):
        found = world.starts(at(11 + number), ended(found[0], outcome)) if found else []

    assert ["lost", "failed", "lost", "lost", "failed"] == [state for state, _ in world.ends()]


def test_a_manual_run_has_tries_of_its_own(world: World) -> None:
    found = [begin(world, build_lost())]
    for number in range(4):
        found = world.starts(at(11 + number), ended(found[0], LOST))
    (start,) = world.starts(at(20), run(20, due=10))

    (again,) = world.starts(at(21), ended(start, LOST))

    assert (at(10), 6) == (again.due, again.attempt)


def test_a_lost_run_is_tried_again_after_a_restart(world: World) -> None:
    start = begin(world, build_lost())
    world.restart()
    world.adopt(at(20), build_lost())

    found = world.starts(at(20), ended(start, LOST), ServeStarted(at=at(20)))

    assert [10] == dues(found)


def test_one_that_never_started_starts_at_once(world: World) -> None:
    start = begin(world, build_task())

    (second,) = world.starts(at(11), never(start))

    assert (at(10), 2) == (second.due, second.attempt)
    assert ("lost", "never started") == world.ends()[0]


def test_one_that_never_started_costs_no_retry(world: World) -> None:
    task = build_task(retry=Retry(attempts=2, delay=timedelta(0)))
    start = begin(world, task)
    (second,) = world.starts(at(11), never(start))
    (third,) = world.starts(at(12), ended(second, FAILED))

    world.settle(at(13), ended(third, FAILED))

    assert ["lost", "failed", "failed"] == [state for state, _ in world.ends()]


def test_one_that_never_started_costs_no_try_of_a_lost_one(world: World) -> None:
    found = [begin(world, build_lost())]
    for number in range(10):
        found = world.starts(at(11 + number), never(found[0]))
    for number in range(3):
        found = world.starts(at(30 + number), ended(found[0], LOST))

    assert [10] == dues(found)
    assert [] == world.starts(at(40), ended(found[0], LOST))


def test_one_that_never_started_counts_as_no_failure(world: World) -> None:
    start = begin(world, build_task(disable_after=1))
    world.settle(at(11), never(start))

    assert () == world.engine.holds


def test_one_that_never_started_keeps_its_planned_start(world: World) -> None:
    start = begin(world, build_task())
    world.settle(at(19), never(start))

    assert at(10) == world.runs()[1].planned


def test_one_that_never_started_is_missed_where_it_is_older_than_the_window(world: World) -> None:
    task = build_lost(catch_up_window=timedelta(minutes=10))
    start = begin(world, task)
    world.restart()
    world.adopt(at(1000), task)

    assert [] == world.starts(at(1000), never(start), ServeStarted(at=at(1000)))
    assert [("lost", "never started"), ("cancelled", "missed")] == world.ends()


def test_one_that_waited_long_and_never_started_is_not_missed_without_a_restart(
    world: World,
) -> None:
    start = begin(world, build_lost(catch_up_window=timedelta(minutes=10)))

    (again,) = world.starts(at(1000), never(start))

    assert (at(10), 2) == (again.due, again.attempt)


def test_one_that_never_started_does_not_start_while_paused(world: World) -> None:
    start = begin(world, build_lost())
    world.settle(at(11), pause(11, "mail"))

    assert [] == world.starts(at(12), never(start))
    assert ("cancelled", "paused by alice") == world.ends()[1]


def test_one_that_was_cancelled_and_never_started_does_not_start(world: World) -> None:
    start = begin(world, build_lost())
    world.settle(at(11), cancel(11, "mail"))

    assert [] == world.starts(at(12), never(start))
    assert ("cancelled", "cancelled by alice") == world.ends()[1]


def test_one_that_never_started_of_a_removed_task_does_not_start(world: World) -> None:
    start = begin(world, build_lost())
    world.adopt(at(11))

    assert [] == world.starts(at(12), never(start))
    assert [("lost", "never started")] == world.ends()


def test_a_member_that_never_started_and_is_paused_did_not_fail(world: World) -> None:
    parts = (build_chain("a", "b"), *members("a", "b"))
    world.adopt(at(5), *parts)
    (start,) = world.starts(at(10))
    world.settle(at(11), pause(11, "a"))
    world.settle(at(12), never(start))

    assert [("cancelled", "a did not run: paused by alice")] == world.ends("nightly")


def test_a_member_of_a_cancelled_chain_that_never_started_does_not_start(world: World) -> None:
    parts = (build_chain("a", "b"), *members("a", "b"))
    world.adopt(at(5), *parts)
    (start,) = world.starts(at(10))
    world.settle(at(11), cancel(11, "nightly"))
    world.restart()
    world.adopt(at(12), *parts)

    assert [] == world.starts(at(12), never(start), ServeStarted(at=at(12)))
    assert ("cancelled", "cancelled by alice") == world.ends("nightly")[0]


@pytest.mark.parametrize("fault", ["undone", "unknown"])
def test_a_further_try_whose_commit_fails_is_made_once(world: World, fault: str) -> None:
    start = begin(world, build_lost())
    world.fail(fault, at(11), ended(start, LOST))

    assert [10] == dues(world.starts(at(11.5), ended(start, LOST)))
    assert ["lost", "starting"] == [state for state, _ in world.ends()]


@pytest.mark.parametrize("fault", ["undone", "unknown"])
def test_one_that_never_started_starts_once_where_the_commit_fails(
    world: World, fault: str
) -> None:
    start = begin(world, build_task())
    world.fail(fault, at(11), never(start))

    assert [10] == dues(world.starts(at(11.5), never(start)))
    assert 2 == len(world.runs())

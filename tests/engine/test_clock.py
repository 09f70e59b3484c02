"""The clock steps back, jumps forward, and is accepted."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest

from linod.events import Answer, Outcome, ServeStarted
from linod.specs import CatchUp, Cooldown, Overlap, Retry

from .asking import accept_clock, backfill, pause, run
from .building import (
    World,
    at,
    build_chain,
    build_pool,
    build_task,
    dues,
    ended,
    members,
    names,
    only,
)

DAY = 86_400
YEARS = 10 * 365 * DAY


def accept(world: World, seconds: float) -> Answer:
    answer = only(world.settle(at(seconds), accept_clock(seconds)), Answer)
    assert isinstance(answer, Answer)
    return answer


# -- forward ----------------------------------------------------------------------------------


def test_what_lies_between_is_missed_and_the_newest_runs(world: World) -> None:
    world.adopt(at(5), build_task(recurrence="every hour"))

    assert [10 * 3600] == dues(world.starts(at(10 * 3600)))
    assert (3600, 9 * 3600, 9, "missed") == world.decisions()[0]


def test_a_jump_of_decades_is_decided_at_once(world: World) -> None:
    world.adopt(at(5), build_task(recurrence="every second", catch_up=CatchUp.NONE))

    world.settle(at(20 * YEARS))

    assert 1 == len(world.decisions())


def test_a_jump_over_one_due_runs_it_late(world: World) -> None:
    world.adopt(at(5), build_task(recurrence="every hour"))

    assert [3600] == dues(world.starts(at(3650)))
    assert not world.runs()[0].is_caught_up


# -- back -------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", [1, 59, 61, 3540, 3 * 3600, DAY, 400 * DAY])
def test_what_is_decided_is_not_decided_again(world: World, step: float) -> None:
    world.adopt(at(5), build_task(overlap=Overlap.ALLOW))
    world.settle(at(30))

    assert [] == world.starts(at(30 - step))
    assert [] == world.starts(at(39.9))
    assert [40] == dues(world.starts(at(40)))


@pytest.mark.parametrize("step", [1, 3540, 400 * DAY])
def test_what_is_decided_is_not_decided_again_after_a_restart(world: World, step: float) -> None:
    task = build_task(overlap=Overlap.ALLOW)
    world.adopt(at(5), task)
    world.settle(at(30))
    world.restart()
    world.adopt(at(30 - step), task)

    assert [] == world.starts(at(30 - step))
    assert [40] == dues(world.starts(at(40)))


def test_back_by_less_than_an_hour_is_not_told(world: World) -> None:
    world.adopt(at(5), build_task())
    world.settle(at(3600))
    world.settle(at(1), run(1))

    assert {} == world.engine.ahead(at(1))


def test_back_by_more_than_an_hour_is_told(world: World) -> None:
    world.adopt(at(5), build_task(), build_task("rare", "every year on january 1 at 00:00"))
    world.settle(at(3700))
    world.settle(at(1), run(1))

    assert {"mail": at(3700)} == world.engine.ahead(at(1))


def test_a_manual_run_runs_while_the_clock_is_back(world: World) -> None:
    world.adopt(at(5), build_task())
    (first,) = world.starts(at(3600))
    world.settle(at(3601), ended(first))

    assert [100] == dues(world.starts(at(100), run(100)))


def test_a_run_that_goes_on_ends_as_usual(world: World) -> None:
    world.adopt(at(5), build_task())
    (first,) = world.starts(at(3600))

    world.settle(at(100), ended(first, started=at(3600), ended=at(100)))

    row = world.runs()[0]
    assert ("succeeded", at(3600)) == (row.state, row.ended)


def test_what_waits_for_another_starts_at_its_due_by_the_clock(world: World) -> None:
    # Nothing starts before its due by the clock that is there.
    world.adopt(at(5), build_task(overlap=Overlap.WAIT))
    (first,) = world.starts(at(10))
    world.settle(at(20))

    assert [] == world.starts(at(15), ended(first))
    assert [20] == dues(world.starts(at(20)))


def test_what_waits_for_a_place_starts_at_its_due_by_the_clock(world: World) -> None:
    tasks = [build_task(name, pool="db") for name in ("a", "b")]
    world.adopt(at(5), build_pool("db", 1), *tasks)
    (first,) = world.starts(at(10))

    assert [] == world.starts(at(7), ended(first))
    assert ["b"] == names(world.starts(at(10)))


def test_a_retry_of_a_due_beyond_now_starts_after_its_delay(world: World) -> None:
    retry = Retry(attempts=2, delay=timedelta(seconds=5))
    world.adopt(at(5), build_task(retry=retry), elapsed=timedelta(seconds=5))
    (first,) = world.starts(at(3600), elapsed=timedelta(seconds=6))
    world.settle(at(10), ended(first, Outcome.FAILED), elapsed=timedelta(seconds=7))

    assert [3600] == dues(world.starts(at(15), elapsed=timedelta(seconds=12)))


def test_a_chain_that_began_goes_on_while_its_due_is_beyond_now(world: World) -> None:
    world.adopt(at(5), build_chain("a", "b"), *members("a", "b"))
    (first,) = world.starts(at(3600))

    (second,) = world.starts(at(100), ended(first))

    assert ("b", at(3600)) == (second.task.name, second.due)


def test_a_manual_run_does_not_wait_behind_what_waits_for_a_due_beyond_now(world: World) -> None:
    world.adopt(at(5), build_task(spread=timedelta(seconds=60)))
    world.settle(at(10))

    assert [-500] == dues(world.starts(at(-500), run(-500)))


def test_what_an_event_brings_while_the_clock_is_back_grows_over_nothing(world: World) -> None:
    # Else what is due from 60 to 100 would have two verdicts.
    task = build_task(recurrence=["every 10 seconds", "at start"], enabled=False)
    world.adopt(at(5), task)
    world.settle(at(100))
    world.restart()
    world.adopt(at(52), task)
    world.settle(at(52), ServeStarted(at=at(52)))
    world.settle(at(110))
    world.settle(at(120))

    assert [(10, 100, 10), (52, 52, 1), (110, 120, 2)] == [row[:3] for row in world.decisions()]


def test_a_pause_ends_at_its_end_by_the_clock(world: World) -> None:
    world.adopt(at(5), build_task())
    world.settle(at(6), pause(6, "mail", until=60))
    world.settle(at(-600))

    assert 1 == len(world.engine.holds)
    world.settle(at(60))
    assert () == world.engine.holds


# -- accept -----------------------------------------------------------------------------------


def test_accept_lets_tasks_run_again(world: World) -> None:
    world.adopt(at(5), build_task())
    (first,) = world.starts(at(YEARS))
    world.settle(at(YEARS + 1), ended(first))

    assert ("mail",) == accept(world, 15).tasks
    assert [20] == dues(world.starts(at(20)))


def test_accept_runs_nothing_from_before(world: World) -> None:
    world.adopt(at(5), build_task())
    (first,) = world.starts(at(YEARS))
    world.settle(at(YEARS + 1), ended(first))
    accept(world, 105)

    assert [] == world.starts(at(109.9))


def test_accept_ends_a_range_at_now(world: World) -> None:
    world.adopt(at(5), build_task(catch_up=CatchUp.NONE))
    world.settle(at(YEARS))
    accept(world, 45)

    assert [(10, 40, 4, "missed")] == world.decisions()


def test_accept_leaves_a_range_the_event_with_which_it_begins(world: World) -> None:
    # The start of the daemon is an occurrence too: 5, and then 10 to 40.
    task = build_task(recurrence=["every 10 seconds", "at start"], enabled=False)
    world.adopt(at(5), task)
    world.settle(at(5), ServeStarted(at=at(5)))
    world.settle(at(100))
    accept(world, 45)

    assert [(5, 40, 5, "switched off")] == world.decisions()


def test_accept_removes_what_is_decided_beyond_now(world: World) -> None:
    world.adopt(at(5), build_task(catch_up=CatchUp.NONE))
    (first,) = world.starts(at(10))
    world.settle(at(11), ended(first))
    world.settle(at(YEARS))
    accept(world, 15)

    assert [(10, 10, 1, "admitted")] == world.decisions()


def test_accept_leaves_what_ran_beyond_now(world: World) -> None:
    world.adopt(at(5), build_task())
    (first,) = world.starts(at(1000))
    world.settle(at(1001), ended(first))
    accept(world, 15)

    assert [(10, 10, 1, "missed"), (1000, 1000, 1, "admitted")] == world.decisions()


def test_a_due_that_ran_is_passed_over_when_it_comes(world: World) -> None:
    world.adopt(at(5), build_task())
    (first,) = world.starts(at(60))
    world.settle(at(61), ended(first))
    accept(world, 15)
    found = []
    for each in (20, 30, 40, 50, 60, 70):
        started = world.starts(at(each))
        found += dues(started)
        world.settle(at(each + 1), *(ended(start) for start in started))

    assert [20, 30, 40, 50, 70] == found


def test_accept_leaves_the_verdict_on_what_a_person_filled_back(world: World) -> None:
    world.adopt(at(5), build_task(catch_up=CatchUp.NONE))
    world.settle(at(100))
    world.settle(at(101), backfill(101, 50, 60))
    accept(world, 25)

    rows = [(10, 20, 2, "missed"), (50, 50, 1, "missed"), (60, 60, 1, "missed")]
    assert rows == world.decisions()


def test_what_a_person_filled_back_is_passed_over_when_it_comes(world: World) -> None:
    world.adopt(at(5), build_task(enabled=False))
    world.settle(at(100))
    world.settle(at(101), backfill(101, 50, 60))
    accept(world, 25)
    world.settle(at(85))

    rows = [row[:3] for row in world.decisions()]
    assert [(10, 40, 4), (50, 50, 1), (60, 80, 3)] == rows


def test_each_occurrence_has_one_verdict_after_accept(world: World) -> None:
    world.adopt(at(5), build_task(catch_up=CatchUp.NONE))
    (first,) = world.starts(at(10))
    world.settle(at(20))
    world.settle(at(30), ended(first))
    world.settle(at(95))
    accept(world, 55)
    world.settle(at(105))

    rows = world.decisions()
    assert all(one[1] < other[0] for one, other in pairwise(rows))
    assert 10 == sum(row[2] for row in rows)


def test_accept_takes_only_what_lies_ahead(world: World) -> None:
    world.adopt(at(5), build_task(), build_task("rare", "every 30 days"))
    world.settle(at(1000))

    assert ("mail",) == accept(world, 15).tasks


def test_accept_without_a_cause_changes_nothing(world: World) -> None:
    world.adopt(at(5), build_task())
    world.settle(at(10))

    assert () == accept(world, 15).tasks
    assert [(10, 10, 1, "admitted")] == world.decisions()


def test_after_accept_what_gets_no_run_is_one_range_again(world: World) -> None:
    # A row that lies years ahead must not make every occurrence a row of its own.
    world.adopt(at(5), build_task())
    (first,) = world.starts(at(YEARS))
    world.settle(at(YEARS + 1), ended(first))
    accept(world, 15)
    world.settle(at(16), pause(16, "mail"))
    for each in range(20, 100, 10):
        world.settle(at(each))

    assert (20, 90, 8, "paused") == world.decisions()[1]


def test_after_accept_what_waits_for_the_clock_does_not_stop_its_task(world: World) -> None:
    task = build_task(spread=timedelta(seconds=60))
    world.adopt(at(5), task)
    world.settle(at(YEARS))
    accept(world, 15)
    world.settle(at(20))

    assert (20, "admitted") == world.verdicts()[1][:2]
    assert [20] == dues(world.starts(at(28)))


def test_after_accept_a_chain_runs_again(world: World) -> None:
    world.adopt(at(5), build_chain("a"), *members("a"))
    (first,) = world.starts(at(YEARS))
    world.settle(at(YEARS + 1), ended(first))
    accept(world, 15)

    assert ["a"] == names(world.starts(at(20)))


def test_accept_is_kept_with_who_and_what(world: World) -> None:
    world.adopt(at(5), build_task())
    world.settle(at(YEARS))
    accept(world, 15)

    row = world.store.actions()[-1]
    assert ("clock accept", "alice", "mail") == (row.verb, row.by, row.text)


def test_accept_holds_over_a_restart(world: World) -> None:
    world.adopt(at(5), build_task())
    (first,) = world.starts(at(YEARS))
    world.settle(at(YEARS + 1), ended(first))
    accept(world, 15)
    world.restart()
    world.adopt(at(16), build_task())

    assert [20] == dues(world.starts(at(20)))


@pytest.mark.parametrize("fault", ["undone", "unknown"])
def test_accept_holds_where_its_commit_fails(world: World, fault: str) -> None:
    world.adopt(at(5), build_task())
    (first,) = world.starts(at(YEARS))
    world.settle(at(YEARS + 1), ended(first))
    world.fail(fault, at(15), accept_clock(15))
    only(world.settle(at(15.5), accept_clock(15)), Answer)

    assert [20] == dues(world.starts(at(20)))


def test_a_failure_ahead_does_not_count_its_cooldown_from_there(world: World) -> None:
    task = build_task(cooldown=Cooldown(failure=timedelta(seconds=25)))
    world.adopt(at(5), task)
    (first,) = world.starts(at(YEARS))
    world.settle(at(YEARS + 1), ended(first, Outcome.FAILED))
    world.restart()
    world.adopt(at(14), task, elapsed=timedelta(0))
    world.settle(at(15), accept_clock(15), elapsed=timedelta(seconds=1))

    assert [] == world.starts(at(20), elapsed=timedelta(seconds=6))
    assert [40] == dues(
        world.starts(at(30), elapsed=timedelta(seconds=16))
        + world.starts(at(40), elapsed=timedelta(seconds=26))
    )

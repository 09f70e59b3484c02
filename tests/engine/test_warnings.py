"""warn: what is late, runs long, has no success, is not done; each told once."""

from __future__ import annotations

from datetime import time, timedelta

import pytest

from linod.events import Outcome, ServeStarted, StartRun
from linod.specs import Allowed, Overlap, Retry, Task, Warn

from .asking import accept_clock, pause, run
from .building import (
    World,
    at,
    build_chain,
    build_pool,
    build_task,
    changes,
    ended,
    members,
    started,
)

HOUR = 3600
FAILED = Outcome.FAILED


def build_warned(name: str = "mail", recurrence: object = "every hour", **warn: object) -> Task:
    return build_task(name, recurrence, warn=Warn(**warn))


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


def told(world: World, *seconds: float) -> list[str]:
    """What is told at some instants."""
    return [text for each in seconds for text in changes(world.settle(at(each)))]


def kinds(world: World, task: str = "mail") -> list[str]:
    return [row.kind.value for row in world.store.warnings(task)]


def begin(world: World, task: Task, seconds: float = HOUR) -> StartRun:
    """Let it run at its first due."""
    world.adopt(at(5), task)
    (start,) = world.starts(at(seconds))
    world.settle(at(seconds), started(start, at(seconds)))
    return start


# -- running ----------------------------------------------------------------------------------


def test_a_run_longer_than_the_length_is_told(world: World) -> None:
    begin(world, build_warned(running=minutes(10)))

    assert [] == told(world, HOUR + 599)
    assert ["mail has run for more than 10 minutes  (run 1)"] == told(world, HOUR + 600)


def test_its_moment_wakes_the_engine(world: World) -> None:
    begin(world, build_warned(running=minutes(10)))

    assert at(HOUR + 600) == world.engine.wake(at(HOUR + 1))


def test_a_run_that_ended_in_time_is_not_told(world: World) -> None:
    start = begin(world, build_warned(running=minutes(10)))
    world.settle(at(HOUR + 500), ended(start))

    assert [] == told(world, HOUR + 600, HOUR + 700)


def test_a_long_run_is_told_once(world: World) -> None:
    task = build_warned(running=minutes(10))
    begin(world, task)
    told(world, HOUR + 600)
    world.adopt(at(HOUR + 610), task)
    found = told(world, HOUR + 611, HOUR + 700)
    world.restart()
    world.adopt(at(HOUR + 710), task)

    assert [] == found + told(world, HOUR + 711)
    assert ["running"] == kinds(world)


def test_a_long_run_is_told_after_a_restart(world: World) -> None:
    task = build_warned(running=minutes(10))
    begin(world, task)
    world.restart()
    world.adopt(at(HOUR + 900), task)

    assert ["mail has run for more than 10 minutes  (run 1)"] == told(world, HOUR + 900)


def test_each_long_run_is_told(world: World) -> None:
    task = build_task(
        recurrence="every hour", warn=Warn(running=minutes(70)), overlap=Overlap.ALLOW
    )
    begin(world, task)
    (second,) = world.starts(at(2 * HOUR))
    world.settle(at(2 * HOUR), started(second, at(2 * HOUR)))

    assert [
        "mail has run for more than 1 hour 10 minutes  (run 1)",
        "mail has run for more than 1 hour 10 minutes  (run 2)",
    ] == told(world, 3 * HOUR - 1, 4 * HOUR - 1)


def test_two_long_runs_of_one_instant_are_told_once_each(world: World) -> None:
    warn = Warn(running=minutes(10))
    task = build_task(recurrence="manually", warn=warn, overlap=Overlap.ALLOW)
    world.adopt(at(5), task)
    found = world.starts(at(11), run(10), run(10.5))
    world.settle(at(11), *(started(start, at(11)) for start in found))
    first = told(world, 700)
    world.adopt(at(701), task)

    assert 2 == len(first)
    assert [] == told(world, 702)
    assert ["running", "running"] == kinds(world)


def test_the_length_counts_on_the_time_since_boot(world: World) -> None:
    world.adopt(at(5), build_warned(running=minutes(10)), elapsed=timedelta(0))
    (start,) = world.starts(at(HOUR), elapsed=timedelta(hours=1))
    world.settle(at(HOUR), started(start, at(HOUR)), elapsed=timedelta(hours=1))

    settled = world.settle(at(10), elapsed=timedelta(hours=1, minutes=10))

    assert 1 == len(changes(settled))


def test_auto_knows_nothing_at_first(world: World) -> None:
    begin(world, build_warned(running="auto"))

    assert [] == told(world, HOUR + 3000)


def test_auto_is_twice_the_longest_of_the_last_runs(world: World) -> None:
    task = build_warned(running="auto")
    world.adopt(at(5), task)
    for hour in range(1, 6):
        (start,) = world.starts(at(hour * HOUR))
        world.settle(
            at(hour * HOUR + 300),
            ended(start, started=at(hour * HOUR), ended=at(hour * HOUR + 60 * hour)),
        )
    (start,) = world.starts(at(6 * HOUR))
    world.settle(at(6 * HOUR), started(start, at(6 * HOUR)))

    assert [] == told(world, 6 * HOUR + 599)
    assert ["mail has run for more than 10 minutes  (run 6)"] == told(world, 6 * HOUR + 600)


def test_auto_tells_the_length_it_looked_for(world: World) -> None:
    # Another run that ends meanwhile makes the limit longer: that is no reason to tell a lie.
    task = build_task(recurrence="manually", warn=Warn(running="auto"), overlap=Overlap.ALLOW)
    world.adopt(at(0), task)
    for number in range(5):
        (start,) = world.starts(at(number * 100), run(number * 100))
        first, last = at(number * 100), at(number * 100 + 50)
        world.settle(last, ended(start, started=first, ended=last))
    long, short = world.starts(at(1001), run(1000), run(1000.5))
    world.settle(at(1001), started(long, at(1001)), started(short, at(1001)))
    world.settle(at(1095), ended(short, started=at(1001), ended=at(1095)))

    assert ["mail has run for more than 1 minute 40 seconds  (run 6)"] == told(world, 1101)


def test_a_chain_that_goes_on_for_long_is_told(world: World) -> None:
    chain = build_chain("a", recurrence="every hour", warn=Warn(running=minutes(10)))
    world.adopt(at(5), chain, *members("a"))
    world.settle(at(HOUR))

    number = world.runs("nightly")[0].id
    assert [f"nightly has run for more than 10 minutes  (run {number})"] == (
        told(world, HOUR + 600)
    )


def test_a_chain_that_begins_at_a_reload_is_told(world: World) -> None:
    keys = {"recurrence": "every 2 hours", "warn": Warn(running=minutes(10))}
    shut = build_chain("a", start=at(0), allowed=Allowed(first=time(8), last=time(9)), **keys)
    world.adopt(at(-5), shut, *members("a"))
    world.settle(at(0))
    world.adopt(at(10), build_chain("a", start=at(0), **keys), *members("a"))

    assert ["nightly has run for more than 10 minutes  (run 1)"] == told(world, 610)


def test_a_run_that_was_paused_meanwhile_is_still_told(world: World) -> None:
    begin(world, build_warned(running=minutes(10)))
    world.settle(at(HOUR + 1), pause(HOUR + 1, "mail"))

    assert 1 == len(told(world, HOUR + 600))


# -- late -------------------------------------------------------------------------------------


def test_a_start_later_than_the_length_is_told_with_what_it_waits_for(world: World) -> None:
    late = build_task("late", "every hour", pool="db", warn=Warn(late=minutes(15)))
    first = build_task("first", "every hour", pool="db")
    world.adopt(at(5), build_pool("db", 1), first, late)
    world.settle(at(HOUR))

    assert [] == told(world, HOUR + 899)
    assert ['late did not start within 15 minutes, pool "db" was full (1 of 1)  (run 2)'] == told(
        world, HOUR + 900
    )


def test_a_start_that_is_not_reported_is_late(world: World) -> None:
    world.adopt(at(5), build_warned(late=minutes(15)))
    world.settle(at(HOUR))

    assert ["mail did not start within 15 minutes  (run 1)"] == told(world, HOUR + 900)


def test_a_start_in_time_is_not_told(world: World) -> None:
    begin(world, build_warned(late=minutes(15)))

    assert [] == told(world, HOUR + 900)


def test_lateness_counts_from_the_planned_start(world: World) -> None:
    task = build_task(
        recurrence="every hour", spread=timedelta(minutes=30), warn=Warn(late=minutes(15))
    )
    world.adopt(at(5), task)
    world.settle(at(HOUR))
    planned = world.runs()[0].planned

    assert [] == changes(world.settle(planned))
    assert [] == changes(world.settle(planned + timedelta(minutes=14)))
    assert 1 == len(changes(world.settle(planned + timedelta(minutes=15))))


def test_a_retry_is_late_from_its_own_planned_start(world: World) -> None:
    retry = Retry(attempts=2, delay=timedelta(minutes=30))
    task = build_task(
        recurrence="every day", start=at(10), retry=retry, warn=Warn(late=minutes(15))
    )
    world.adopt(at(5), task)
    (start,) = world.starts(at(10))
    world.settle(at(20), ended(start, FAILED))

    assert [] == told(world, 1000, 1820)
    assert 1 == len(told(world, 1820 + 900))


def test_a_member_of_a_chain_is_told_late(world: World) -> None:
    member = build_task("b", "manually", warn=Warn(late=minutes(15)))
    world.adopt(at(5), build_chain("a", "b"), *members("a"), member, max_running=1)
    (first,) = world.starts(at(10))
    world.settle(at(20), ended(first))

    assert ["b did not start within 15 minutes  (run 3)"] == told(world, 920)


def test_a_late_start_is_told_once(world: World) -> None:
    task = build_warned(late=minutes(15))
    world.adopt(at(5), task)
    world.settle(at(HOUR))
    told(world, HOUR + 900)
    world.adopt(at(HOUR + 901), task)

    assert [] == told(world, HOUR + 902, HOUR + 2000)


# -- no_success -------------------------------------------------------------------------------


def test_no_success_for_so_long_is_told(world: World) -> None:
    world.adopt(at(0), build_warned(no_success=timedelta(hours=3)))
    for hour in (1, 2):
        (start,) = world.starts(at(hour * HOUR))
        world.settle(at(hour * HOUR + 1), ended(start, FAILED))

    assert [] == told(world, 3 * HOUR - 1)
    assert ["mail had no success for 3 hours"] == told(world, 3 * HOUR)


def test_no_success_counts_from_the_last_success(world: World) -> None:
    world.adopt(at(0), build_warned(no_success=timedelta(hours=3)))
    (start,) = world.starts(at(HOUR))
    world.settle(at(HOUR + 60), ended(start, ended=at(HOUR + 60)))

    assert [] == told(world, 3 * HOUR, 4 * HOUR)
    assert ["mail had no success for 3 hours"] == told(world, 4 * HOUR + 60)


def test_no_success_is_told_once_until_the_next_success(world: World) -> None:
    task = build_warned(no_success=timedelta(hours=3))
    world.adopt(at(0), task)
    told(world, 3 * HOUR)
    world.adopt(at(3 * HOUR + 1), task)
    found = told(world, 3 * HOUR + 2, 6 * HOUR, 9 * HOUR)
    world.restart()
    world.adopt(at(10 * HOUR), task)

    assert [] == found + told(world, 10 * HOUR + 1)


def test_no_success_is_told_again_after_another_success(world: World) -> None:
    world.adopt(at(0), build_warned(no_success=timedelta(hours=3)))
    (start,) = world.starts(at(HOUR))
    told(world, 3 * HOUR)
    world.settle(at(4 * HOUR), ended(start, ended=at(4 * HOUR)))
    found = [text for hour in range(5, 9) for text in told(world, hour * HOUR)]

    assert ["mail had no success for 3 hours"] == found


def test_no_success_while_linod_was_down_is_told_at_the_next_start(world: World) -> None:
    task = build_warned(no_success=timedelta(hours=3))
    world.adopt(at(0), task)
    world.restart()
    world.adopt(at(10 * HOUR), task)

    assert ["mail had no success for 3 hours"] == told(world, 10 * HOUR)


def test_a_task_that_is_new_has_all_the_time(world: World) -> None:
    world.adopt(at(0), build_task("other"))
    world.adopt(at(10 * HOUR), build_warned(no_success=timedelta(hours=3)))

    assert [] == told(world, 13 * HOUR - 1)
    assert 1 == len(told(world, 13 * HOUR))


def test_a_success_ahead_of_the_clock_does_not_count_for_ever(world: World) -> None:
    task = build_warned(no_success=timedelta(hours=3))
    world.adopt(at(0), task)
    (start,) = world.starts(at(10_000 * HOUR))
    world.settle(at(10_000 * HOUR), ended(start, ended=at(10_000 * HOUR)))
    world.settle(at(HOUR), accept_clock(HOUR))
    world.adopt(at(HOUR), task)

    assert ["mail had no success for 3 hours"] == told(world, 3 * HOUR, 4 * HOUR)


# -- done_by ----------------------------------------------------------------------------------


def build_nightly(**keys: object) -> Task:
    """Due at 08:00, to be done by 09:00; T is 07:00."""
    return build_task(recurrence="every day at 08:00", warn=Warn(done_by=time(9)), **keys)


def test_what_is_not_done_by_then_is_told(world: World) -> None:
    begin(world, build_nightly())

    assert [] == told(world, 2 * HOUR - 1)
    assert ["mail was not done by 09:00"] == told(world, 2 * HOUR)


def test_what_is_done_by_then_is_not_told(world: World) -> None:
    start = begin(world, build_nightly())
    world.settle(at(HOUR + 60), ended(start, ended=at(HOUR + 60)))

    assert [] == told(world, 2 * HOUR)


def test_what_failed_by_then_is_told(world: World) -> None:
    start = begin(world, build_nightly())
    world.settle(at(HOUR + 60), ended(start, FAILED, ended=at(HOUR + 60)))

    assert ["mail was not done by 09:00"] == told(world, 2 * HOUR)


def test_it_is_told_each_day(world: World) -> None:
    world.adopt(at(5), build_nightly(enabled=False))
    found = [told(world, hour * HOUR) for hour in range(1, 52)]

    assert [2, 26, 50] == [hour for hour, texts in enumerate(found, 1) if texts]


def test_it_is_told_once_a_day(world: World) -> None:
    task = build_nightly()
    begin(world, task)
    told(world, 2 * HOUR)
    world.adopt(at(2 * HOUR + 1), task)
    found = told(world, 2 * HOUR + 2)
    world.restart()
    world.adopt(at(2 * HOUR + 3), task)

    assert [] == found + told(world, 2 * HOUR + 4)


def test_a_day_on_which_it_is_not_due_is_not_told(world: World) -> None:
    # T is a Saturday.
    task = build_task(recurrence="every monday at 08:00", warn=Warn(done_by=time(9)))
    world.adopt(at(5), task)

    assert [] == told(world, 2 * HOUR, 26 * HOUR)


def test_what_was_not_done_while_linod_was_down_is_told_at_the_next_start(world: World) -> None:
    task = build_nightly()
    world.adopt(at(5), task)
    world.restart()
    world.adopt(at(3 * HOUR), task)

    assert ["mail was not done by 09:00"] == told(world, 3 * HOUR)


def test_a_reload_at_its_moment_does_not_swallow_it(world: World) -> None:
    task = build_nightly()
    begin(world, task)
    settled = world.adopt(at(2 * HOUR), task)

    assert ["mail was not done by 09:00"] == changes(settled) + told(world, 2 * HOUR + 1)


def test_a_start_in_the_afternoon_tells_nothing_of_what_is_due_since(world: World) -> None:
    # Due at 08:00 and, a second time, at 14:00; done at 08:10.
    task = build_task(recurrence="every day at 08:00 and 14:00", warn=Warn(done_by=time(9)))
    start = begin(world, task)
    world.settle(at(HOUR + 600), ended(start, ended=at(HOUR + 600)))
    told(world, 2 * HOUR)
    world.settle(at(7 * HOUR))
    world.restart()
    world.adopt(at(7 * HOUR + 60), task)

    assert [] == told(world, 7 * HOUR + 60)


def test_it_is_read_in_the_zone_of_the_task(world: World) -> None:
    # 09:00 in Tallinn is T.
    task = build_task(
        recurrence="every day at 08:30", timezone="Europe/Tallinn", warn=Warn(done_by=time(9))
    )
    world.adopt(at(-HOUR), task)
    world.settle(at(-HOUR / 2))

    assert ["mail was not done by 09:00"] == told(world, 0)


# -- all --------------------------------------------------------------------------------------


def test_warnings_are_kept_with_their_runs(world: World) -> None:
    begin(world, build_warned(running=minutes(10)))
    told(world, HOUR + 600)

    (row,) = world.store.warnings()
    assert ("mail", "running", 1, at(HOUR + 600), "has run for more than 10 minutes") == (
        row.task,
        row.kind,
        row.run,
        row.at,
        row.text,
    )


def test_without_warn_nothing_is_told(world: World) -> None:
    begin(world, build_task(recurrence="every hour"))

    assert [] == told(world, 2 * HOUR, 100 * HOUR)


@pytest.mark.parametrize("fault", ["undone", "unknown"])
def test_a_warning_whose_commit_fails_is_kept_once(world: World, fault: str) -> None:
    begin(world, build_warned(running=minutes(10)))
    world.fail(fault, at(HOUR + 600))
    world.settle(at(HOUR + 601), ServeStarted(at=at(HOUR + 601)))

    assert ["running"] == kinds(world)

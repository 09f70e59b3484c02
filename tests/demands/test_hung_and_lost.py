"""Runs that hang, runs that nobody saw end, stores that fail, daemons that stop."""

from __future__ import annotations

from datetime import timedelta

import pytest

from linod.events import Answer, Outcome, RunNeverStarted, ServeStarted, StopRun
from linod.specs import OnLost, Overlap, Pool, Retry, Warn
from linod.store.interface import StoreError

from .building import World, asking, at, build_task, changes, dues, ended, names, only, started

FAILED, LOST = Outcome.FAILED, Outcome.LOST


# -- hung -------------------------------------------------------------------------------------


def test_a_run_that_hangs_does_not_hold_up_other_tasks(world: World) -> None:
    """agronholm/apscheduler#17, #342; the ancestor ran one task at a time."""
    world.adopt(at(5), build_task("hung"), build_task())
    hung, mail = world.starts(at(10))
    world.settle(at(11), ended(mail))

    assert "hung" == hung.task.name
    assert ["mail"] == names(world.starts(at(20)))


def test_what_a_run_that_hangs_keeps_from_running_is_recorded(world: World) -> None:
    """agronholm/apscheduler#528: "maximum number of running instances reached"."""
    world.adopt(at(5), build_task())
    world.settle(at(10))
    for each in (20, 30, 40):
        world.settle(at(each))

    assert (20, 40, 3, "overlap") == world.decisions()[-1]
    assert "run 1 was going on" == world.verdicts()[-1][2]


def test_a_run_that_hangs_is_told(world: World) -> None:
    """agronholm/apscheduler#423; aptible/supercronic#88."""
    world.adopt(at(5), build_task(warn=Warn(running=timedelta(minutes=1))))
    (start,) = world.starts(at(10))
    world.settle(at(10), started(start, at(10)))

    found = [text for each in range(11, 90) for text in changes(world.settle(at(each)))]

    assert ["mail has run for more than 1 minute  (run 1)"] == found


def test_a_run_that_hangs_can_give_way_to_the_next_one(world: World) -> None:
    """agronholm/apscheduler#474: restart the job rather than skip it."""
    world.adopt(at(5), build_task(overlap=Overlap.REPLACE))
    (start,) = world.starts(at(10))

    assert start.run == only(world.settle(at(20)), StopRun).run


def test_a_timeout_goes_with_the_start_and_frees_the_schedule(world: World) -> None:
    """agronholm/apscheduler#17: open since 2012."""
    world.adopt(at(5), build_task(timeout=timedelta(seconds=8)))
    (start,) = world.starts(at(10))
    world.settle(at(18.1), ended(start, Outcome.TIMED_OUT, reason="after 8 s"))

    assert timedelta(seconds=8) == start.task.timeout
    assert [20] == dues(world.starts(at(20)))


def test_a_pool_that_hangs_holds_up_that_pool_only(world: World) -> None:
    """yo8192/fcron#38: one hung job filled the serial queue."""
    serial = [build_task(name, pool="serial") for name in ("hung", "behind")]
    world.adopt(at(5), Pool(name="serial", size=1), *serial, build_task())

    assert ["hung", "mail"] == names(world.starts(at(10)))
    assert 'pool "serial" was full (1 of 1)' == world.runs("behind")[0].held


def test_a_person_ends_a_run_that_hangs(world: World) -> None:
    """procrastinate-org/procrastinate#1281."""
    world.adopt(at(5), build_task())
    (start,) = world.starts(at(10))

    settled = world.settle(at(15), asking.cancel(15, "mail"))

    assert start.run == only(settled, StopRun).run
    assert (start.run,) == only(settled, Answer).runs


# -- "running" for ever -----------------------------------------------------------------------


def test_a_run_that_was_lost_with_its_machine_is_lost_and_not_running(world: World) -> None:
    """dagucloud/dagu#1103, #2298, PR#1122, #1166; dagster-io/dagster#4319."""
    world.adopt(at(5), build_task())
    (start,) = world.starts(at(10))
    world.restart()
    world.adopt(at(15), build_task())
    world.settle(at(15), ended(start, LOST, reason="the machine went down"))

    assert [("lost", "the machine went down")] == world.ends()


def test_a_lost_run_does_not_block_the_next_one(world: World) -> None:
    """dagucloud/dagu#2040; procrastinate-org/procrastinate#307."""
    world.adopt(at(5), build_task())
    (start,) = world.starts(at(10))
    world.restart()
    world.adopt(at(15), build_task())
    world.settle(at(15), ended(start, LOST), ServeStarted(at=at(15)))

    assert [20] == dues(world.starts(at(20)))


def test_a_lost_run_is_tried_again_where_that_is_wanted_and_not_for_ever(world: World) -> None:
    """procrastinate-org/procrastinate#1408, #1518, #1543: the rescuer of stalled jobs stalls."""
    world.adopt(at(5), build_task(recurrence="every hour", start=at(10), on_lost=OnLost.RETRY))
    found, number = world.starts(at(10)), 0
    while found:
        number += 1
        found = world.starts(at(10 + number), ended(found[0], LOST))

    assert 4 == number


def test_a_late_end_of_a_run_that_was_given_up_changes_nothing(world: World) -> None:
    """dagucloud/dagu#2298: the end of an old attempt overwrote the new one."""
    world.adopt(at(5), build_task(on_lost=OnLost.RETRY))
    (first,) = world.starts(at(10))
    (second,) = world.starts(at(11), ended(first, LOST))
    world.settle(at(12), ended(first))

    assert [("lost", ""), ("starting", "")] == world.ends()
    assert second.attempt == 2


def test_a_run_that_a_person_asked_for_survives_a_crash_before_its_start(world: World) -> None:
    """jhuckaby/Cronicle#757: manual runs were not restarted; dkron-io/dkron#998, #1210."""
    world.adopt(at(5), build_task(recurrence="manually"))
    (start,) = world.starts(at(6), asking.run(6))
    world.restart()
    world.adopt(at(7), build_task(recurrence="manually"))

    (again,) = world.starts(at(7), RunNeverStarted(run=start.run, lease=start.lease))

    assert ("manual", at(6), 2) == (again.trigger, again.due, again.attempt)


# -- stores that fail -------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["undone", "unknown"])
def test_a_store_that_cannot_be_written_loses_no_decision(world: World, fault: str) -> None:
    """celery/celery#4777, #5447; jhuckaby/Cronicle#303, #613, #901: disk full, file locked."""
    world.adopt(at(5), build_task())
    world.fail(fault, at(10))

    assert [10] == dues(world.starts(at(10.5)))
    assert [(10, 10, 1, "admitted")] == world.decisions()


def test_a_store_that_fails_for_long_is_made_up_for_when_it_can_be_written(world: World) -> None:
    """agronholm/apscheduler#843; jhuckaby/Cronicle#303."""
    world.adopt(at(5), build_task())
    for each in range(10, 60):
        world.fail("undone", at(each))
    (start,) = world.starts(at(60))

    assert at(60) == start.due
    assert [(10, 50, 5, "missed"), (60, 60, 1, "admitted")] == world.decisions()


def test_an_end_that_could_not_be_recorded_is_recorded_later(world: World) -> None:
    """jhuckaby/Cronicle#143."""
    world.adopt(at(5), build_task())
    (start,) = world.starts(at(10))
    for each in range(11, 15):
        world.fail("undone", at(each), ended(start))
    world.settle(at(15), ended(start))

    assert [("succeeded", "")] == world.ends()


def test_a_store_that_fails_does_not_end_the_engine(world: World) -> None:
    """celery/celery#5039, #824, #2088, #2505: the scheduler died without a word."""
    world.adopt(at(5), build_task())
    world.store.faults = ["undone"] * 3
    for each in (10, 11, 12):
        with pytest.raises(StoreError):
            world.settle(at(each))

    assert [10] == dues(world.starts(at(13)))


# -- stop -------------------------------------------------------------------------------------


def test_a_stop_starts_nothing_more_and_records_ends(world: World) -> None:
    """aptible/supercronic#62, #112."""
    world.adopt(at(5), build_task(), build_task("news", "every 15 seconds"))
    found = world.starts(at(10))
    world.engine.drain()

    assert [] == world.starts(at(20), *(ended(each) for each in found))
    assert [("succeeded", "")] == world.ends()


def test_what_fell_due_during_a_stop_runs_at_the_next_start(world: World) -> None:
    """aptible/supercronic#142, #173: a stop that waits long for its runs."""
    world.adopt(at(5), build_task(recurrence="every hour", start=at(10)))
    (start,) = world.starts(at(10))
    world.engine.drain()
    world.settle(at(3700), ended(start))
    world.restart()
    task = build_task(recurrence="every hour", start=at(10))
    world.adopt(at(3800), task)

    assert [3610] == dues(world.starts(at(3800), ServeStarted(at=at(3800))))


def test_a_retry_that_a_stop_interrupts_goes_on_at_the_next_start(world: World) -> None:
    """jhuckaby/Cronicle#918; dkron-io/dkron#1210."""
    task = build_task(recurrence="every hour", start=at(10), retry=Retry(attempts=2))
    world.adopt(at(5), task)
    (start,) = world.starts(at(10))
    world.engine.drain()
    world.settle(at(11), ended(start, FAILED))
    world.restart()
    world.adopt(at(60), task)

    assert [10] == dues(world.starts(at(60), ServeStarted(at=at(60))))

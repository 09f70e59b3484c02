"""Runs that did not happen without a word, and runs that nobody wanted."""

from __future__ import annotations

from datetime import timedelta

import pytest

from linod.events import Outcome, ServeStarted, TellDecided
from linod.specs import CatchUp, Overlap

from .building import World, asking, at, build_task, dues, ended, only, starts

HOUR, DAY = 3600, 86_400


# -- missed -----------------------------------------------------------------------------------


def test_what_fell_due_while_the_machine_slept_runs_when_it_wakes(world: World) -> None:
    """rfsbraz/deleterr#292: the NAS slept at the time, and it never ran."""
    world.adopt(at(0), build_task(recurrence="every day at 08:00"))

    assert [HOUR] == dues(world.starts(at(8 * HOUR)))


def test_what_fell_due_while_the_daemon_was_down_runs_at_its_start(world: World) -> None:
    """coleifer/huey#751; celery/django-celery-beat#431."""
    task = build_task(recurrence="every day at 08:00")
    world.adopt(at(0), task)
    world.restart()
    world.adopt(at(8 * HOUR), task)

    assert [HOUR] == dues(world.starts(at(8 * HOUR), ServeStarted(at=at(8 * HOUR))))


def test_a_decision_that_comes_a_little_late_is_no_miss(world: World) -> None:
    """agronholm/apscheduler#182, #296: "run time of job was missed by 0:00:01"."""
    world.adopt(at(5), build_task(recurrence="every hour", catch_up=CatchUp.NONE))

    assert [HOUR] == dues(world.starts(at(HOUR + 59)))


def test_a_miss_is_told_with_its_number_and_its_reason(world: World) -> None:
    """agronholm/apscheduler#292, #1002, #328: dropped without a word."""
    world.adopt(at(5), build_task(catch_up=CatchUp.NONE))

    told = only(world.settle(at(45)), TellDecided)

    assert (4, "missed", 'catch_up = "none"') == (told.count, told.verdict, told.reason)


def test_no_occurrence_of_a_bad_day_is_without_a_verdict(world: World) -> None:
    """agronholm/apscheduler#292 and the like: down, busy, paused, asleep, all in one day."""
    world.adopt(at(5), build_task())
    (first,) = world.starts(at(10))
    world.settle(at(25))
    world.settle(at(30), ended(first), asking.pause(30, "mail"))
    world.settle(at(45), asking.resume(45, "mail"))
    world.restart()
    world.adopt(at(95), build_task())
    world.settle(at(100))

    assert 10 == sum(row[2] for row in world.decisions())


# -- surprises --------------------------------------------------------------------------------


def test_the_first_start_runs_nothing_from_before(world: World) -> None:
    """celery/celery#4806, #2531: everything at once at the first start."""
    tasks = [build_task(f"task{number}", "every day at 06:00") for number in range(20)]
    world.adopt(at(0), *tasks)

    assert [] == world.starts(at(0), ServeStarted(at=at(0)))
    assert [] == world.starts(at(HOUR))


def test_an_edit_of_a_time_runs_nothing_from_before(world: World) -> None:
    """celery PR#7945: "inadvertently sending a few thousand emails"."""
    world.adopt(at(0), build_task(recurrence="every day at 06:00", catch_up=CatchUp.ALL))
    world.restart()
    edited = build_task(recurrence="every minute", catch_up=CatchUp.ALL)
    world.adopt(at(3 * DAY), edited)

    assert [] == world.starts(at(3 * DAY))
    assert [3 * DAY + 60] == dues(world.starts(at(3 * DAY + 60)))


def test_a_task_that_is_switched_on_again_makes_up_for_nothing(world: World) -> None:
    """celery/django-celery-beat#459; celery/celery#370."""
    world.adopt(at(5), build_task(enabled=False, catch_up=CatchUp.ALL))
    world.settle(at(3 * DAY))

    assert [] == starts(world.adopt(at(3 * DAY + 1), build_task(catch_up=CatchUp.ALL)))
    assert [3 * DAY + 10] == dues(world.starts(at(3 * DAY + 10)))


def test_a_long_stop_is_made_up_for_once_and_not_a_thousand_times(world: World) -> None:
    """celery/celery#2746."""
    world.adopt(at(5), build_task())
    world.restart()
    world.adopt(at(30 * DAY), build_task())

    assert 1 == len(world.starts(at(30 * DAY)))
    assert 2 == len(world.decisions())


def test_a_storm_of_catching_up_is_bounded_and_slow(world: World) -> None:
    """celery/celery#370 and the like: where all is wanted, ten in a second at most."""
    task = build_task(recurrence="every second", catch_up=CatchUp.ALL)
    world.adopt(at(0), task)
    (start,) = world.starts(at(30 * DAY))

    assert [] == world.starts(at(30 * DAY + 0.09), ended(start))
    assert 1000 == len(world.runs())


def test_a_change_of_zone_fires_nothing(world: World) -> None:
    """celery/django-celery-beat#459: a change of the zone ran everything that was "due"."""
    world.adopt(at(0), build_task(recurrence="every day at 12:00"))
    moved = build_task(recurrence="every day at 12:00", timezone="Asia/Tokyo")

    assert [] == starts(world.adopt(at(HOUR), moved))
    assert [] == world.starts(at(2 * HOUR))


# -- never again ------------------------------------------------------------------------------


def test_more_than_a_hundred_missed_ones_do_not_stop_a_task(world: World) -> None:
    """kubernetes/kubernetes#42649, #45825, #83642."""
    world.adopt(at(5), build_task(recurrence="every second"))
    world.restart()
    world.adopt(at(200_000), build_task(recurrence="every second"))
    (start,) = world.starts(at(200_000))
    world.settle(at(200_000.5), ended(start))

    assert [200_001] == dues(world.starts(at(200_001)))


def test_what_fell_due_in_a_long_pause_counts_as_paused_and_not_as_missed(world: World) -> None:
    """kubernetes/kubernetes#110919: suspended, and too many missed starts after it."""
    world.adopt(at(5), build_task())
    world.settle(at(6), asking.pause(6, "mail"))
    world.settle(at(30 * DAY + 5), asking.resume(30 * DAY + 5, "mail"))

    assert [259_200] == [row[2] for row in world.decisions()]
    assert [30 * DAY + 10] == dues(world.starts(at(30 * DAY + 10)))


def test_a_task_that_failed_runs_again(world: World) -> None:
    """The ancestor disabled a task for ever at its first failure."""
    world.adopt(at(5), build_task())
    (start,) = world.starts(at(10))
    world.settle(at(11), ended(start, Outcome.FAILED))

    assert [20] == dues(world.starts(at(20)))


# -- intervals --------------------------------------------------------------------------------


def test_restarts_do_not_reset_an_interval(world: World) -> None:
    """celery/django-celery-beat#634; celery/celery#9074: restarted each hour, it never ran."""
    task = build_task(recurrence="every 3 hours", start=at(0))
    found = []
    for hour in range(1, 8):
        world.restart()
        world.adopt(at(hour * HOUR - 600), task)
        begun = world.starts(at(hour * HOUR))
        found += dues(begun)
        world.settle(at(hour * HOUR + 60), *(ended(each) for each in begun))

    assert [3 * HOUR, 6 * HOUR] == found


def test_an_edit_of_one_task_does_not_realign_the_others(world: World) -> None:
    """celery/django-celery-beat#146."""
    other = build_task("other", "every 7 minutes")
    world.adopt(at(5), build_task(), other)
    before = {plan.name: plan.next_due for plan in world.engine.plans}
    world.adopt(at(6), build_task(recurrence="every 20 seconds"), other)
    after = {plan.name: plan.next_due for plan in world.engine.plans}

    assert before["other"] == after["other"]


def test_an_interval_does_not_drift_with_the_length_of_its_runs(world: World) -> None:
    """PostHog/posthog PR#42607; Borderless360/django-logic#203."""
    world.adopt(at(5), build_task())
    found = []
    for each in (10, 20, 30):
        (start,) = world.starts(at(each + 0.3))
        found.append(start.due)
        world.settle(at(each + 8), ended(start))

    assert [at(10), at(20), at(30)] == found


# -- double -----------------------------------------------------------------------------------


def test_a_restart_in_the_second_of_a_due_starts_it_once(world: World) -> None:
    """celery/celery#2856, #4808, #251; coleifer/huey#195, #567."""
    world.adopt(at(5), build_task())
    found = dues(world.starts(at(10)))
    world.restart()
    world.adopt(at(10), build_task())

    assert [10] == found + dues(world.starts(at(10), ServeStarted(at=at(10))))


def test_a_second_decision_on_the_same_occurrence_is_impossible_by_key(world: World) -> None:
    """agronholm/apscheduler#160, #655, #766, #959; viniciuschiele/flask-apscheduler#13."""
    world.adopt(at(5), build_task())
    world.settle(at(10))
    row = world.store.decisions("mail")[0]

    with pytest.raises(AssertionError, match="refused a row"), world.store.transaction():
        world.store.add_decision(row)


def test_a_second_start_of_the_same_attempt_is_impossible_by_key(world: World) -> None:
    """celery/celery#7577; celery/django-celery-beat#576, #337, #238; coleifer/huey#850."""
    world.adopt(at(5), build_task())
    (start,) = world.starts(at(10))

    with world.store.transaction():
        assert not world.store.lease_run(start.run, "another", "", "boot", "")


def test_a_backfill_that_is_asked_for_twice_runs_once(world: World) -> None:
    """celery/celery#2531 and the like, by hand."""
    world.adopt(at(5), build_task(enabled=False))
    world.settle(at(6), asking.backfill(6, -20, 0))
    world.settle(at(7), asking.backfill(7, -20, 0))

    assert 3 == len(world.runs())


def test_a_manual_run_beside_the_schedule_does_not_double(world: World) -> None:
    """coleifer/huey#567."""
    world.adopt(at(5), build_task(overlap=Overlap.SKIP))
    (start,) = world.starts(at(9.9), asking.run(9.9))

    assert [] == world.starts(at(10))
    world.settle(at(12), ended(start))
    assert timedelta(seconds=20) == world.starts(at(20))[0].due - at(0)

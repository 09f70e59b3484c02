"""What people want to do and to know: pause, run now, reload, history, few and true alarms."""

from __future__ import annotations

from datetime import timedelta

import pytest

from linod.events import Answer, Outcome, ServeStarted
from linod.specs import CatchUp, Cooldown, Overlap, Retry, Warn

from .building import (
    World,
    asking,
    at,
    build_chain,
    build_task,
    changes,
    dues,
    ended,
    members,
    names,
    only,
    starts,
)

FAILED = Outcome.FAILED
HOUR = 3600


# -- alarms -----------------------------------------------------------------------------------


def test_people_are_told_at_the_nth_failure_in_a_row_and_once(world: World) -> None:
    """healthchecks#525, #715; rundeck/rundeck#662; Tivix/django-cron#107."""
    world.adopt(at(5), build_task(disable_after=3))
    told = []
    for due in range(10, 70, 10):
        for start in world.starts(at(due)):
            told += changes(world.settle(at(due + 1), ended(start, FAILED, reason="no route")))

    assert [
        "mail was disabled after 3 failures in a row, the last one: no route  (linod enable mail)"
    ] == told


def test_a_failure_that_a_retry_mends_alarms_nobody(world: World) -> None:
    """dkron-io/dkron#227; rundeck/rundeck#5124."""
    world.adopt(at(5), build_task(disable_after=1, retry=Retry(attempts=2, delay=timedelta(0))))
    (start,) = world.starts(at(10))
    (again,) = world.starts(at(11), ended(start, FAILED))

    assert [] == changes(world.settle(at(12), ended(again)))


def test_what_is_down_for_days_is_told_once(world: World) -> None:
    """NousResearch/hermes-agent#113684, PR#88493: people mute alarms that repeat."""
    world.adopt(at(0), build_task(enabled=False, warn=Warn(no_success=timedelta(hours=1))))
    told = [text for hour in range(1, 72) for text in changes(world.settle(at(hour * HOUR)))]

    assert ["mail had no success for 1 hour"] == told


def test_only_what_failed_is_blamed_and_not_what_depends_on_it(world: World) -> None:
    """healthchecks#917: alarms that know of dependencies."""
    load = build_task("load", after=("mail",), disable_after=1)
    world.adopt(at(5), build_task(disable_after=1), load)
    (start,) = world.starts(at(10))
    told = changes(world.settle(at(11), ended(start, FAILED, reason="no")))

    assert ["mail"] == [text.split()[0] for text in told]
    assert [("cancelled", "upstream failed: mail failed (run 1)")] == world.ends("load")


# -- maintenance ------------------------------------------------------------------------------


def test_a_maintenance_has_a_reason_and_an_end_and_ends_by_itself(world: World) -> None:
    """healthchecks#451, #926, #1044: snooze for the time of a migration."""
    world.adopt(at(5), build_task())
    world.settle(at(6), asking.pause(6, until=HOUR, reason="migration"))
    world.settle(at(10))

    assert (10, "paused", 'all tasks paused by alice: "migration"') == world.verdicts()[0]
    assert [HOUR] == dues(world.starts(at(HOUR)))


def test_a_maintenance_outlives_a_restart_of_the_daemon(world: World) -> None:
    """healthchecks#1044."""
    world.adopt(at(5), build_task())
    world.settle(at(6), asking.pause(6, until=HOUR))
    world.restart()
    world.adopt(at(60), build_task())

    assert [] == world.starts(at(60), ServeStarted(at=at(60)))


# -- who, when, why ---------------------------------------------------------------------------


def test_of_each_run_it_is_kept_who_wanted_it_and_when(world: World) -> None:
    """agronholm/apscheduler PR#166; lbedner/aegis-stack#269."""
    world.adopt(at(5), build_task())
    (start,) = world.starts(at(6), asking.run(6))
    world.settle(at(9), ended(start, FAILED, reason="ValueError: no", started=at(7), ended=at(9)))

    (row,) = world.runs()
    assert ("manual", "alice", at(6), at(7), at(9), "failed", "ValueError: no") == (
        row.trigger,
        row.by,
        row.queued,
        row.started,
        row.ended,
        row.outcome,
        row.reason,
    )


def test_of_each_change_it_is_kept_who_made_it(world: World) -> None:
    """qnophq/qnop#617."""
    world.adopt(at(5), build_task())
    world.settle(at(6), asking.disable(6, "mail", reason="too loud"))
    world.settle(at(7), asking.enable(7, "mail"))

    assert [("enable", "alice", at(7), ""), ("disable", "alice", at(6), "too loud")] == [
        (row.verb, row.by, row.at, row.text) for row in world.store.actions()
    ]


# -- pause and run now ------------------------------------------------------------------------


def test_a_paused_task_can_be_run_now(world: World) -> None:
    """agronholm/apscheduler#609."""
    world.adopt(at(5), build_task())
    world.settle(at(6), asking.pause(6, "mail"))

    assert [7] == dues(world.starts(at(7), asking.run(7)))


def test_run_now_changes_nothing_about_the_schedule(world: World) -> None:
    """atilladeniz/Kubeli#363."""
    world.adopt(at(5), build_task())
    (start,) = world.starts(at(7), asking.run(7))
    world.settle(at(8), ended(start))

    assert [10] == dues(world.starts(at(10)))


# -- reload -----------------------------------------------------------------------------------


def test_a_reload_in_the_last_second_swallows_no_minute(world: World) -> None:
    """celery/django-celery-beat#7, #35: a reload at :59 swallowed the minute."""
    world.adopt(at(5), build_task(recurrence="* * * * *"))
    found = dues(starts(world.adopt(at(59.999), build_task(recurrence="* * * * *"))))
    found += dues(world.starts(at(60.001)))

    assert [60] == found


def test_a_task_that_is_added_runs_without_a_restart(world: World) -> None:
    """gjcarneiro/yacron#49; mcuadros/ofelia#78, #89."""
    world.adopt(at(5), build_task())
    world.adopt(at(6), build_task(), build_task("news"))

    assert ["mail", "news"] == names(world.starts(at(10)))


def test_a_task_that_is_removed_runs_no_more(world: World) -> None:
    """mcuadros/ofelia PR#319."""
    world.adopt(at(5), build_task(), build_task("news"))
    world.adopt(at(6), build_task())

    assert ["mail"] == names(world.starts(at(10)))


# -- at start, at boot ------------------------------------------------------------------------


def test_at_boot_runs_once_per_boot_and_not_at_each_start(world: World) -> None:
    """aptible/supercronic#30, #234; gjcarneiro/yacron PR#14."""
    found = []
    for boot, seconds in (("one", 10), ("one", 20), ("two", 30)):
        world.restart(boot)
        world.adopt(at(seconds), build_task(recurrence="@reboot"))
        begun = world.starts(at(seconds), ServeStarted(at=at(seconds)))
        found += dues(begun)
        world.settle(at(seconds + 1), *(ended(each) for each in begun))

    assert [10, 30] == found


def test_what_has_a_time_is_not_executed_at_the_start(world: World) -> None:
    """gjcarneiro/yacron#67: "always executed immediately on start"."""
    world.adopt(at(5), build_task(recurrence="every day at 03:00"))

    assert [] == world.starts(at(6), ServeStarted(at=at(6)))


# -- always on --------------------------------------------------------------------------------


def test_a_task_that_shall_always_run_is_begun_again_when_it_ends(world: World) -> None:
    """gjcarneiro/yacron#77."""
    world.adopt(at(5), build_task(recurrence="continuously"))
    (start,) = world.starts(at(6), ServeStarted(at=at(6)))
    world.settle(at(100), ended(start, FAILED, ended=at(100)))

    assert [101] == dues(world.starts(at(101)))


def test_a_task_that_shall_always_run_and_fails_at_once_is_no_busy_loop(world: World) -> None:
    """gjcarneiro/yacron#77."""
    cooldown = Cooldown(failure=timedelta(seconds=30))
    world.adopt(at(5), build_task(recurrence="continuously", cooldown=cooldown))
    begun, number = world.starts(at(6), ServeStarted(at=at(6))), 0
    for second in range(7, 127):
        number += len(begun)
        ends = [ended(start, FAILED, ended=at(second)) for start in begun]
        begun = world.starts(at(second), *ends)

    assert 4 == number


def test_a_long_run_with_a_short_interval_fills_no_history(world: World) -> None:
    """jhuckaby/Cronicle#190: the workaround for always-on jobs filled the log with warnings."""
    world.adopt(at(5), build_task(recurrence="every second", overlap=Overlap.SKIP))
    told = [world.settle(at(second)).effects for second in range(6, 600)]

    assert 2 == sum(map(len, told))
    assert 2 == len(world.decisions())


def test_functions_run_one_after_another_for_ever(world: World) -> None:
    """What yourlabs.runner was for."""
    chain = build_chain("sync", "mail", recurrence="continuously")
    world.adopt(at(5), chain, *members("sync", "mail"))
    begun = world.starts(at(6), ServeStarted(at=at(6)))
    order = names(begun)
    for second in range(7, 13):
        begun = world.starts(at(second), *(ended(each, ended=at(second)) for each in begun))
        order += names(begun)

    assert ["sync", "mail"] * 2 == order[:4]


@pytest.mark.parametrize("catch_up", CatchUp)
def test_what_a_person_asks_for_is_never_missed(world: World, catch_up: CatchUp) -> None:
    """jhuckaby/Cronicle#757."""
    task = build_task(recurrence="manually", catch_up=catch_up)
    world.adopt(at(5), task)
    world.settle(at(10), asking.run(10))
    answer = only(world.settle(at(11), asking.run(11)), Answer)

    assert (None, 2) == (answer.refusal, len(world.runs()))

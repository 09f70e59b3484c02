"""Years of service: clocks that jump, machines that sleep, memory that must not grow."""

from __future__ import annotations

import tracemalloc
from datetime import UTC, datetime, timedelta

from linod.events import StartRun
from linod.specs import CatchUp, Retry

from .building import World, asking, at, build_task, changes, dues, ended

DAY, YEAR = 86_400, 365 * 86_400


def test_after_a_sleep_the_next_occurrence_is_on_time(world: World) -> None:
    """agronholm/apscheduler#794, #752; garethgeorge/backrest#172."""
    world.adopt(at(5), build_task(recurrence="every hour"), elapsed=timedelta(0))
    # Asleep for eight hours: the time since boot goes on, too.
    (start,) = world.starts(at(8 * 3600 + 100), elapsed=timedelta(hours=8))
    world.settle(at(8 * 3600 + 200), ended(start), elapsed=timedelta(hours=8, seconds=100))

    assert at(9 * 3600) == world.engine.wake(at(8 * 3600 + 200), timedelta(hours=8, seconds=100))


def test_a_jump_over_billions_of_fire_times_is_one_row(world: World) -> None:
    """agronholm/apscheduler#526, #1066: a jump forward, and out of memory."""
    world.adopt(at(5), build_task(recurrence="every second", catch_up=CatchUp.NONE))
    world.settle(at(60 * YEAR))

    assert 1 == len(world.decisions())
    assert 1_892_159_995 == world.decisions()[0][2]


def test_a_boot_at_the_epoch_is_a_jump_forward_when_the_clock_is_set(world: World) -> None:
    """agronholm/apscheduler#35: a machine without a battery, then NTP."""
    epoch = datetime(1970, 1, 1, 0, 1, tzinfo=UTC)
    world.adopt(epoch, build_task(recurrence="every hour"))
    (start,) = world.starts(at(3600))
    world.settle(at(3601), ended(start))

    assert at(3600) == start.due
    assert [7200] == dues(world.starts(at(7200)))


def test_a_boot_in_a_far_year_is_told_and_can_be_accepted(world: World) -> None:
    """agronholm/apscheduler#339: the clock was wrong, then set back."""
    world.adopt(at(70 * YEAR), build_task())
    (start,) = world.starts(at(70 * YEAR + 10))
    world.settle(at(5), ended(start))

    assert {"mail": at(70 * YEAR + 10)} == world.engine.ahead(at(5))
    world.settle(at(6), asking.accept_clock(6))
    assert [10] == dues(world.starts(at(10)))


def test_a_clock_that_a_time_server_slews_decides_nothing_twice(world: World) -> None:
    """agronholm/apscheduler#351."""
    world.adopt(at(5), build_task(recurrence="every second"))
    found = []
    for tick in range(60, 200):
        # The clock goes back by 50 ms at each second step of 100 ms.
        begun = world.starts(at(tick / 10 - 0.05 * (tick % 2)))
        found += dues(begun)
        world.settle(at(tick / 10 - 0.05 * (tick % 2)), *(ended(each) for each in begun))

    assert list(range(6, 20)) == found


def test_a_wait_of_days_between_two_dues_is_one_wake(world: World) -> None:
    """aptible/supercronic#36; agronholm/apscheduler#283, #481: it froze, nobody knew."""
    world.adopt(at(5), build_task(recurrence="every friday at 12:00"))

    assert datetime(2026, 11, 27, 12, tzinfo=UTC) == world.engine.wake(at(6))


def test_a_task_that_cannot_be_decided_does_not_stop_the_others(world: World) -> None:
    """agronholm/apscheduler#870: one broken job, and the scheduler stood still."""
    never = build_task("never", "once at 2020-01-01 00:00")
    world.adopt(at(5), never, build_task())

    assert [10] == dues(world.starts(at(10)))


def test_memory_does_not_grow_with_the_number_of_runs(world: World) -> None:
    """Miksus/rocketry#142, #135; celery/celery#4592, #5200, #1129."""
    retry = Retry(attempts=2, delay=timedelta(seconds=1))
    world.adopt(at(5), build_task(retry=retry), build_task("news", spread=timedelta(seconds=3)))
    _serve(world, 10, 1000)
    tracemalloc.start()
    _serve(world, 1010, 1500)
    before, _ = tracemalloc.get_traced_memory()
    _serve(world, 1510, 4500)
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert after - before < 50_000


def _serve(world: World, first: int, last: int) -> None:
    going: list[StartRun] = []
    for second in range(first, last, 5):
        going = world.starts(at(second), *(ended(start) for start in going))


def test_a_warning_that_lasts_is_no_line_per_second(world: World) -> None:
    """jhuckaby/Cronicle#190; NousResearch/hermes-agent#113684."""
    world.adopt(at(5), build_task(recurrence="every second"))
    told = [text for second in range(6, 300) for text in changes(world.settle(at(second)))]

    assert [] == told

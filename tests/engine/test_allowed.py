"""allowed: runs start inside the window only; what waits for it, and what does not."""

from __future__ import annotations

from datetime import time, timedelta

import pytest

from linod.events import Outcome, ServeStarted
from linod.specs import Allowed, CatchUp, Overlap, Retry, Task
from linod.store.interface import StoreError

from .asking import run
from .building import World, at, build_chain, build_task, dues, ended, members, names, starts

HOUR = 3600
CLOSED = "outside allowed"


def build_at(first: float, last: float, recurrence: object = "every hour", **keys: object) -> Task:
    """Starts are allowed from `first` to `last`, in hours after T, which is 07:00."""
    return build_task(recurrence=recurrence, allowed=window(first, last), **keys)


def window(first: float, last: float) -> Allowed:
    return Allowed(first=_clock(first), last=_clock(last))


def _clock(hours: float) -> time:
    minutes = round((7 + hours) * 60)
    return time(minutes // 60 % 24, minutes % 60)


def test_inside_the_window_it_runs(world: World) -> None:
    world.adopt(at(5), build_at(0.5, 1.5))

    assert [HOUR] == dues(world.starts(at(HOUR)))


def test_outside_it_waits_where_the_window_opens_before_the_next_due(world: World) -> None:
    world.adopt(at(5), build_at(1.5, 2.5))

    assert [] == world.starts(at(HOUR))
    assert ("waiting", CLOSED, at(1.5 * HOUR)) == (
        world.runs()[0].state,
        world.runs()[0].held,
        world.runs()[0].planned,
    )
    assert [HOUR] == dues(world.starts(at(1.5 * HOUR)))


def test_outside_it_gets_no_run_where_the_next_due_comes_first(world: World) -> None:
    world.adopt(at(5), build_at(2.5, 4.5))

    assert [] == world.starts(at(HOUR))
    assert (HOUR, CLOSED, "") == world.verdicts()[0]


def test_a_window_that_opens_at_the_next_due_is_that_ones(world: World) -> None:
    world.adopt(at(5), build_at(2, 4))
    world.settle(at(HOUR))

    assert [2 * HOUR] == dues(world.starts(at(2 * HOUR)))
    assert [(HOUR, CLOSED), (2 * HOUR, "admitted")] == [row[:2] for row in world.verdicts()]


def test_those_outside_are_one_range(world: World) -> None:
    world.adopt(at(5), build_at(8.5, 9.5))
    for each in range(1, 6):
        world.settle(at(each * HOUR))

    assert [(HOUR, 5 * HOUR, 5, CLOSED)] == world.decisions()


def test_a_window_past_midnight_is_open_behind_it(world: World) -> None:
    # 20:00-06:00; due at 03:00.
    world.adopt(at(5), build_task(recurrence="every day at 03:00", allowed=window(13, 23)))

    assert [20 * HOUR] == dues(world.starts(at(20 * HOUR)))


def test_what_jitter_moves_out_of_the_window_waits_for_the_next_one(world: World) -> None:
    task = build_at(0.9, 1.1, "every 2 days", start=at(HOUR), jitter=timedelta(hours=4))
    world.adopt(at(5), task)
    world.settle(at(HOUR))

    assert at(24.9 * HOUR) == world.runs()[0].planned


def test_catch_up_waits_for_the_window(world: World) -> None:
    task = build_at(5.5, 6.5, "every 3 hours", start=at(HOUR))
    world.adopt(at(5), task)
    world.restart()
    world.adopt(at(5 * HOUR), task)

    assert [] == world.starts(at(5 * HOUR))
    assert [4 * HOUR] == dues(world.starts(at(5.5 * HOUR)))


def test_catch_up_outside_is_left_to_the_next_due(world: World) -> None:
    task = build_at(8.5, 9.5, catch_up=CatchUp.ALL)
    world.adopt(at(5), task)
    world.restart()
    world.adopt(at(5.5 * HOUR), task)

    assert [] == world.starts(at(5.5 * HOUR))
    assert [(HOUR, 5 * HOUR, 5, CLOSED)] == world.decisions()


def test_a_retry_waits_for_the_window(world: World) -> None:
    retry = Retry(attempts=2, delay=timedelta(minutes=20))
    world.adopt(at(5), build_at(0.5, 1.25, "every day", start=at(HOUR), retry=retry))
    (start,) = world.starts(at(HOUR))
    world.settle(at(HOUR + 60), ended(start, Outcome.FAILED))

    assert [] == world.starts(at(2 * HOUR))
    assert ("waiting", CLOSED, at(24.5 * HOUR)) == (
        world.runs()[1].state,
        world.runs()[1].held,
        world.runs()[1].planned,
    )
    assert [HOUR] == dues(world.starts(at(24.5 * HOUR)))


def test_a_retry_that_waits_for_the_window_yields_to_the_next_due(world: World) -> None:
    # Due at 08:00 and 09:00; the window opens at 09:30.
    retry = Retry(attempts=2, delay=timedelta(minutes=1))
    recurrence = ["once at 2026-11-21 08:00", "once at 2026-11-21 09:00"]
    world.adopt(at(5), build_at(0.9, 1.1, recurrence, retry=retry))
    (start,) = world.starts(at(HOUR))
    world.adopt(at(HOUR + 30), build_at(2.5, 4, recurrence, retry=retry))
    world.settle(at(HOUR + 60), ended(start, Outcome.FAILED))
    world.settle(at(2 * HOUR))

    assert [("failed", ""), ("cancelled", "the next occurrence was due"), ("waiting", "")] == (
        world.ends()
    )
    assert [2 * HOUR] == dues(world.starts(at(2.5 * HOUR)))


def test_a_retry_does_not_yield_to_one_that_gets_no_run(world: World) -> None:
    # Due at 08:00, 09:00 and 10:00; the window opens at 10:30.
    retry = Retry(attempts=2, delay=timedelta(minutes=1))
    recurrence = [f"once at 2026-11-21 {hour}:00" for hour in ("08", "09", "10")]
    world.adopt(at(5), build_at(0.9, 1.1, recurrence, retry=retry))
    (start,) = world.starts(at(HOUR))
    world.adopt(at(HOUR + 30), build_at(3.5, 4, recurrence, retry=retry))
    world.settle(at(HOUR + 60), ended(start, Outcome.FAILED))
    world.settle(at(2 * HOUR))

    assert (2 * HOUR, CLOSED) == world.verdicts()[-1][:2]
    assert "waiting" == world.runs()[1].state


def test_what_waits_for_another_until_the_window_closed_waits_for_the_next(world: World) -> None:
    task = build_at(0.9, 1.1, "every 2 days", start=at(HOUR), overlap=Overlap.WAIT)
    world.adopt(at(5), task)
    (manual,) = world.starts(at(10), run(10))
    world.settle(at(HOUR))

    assert [] == world.starts(at(2 * HOUR), ended(manual))
    assert [HOUR] == dues(world.starts(at(24.9 * HOUR)))


def test_what_waits_for_another_until_behind_the_next_due_ends(world: World) -> None:
    task = build_at(0.9, 1.1, "every day", start=at(HOUR), overlap=Overlap.WAIT)
    world.adopt(at(5), task)
    (manual,) = world.starts(at(10), run(10))
    world.settle(at(HOUR))
    world.settle(at(25 * HOUR))

    assert [] == world.starts(at(26 * HOUR), ended(manual))
    assert ("cancelled", CLOSED) == world.ends()[1]


@pytest.mark.parametrize("recurrence", ["at start", "at boot"])
def test_an_event_waits_for_the_window(world: World, recurrence: str) -> None:
    world.adopt(at(5), build_at(1, 2, recurrence))

    assert [] == world.starts(at(10), ServeStarted(at=at(10)))
    assert [10] == dues(world.starts(at(HOUR)))


def test_what_follows_another_task_waits_for_the_window(world: World) -> None:
    world.adopt(at(5), *members("extract"), build_at(1, 2, "manually", after=("extract",)))
    (extract,) = world.starts(at(10), run(10, "extract"))

    assert [] == world.starts(at(11), ended(extract))
    assert [10] == dues(world.starts(at(HOUR)))


def test_what_runs_continuously_waits_for_the_window(world: World) -> None:
    world.adopt(at(5), build_at(1, 2, "continuously"))
    world.settle(at(10), ServeStarted(at=at(10)))

    assert ["mail"] == names(world.starts(at(HOUR)))


def test_a_chain_waits_for_its_window(world: World) -> None:
    chain = build_chain("a", recurrence="every 2 hours", start=at(0), allowed=window(0.5, 1))
    world.adopt(at(-5), chain, *members("a"))

    assert [] == world.starts(at(0))
    assert ["a"] == names(world.starts(at(0.5 * HOUR)))


def test_a_member_waits_for_its_window_and_the_chain_with_it(world: World) -> None:
    night = members("b", allowed=window(1, 2))
    world.adopt(
        at(-5), build_chain("a", "b", recurrence="every day", start=at(0)), *members("a"), *night
    )
    (start,) = world.starts(at(0))

    assert [] == world.starts(at(10), ended(start))
    assert ["b"] == names(world.starts(at(HOUR)))


def test_what_waits_for_the_window_survives_a_restart(world: World) -> None:
    task = build_at(1.5, 2.5)
    world.adopt(at(5), task)
    world.settle(at(HOUR))
    world.restart()
    world.adopt(at(1.25 * HOUR), task)
    world.settle(at(1.25 * HOUR), ServeStarted(at=at(1.25 * HOUR)))

    assert [HOUR] == dues(world.starts(at(1.5 * HOUR)))


def test_a_reload_without_a_window_starts_what_waits_for_it(world: World) -> None:
    world.adopt(at(5), build_at(1.5, 2.5))
    world.settle(at(HOUR))

    settled = world.adopt(at(1.1 * HOUR), build_task(recurrence="every hour"))

    assert [HOUR] == dues(starts(settled))


def test_a_reload_with_an_earlier_window_starts_what_waits_then(world: World) -> None:
    world.adopt(at(5), build_at(1.5, 2.5))
    world.settle(at(HOUR))
    world.adopt(at(1.1 * HOUR), build_at(1.25, 2.5))

    assert [] == world.starts(at(1.2 * HOUR))
    assert [HOUR] == dues(world.starts(at(1.25 * HOUR)))


def test_a_reload_with_a_later_window_lets_what_waits_wait_for_it(world: World) -> None:
    world.adopt(at(5), build_at(1.5, 2.5))
    world.settle(at(HOUR))
    world.adopt(at(1.1 * HOUR), build_at(1.75, 2.5))

    assert [] == world.starts(at(1.5 * HOUR))
    assert [HOUR] == dues(world.starts(at(1.75 * HOUR)))


def test_the_window_is_read_in_the_zone_of_the_task(world: World) -> None:
    # 10:00 in Tallinn is 08:00 in UTC.
    allowed = Allowed(first=time(10), last=time(11))
    world.adopt(
        at(5),
        build_task(
            recurrence="every 2 hours",
            start=at(0.5 * HOUR),
            timezone="Europe/Tallinn",
            allowed=allowed,
        ),
    )

    assert [] == world.starts(at(0.5 * HOUR))
    assert [0.5 * HOUR] == dues(world.starts(at(HOUR)))


def test_a_reload_without_a_window_that_is_given_up_starts_nothing(world: World) -> None:
    world.adopt(at(5), build_at(1.5, 2.5))
    world.settle(at(HOUR))
    world.store.faults = ["unknown"]
    with pytest.raises(StoreError):
        world.adopt(at(1.1 * HOUR), build_task(recurrence="every hour"))

    assert [] == world.starts(at(1.1 * HOUR + 1))
    assert [HOUR] == dues(world.starts(at(1.5 * HOUR)))


@pytest.mark.parametrize("fault", ["undone", "unknown"])
def test_what_waits_for_the_window_starts_once_where_a_commit_fails(
    world: World, fault: str
) -> None:
    world.adopt(at(5), build_at(1.5, 2.5))
    world.fail(fault, at(HOUR))
    world.settle(at(HOUR + 1))
    world.fail(fault, at(1.5 * HOUR))

    assert [HOUR] == dues(world.starts(at(1.5 * HOUR + 1)))

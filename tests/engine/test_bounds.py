"""start, end, max_events and once: before, between and behind them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from linod.events import Outcome, StartRun
from linod.specs import CatchUp, Retry, Task

from .building import World, at, build_chain, build_task, dues, ended, members, names


def play(world: World, *seconds: float) -> list[float]:
    """Settle at some instants; each run ends half a second later; return what started."""
    found: list[StartRun] = []
    for each in seconds:
        begun = world.starts(at(each))
        found += begun
        world.settle(at(each + 0.5), *(ended(start) for start in begun))
    return dues(found)


TENS = range(10, 100, 10)


def test_nothing_is_due_before_its_start(world: World) -> None:
    world.adopt(at(5), build_task(start=at(40)))

    assert [40, 50, 60, 70, 80, 90] == play(world, *TENS)


def test_nothing_is_due_after_its_end_which_is_included(world: World) -> None:
    world.adopt(at(5), build_task(end=at(30)))

    assert [10, 20, 30] == play(world, *TENS)


def test_behind_its_end_nothing_wakes_the_engine(world: World) -> None:
    world.adopt(at(5), build_task(end=at(30)))
    play(world, 10, 20, 30)

    assert world.engine.wake(at(31)) is None


def test_max_events_counts_from_start(world: World) -> None:
    world.adopt(at(5), build_task(start=at(10), max_events=3))

    assert [10, 20, 30] == play(world, *TENS)


def test_max_events_counts_occurrences_not_runs(world: World) -> None:
    # The daemon was not there for the first two.
    world.adopt(at(25), build_task(start=at(10), max_events=3))

    assert [30] == play(world, *TENS[2:])


def test_max_events_counts_what_was_skipped(world: World) -> None:
    world.adopt(at(5), build_task(start=at(10), max_events=3))
    world.settle(at(10))

    assert [] == dues(world.starts(at(20)) + world.starts(at(30)) + world.starts(at(40)))
    assert [(10, 10, 1, "admitted"), (20, 30, 2, "overlap")] == world.decisions()


def test_max_events_does_not_count_retries(world: World) -> None:
    retry = Retry(attempts=3, delay=timedelta(0))
    world.adopt(at(5), build_task(start=at(10), max_events=2, retry=retry))
    (first,) = world.starts(at(10))
    (second,) = world.starts(at(11), ended(first, Outcome.FAILED))
    world.settle(at(12), ended(second))

    assert [20] == play(world, 20, 30)


def test_max_events_holds_over_restarts(world: World) -> None:
    task = build_task(start=at(10), max_events=3)
    world.adopt(at(5), task)
    found = play(world, 10, 20)
    world.restart()
    world.adopt(at(25), task)

    assert [10, 20, 30] == found + play(world, 30, 40, 50)


def test_more_events_later_go_on_with_the_same_lattice(world: World) -> None:
    world.adopt(at(5), build_task(start=at(10), max_events=2))
    found = play(world, 10, 20, 30)
    world.adopt(at(35), build_task(start=at(10), max_events=5))

    assert [10, 20, 40, 50] == found + play(world, 40, 50, 60)


def test_the_last_one_is_caught_up_too(world: World) -> None:
    task = build_task(start=at(10), max_events=3)
    world.adopt(at(5), task)
    world.restart()
    world.adopt(at(500), task)

    assert [30] == dues(world.starts(at(500)))
    assert (10, 20, 2, "missed") == world.decisions()[0]


def test_a_count_of_a_rule_counts_from_start(world: World) -> None:
    rule = "FREQ=SECONDLY;INTERVAL=10;COUNT=3"
    world.adopt(at(5), build_task(recurrence=rule, start=at(10)))

    assert [10, 20, 30] == play(world, *TENS)


@pytest.mark.parametrize("catch_up", CatchUp)
def test_once_runs_once_however_late_within_a_minute(world: World, catch_up: CatchUp) -> None:
    task = build_task(recurrence="once at 2026-11-21 07:01", catch_up=catch_up)
    world.adopt(at(0), task)

    assert [60] == dues(world.starts(at(120)))


def test_once_that_was_missed_is_caught_up(world: World) -> None:
    task = build_task(recurrence="once at 2026-11-21 07:01")
    world.adopt(at(0), task)
    world.restart()
    world.adopt(at(5000), task)

    assert [60] == dues(world.starts(at(5000)))


def test_once_older_than_the_window_never_runs(world: World) -> None:
    task = build_task(recurrence="once at 2026-11-21 07:01", catch_up_window=timedelta(minutes=5))
    world.adopt(at(0), task)
    world.restart()
    world.adopt(at(5000), task)

    assert [] == world.starts(at(5000))
    assert [(60, "missed", "older than catch_up_window")] == world.verdicts()


def test_once_that_an_edit_moves_runs_at_the_new_instant_too(world: World) -> None:
    world.adopt(at(0), build_task(recurrence="once at 2026-11-21 07:01"))
    found = play(world, 60)
    world.adopt(at(70), build_task(recurrence="once at 2026-11-21 07:02"))

    assert [60, 120] == found + play(world, 120)


def test_once_is_decided_once_though_the_clock_steps_back(world: World) -> None:
    world.adopt(at(0), build_task(recurrence="once at 2026-11-21 07:01"))
    found = play(world, 60, 10, 60, 61)

    assert [60] == found


def test_once_twice_is_two_instants(world: World) -> None:
    both = ["once at 2026-11-21 07:01", "once at 2026-11-21 07:02"]
    world.adopt(at(0), build_task(recurrence=both))

    assert [60, 120] == play(world, 60, 120, 180)


def test_a_chain_has_bounds(world: World) -> None:
    world.adopt(at(5), build_chain("a", start=at(10), max_events=1), *members("a"))
    (start,) = world.starts(at(10))
    world.settle(at(11), ended(start))

    assert [] == world.starts(at(20))


def test_a_task_without_a_recurrence_is_manual(world: World) -> None:
    world.adopt(at(5), Task(name="mail", shell="true"))

    assert world.engine.wake(at(6)) is None
    assert [] == names(world.starts(at(1000)))

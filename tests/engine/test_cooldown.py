"""cooldown: skips what is scheduled, delays chains and what runs continuously."""

from __future__ import annotations

from datetime import timedelta

import pytest

from linod.events import Outcome, ServeStarted, StartRun
from linod.specs import Cooldown, OnFailed, Retry, Task

from .asking import backfill, run
from .building import World, at, build_chain, build_task, dues, ended, members, names

BOOT = timedelta(hours=5)


def elapsed(seconds: float) -> timedelta:
    return BOOT + timedelta(seconds=seconds)


def build_cool(success: float = 15, failure: float = 35, **keys: object) -> Task:
    rest = Cooldown(success=timedelta(seconds=success), failure=timedelta(seconds=failure))
    return build_task(cooldown=rest, **keys)


def begin(world: World, task: Task) -> StartRun:
    world.adopt(at(5), task)
    (start,) = world.starts(at(10))
    return start


def test_what_is_scheduled_in_the_rest_is_skipped(world: World) -> None:
    start = begin(world, build_cool())
    world.settle(at(12), ended(start))

    assert [] == world.starts(at(20))
    assert (20, "cooldown", "cooldown after the run before") == world.verdicts()[-1]
    assert [30] == dues(world.starts(at(30)))


def test_what_is_due_when_the_rest_ends_runs(world: World) -> None:
    start = begin(world, build_cool(success=8))
    world.settle(at(12), ended(start, ended=at(12)))

    assert [20] == dues(world.starts(at(20)))


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (Outcome.SUCCEEDED, 30),
        (Outcome.WARNED, 30),
        (Outcome.FAILED, 50),
        (Outcome.TIMED_OUT, 50),
        (Outcome.LOST, 50),
        (Outcome.CANCELLED, 20),
    ],
)
def test_the_rest_goes_by_the_outcome(world: World, outcome: Outcome, expected: int) -> None:
    start = begin(world, build_cool())
    world.settle(at(12), ended(start, outcome))

    found = [due for each in (20, 30, 40, 50) for due in dues(world.starts(at(each)))]

    assert expected == found[0]


def test_the_rest_counts_from_the_end_not_from_when_it_was_heard(world: World) -> None:
    start = begin(world, build_cool())
    world.settle(at(19), ended(start, ended=at(11)))

    assert [] == world.starts(at(20))
    assert [30] == dues(world.starts(at(30)))


def test_skipped_ones_are_one_range(world: World) -> None:
    start = begin(world, build_cool(success=100))
    world.settle(at(12), ended(start))
    for each in (20, 30, 40):
        world.settle(at(each))

    assert (20, 40, 3, "cooldown") == world.decisions()[-1]


def test_a_manual_run_ignores_the_rest(world: World) -> None:
    start = begin(world, build_cool())
    world.settle(at(12), ended(start))

    assert [13] == dues(world.starts(at(13), run(13)))


def test_a_backfill_ignores_the_rest(world: World) -> None:
    start = begin(world, build_cool())
    world.settle(at(12), ended(start, Outcome.FAILED))

    assert [10] == dues(world.starts(at(13), backfill(13, 5, 12)))


def test_a_retry_ignores_the_rest(world: World) -> None:
    start = begin(world, build_cool(retry=Retry(attempts=2, delay=timedelta(seconds=3))))
    world.settle(at(12), ended(start, Outcome.FAILED))

    assert [10] == dues(world.starts(at(15)))


def test_a_task_rests_after_a_manual_run_too(world: World) -> None:
    world.adopt(at(5), build_cool())
    (start,) = world.starts(at(6), run(6))
    world.settle(at(7), ended(start))

    assert [] == world.starts(at(10))
    assert (10, "cooldown") == world.verdicts()[-1][:2]


def test_of_two_ends_the_longer_rest_counts(world: World) -> None:
    start = begin(world, build_cool())
    world.settle(at(12), ended(start, Outcome.FAILED))
    (manual,) = world.starts(at(13), run(13))
    world.settle(at(14), ended(manual))

    assert [] == world.starts(at(40))
    assert [50] == dues(world.starts(at(50)))


def test_at_start_in_the_rest_is_skipped(world: World) -> None:
    task = build_cool(recurrence=["at start", "every hour"])
    world.adopt(at(-5), task)
    (start,) = world.starts(at(0))
    world.settle(at(1), ended(start))

    assert [] == world.starts(at(5), ServeStarted(at=at(5)))
    assert (5, "cooldown") == world.verdicts()[-1][:2]


def test_what_follows_another_task_in_the_rest_is_skipped(world: World) -> None:
    world.adopt(at(0), *members("extract"), build_cool(recurrence="manually", after=("extract",)))
    for each in (10, 20):
        (extract,) = world.starts(at(each), run(each, "extract"))
        found = world.starts(at(each + 1), ended(extract))
        world.settle(at(each + 2), *(ended(start) for start in found))

    assert [(10, "admitted"), (20, "cooldown")] == [row[:2] for row in world.verdicts()]


def test_a_chain_is_delayed_to_the_end_of_its_rest(world: World) -> None:
    chain = build_chain("a", cooldown=Cooldown(success=timedelta(seconds=15)))
    world.adopt(at(5), chain, *members("a"))
    (start,) = world.starts(at(10))
    world.settle(at(12), ended(start))

    assert [] == world.starts(at(20))
    assert ("waiting", "cooldown") == (
        world.runs("nightly")[1].state,
        world.runs("nightly")[1].held,
    )
    assert [20] == dues(world.starts(at(27)))


def test_a_chain_waits_between_steps_for_the_rest_of_its_members(world: World) -> None:
    world.adopt(at(5), build_chain("mail", "b"), build_cool(recurrence="manually"), *members("b"))
    (start,) = world.starts(at(10))

    assert [] == world.starts(at(12), ended(start))
    assert "cooldown" == world.runs("b")[0].held
    assert ["b"] == names(world.starts(at(27)))


def test_a_chain_waits_for_the_rest_of_a_member_that_failed(world: World) -> None:
    chain = build_chain("mail", "b", on_failed=OnFailed.CONTINUE)
    world.adopt(at(5), chain, build_cool(recurrence="manually"), *members("b"))
    (start,) = world.starts(at(10))
    world.settle(at(12), ended(start, Outcome.FAILED))

    assert [] == world.starts(at(46.9))
    assert ["b"] == names(world.starts(at(47)))


def test_a_chain_rests_after_its_last_member(world: World) -> None:
    # As in yourlabs.runner: after each function the chain sleeps, also after the last.
    world.adopt(at(5), build_chain("mail"), build_cool(recurrence="manually"))
    (start,) = world.starts(at(10))
    world.settle(at(12), ended(start))

    assert [] == world.starts(at(20))
    assert ["mail"] == names(world.starts(at(27)))


def test_a_clock_set_forward_does_not_shorten_the_rest(world: World) -> None:
    world.adopt(at(5), build_cool(success=3600), elapsed=elapsed(5))
    (start,) = world.starts(at(10), elapsed=elapsed(10))
    world.settle(at(12), ended(start, ended=at(12)), elapsed=elapsed(12))

    assert [] == world.starts(at(7200), elapsed=elapsed(20))
    assert "cooldown" == world.verdicts()[-1][1]


def test_a_clock_set_forward_does_not_shorten_the_rest_over_a_reload(world: World) -> None:
    task = build_cool(success=3600)
    world.adopt(at(5), task, elapsed=elapsed(5))
    (start,) = world.starts(at(10), elapsed=elapsed(10))
    world.settle(at(12), ended(start, ended=at(12)), elapsed=elapsed(12))
    world.adopt(at(7195), task, elapsed=elapsed(19))

    assert [] == world.starts(at(7200), elapsed=elapsed(24))


def test_a_clock_set_forward_does_not_shorten_the_rest_over_a_failed_commit(world: World) -> None:
    world.adopt(at(5), build_cool(success=3600), elapsed=elapsed(5))
    (start,) = world.starts(at(10), elapsed=elapsed(10))
    world.settle(at(12), ended(start, ended=at(12)), elapsed=elapsed(12))
    world.fail("undone", at(7200), elapsed=elapsed(20))

    assert [] == world.starts(at(7201), elapsed=elapsed(21))


def test_a_clock_set_back_does_not_lengthen_the_rest(world: World) -> None:
    chain = build_chain("a", cooldown=Cooldown(success=timedelta(seconds=15)))
    world.adopt(at(5), chain, *members("a"), elapsed=elapsed(5))
    (start,) = world.starts(at(10), elapsed=elapsed(10))
    world.settle(at(12), ended(start, ended=at(12)), elapsed=elapsed(12))
    world.settle(at(20), elapsed=elapsed(20))

    assert [] == world.starts(at(-3000), elapsed=elapsed(26.9))
    assert ["a"] == names(world.starts(at(-3000), elapsed=elapsed(27)))


def test_the_rest_outlives_a_restart(world: World) -> None:
    task = build_cool(success=100)
    start = begin(world, task)
    world.settle(at(12), ended(start))
    world.restart()
    world.adopt(at(14), task)

    assert [] == world.starts(at(100))
    assert [120] == dues(world.starts(at(120)))


def test_over_a_restart_the_rest_is_never_longer_than_the_whole(world: World) -> None:
    # The clock stands an hour back after the restart: the stored end lies an hour ahead.
    task = build_cool(recurrence="at start")
    world.adopt(at(5), task)
    (start,) = world.starts(at(10), ServeStarted(at=at(10)))
    world.settle(at(12), ended(start, ended=at(12)))
    world.restart()
    world.adopt(at(-3600), task, elapsed=timedelta(0))

    found = world.starts(at(-3585), ServeStarted(at=at(-3585)), elapsed=timedelta(seconds=15))

    assert [-3585] == dues(found)


def test_a_reload_with_another_cooldown_counts_from_the_same_end(world: World) -> None:
    start = begin(world, build_cool(success=100))
    world.settle(at(12), ended(start))
    world.adopt(at(13), build_cool(success=15))

    assert [30] == dues(world.starts(at(20)) + world.starts(at(30)))


@pytest.mark.parametrize("fault", ["undone", "unknown"])
def test_a_rest_whose_commit_fails_holds(world: World, fault: str) -> None:
    start = begin(world, build_cool())
    world.fail(fault, at(12), ended(start))
    world.settle(at(12.5), ended(start))

    assert [] == world.starts(at(20))

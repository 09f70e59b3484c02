"""catch_up: the newest once, the newest thousand one after another, or none."""

from __future__ import annotations

from datetime import timedelta

import pytest

from linod.events import Outcome, ServeStarted, StartRun
from linod.specs import CatchUp, Cooldown, Overlap, Task

from .asking import run
from .building import World, at, build_chain, build_task, dues, ended, members, names

ALL = CatchUp.ALL


def build_all(**keys: object) -> Task:
    return build_task(catch_up=ALL, **keys)


def miss(world: World, until: float, *parts: Task, now: float | None = None) -> list[StartRun]:
    """Be down from 5 to `until`, and settle then."""
    world.adopt(at(5), *parts)
    world.restart()
    world.adopt(at(until), *parts)
    return world.starts(at(until if now is None else now))


def play(world: World, found: list[StartRun], now: float) -> list[float]:
    """Let each end at once; go on at each tenth of a second until nothing starts any more."""
    order = []
    while found:
        order += dues(found)
        now += 0.1
        found = world.starts(at(now), *(ended(each) for each in found))
    return order


def test_all_starts_the_oldest_first(world: World) -> None:
    assert [10] == dues(miss(world, 45, build_all()))


def test_all_starts_one_after_another(world: World) -> None:
    assert [10, 20, 30, 40] == play(world, miss(world, 45, build_all()), 45)


def test_all_are_admitted_in_one_transaction(world: World) -> None:
    miss(world, 45, build_all())

    assert [(10, 10, 1, "admitted")] == world.decisions()[:1]
    assert 4 == len(world.decisions())
    assert ["starting", "waiting", "waiting", "waiting"] == [state for state, _ in world.ends()]


def test_all_is_at_most_the_newest_thousand(world: World) -> None:
    task = build_all(recurrence="every second")
    world.adopt(at(0), task)
    world.restart()
    world.adopt(at(1500), task)

    (start,) = world.starts(at(1500))

    missed = world.store.decision_at("mail", at(1))
    assert missed is not None
    assert (at(501), 1000, at(500), 500) == (
        start.due,
        len(world.runs()),
        missed.last,
        missed.count,
    )


def test_all_is_at_most_what_lies_inside_the_window(world: World) -> None:
    task = build_all(catch_up_window=timedelta(seconds=25))

    assert [30] == dues(miss(world, 55, task))
    assert (10, 20, 2, "missed") == world.decisions()[0]


def test_all_starts_at_most_ten_in_a_second(world: World) -> None:
    (first,) = miss(world, 45, build_all())

    assert [] == world.starts(at(45.05), ended(first))
    assert [20] == dues(world.starts(at(45.1)))


def test_the_next_one_of_a_series_wakes_the_engine(world: World) -> None:
    (first,) = miss(world, 45, build_all())

    assert at(45.1) == world.settle(at(45.05), ended(first)).wake


def test_ten_in_a_second_are_counted_on_the_time_since_boot(world: World) -> None:
    task, boot = build_all(), timedelta(hours=5)
    world.adopt(at(5), task, elapsed=boot)
    (first,) = world.starts(at(45), elapsed=boot + timedelta(seconds=40))

    found = world.starts(at(4000), ended(first), elapsed=boot + timedelta(seconds=40.05))

    assert [] == found
    assert [20] == dues(world.starts(at(4000), elapsed=boot + timedelta(seconds=40.1)))


def test_overlap_does_not_apply_among_those_that_are_caught_up(world: World) -> None:
    found = miss(world, 45, build_all(overlap=Overlap.SKIP))

    assert [10, 20, 30, 40] == play(world, found, 45)


def test_a_newcomer_is_skipped_beside_a_series(world: World) -> None:
    miss(world, 45, build_all())
    world.settle(at(50))

    assert (50, "overlap", "run 1 was going on") == world.verdicts()[-1]


def test_a_newcomer_waits_behind_a_series(world: World) -> None:
    found = miss(world, 25, build_all(overlap=Overlap.WAIT))
    world.settle(at(30))

    assert [10, 20, 30] == play(world, found, 30)


def test_a_newcomer_starts_beside_a_series_that_counts_as_one(world: World) -> None:
    miss(world, 45, build_all(overlap=Overlap.ALLOW, max_running=2))

    assert [50] == dues(world.starts(at(50)))


def test_allow_does_not_start_a_series_all_at_once(world: World) -> None:
    assert [10] == dues(miss(world, 45, build_all(overlap=Overlap.ALLOW)))


def test_a_manual_run_passes_a_series(world: World) -> None:
    (first,) = miss(world, 45, build_all())
    world.settle(at(46), run(46))

    assert [46] == dues(world.starts(at(47), ended(first)))


def test_a_series_of_which_one_fails_goes_on(world: World) -> None:
    (first,) = miss(world, 45, build_all())

    assert [20] == dues(world.starts(at(46), ended(first, Outcome.FAILED)))


def test_a_series_goes_on_after_a_restart(world: World) -> None:
    (first,) = miss(world, 45, build_all())
    world.restart()
    world.adopt(at(46), build_all())

    found = world.starts(at(46), ended(first), ServeStarted(at=at(46)))

    assert [20, 30, 40] == play(world, found, 46)


def test_series_of_two_tasks_do_not_wait_for_each_other(world: World) -> None:
    found = miss(world, 45, build_all(), build_all(name="news"))

    assert ["mail", "news"] == names(found)


def test_a_single_late_one_is_not_a_series(world: World) -> None:
    miss(world, 15, build_all())

    assert [False] == [row.is_caught_up for row in world.runs()]


def test_one_starts_the_newest_and_says_why_not_the_others(world: World) -> None:
    assert [40] == dues(miss(world, 45, build_task()))
    assert (10, "missed", "the newest one is caught up instead") == world.verdicts()[0]


def test_none_says_so(world: World) -> None:
    assert [] == miss(world, 45, build_task(catch_up=CatchUp.NONE))
    assert [(10, "missed", 'catch_up = "none"')] == world.verdicts()


def test_what_is_caught_up_keeps_its_planned_start(world: World) -> None:
    # Lateness counts from it.
    miss(world, 45, build_task())

    assert at(40) == world.runs()[0].planned


@pytest.mark.parametrize("catch_up", [CatchUp.ONE, ALL])
def test_what_is_missed_overlaps_with_a_run_that_outlived_the_daemon(
    world: World, catch_up: CatchUp
) -> None:
    task = build_task(catch_up=catch_up)
    world.adopt(at(5), task)
    world.settle(at(10))
    world.restart()
    world.adopt(at(45), task)

    assert [] == world.starts(at(45), ServeStarted(at=at(45)))
    assert "overlap" == world.verdicts()[-1][1]
    assert 1 == len(world.runs())


def test_what_rests_after_a_run_is_not_caught_up(world: World) -> None:
    task = build_all(cooldown=Cooldown(success=timedelta(minutes=5)))
    world.adopt(at(5), task)
    (first,) = world.starts(at(10))
    world.settle(at(11), ended(first))
    world.restart()
    world.adopt(at(45), task)

    assert [] == world.starts(at(45))
    assert (20, 40, 3, "cooldown") == world.decisions()[-1]


def test_the_rest_begins_with_the_first_run_of_a_series_and_holds_up_none(world: World) -> None:
    found = miss(world, 45, build_all(cooldown=Cooldown(success=timedelta(minutes=5))))

    assert [10, 20, 30, 40] == play(world, found, 45)


def test_a_chain_is_caught_up_as_a_whole(world: World) -> None:
    chain = build_chain("a", "b", catch_up=ALL)
    found = miss(world, 35, chain, *members("a", "b"))

    assert [10, 10, 20, 20, 30, 30] == play(world, found, 35)


def test_a_series_of_chains_without_work_starts_at_most_ten_in_a_second(world: World) -> None:
    parts = (build_chain("a", catch_up=ALL), *members("a", enabled=False))
    miss(world, 45, *parts)

    assert 1 == sum(row.started is not None for row in world.runs("nightly"))


@pytest.mark.parametrize("fault", ["undone", "unknown"])
def test_a_series_whose_commit_fails_is_admitted_once(world: World, fault: str) -> None:
    world.adopt(at(5), build_all())
    world.fail(fault, at(45))

    assert [10, 20, 30, 40] == play(world, world.starts(at(46)), 46)


def test_each_occurrence_has_one_verdict_where_only_some_start_behind_the_rest(
    world: World,
) -> None:
    # Of 190 to 220 jitter plans the third alone behind 240, until when the task rests.
    cooldown = Cooldown(success=timedelta(seconds=58))
    world.adopt(at(181), build_all(cooldown=cooldown, jitter=timedelta(seconds=60)))
    (first,) = world.starts(at(181), run(181))
    world.settle(at(182), ended(first))
    world.settle(at(221))

    assert [(190, 200, 2, "cooldown"), (210, 210, 1, "admitted"), (220, 220, 1, "cooldown")] == (
        world.decisions()[1:]
    )

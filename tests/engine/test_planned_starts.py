"""Spread and jitter move the planned start, which is stored; due stays nominal."""

from __future__ import annotations

from datetime import timedelta

import pytest

from linod.events import Answer, ServeStarted, TellStarted
from linod.specs import CatchUp, Overlap

from .asking import pause, run
from .building import (
    World,
    at,
    build_chain,
    build_task,
    dues,
    ended,
    members,
    names,
    only,
    started,
    starts,
)

# The share of the task "mail" is 0.1205, that of its occurrence at 10 is 0.4766.
SPREAD = timedelta(seconds=5)
JITTER = timedelta(seconds=5)


def test_a_start_waits_for_the_spread_of_its_task(world: World) -> None:
    world.adopt(at(5), build_task(spread=SPREAD))

    assert starts(settled := world.settle(at(10))) == []
    assert at(10.602605) == settled.wake
    assert [10] == dues(world.starts(at(10.602605)))


def test_all_starts_of_a_task_are_spread_alike(world: World) -> None:
    world.adopt(at(5), build_task(spread=SPREAD, overlap=Overlap.ALLOW))
    world.settle(at(10))
    world.settle(at(20))

    assert [at(10.602605), at(20.602605)] == [row.planned for row in world.runs()]


def test_a_start_waits_for_the_jitter_of_its_occurrence(world: World) -> None:
    world.adopt(at(5), build_task(jitter=JITTER))
    world.settle(at(10))

    (row,) = world.runs()
    assert (at(10), "waiting", "jitter") == (row.due, row.state, row.held)
    assert at(10) < row.planned < at(15)


def test_starts_of_a_task_jitter_differently(world: World) -> None:
    world.adopt(at(5), build_task(jitter=JITTER, overlap=Overlap.ALLOW))
    for each in (10, 20, 30):
        world.settle(at(each))

    assert 3 == len({row.planned - row.due for row in world.runs()})


def test_what_moves_a_start_is_said(world: World) -> None:
    world.adopt(at(5), build_task(jitter=JITTER, spread=SPREAD))
    world.settle(at(10))

    assert "spread and jitter" == world.runs()[0].held


def test_the_planned_start_outlives_a_restart(world: World) -> None:
    task = build_task(jitter=JITTER)
    world.adopt(at(5), task)
    world.settle(at(10))
    planned = world.runs()[0].planned
    world.restart()
    world.adopt(at(10.1), task)
    world.settle(at(10.1), ServeStarted(at=at(10.1)))

    assert planned == world.engine.wake(at(10.1))
    assert [10] == dues(world.starts(planned))


def test_the_planned_start_outlives_a_reload_with_another_jitter(world: World) -> None:
    world.adopt(at(5), build_task(jitter=JITTER))
    world.settle(at(10))
    planned = world.runs()[0].planned
    world.adopt(at(10.1), build_task(jitter=2 * JITTER))

    assert [10] == dues(world.starts(planned))


def test_lateness_counts_from_the_planned_start(world: World) -> None:
    world.adopt(at(5), build_task(spread=SPREAD))
    world.settle(at(10))
    (start,) = world.starts(at(10.602605))

    told = only(world.settle(at(11), started(start, at(10.702605))), TellStarted)

    assert 0.1 == pytest.approx(told.late_s)


def test_a_waiting_start_counts_as_going_on(world: World) -> None:
    world.adopt(at(5), build_task(recurrence="every second", spread=timedelta(seconds=60)))
    world.settle(at(6))
    world.settle(at(7))

    assert (7, "overlap", "run 1 was going on") == world.verdicts()[-1]


def test_a_manual_run_is_not_moved(world: World) -> None:
    world.adopt(at(5), build_task(spread=SPREAD, jitter=JITTER))

    assert [6] == dues(world.starts(at(6), run(6)))


def test_a_manual_run_does_not_wait_for_one_that_is_spread(world: World) -> None:
    world.adopt(at(5), build_task(spread=SPREAD))
    world.settle(at(10))

    assert [10.1] == dues(world.starts(at(10.1), run(10.1)))


def test_what_is_caught_up_is_not_moved_beyond_now(world: World) -> None:
    world.adopt(at(5), build_task(recurrence="every hour", spread=timedelta(minutes=5)))

    assert [3600] == dues(world.starts(at(7000)))


def test_what_is_late_still_waits_for_its_planned_start(world: World) -> None:
    # The share is 36 s.
    task = build_task(recurrence="every hour", spread=timedelta(minutes=5))
    world.adopt(at(5), task)

    assert [] == world.starts(at(3630))
    assert [3600] == dues(world.starts(at(3637)))


def test_a_caught_up_series_keeps_its_planned_starts(world: World) -> None:
    world.adopt(at(5), build_task(spread=SPREAD, catch_up=CatchUp.ALL))
    world.settle(at(45))

    assert [at(10.602605), at(20.602605)] == [row.planned for row in world.runs()][:2]


def test_at_start_is_moved_like_any_other(world: World) -> None:
    world.adopt(at(5), build_task(recurrence="at start", spread=SPREAD))

    assert [] == world.starts(at(10), ServeStarted(at=at(10)))
    assert [10] == dues(world.starts(at(10.602605)))


def test_what_follows_another_task_is_moved_like_any_other(world: World) -> None:
    after = build_task(recurrence="manually", after=("extract",), spread=SPREAD)
    world.adopt(at(5), *members("extract"), after)
    (extract,) = world.starts(at(6), run(6, "extract"))

    assert [] == world.starts(at(6.5), ended(extract))
    assert [6] == dues(world.starts(at(7.102605)))


def test_a_member_of_a_chain_is_not_moved(world: World) -> None:
    world.adopt(at(5), build_chain("mail"), build_task(recurrence="manually", spread=SPREAD))

    assert ["mail"] == names(world.starts(at(10)))


def test_a_pause_drops_what_waits_for_its_planned_start(world: World) -> None:
    world.adopt(at(5), build_task(spread=SPREAD))
    world.settle(at(10))
    world.settle(at(10.1), pause(10.1, "mail"))

    assert [] == world.starts(at(12))
    assert [("cancelled", "paused by alice")] == world.ends()


def test_two_tasks_with_one_spread_do_not_start_together(world: World) -> None:
    world.adopt(at(5), build_task(spread=SPREAD), build_task("news", spread=SPREAD))
    world.settle(at(10))

    assert 2 == len({row.planned for task in ("mail", "news") for row in world.runs(task)})


def test_a_clock_set_back_keeps_a_start_from_being_early(world: World) -> None:
    world.adopt(at(5), build_task(spread=SPREAD), elapsed=timedelta(seconds=5))
    world.settle(at(10), elapsed=timedelta(seconds=10))

    assert [] == world.starts(at(4), elapsed=timedelta(seconds=14))
    assert [10] == dues(world.starts(at(10.602605), elapsed=timedelta(seconds=21)))


@pytest.mark.parametrize("fault", ["undone", "unknown"])
def test_a_planned_start_is_the_same_where_the_commit_fails(world: World, fault: str) -> None:
    world.adopt(at(5), build_task(spread=SPREAD))
    world.fail(fault, at(10))

    assert [] == world.starts(at(10.5))
    assert [10] == dues(world.starts(at(10.602605)))


def test_a_run_under_a_due_of_the_past_is_planned_for_now(world: World) -> None:
    world.adopt(at(5), build_task(spread=SPREAD))

    settled = world.settle(at(7), run(7, due=-10))

    assert at(7) == world.runs()[0].planned
    assert (1,) == only(settled, Answer).runs

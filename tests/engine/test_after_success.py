"""after without a recurrence: due when all named tasks succeeded anew."""

from __future__ import annotations

from datetime import timedelta

import pytest

from linod.events import Event, Outcome, ServeStarted, StartRun
from linod.specs import Retry, Task

from .asking import accept_clock, backfill, cancel, pause, resume, run
from .building import (
    World,
    at,
    build_chain,
    build_task,
    dues,
    ended,
    members,
    names,
    starts,
)


def build_report(*after: str, **keys: object) -> Task:
    return build_task("report", "manually", after=after or ("extract",), **keys)


def finish(
    world: World, seconds: float, task: str = "extract", outcome: Outcome = Outcome.SUCCEEDED
) -> list[StartRun]:
    """Run a task at an instant; it ends a second later; return what starts then."""
    (start,) = world.starts(at(seconds), run(seconds, task))
    return world.starts(at(seconds + 1), ended(start, outcome))


@pytest.mark.parametrize("outcome", [Outcome.SUCCEEDED, Outcome.WARNED])
def test_a_success_triggers(world: World, outcome: Outcome) -> None:
    world.adopt(at(5), *members("extract"), build_report())

    (start,) = finish(world, 10, outcome=outcome)

    assert ("report", at(10), "after") == (start.task.name, start.due, start.trigger)


@pytest.mark.parametrize(
    "outcome", [Outcome.FAILED, Outcome.TIMED_OUT, Outcome.LOST, Outcome.CANCELLED]
)
def test_nothing_else_triggers(world: World, outcome: Outcome) -> None:
    world.adopt(at(5), *members("extract"), build_report())

    assert [] == finish(world, 10, outcome=outcome)
    assert [] == world.decisions("report")


def test_a_retry_that_succeeds_triggers_under_its_due(world: World) -> None:
    retry = Retry(attempts=2, delay=timedelta(0))
    world.adopt(at(5), *members("extract", retry=retry), build_report())
    (second,) = finish(world, 10, outcome=Outcome.FAILED)

    assert [10] == dues(world.starts(at(12), ended(second)))


def test_all_named_ones_have_to_succeed(world: World) -> None:
    world.adopt(at(5), *members("a", "b"), build_report("a", "b"))

    assert [] == finish(world, 10, "a")
    assert ["report"] == names(finish(world, 20, "b"))


def test_the_due_is_the_newest_of_the_successes(world: World) -> None:
    world.adopt(at(5), *members("a", "b"), build_report("a", "b"))
    (first,) = world.starts(at(10), run(10, "a"))
    (second,) = world.starts(at(11), run(11, "b"))
    world.settle(at(12), ended(second))

    assert [11] == dues(world.starts(at(13), ended(first)))


def test_all_have_to_succeed_anew(world: World) -> None:
    world.adopt(at(5), *members("a", "b"), build_report("a", "b"))
    finish(world, 10, "a")
    (report,) = finish(world, 20, "b")
    world.settle(at(22), ended(report))

    assert [] == finish(world, 30, "a")
    assert ["report"] == names(finish(world, 40, "b"))


def test_one_that_succeeds_twice_counts_once(world: World) -> None:
    world.adopt(at(5), *members("a", "b"), build_report("a", "b"))

    assert [] == finish(world, 10, "a")
    assert [] == finish(world, 20, "a")


def test_a_failure_between_does_not_undo_a_success(world: World) -> None:
    world.adopt(at(5), *members("a", "b"), build_report("a", "b"))
    finish(world, 10, "a")
    finish(world, 20, "a", Outcome.FAILED)

    assert ["report"] == names(finish(world, 30, "b"))


def test_successes_from_before_it_was_seen_do_not_count(world: World) -> None:
    world.adopt(at(5), *members("a", "b"))
    finish(world, 10, "a")
    world.adopt(at(15), *members("a", "b"), build_report("a", "b"))

    assert [] == finish(world, 20, "b")
    assert ["report"] == names(finish(world, 30, "a"))


def test_a_run_that_was_due_before_it_was_seen_does_not_trigger(world: World) -> None:
    world.adopt(at(5), *members("extract"))
    (start,) = world.starts(at(10), run(10, "extract"))
    world.adopt(at(15), *members("extract"), build_report())

    assert [] == world.starts(at(20), ended(start))


def test_an_edit_never_fires_it(world: World) -> None:
    world.adopt(at(5), *members("a", "b"), build_report("a", "b"))
    finish(world, 10, "a")

    assert [] == starts(world.adopt(at(15), *members("a", "b"), build_report("a")))
    assert [] == world.starts(at(20))


def test_a_manual_run_of_it_counts_as_its_last_decision(world: World) -> None:
    world.adopt(at(5), *members("a", "b"), build_report("a", "b"))
    finish(world, 10, "a")
    finish(world, 20, "report")

    assert [] == finish(world, 30, "b")


def test_a_backfill_of_the_named_one_triggers_nothing(world: World) -> None:
    world.adopt(at(5), build_task("extract", enabled=False), build_report())
    (start,) = world.starts(at(6), backfill(6, 0, 0, "extract"))

    assert [] == world.starts(at(7), ended(start))


def test_a_due_of_the_past_that_is_run_again_triggers_nothing(world: World) -> None:
    world.adopt(at(5), build_task("extract"), build_report())
    (start,) = world.starts(at(10))
    (report,) = world.starts(at(11), ended(start))
    world.settle(at(12), ended(report))
    (again,) = world.starts(at(13), run(13, "extract", due=10))

    assert [] == world.starts(at(14), ended(again))


def test_what_is_decided_while_paused_is_not_made_up_for(world: World) -> None:
    world.adopt(at(5), *members("extract"), build_report())
    world.settle(at(6), pause(6, "report"))

    assert [] == finish(world, 10)
    assert [(10, "paused", "paused by alice")] == world.verdicts("report")
    assert [] == world.starts(at(20), resume(20, "report"))
    assert ["report"] == names(finish(world, 30))


def test_one_that_goes_on_makes_it_overlap(world: World) -> None:
    world.adopt(at(5), *members("extract"), build_report())
    finish(world, 10)

    assert [] == finish(world, 20)
    assert (20, "overlap") == world.verdicts("report")[-1][:2]


def test_triggers_follow_each_other(world: World) -> None:
    mail = build_task("mail", "manually", after=("report",))
    world.adopt(at(5), mail, build_report(), *members("extract"))
    (report,) = finish(world, 10)

    assert [("mail", 10)] == [
        (start.task.name, dues([start])[0]) for start in world.starts(at(12), ended(report))
    ]


def test_a_chain_triggers_when_it_succeeded(world: World) -> None:
    world.adopt(at(5), build_chain("a", "b"), *members("a", "b"), build_report("nightly"))
    (first,) = world.starts(at(10))
    (second,) = world.starts(at(11), ended(first))

    assert ["report"] == names(world.starts(at(12), ended(second)))


def test_a_chain_that_failed_triggers_nothing(world: World) -> None:
    world.adopt(at(5), build_chain("a"), *members("a"), build_report("nightly"))
    (first,) = world.starts(at(10))

    assert [] == world.starts(at(11), ended(first, Outcome.FAILED))


def test_a_member_of_a_chain_triggers(world: World) -> None:
    world.adopt(at(5), build_chain("a", "b"), *members("a", "b"), build_report("a"))
    (first,) = world.starts(at(10))

    assert {"b", "report"} == set(names(world.starts(at(11), ended(first))))


def test_a_success_over_a_restart_triggers(world: World) -> None:
    parts = (*members("extract"), build_report())
    world.adopt(at(5), *parts)
    (start,) = world.starts(at(10), run(10, "extract"))
    world.restart()
    world.adopt(at(15), *parts)

    assert ["report"] == names(world.starts(at(15), ended(start), ServeStarted(at=at(15))))


def test_a_success_while_linod_drains_triggers_at_the_next_start(world: World) -> None:
    parts = (*members("extract"), build_report())
    world.adopt(at(5), *parts)
    (start,) = world.starts(at(10), run(10, "extract"))
    world.engine.drain()
    assert [] == world.starts(at(11), ended(start))
    world.restart()
    world.adopt(at(15), *parts)

    assert ["report"] == names(world.starts(at(15), ServeStarted(at=at(15))))


def test_a_task_that_is_not_there_any_more_triggers_nothing(world: World) -> None:
    world.adopt(at(5), *members("extract"), build_report())
    (start,) = world.starts(at(10), run(10, "extract"))
    world.adopt(at(11), *members("extract"))

    assert [] == world.starts(at(12), ended(start))


def test_a_clock_set_back_a_little_during_the_run_still_triggers(world: World) -> None:
    world.adopt(at(5), *members("extract"), build_report())
    (start,) = world.starts(at(10), run(10, "extract"))

    world.settle(at(9.5), ended(start))

    assert [(10, "admitted", "")] == world.verdicts("report")


def test_after_a_clock_that_was_ahead_it_is_triggered_again(world: World) -> None:
    # The clock was ten years ahead; then somebody set it right.
    world.adopt(at(5), *members("extract"), build_report())
    (report,) = finish(world, 300_000_000)
    world.settle(at(300_000_002), ended(report))
    world.settle(at(20), accept_clock(20))

    assert ["report"] == names(finish(world, 30))


def test_after_a_clock_that_was_ahead_all_have_to_succeed_anew(world: World) -> None:
    world.adopt(at(5), *members("a", "b"), build_report("a", "b"))
    finish(world, 300_000_000, "a")
    world.settle(at(20), accept_clock(20))

    assert [] == finish(world, 30, "b")
    assert ["report"] == names(finish(world, 40, "a"))


def test_what_was_first_seen_by_a_clock_that_was_ahead_is_triggered(world: World) -> None:
    world.adopt(at(300_000_000), *members("extract"), build_report())
    world.settle(at(20), accept_clock(20))

    assert ["report"] == names(finish(world, 30))


@pytest.mark.parametrize("fault", ["undone", "unknown"])
def test_it_is_triggered_once_where_the_commit_fails(world: World, fault: str) -> None:
    world.adopt(at(5), *members("extract"), build_report())
    (start,) = world.starts(at(10), run(10, "extract"))
    world.fail(fault, at(11), ended(start))

    assert ["report"] == names(world.starts(at(11.5), ended(start)))
    assert 1 == len(world.runs("report"))


@pytest.mark.parametrize("request_", [cancel(11, "extract"), pause(11, "extract")])
def test_a_run_that_is_held_back_and_succeeds_still_triggers(world: World, request_: Event) -> None:
    world.adopt(at(5), *members("extract"), build_report())
    (start,) = world.starts(at(10), run(10, "extract"))
    world.settle(at(11), request_)

    assert ["report"] == names(world.starts(at(12), ended(start)))

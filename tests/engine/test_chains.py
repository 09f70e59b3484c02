"""Chains: one decision for the whole, its steps in order, and how they end."""

from __future__ import annotations

from datetime import timedelta

import pytest

from linod.events import Answer, Outcome, ServeStarted, StartRun, TellEnded
from linod.specs import CatchUp, OnFailed, OnLost, Overlap, Retry

from .asking import disable, pause, run
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

FAILED = Outcome.FAILED
CONTINUE = OnFailed.CONTINUE


def begin(world: World, *steps: str | list[str], **keys: object) -> list[StartRun]:
    """Adopt a chain with plain members and let it begin at 10."""
    flat = [name for step in steps for name in ([step] if isinstance(step, str) else step)]
    world.adopt(at(5), build_chain(*steps, **keys), *members(*flat))
    return world.starts(at(10))


def play(world: World, found: list[StartRun], now: float = 11) -> list[str]:
    """Let each end at once; return the names in the order of their starts."""
    order = []
    while found:
        order += names(found)
        found = world.starts(at(now), *(ended(each) for each in found))
    return order


def test_its_tasks_run_in_order(world: World) -> None:
    assert ["a", "b", "c"] == play(world, begin(world, "a", "b", "c"))


def test_each_waits_for_the_end_of_the_one_before(world: World) -> None:
    (first,) = begin(world, "a", "b")

    assert [] == world.starts(at(11), started(first, at(10.1)))
    assert ["b"] == names(world.starts(at(12), ended(first)))


def test_its_tasks_run_under_its_due_with_trigger_chain(world: World) -> None:
    (first,) = begin(world, "a", "b")
    (second,) = world.starts(at(15), ended(first))

    assert [("chain", at(10)), ("chain", at(10))] == [
        (start.trigger, start.due) for start in (first, second)
    ]


def test_an_inner_list_runs_together(world: World) -> None:
    assert ["a", "b"] == names(begin(world, ["a", "b"], "c"))


def test_what_follows_an_inner_list_waits_for_all_of_it(world: World) -> None:
    first, second = begin(world, ["a", "b"], "c")

    assert [] == world.starts(at(11), ended(second))
    assert ["c"] == names(world.starts(at(12), ended(first)))


def test_the_chain_has_a_run_of_its_own(world: World) -> None:
    (first,) = begin(world, "a", "b")

    (row,) = world.runs("nightly")
    (member,) = world.runs("a")

    assert (True, "running", at(10), at(10)) == (row.is_chain, row.state, row.due, row.started)
    assert (row.id, first.run) == (member.parent, member.id)


def test_it_goes_on_until_its_last_run_ended(world: World) -> None:
    (first,) = begin(world, "a", "b")
    (second,) = world.starts(at(12), ended(first))

    told = [
        effect
        for effect in world.settle(at(14), ended(second)).effects
        if isinstance(effect, TellEnded)
    ]

    assert [("b", "succeeded"), ("nightly", "succeeded")] == [
        (each.task, each.outcome) for each in told
    ]
    assert at(14) == world.runs("nightly")[0].ended


def test_there_is_one_decision_for_the_whole(world: World) -> None:
    play(world, begin(world, "a", "b"))

    assert [(10, 10, 1, "admitted")] == world.decisions("nightly")


def test_its_tasks_have_decisions_under_its_due(world: World) -> None:
    play(world, begin(world, "a", "b"))

    assert [(10, 10, 1, "admitted")] == world.decisions("a") == world.decisions("b")


def test_its_tasks_do_not_run_by_themselves(world: World) -> None:
    world.adopt(at(5), build_chain("a", recurrence="manually"), *members("a"))

    assert [] == world.starts(at(1000))


def test_two_chains_go_on_side_by_side(world: World) -> None:
    one, other = build_chain("a", name="one"), build_chain("b", name="other")
    world.adopt(at(5), one, other, *members("a", "b"))

    assert {"a", "b"} == set(names(world.starts(at(10))))


# -- how it ends ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (Outcome.SUCCEEDED, ("succeeded", "")),
        (Outcome.WARNED, ("warned", "")),
        (FAILED, ("failed", "a failed")),
        (Outcome.TIMED_OUT, ("failed", "a timed out")),
        (Outcome.LOST, ("failed", "a was lost")),
    ],
)
def test_it_ends_as_its_worst_member(
    world: World, outcome: Outcome, expected: tuple[str, str]
) -> None:
    (first,) = begin(world, "a")
    world.settle(at(11), ended(first, outcome))

    assert [expected] == world.ends("nightly")


def test_behind_one_that_failed_nothing_starts(world: World) -> None:
    (first,) = begin(world, "a", "b", "c")

    assert [] == world.starts(at(11), ended(first, FAILED))


def test_every_later_task_gets_upstream_failed(world: World) -> None:
    (first,) = begin(world, "a", ["b", "c"], "d")
    world.settle(at(11), ended(first, FAILED))

    expected = [(10, "upstream failed", "a failed")]
    assert [expected] * 3 == [world.verdicts(name) for name in ("b", "c", "d")]


def test_the_others_of_its_inner_list_finish(world: World) -> None:
    first, second = begin(world, ["a", "b"], "c")
    world.settle(at(11), ended(first, FAILED))

    assert ["running"] == [row.state for row in world.runs("nightly")]
    world.settle(at(12), ended(second))
    assert ("failed", "a failed") == world.ends("nightly")[0]
    assert (10, "upstream failed", "a failed") == world.verdicts("c")[0]


def test_with_continue_it_goes_on_behind_one_that_failed(world: World) -> None:
    (first,) = begin(world, "a", "b", on_failed=CONTINUE)

    assert ["b"] == names(world.starts(at(11), ended(first, FAILED)))


def test_with_continue_it_fails_in_the_end(world: World) -> None:
    (first,) = begin(world, "a", "b", on_failed=CONTINUE)
    (second,) = world.starts(at(11), ended(first, FAILED))
    world.settle(at(12), ended(second))

    assert [("failed", "a failed")] == world.ends("nightly")


def test_a_member_is_retried_before_the_chain_gives_up(world: World) -> None:
    retry = Retry(attempts=2, delay=timedelta(seconds=3))
    world.adopt(at(5), build_chain("a", "b"), *members("a", retry=retry), *members("b"))
    (first,) = world.starts(at(10))

    assert [] == world.starts(at(11), ended(first, FAILED))
    (second,) = world.starts(at(14))
    assert ("a", 2, at(10)) == (second.task.name, second.attempt, second.due)
    assert ["b"] == names(world.starts(at(15), ended(second)))


def test_a_member_whose_retries_failed_fails_the_chain(world: World) -> None:
    retry = Retry(attempts=2, delay=timedelta(0))
    world.adopt(at(5), build_chain("a", "b"), *members("a", retry=retry), *members("b"))
    (first,) = world.starts(at(10))
    (second,) = world.starts(at(11), ended(first, FAILED))
    world.settle(at(12), ended(second, FAILED))

    assert [("failed", "a failed")] == world.ends("nightly")


def test_a_lost_member_is_tried_again_within_the_chain(world: World) -> None:
    world.adopt(at(5), build_chain("a", "b"), *members("a", "b", on_lost=OnLost.RETRY))
    (first,) = world.starts(at(10))

    (second,) = world.starts(at(11), ended(first, Outcome.LOST))

    assert (world.runs("nightly")[0].id, 2) == (world.runs("a")[1].parent, second.attempt)
    assert ["b"] == names(world.starts(at(12), ended(second)))


def test_a_member_that_failed_too_often_is_disabled(world: World) -> None:
    world.adopt(at(5), build_chain("a", "b"), *members("a", disable_after=1), *members("b"))
    (first,) = world.starts(at(10))
    world.settle(at(11), ended(first, FAILED, reason="no"))
    world.settle(at(20))

    why = "a did not run: disabled after 1 failure, the last one: no"
    assert ("cancelled", why) == world.ends("nightly")[1]


# -- decided like a task ----------------------------------------------------------------------


def test_it_overlaps_with_itself(world: World) -> None:
    begin(world, "a", "b")
    world.settle(at(20))

    number = world.runs("nightly")[0].id
    assert (20, "overlap", f"run {number} was going on") == world.verdicts("nightly")[-1]


def test_it_waits_for_itself(world: World) -> None:
    (first,) = begin(world, "a", "b", overlap=Overlap.WAIT)
    world.settle(at(20))
    (second,) = world.starts(at(21), ended(first))

    assert [("a", 20)] == [
        (start.task.name, dues([start])[0]) for start in world.starts(at(22), ended(second))
    ]


def test_two_of_it_go_on_side_by_side(world: World) -> None:
    flat = members("a", "b", overlap=Overlap.ALLOW)
    world.adopt(at(5), build_chain("a", "b", overlap=Overlap.ALLOW), *flat)
    (one,) = world.starts(at(10))
    (other,) = world.starts(at(20))

    assert [("b", 20)] == [
        (start.task.name, dues([start])[0]) for start in world.starts(at(21), ended(other))
    ]
    assert [("b", 10)] == [
        (start.task.name, dues([start])[0]) for start in world.starts(at(22), ended(one))
    ]


def test_of_two_side_by_side_a_member_runs_once_at_a_time(world: World) -> None:
    world.adopt(at(5), build_chain("a", overlap=Overlap.ALLOW), *members("a"))
    (one,) = world.starts(at(10))

    assert [] == world.starts(at(20))
    assert [20] == dues(world.starts(at(21), ended(one)))


def test_a_newer_one_replaces_it(world: World) -> None:
    (first,) = begin(world, "a", "b", overlap=Overlap.REPLACE)
    world.settle(at(20))

    assert [("a", 20)] == [
        (start.task.name, dues([start])[0])
        for start in world.starts(at(21), ended(first, Outcome.CANCELLED))
    ]
    assert ("cancelled", "replaced by the next occurrence") == world.ends("nightly")[0]


def test_it_is_caught_up_once(world: World) -> None:
    parts = (build_chain("a"), *members("a"))
    world.adopt(at(5), *parts)
    world.restart()
    world.adopt(at(45), *parts)

    assert [("a", 40)] == [(start.task.name, dues([start])[0]) for start in world.starts(at(45))]
    assert [(10, 30, 3, "missed"), (40, 40, 1, "admitted")] == world.decisions("nightly")


def test_none_of_it_is_caught_up(world: World) -> None:
    world.adopt(at(5), build_chain("a", catch_up=CatchUp.NONE), *members("a"))

    assert [] == world.starts(at(45))
    assert [] == world.decisions("a")


def test_a_pause_holds_the_whole(world: World) -> None:
    world.adopt(at(5), build_chain("a"), *members("a"))
    world.settle(at(6), pause(6, "nightly"))

    assert [] == world.starts(at(10))
    assert [(10, "paused", "paused by alice")] == world.verdicts("nightly")


def test_a_pause_leaves_one_that_goes_on(world: World) -> None:
    (first,) = begin(world, "a", "b")
    world.settle(at(11), pause(11, "nightly"))

    assert ["b"] == names(world.starts(at(12), ended(first)))


def test_a_disable_holds_the_whole(world: World) -> None:
    world.adopt(at(5), build_chain("a"), *members("a"))
    world.settle(at(6), disable(6, "nightly"))

    assert [] == world.starts(at(10))
    assert [(10, "disabled", "disabled by alice")] == world.verdicts("nightly")


def test_one_that_is_not_enabled_is_switched_off(world: World) -> None:
    assert [] == begin(world, "a", enabled=False)
    assert [(10, "switched off", "enabled = false")] == world.verdicts("nightly")


def test_it_runs_at_start(world: World) -> None:
    world.adopt(at(5), build_chain("a", recurrence="at start"), *members("a"))

    assert ["a"] == names(world.starts(at(6), ServeStarted(at=at(6))))


def test_a_person_runs_it(world: World) -> None:
    world.adopt(at(5), build_chain("a", "b", recurrence="manually"), *members("a", "b"))

    settled = world.settle(at(6), run(6, "nightly"))

    (start,) = starts(settled)
    assert ("a", "chain", at(6)) == (start.task.name, start.trigger, start.due)
    assert (world.runs("nightly")[0].id,) == only(settled, Answer).runs
    assert ["alice", "alice"] == [world.runs(name)[0].by for name in ("nightly", "a")]


def test_a_person_runs_it_while_it_is_paused(world: World) -> None:
    world.adopt(at(5), build_chain("a", "b", recurrence="manually"), *members("a", "b"))
    found = world.starts(at(6), pause(6, "nightly"), run(6, "nightly"))

    assert ["a", "b"] == play(world, found)


def test_a_person_runs_it_while_all_is_paused(world: World) -> None:
    world.adopt(at(5), build_chain("a", "b", recurrence="manually"), *members("a", "b"))
    found = world.starts(at(6), pause(6), run(6, "nightly"))

    assert ["a", "b"] == play(world, found)


def test_a_person_runs_a_member_by_itself(world: World) -> None:
    world.adopt(at(5), build_chain("a", "b", recurrence="manually"), *members("a", "b"))
    (start,) = world.starts(at(6), run(6, "b"))

    assert "manual" == start.trigger
    assert [] == world.starts(at(7), ended(start))


def test_a_member_that_goes_on_by_hand_is_waited_for(world: World) -> None:
    world.adopt(at(5), build_chain("a", "b"), *members("a", "b"))
    (manual,) = world.starts(at(6), run(6, "b"))
    (first,) = world.starts(at(10))

    assert [] == world.starts(at(11), ended(first))
    assert [10] == dues(world.starts(at(12), ended(manual)))


def test_a_due_of_the_past_runs_the_whole_again(world: World) -> None:
    play(world, begin(world, "a", "b"))

    assert ["a", "b"] == play(world, world.starts(at(12), run(12, "nightly", due=10)), 12)
    assert [1, 2] == [row.attempt for row in world.runs("b")]


def test_a_chain_of_chains_ends_at_once_where_its_steps_are_gone(world: World) -> None:
    world.adopt(at(5), build_chain("a", "b"), build_task("other"))
    world.settle(at(10))

    assert [("cancelled", "a did not run: the task was removed")] == world.ends("nightly")

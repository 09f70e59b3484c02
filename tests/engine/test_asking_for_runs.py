"""What people ask for: run with a due, cancel, forget."""

from __future__ import annotations

from datetime import time

import pytest

from linod.events import Answer, Event, Outcome, StopRun
from linod.specs import Allowed, CatchUp, Overlap, Task

from .asking import backfill, cancel, forget, pause, run
from .building import World, at, build_chain, build_task, dues, ended, members, only, starts

FAILED = Outcome.FAILED


def answered(world: World, now: float, request_: Event) -> Answer:
    answer = only(world.settle(at(now), request_), Answer)
    assert isinstance(answer, Answer)
    return answer


def build_off(**keys: object) -> Task:
    """Due each ten seconds, but it does not run by itself."""
    return build_task(enabled=False, **keys)


def test_a_due_that_was_missed_is_run_under_its_own_due(world: World) -> None:
    world.adopt(at(5), build_task(catch_up=CatchUp.NONE))
    world.settle(at(45))

    (start,) = world.starts(at(46), run(46, due=20))

    assert (at(20), 1, "manual") == (start.due, start.attempt, start.trigger)


def test_the_verdict_that_is_there_stays(world: World) -> None:
    world.adopt(at(5), build_task(catch_up=CatchUp.NONE))
    world.settle(at(45))
    world.settle(at(46), run(46, due=20))

    assert [(10, 40, 4, "missed")] == world.decisions()


def test_a_due_that_ran_is_run_again_as_the_next_attempt(world: World) -> None:
    world.adopt(at(5), build_task())
    (first,) = world.starts(at(10))
    world.settle(at(11), ended(first))

    (second,) = world.starts(at(12), run(12, due=10))

    assert (at(10), 2) == (second.due, second.attempt)
    assert [(10, 10, 1, "admitted")] == world.decisions()


def test_a_due_from_before_the_task_was_seen_gets_a_row(world: World) -> None:
    world.adopt(at(5), build_task())
    world.settle(at(6), run(6, due=-30))

    row = world.store.decisions("mail")[0]
    assert (at(-30), "admitted", "alice") == (row.due, row.verdict, row.by)


def test_a_due_that_was_dropped_while_it_waited_can_be_run(world: World) -> None:
    world.adopt(at(5), build_task(overlap=Overlap.WAIT))
    (first,) = world.starts(at(10))
    world.settle(at(20))
    world.settle(at(21), pause(21, "mail"), ended(first))

    assert [20] == dues(world.starts(at(22), run(22, due=20)))


@pytest.mark.parametrize(
    ("due", "refusal"),
    [
        (20, "2026-11-21T07:00:20+00:00 is not due yet"),
        (10, "run 1 of that due is starting"),
        (
            3,
            "mail was not due at 2026-11-21T07:00:03+00:00: the nearest are "
            "2026-11-21T07:00:00+00:00 and 2026-11-21T07:00:10+00:00",
        ),
    ],
)
def test_a_due_that_cannot_be_run_is_refused(world: World, due: float, refusal: str) -> None:
    world.adopt(at(5), build_task())
    world.settle(at(10))

    assert refusal == answered(world, 12, run(12, due=due)).refusal


def test_a_due_of_a_task_without_instants_is_refused(world: World) -> None:
    world.adopt(at(5), build_task(recurrence="manually"))

    refusal = answered(world, 12, run(12, due=10)).refusal

    assert "mail was not due at 2026-11-21T07:00:10+00:00" == refusal


def test_the_due_of_a_manual_run_can_be_run_again(world: World) -> None:
    world.adopt(at(5), build_task(recurrence="manually"))
    (first,) = world.starts(at(6), run(6))
    world.settle(at(7), ended(first, FAILED))

    assert [6] == dues(world.starts(at(8), run(8, due=6)))


def test_a_person_runs_what_is_paused(world: World) -> None:
    world.adopt(at(5), build_task())

    assert [6] == dues(world.starts(at(6), pause(6, "mail"), run(6)))


def test_a_manual_run_outside_the_window_runs(world: World) -> None:
    world.adopt(at(5), build_task(allowed=Allowed(first=time(20), last=time(21))))

    assert [6] == dues(world.starts(at(6), run(6)))


def test_what_a_person_did_is_kept(world: World) -> None:
    world.adopt(at(11), build_task())
    world.settle(at(12), run(12, due=10))

    (row,) = world.store.actions()

    assert ("run", "mail", "alice", "due 2026-11-21 07:00:10+00:00") == (
        row.verb,
        row.task,
        row.by,
        row.text,
    )


def test_a_manual_run_beside_a_long_backfill_is_not_refused(world: World) -> None:
    world.adopt(at(5), build_task(enabled=False))
    world.settle(at(6), backfill(6, -3000, 0))

    assert answered(world, 7, run(7)).refusal is None


@pytest.mark.parametrize("fault", ["undone", "unknown"])
def test_the_hundredth_run_that_waits_is_one_run_where_its_commit_fails(
    world: World, fault: str
) -> None:
    world.adopt(at(5), build_task(recurrence="manually"))
    world.settle(at(6), *(run(6 + number / 1000) for number in range(100)))
    world.fail(fault, at(7), run(7))

    answer = answered(world, 7.5, run(7))

    assert (None, (101,)) == (answer.refusal, answer.runs)


def test_a_cancel_of_many_is_kept_as_one_act(world: World) -> None:
    world.adopt(at(5), build_off())
    world.settle(at(6), backfill(6, -20, 0))
    world.settle(at(7), cancel(7, "mail"))

    assert ("cancel", "mail", "3 runs") == (
        world.store.actions()[0].verb,
        world.store.actions()[0].task,
        world.store.actions()[0].text,
    )


def test_what_waits_behind_a_cancelled_run_starts_when_it_is_gone(world: World) -> None:
    world.adopt(at(5), build_task(overlap=Overlap.WAIT))
    (first,) = world.starts(at(10))
    world.settle(at(20))

    assert first.run == only(world.settle(at(21), cancel(21, run=1)), StopRun).run
    assert [20] == dues(world.starts(at(22), ended(first, Outcome.CANCELLED)))


@pytest.mark.parametrize("fault", ["undone", "unknown"])
@pytest.mark.parametrize("request_", [cancel(21, "mail"), cancel(21, run=2)])
def test_a_cancel_whose_commit_fails_is_done_and_answered(
    world: World, fault: str, request_: Event
) -> None:
    world.adopt(at(5), build_task(overlap=Overlap.WAIT))
    (first,) = world.starts(at(10))
    world.settle(at(20), ended(first))
    world.settle(at(20.5), run(20.5))
    world.settle(at(20.6), run(20.6))
    world.settle(at(20.7), cancel(20.7, run=4))
    world.fail(fault, at(21), request_)

    answer = answered(world, 21.5, request_)

    assert answer.refusal is None
    assert 2 in answer.runs


@pytest.mark.parametrize("fault", ["undone", "unknown"])
def test_a_cancel_of_what_waits_whose_commit_fails_is_answered(world: World, fault: str) -> None:
    world.adopt(at(5), build_task(overlap=Overlap.WAIT))
    world.settle(at(10))
    world.settle(at(20))
    world.fail(fault, at(21), cancel(21, run=2))

    answer = answered(world, 21.5, cancel(21, run=2))

    assert (None, (2,)) == (answer.refusal, answer.runs)


def test_forget_removes_all_that_is_stored_of_a_task(world: World) -> None:
    world.adopt(at(5), build_task(), build_task("news"))
    found = world.starts(at(10), pause(10, "mail"))
    found = world.starts(at(11), run(11))
    world.settle(at(12), *(ended(each) for each in found))
    world.adopt(at(13), build_task("news"))

    answer = answered(world, 14, forget(14))

    assert (("mail",), "forgotten with 2 runs") == (answer.tasks, answer.note)
    assert ([], [], []) == (world.runs(), world.decisions(), world.store.holds())
    assert "mail" not in world.store.cursors()


def test_forget_leaves_what_people_did(world: World) -> None:
    world.adopt(at(5), build_task())
    world.settle(at(6), pause(6, "mail"))
    world.adopt(at(13))
    world.settle(at(14), forget(14))

    assert ["forget", "pause"] == [row.verb for row in world.store.actions()]


def test_a_task_that_comes_back_after_forget_is_new(world: World) -> None:
    world.adopt(at(5), build_task())
    world.adopt(at(6))
    world.settle(at(7), forget(7))
    world.adopt(at(100.5), build_task())

    assert at(100.5) == world.store.cursors()["mail"].first_seen


@pytest.mark.parametrize(
    ("task", "refusal"),
    [
        ("news", "news is in the configuration: remove it there first"),
        ("mail", "run 1 of mail is starting: linod cancel 1"),
        ("male", 'nothing is known of "male"'),
    ],
)
def test_what_cannot_be_forgotten_is_refused(world: World, task: str, refusal: str) -> None:
    world.adopt(at(5), build_task(), build_task("news"))
    world.settle(at(10))
    world.adopt(at(11), build_task("news"))

    assert refusal == answered(world, 12, forget(12, task)).refusal


@pytest.mark.parametrize("fault", ["undone", "unknown"])
def test_a_forget_whose_commit_fails_is_done_and_answered(world: World, fault: str) -> None:
    world.adopt(at(5), build_task())
    world.adopt(at(6))
    world.fail(fault, at(7), forget(7))

    answer = answered(world, 7.5, forget(7))

    assert (None, ("mail",)) == (answer.refusal, answer.tasks)


def test_forget_while_a_chain_of_another_name_goes_on_leaves_it(world: World) -> None:
    world.adopt(at(5), build_chain("a"), *members("a"), build_task("gone"))
    (start,) = world.starts(at(10), cancel(10, "gone"))[:1]
    world.adopt(at(11), build_chain("a"), *members("a"))
    world.settle(at(12), cancel(12, "gone"))
    world.settle(at(13), forget(13, "gone"))

    assert ["a"] == [run.task for run in world.engine.unfinished() if run.parent]
    assert start.task.name in ("a", "gone")


def test_nothing_starts_for_what_was_asked_for_while_linod_drains(world: World) -> None:
    world.adopt(at(5), build_off())
    world.engine.drain()

    settled = world.settle(at(6), backfill(6, -20, 0))

    assert [] == starts(settled)
    assert "linod is stopping" == only(settled, Answer).refusal


def test_a_cancel_that_is_heard_again_ends_nothing_that_came_since(world: World) -> None:
    world.adopt(at(5), build_task(overlap=Overlap.ALLOW))
    world.settle(at(6), run(6, "mail"))
    world.fail("unknown", at(7), cancel(7, "mail"))

    settled = world.settle(at(10), cancel(7, "mail"))

    assert [1] == [effect.run for effect in settled.effects if isinstance(effect, StopRun)]
    assert [10] == dues(starts(settled))

"""disable_after: failures in a row disable a task; a person disables and enables it."""

from __future__ import annotations

import pytest

from linod.events import Answer, Event, Outcome, RunNeverStarted, ServeStarted
from linod.policy import HoldKind
from linod.specs import Overlap, Retry, Task

from .asking import backfill, disable, enable, pause, run
from .building import (
    World,
    at,
    build_chain,
    build_task,
    changes,
    dues,
    ended,
    members,
    only,
    starts,
)

FAILED = Outcome.FAILED


def fail_runs(world: World, *outcomes: Outcome, first: float = 10) -> None:
    """Let each due from `first` on end a second later."""
    for number, outcome in enumerate(outcomes):
        due = first + 10 * number
        for start in world.starts(at(due)):
            world.settle(at(due + 1), ended(start, outcome, reason="ValueError: no"))


def build_fragile(after: int = 2, **keys: object) -> Task:
    return build_task(disable_after=after, **keys)


def test_so_many_failures_in_a_row_disable_a_task(world: World) -> None:
    world.adopt(at(5), build_fragile())
    fail_runs(world, FAILED, FAILED)

    assert [] == world.starts(at(30))
    reason = "disabled after 2 failures in a row, the last one: ValueError: no"
    assert (30, "disabled", reason) == world.verdicts()[-1]


def test_it_is_told_with_the_way_back(world: World) -> None:
    world.adopt(at(5), build_fragile(after=1))
    (start,) = world.starts(at(10))

    settled = world.settle(at(11), ended(start, FAILED, reason="ValueError: no"))

    assert [
        "mail was disabled after 1 failure, the last one: ValueError: no  (linod enable mail)"
    ] == changes(settled)


def test_it_is_told_once(world: World) -> None:
    world.adopt(at(5), build_fragile(after=1, overlap=Overlap.ALLOW))
    (one,) = world.starts(at(10))
    (other,) = world.starts(at(20))
    world.settle(at(21), ended(one, FAILED))

    assert [] == changes(world.settle(at(22), ended(other, FAILED)))


def test_what_is_due_while_disabled_is_one_range(world: World) -> None:
    world.adopt(at(5), build_fragile(after=1))
    fail_runs(world, FAILED)
    for each in (20, 30, 40):
        world.settle(at(each))

    assert (20, 40, 3, "disabled") == world.decisions()[-1]


@pytest.mark.parametrize("outcome", [FAILED, Outcome.TIMED_OUT, Outcome.LOST])
def test_what_failed_for_good_counts(world: World, outcome: Outcome) -> None:
    world.adopt(at(5), build_fragile(after=1))
    fail_runs(world, outcome)

    assert ["mail"] == [hold.task for hold in world.engine.holds]


@pytest.mark.parametrize("outcome", [Outcome.SUCCEEDED, Outcome.WARNED])
def test_a_success_between_begins_anew(world: World, outcome: Outcome) -> None:
    world.adopt(at(5), build_fragile())
    fail_runs(world, FAILED, outcome, FAILED)

    assert () == world.engine.holds


def test_a_cancelled_run_counts_for_neither_side(world: World) -> None:
    world.adopt(at(5), build_fragile())
    fail_runs(world, FAILED, Outcome.CANCELLED, FAILED)

    assert 1 == len(world.engine.holds)


def test_an_occurrence_counts_once_however_often_it_was_retried(world: World) -> None:
    world.adopt(at(5), build_fragile(retry=Retry(attempts=3, delay=at(0) - at(0))))
    found = world.starts(at(10))
    for number in range(3):
        found = world.starts(at(11 + number), ended(found[0], FAILED))

    cursor = world.store.cursors()["mail"]
    assert 1 == cursor.failures


def test_an_occurrence_that_a_retry_saves_is_no_failure(world: World) -> None:
    world.adopt(at(5), build_fragile(after=1, retry=Retry(attempts=2, delay=at(0) - at(0))))
    (first,) = world.starts(at(10))
    (second,) = world.starts(at(11), ended(first, FAILED))
    world.settle(at(12), ended(second))

    assert () == world.engine.holds


def test_failures_in_a_row_are_counted_over_a_restart(world: World) -> None:
    world.adopt(at(5), build_fragile())
    fail_runs(world, FAILED)
    world.restart()
    world.adopt(at(15), build_fragile())
    fail_runs(world, FAILED, first=20)

    assert 1 == len(world.engine.holds)


def test_a_disabled_task_stays_so_over_a_restart(world: World) -> None:
    world.adopt(at(5), build_fragile(after=1))
    fail_runs(world, FAILED)
    world.restart()
    world.adopt(at(15), build_fragile(after=1))

    assert [] == world.starts(at(20), ServeStarted(at=at(20)))


def test_disabling_drops_what_waits(world: World) -> None:
    world.adopt(at(5), build_fragile(after=1, overlap=Overlap.WAIT))
    (first,) = world.starts(at(10))
    world.settle(at(20))
    world.settle(at(21), ended(first, FAILED, reason="no"))

    assert ("cancelled", "disabled after 1 failure, the last one: no") == world.ends()[1]


def test_disabling_leaves_what_runs(world: World) -> None:
    world.adopt(at(5), build_fragile(after=1, overlap=Overlap.ALLOW))
    (first,) = world.starts(at(10))
    world.settle(at(20))

    settled = world.settle(at(21), ended(first, FAILED))

    assert ["failed", "starting"] == [state for state, _ in world.ends()]
    assert [] == starts(settled)


def test_a_manual_run_of_a_disabled_task_runs(world: World) -> None:
    world.adopt(at(5), build_fragile(after=1))
    fail_runs(world, FAILED)

    assert [15] == dues(world.starts(at(15), run(15)))


def test_a_manual_success_does_not_enable_it(world: World) -> None:
    world.adopt(at(5), build_fragile(after=1))
    fail_runs(world, FAILED)
    (start,) = world.starts(at(15), run(15))
    world.settle(at(16), ended(start))

    assert [] == world.starts(at(20))


def test_enable_lets_it_run_again(world: World) -> None:
    world.adopt(at(5), build_fragile(after=1))
    fail_runs(world, FAILED)

    answer = only(world.settle(at(15), enable(15, "mail")), Answer)

    assert ("mail",) == answer.tasks
    assert [20] == dues(world.starts(at(20)))


def test_enable_begins_the_count_anew(world: World) -> None:
    world.adopt(at(5), build_fragile())
    fail_runs(world, FAILED, FAILED)
    world.settle(at(25), enable(25, "mail"))
    fail_runs(world, FAILED, first=30)

    assert () == world.engine.holds


def test_enable_without_names_takes_those_that_failures_disabled(world: World) -> None:
    world.adopt(at(5), build_fragile(after=1), build_task("news"))
    fail_runs(world, FAILED)
    world.settle(at(12), disable(12, "news"))

    assert ("mail",) == only(world.settle(at(15), enable(15)), Answer).tasks


@pytest.mark.parametrize(
    ("request_", "refusal"),
    [
        (enable(6, "mail"), "mail: not disabled"),
        (enable(6), "no task was disabled by its failures"),
        (enable(6, "male"), 'there is no task "male"'),
        (enable(6, "off"), "off has enabled = false in linod.toml: change it there"),
        (disable(6, "male"), 'there is no task "male"'),
    ],
)
def test_what_cannot_be_done_is_refused(world: World, request_: Event, refusal: str) -> None:
    world.adopt(at(5), build_task(), build_task("off", enabled=False))

    assert refusal == only(world.settle(at(6), request_), Answer).refusal


def test_a_person_disables_a_task(world: World) -> None:
    world.adopt(at(5), build_task())

    settled = world.settle(at(6), disable(6, "mail", reason="broken"))

    assert ['mail disabled by alice: "broken"'] == changes(settled)
    assert [] == world.starts(at(10))
    row = world.store.decisions("mail")[0]
    assert ('disabled by alice: "broken"', "alice") == (row.reason, row.by)


def test_what_a_person_disables_waits_no_more(world: World) -> None:
    world.adopt(at(5), build_task(overlap=Overlap.WAIT))
    world.settle(at(10))
    world.settle(at(20))
    world.settle(at(21), disable(21, "mail"))

    assert [("starting", ""), ("cancelled", "disabled by alice")] == world.ends()


def test_what_fell_due_before_it_was_disabled_is_decided_as_usual(world: World) -> None:
    world.adopt(at(5), build_task())

    world.settle(at(11), disable(11, "mail"))

    assert (10, "admitted", "") == world.verdicts()[0]
    assert [("cancelled", "disabled by alice")] == world.ends()


def test_what_a_person_did_is_kept(world: World) -> None:
    world.adopt(at(5), build_task())
    world.settle(at(6), disable(6, "mail", reason="broken"))
    world.settle(at(7), enable(7, "mail"))

    assert [("enable", "mail", "alice", ""), ("disable", "mail", "alice", "broken")] == [
        (row.verb, row.task, row.by, row.text) for row in world.store.actions()
    ]


def test_a_disabled_task_that_is_paused_too_is_disabled(world: World) -> None:
    world.adopt(at(5), build_task())
    world.settle(at(6), disable(6, "mail"), pause(6.1, "mail"))
    world.settle(at(10))

    assert (10, "disabled", "disabled by alice") == world.verdicts()[-1]


def test_a_disabled_task_stays_so_when_its_rule_is_edited(world: World) -> None:
    world.adopt(at(5), build_task())
    world.settle(at(6), disable(6, "mail"))
    world.adopt(at(7), build_task(recurrence="every 20 seconds"))

    assert [] == world.starts(at(20))


def test_a_run_that_never_started_does_not_begin_the_count_anew(world: World) -> None:
    world.adopt(at(5), build_fragile())
    fail_runs(world, FAILED)
    (start,) = world.starts(at(20))
    (again,) = world.starts(at(21), RunNeverStarted(run=start.run, lease=start.lease))
    world.settle(at(22), ended(again, FAILED))

    assert 1 == len(world.engine.holds)


def test_a_backfill_that_fails_counts(world: World) -> None:
    world.adopt(at(5), build_fragile(after=1))
    (start,) = world.starts(at(6), backfill(6, -5, 5))
    world.settle(at(7), ended(start, FAILED))

    assert ["mail"] == [hold.task for hold in world.engine.holds]


def test_a_chain_runs_no_member_that_is_disabled(world: World) -> None:
    world.adopt(at(5), build_chain("a", "b"), *members("a", "b"))
    world.settle(at(6), disable(6, "a"))
    world.settle(at(10))

    assert [("cancelled", "a did not run: disabled by alice")] == world.ends("nightly")


@pytest.mark.parametrize("fault", ["undone", "unknown"])
def test_a_disable_whose_commit_fails_is_done_and_answered(world: World, fault: str) -> None:
    world.adopt(at(5), build_task())
    world.fail(fault, at(6), disable(6, "mail"))

    answer = only(world.settle(at(6.5), disable(6, "mail")), Answer)

    assert (None, ("mail",)) == (answer.refusal, answer.tasks)
    assert 1 == len(world.store.actions())


@pytest.mark.parametrize("fault", ["undone", "unknown"])
def test_an_enable_whose_commit_fails_is_done_and_answered(world: World, fault: str) -> None:
    world.adopt(at(5), build_task())
    world.settle(at(6), disable(6, "mail"))
    world.fail(fault, at(7), enable(7, "mail"))

    answer = only(world.settle(at(7.5), enable(7, "mail")), Answer)

    assert (None, ("mail",)) == (answer.refusal, answer.tasks)
    assert [10] == dues(world.starts(at(10)))


@pytest.mark.parametrize("fault", ["undone", "unknown"])
def test_a_count_of_failures_whose_commit_fails_is_right(world: World, fault: str) -> None:
    world.adopt(at(5), build_fragile())
    (start,) = world.starts(at(10))
    world.fail(fault, at(11), ended(start, FAILED))
    world.settle(at(11.5), ended(start, FAILED))

    assert 1 == world.store.cursors()["mail"].failures
    assert HoldKind.DISABLE not in [hold.kind for hold in world.engine.holds]

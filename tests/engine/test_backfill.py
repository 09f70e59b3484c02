"""backfill: all occurrences of a time that is past, one after another."""

from __future__ import annotations

import pytest

from linod.events import Answer, Event, Outcome, StartRun
from linod.specs import CatchUp, Overlap, Task

from .asking import backfill, cancel, run
from .building import World, at, build_chain, build_task, dues, ended, members, only

FAILED = Outcome.FAILED


def play(world: World, found: list[StartRun], now: float) -> list[float]:
    """Let each end at once; return the dues in the order of their starts."""
    order = []
    while found:
        order += dues(found)
        found = world.starts(at(now), *(ended(each) for each in found))
    return order


def answered(world: World, now: float, request_: Event) -> Answer:
    answer = only(world.settle(at(now), request_), Answer)
    assert isinstance(answer, Answer)
    return answer


def build_off(**keys: object) -> Task:
    """Due each ten seconds, but it does not run by itself."""
    return build_task(enabled=False, **keys)


def test_a_backfill_runs_all_of_a_time_oldest_first(world: World) -> None:
    world.adopt(at(5), build_off())

    assert [-30, -20, -10, 0] == play(world, world.starts(at(6), backfill(6, -30, 0)), 6)


def test_a_backfill_runs_the_newest_first_where_that_is_asked(world: World) -> None:
    world.adopt(at(5), build_off())

    found = world.starts(at(6), backfill(6, -30, 0, is_newest_first=True))

    assert [0, -10, -20, -30] == play(world, found, 6)


def test_a_backfill_answers_with_its_runs(world: World) -> None:
    world.adopt(at(5), build_off())

    answer = answered(world, 6, backfill(6, -20, 0))

    assert ((1, 2, 3), "") == (answer.runs, answer.note)


def test_a_backfill_has_its_trigger_and_says_who(world: World) -> None:
    world.adopt(at(5), build_off())
    world.settle(at(6), backfill(6, -10, 0))

    assert [("backfill", "alice")] * 2 == [(row.trigger, row.by) for row in world.runs()]


def test_a_backfill_leaves_out_what_succeeded(world: World) -> None:
    world.adopt(at(5), build_task())
    (first,) = world.starts(at(10))
    (second,) = world.starts(at(20), ended(first))
    world.settle(at(21), ended(second, FAILED))

    answer = answered(world, 22, backfill(22, 10, 20))

    assert "1 left out that succeeded or go on" == answer.note
    assert [20] == [row.due.second for row in world.runs() if row.trigger == "backfill"]


def test_a_backfill_takes_what_succeeded_too_where_that_is_asked(world: World) -> None:
    world.adopt(at(5), build_task())
    (first,) = world.starts(at(10))
    world.settle(at(11), ended(first))

    assert [10] == dues(world.starts(at(12), backfill(12, 10, 12, is_again=True)))


@pytest.mark.parametrize("is_again", [False, True])
def test_a_backfill_leaves_out_what_goes_on(world: World, is_again: bool) -> None:
    world.adopt(at(5), build_task())
    world.settle(at(10))

    answer = answered(world, 11, backfill(11, 10, 11, is_again=is_again))

    assert ((), "1 left out that succeeded or go on") == (answer.runs, answer.note)


def test_a_backfill_of_what_was_missed_leaves_the_verdicts(world: World) -> None:
    world.adopt(at(5), build_task(catch_up=CatchUp.NONE))
    world.settle(at(45))
    world.settle(at(46), backfill(46, 10, 40))

    assert [(10, 40, 4, "missed")] == world.decisions()
    assert 4 == len(world.runs())


def test_a_backfill_of_what_was_never_seen_writes_rows(world: World) -> None:
    world.adopt(at(5), build_off())
    world.settle(at(6), backfill(6, -20, 0))

    assert [(-20, "admitted"), (-10, "admitted"), (0, "admitted")] == [
        row[:2] for row in world.verdicts()
    ]


def test_what_is_due_passes_a_backfill(world: World) -> None:
    world.adopt(at(5), build_task(overlap=Overlap.WAIT))
    (first,) = world.starts(at(6), backfill(6, -30, 0))

    assert [] == world.starts(at(10))
    assert [10] == dues(world.starts(at(11), ended(first)))


def test_what_is_due_beside_a_backfill_is_skipped(world: World) -> None:
    world.adopt(at(5), build_task())
    world.settle(at(6), backfill(6, -30, 0))
    world.settle(at(10))

    assert (10, "overlap", "run 1 was going on") == world.verdicts()[-1]


def test_a_manual_run_passes_a_backfill(world: World) -> None:
    world.adopt(at(5), build_off())
    (first,) = world.starts(at(6), backfill(6, -30, 0))
    world.settle(at(7), run(7))

    assert [7] == dues(world.starts(at(8), ended(first)))


@pytest.mark.parametrize(
    ("request_", "refusal"),
    [
        (backfill(6, 0, -10), "--from is after --until"),
        (
            backfill(6, 0, 10),
            "--until is in the future: what is not due yet is not filled back",
        ),
        (backfill(6, 1, 2), "mail was never due in that time"),
        (backfill(6, -200_000, 0), "more than 10,000 occurrences: take a shorter time"),
        (backfill(6, -10, 0, "male"), 'there is no task "male"'),
        (backfill(6, -10, 0, "asked"), "asked was never due in that time"),
    ],
)
def test_a_backfill_that_cannot_be_done_is_refused(
    world: World, request_: Event, refusal: str
) -> None:
    world.adopt(at(5), build_off(), build_task("asked", "manually"))

    assert refusal == answered(world, 6, request_).refusal


def test_a_backfill_of_ten_thousand_is_not_refused(world: World) -> None:
    world.adopt(at(5), build_off(recurrence="every second"))

    assert 10_000 == len(answered(world, 6, backfill(6, -9_995, 4)).runs)


def test_a_backfill_of_a_chain_runs_the_whole_chain(world: World) -> None:
    world.adopt(at(5), build_chain("a", "b", enabled=False), *members("a", "b"))

    found = world.starts(at(6), backfill(6, -10, 0, "nightly"))

    assert [-10, -10, 0, 0] == play(world, found, 6)


def test_linod_switched_off_refuses_a_backfill(world: World) -> None:
    world.adopt(at(5), build_task(), is_enabled=False)

    assert "linod is switched off" == answered(world, 6, backfill(6, -10, 0)).refusal


def test_cancel_ends_a_whole_backfill(world: World) -> None:
    world.adopt(at(5), build_off())
    world.settle(at(6), backfill(6, -20, 0))

    settled = world.settle(at(7), cancel(7, "mail"))

    assert (1, 2, 3) == only(settled, Answer).runs
    assert ["starting", "cancelled", "cancelled"] == [state for state, _ in world.ends()]


@pytest.mark.parametrize("fault", ["undone", "unknown"])
def test_a_backfill_whose_commit_fails_is_made_once(world: World, fault: str) -> None:
    world.adopt(at(5), build_off())
    world.fail(fault, at(6), backfill(6, -2000, 0))

    answer = answered(world, 6.5, backfill(6, -2000, 0))

    assert (None, 201, 201) == (answer.refusal, len(answer.runs), len(world.runs()))

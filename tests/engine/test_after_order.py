"""after with a recurrence: each occurrence waits for those of the tasks that it names."""

from __future__ import annotations

from datetime import timedelta

import pytest

from linod.events import Outcome, ServeStarted, StartRun
from linod.specs import Overlap, Retry, Task

from .asking import backfill, cancel, pause, run
from .building import World, at, build_chain, build_task, dues, ended, members, names

FAILED = Outcome.FAILED


def build_load(*after: str, recurrence: object = "every 10 seconds", **keys: object) -> Task:
    return build_task("load", recurrence, after=after or ("extract",), **keys)


def begin(world: World, *parts: Task) -> StartRun:
    """Both are due at 10; only the named one starts."""
    world.adopt(at(5), *parts)
    (start,) = world.starts(at(10))
    return start


def test_it_waits_for_the_one_with_the_same_due(world: World) -> None:
    start = begin(world, build_load(), build_task("extract"))

    assert "extract" == start.task.name
    assert ["load"] == names(world.starts(at(12), ended(start)))


def test_what_it_waits_for_is_said(world: World) -> None:
    begin(world, build_load(), build_task("extract"))

    (row,) = world.runs("load")

    assert ("waiting", "extract was going on (run 1)") == (row.state, row.held)


def test_a_settle_goes_upstream_first_whatever_the_file_says(world: World) -> None:
    last = build_task("last", after=("load",))
    world.adopt(at(5), last, build_load(), build_task("extract"))

    assert ["extract"] == names(world.starts(at(10)))


def test_it_waits_through_retries(world: World) -> None:
    retry = Retry(attempts=2, delay=timedelta(seconds=3))
    start = begin(world, build_load(), build_task("extract", retry=retry))

    assert [] == world.starts(at(12), ended(start, FAILED))
    (second,) = world.starts(at(15))
    assert "extract" == second.task.name
    assert ["load"] == names(world.starts(at(16), ended(second)))


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [
        (FAILED, "upstream failed: extract failed (run 1)"),
        (Outcome.TIMED_OUT, "upstream failed: extract timed out (run 1)"),
        (Outcome.LOST, "upstream failed: extract was lost (run 1)"),
        (Outcome.CANCELLED, "upstream failed: extract was cancelled (run 1)"),
    ],
)
def test_it_ends_where_the_named_one_did_not_succeed(
    world: World, outcome: Outcome, reason: str
) -> None:
    start = begin(world, build_load(), build_task("extract"))

    assert [] == world.starts(at(12), ended(start, outcome))
    assert [("cancelled", reason)] == world.ends("load")


def test_its_verdict_stays_admitted(world: World) -> None:
    start = begin(world, build_load(), build_task("extract"))
    world.settle(at(12), ended(start, FAILED))

    assert [(10, "admitted", "")] == world.verdicts("load")


def test_a_warning_satisfies_it(world: World) -> None:
    start = begin(world, build_load(), build_task("extract"))

    assert ["load"] == names(world.starts(at(12), ended(start, Outcome.WARNED)))


def test_it_waits_for_all_named_ones(world: World) -> None:
    world.adopt(at(5), build_load("a", "b"), build_task("a"), build_task("b"))
    first, second = world.starts(at(10))

    assert [] == world.starts(at(11), ended(first))
    assert ["load"] == names(world.starts(at(12), ended(second)))


def test_one_that_failed_ends_it_though_another_goes_on(world: World) -> None:
    world.adopt(at(5), build_load("a", "b"), build_task("a"), build_task("b"))
    first, _ = world.starts(at(10))
    world.settle(at(11), ended(first, FAILED))

    assert ("cancelled", "upstream failed: a failed (run 1)") == world.ends("load")[0]


def test_one_of_an_earlier_due_is_waited_for(world: World) -> None:
    extract = build_task("extract", "every minute")
    world.adopt(at(-5), build_load(), extract)
    (start, *_) = world.starts(at(0))

    assert [] == world.starts(at(10))
    assert [0] == dues(world.starts(at(11), ended(start)))


def test_one_that_ended_long_ago_is_not_waited_for(world: World) -> None:
    world.adopt(at(-5), build_load(), build_task("extract", "every minute"))
    (start,) = world.starts(at(0))
    (load,) = world.starts(at(1), ended(start))
    world.settle(at(2), ended(load))

    assert ["load"] == names(world.starts(at(10)))


def test_one_of_a_later_due_is_not_waited_for(world: World) -> None:
    world.adopt(at(5), build_load(), build_task("extract", "every 10 seconds", start=at(17)))
    (load,) = world.starts(at(10))

    assert "load" == load.task.name
    assert ["extract"] == names(world.starts(at(17)))


def test_one_that_was_never_admitted_is_not_waited_for(world: World) -> None:
    world.adopt(at(5), build_load(), build_task("extract", enabled=False))

    assert ["load"] == names(world.starts(at(10)))


def test_a_manual_run_of_the_named_one_is_waited_for(world: World) -> None:
    world.adopt(at(5), build_load(), *members("extract"))
    (start,) = world.starts(at(8), run(8, "extract"))

    assert [] == world.starts(at(10))
    assert ["load"] == names(world.starts(at(11), ended(start)))


def test_a_success_by_hand_makes_a_failure_good(world: World) -> None:
    start = begin(world, build_load(), build_task("extract"))
    world.settle(at(12), ended(start, FAILED))
    (again,) = world.starts(at(13), run(13, "extract", due=10))
    world.settle(at(14), ended(again))

    assert ["load"] == names(world.starts(at(15), run(15, "load", due=10)))


def test_a_manual_run_waits_for_nothing(world: World) -> None:
    world.adopt(at(5), build_load(recurrence="every hour"), build_task("extract"))
    world.settle(at(10))

    assert ["load"] == names(world.starts(at(11), run(11, "load")))


def test_a_backfill_waits_for_nothing(world: World) -> None:
    world.adopt(at(5), build_load(enabled=False), build_task("extract"))
    world.settle(at(10))

    assert ["load"] == names(world.starts(at(11), backfill(11, 0, 5, "load")))


def test_its_own_retry_does_not_wait_again(world: World) -> None:
    retry = Retry(attempts=2, delay=timedelta(seconds=1))
    start = begin(world, build_load(retry=retry), build_task("extract"))
    (load,) = world.starts(at(12), ended(start))
    world.settle(at(13), ended(load, FAILED))

    assert [("load", 10)] == [(each.task.name, dues([each])[0]) for each in world.starts(at(14))]


def test_it_waits_while_the_named_one_waits_for_its_turn(world: World) -> None:
    extract = build_task("extract", spread=timedelta(seconds=9))
    world.adopt(at(5), build_load(), extract)

    assert [] == world.starts(at(10))
    assert ["waiting", "waiting"] == [
        row.state for task in ("extract", "load") for row in world.runs(task)
    ]


def test_it_waits_for_a_chain(world: World) -> None:
    world.adopt(at(5), build_load("nightly"), build_chain("a", "b"), *members("a", "b"))
    (first,) = world.starts(at(10))
    (second,) = world.starts(at(11), ended(first))

    assert ["load"] == names(world.starts(at(12), ended(second)))


def test_it_ends_where_a_chain_failed(world: World) -> None:
    world.adopt(at(5), build_load("nightly"), build_chain("a"), *members("a"))
    (first,) = world.starts(at(10))
    world.settle(at(11), ended(first, FAILED))

    nightly = world.runs("nightly")[0].id
    assert [("cancelled", f"upstream failed: nightly failed (run {nightly})")] == world.ends("load")


def test_a_chain_of_orders_ends_as_a_whole(world: World) -> None:
    last = build_task("last", after=("load",))
    start = begin(world, build_load(), build_task("extract"), last)
    world.settle(at(12), ended(start, FAILED))

    assert ("cancelled", "upstream failed: load was cancelled (run 2)") == world.ends("last")[0]


def test_the_named_one_that_is_cancelled_while_it_waits_ends_it(world: World) -> None:
    extract = build_task("extract", spread=timedelta(seconds=9))
    world.adopt(at(5), build_load(), extract)
    world.settle(at(10))
    world.settle(at(10.1), cancel(10.1, "extract"))

    assert "cancelled" == world.ends("load")[0][0]


def test_the_named_one_that_is_paused_while_it_runs_is_waited_for(world: World) -> None:
    start = begin(world, build_load(), build_task("extract"))
    world.settle(at(11), pause(11, "extract"))

    assert ["load"] == names(world.starts(at(12), ended(start)))


def test_overlap_counts_the_one_that_waits(world: World) -> None:
    begin(world, build_load(), build_task("extract"))
    world.settle(at(20))

    assert (20, "overlap") == world.verdicts("load")[-1][:2]


def test_with_allow_each_waits_for_its_own(world: World) -> None:
    keys = {"overlap": Overlap.ALLOW}
    world.adopt(at(5), build_load(**keys), build_task("extract", **keys))
    (one,) = world.starts(at(10))
    (other,) = world.starts(at(20))

    assert [20] == dues(world.starts(at(21), ended(other)))
    assert [10] == dues(world.starts(at(22), ended(one)))


def test_what_is_caught_up_waits_too(world: World) -> None:
    parts = (build_load(), build_task("extract"))
    world.adopt(at(5), *parts)
    world.restart()
    world.adopt(at(45), *parts)
    (start,) = world.starts(at(45))

    assert "extract" == start.task.name
    assert [40] == dues(world.starts(at(46), ended(start)))


def test_it_waits_over_a_restart(world: World) -> None:
    parts = (build_load(), build_task("extract"))
    start = begin(world, *parts)
    world.restart()
    world.adopt(at(12), *parts)

    assert ["load"] == names(world.starts(at(12), ended(start), ServeStarted(at=at(12))))


def test_a_named_one_that_is_removed_while_it_runs_is_waited_for(world: World) -> None:
    start = begin(world, build_load(), build_task("extract"))
    world.adopt(at(11), build_load())

    assert [] == world.starts(at(11.5))
    assert ["load"] == names(world.starts(at(12), ended(start)))


def test_a_reload_without_after_lets_it_start(world: World) -> None:
    start = begin(world, build_load(), build_task("extract"))
    settled = world.adopt(at(11), build_task("load"), build_task("extract"))

    assert start.task.name == "extract"
    assert [10] == [each.due.second for each in settled.effects if isinstance(each, StartRun)]


@pytest.mark.parametrize("fault", ["undone", "unknown"])
def test_it_starts_once_where_the_commit_fails(world: World, fault: str) -> None:
    start = begin(world, build_load(), build_task("extract"))
    world.fail(fault, at(12), ended(start))

    assert ["load"] == names(world.starts(at(12.5), ended(start)))
    assert [] == world.starts(at(13))

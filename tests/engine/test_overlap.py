"""What is due while an earlier one is going on: overlap skip, wait, allow and replace."""

from __future__ import annotations

import pytest

from linod.events import Outcome, ServeStarted, StopRun
from linod.specs import Overlap, Retry

from .asking import backfill, run
from .building import World, at, build_task, dues, ended, members, only, started, starts

WAIT, ALLOW, REPLACE = Overlap.WAIT, Overlap.ALLOW, Overlap.REPLACE
KINDS = [Overlap.SKIP, WAIT, REPLACE]


def test_skip_drops_what_is_due_while_a_retry_waits(world: World) -> None:
    world.adopt(at(5), build_task(retry=Retry(attempts=2, delay=at(60) - at(0))))
    (start,) = world.starts(at(10))
    world.settle(at(11), ended(start, Outcome.FAILED))

    assert world.starts(at(20)) == []
    assert (20, "overlap", "run 2 was going on") == world.verdicts()[-1]


def test_wait_starts_behind_the_one_that_went_on(world: World) -> None:
    world.adopt(at(5), build_task(overlap=WAIT))
    (first,) = world.starts(at(10))

    assert world.starts(at(20)) == []
    assert [20] == dues(world.starts(at(25), ended(first)))


def test_what_waits_says_which_run_it_waits_for(world: World) -> None:
    world.adopt(at(5), build_task(overlap=WAIT))
    world.settle(at(10))
    world.settle(at(20))

    row = world.runs()[1]

    assert ("waiting", "run 1 was going on", at(20)) == (row.state, row.held, row.held_since)


def test_where_one_waits_a_newcomer_is_dropped(world: World) -> None:
    world.adopt(at(5), build_task(overlap=WAIT))
    world.settle(at(10))
    world.settle(at(20))
    world.settle(at(30))
    world.settle(at(40))

    assert (30, "overlap", "run 2 was waiting already") == world.verdicts()[-1]
    assert (30, 40, 2, "overlap") == world.decisions()[-1]


def test_the_one_that_waits_survives_a_restart(world: World) -> None:
    task = build_task(overlap=WAIT)
    world.adopt(at(5), task)
    (first,) = world.starts(at(10))
    world.settle(at(20))
    world.restart()
    world.adopt(at(22), task)

    found = world.starts(at(22), ended(first, Outcome.LOST), ServeStarted(at=at(22)))

    assert [20] == dues(found)


def test_allow_starts_beside_one_another(world: World) -> None:
    world.adopt(at(5), build_task(overlap=ALLOW))

    assert [[10], [20], [30]] == [dues(world.starts(at(each))) for each in (10, 20, 30)]


def test_allow_starts_up_to_max_running(world: World) -> None:
    world.adopt(at(5), build_task(overlap=ALLOW, max_running=2))

    assert [[10], [20], []] == [dues(world.starts(at(each))) for each in (10, 20, 30)]
    assert (30, "overlap", "2 runs were going on (max_running = 2)") == world.verdicts()[-1]


def test_a_manual_run_waits_where_max_running_go_on(world: World) -> None:
    world.adopt(at(5), build_task(overlap=ALLOW, max_running=1))
    (first,) = world.starts(at(10))

    assert world.starts(at(11), run(11)) == []
    assert "1 run was going on (max_running = 1)" == world.runs()[1].held
    assert [11] == dues(world.starts(at(12), ended(first)))


def test_replace_ends_the_old_run(world: World) -> None:
    world.adopt(at(5), build_task(overlap=REPLACE))
    (first,) = world.starts(at(10))

    settled = world.settle(at(20))

    stop = only(settled, StopRun)
    assert starts(settled) == []
    assert (first.run, first.lease, "replaced by the next occurrence") == (
        stop.run,
        stop.lease,
        stop.reason,
    )


def test_replace_starts_the_new_run_when_the_old_one_is_gone(world: World) -> None:
    world.adopt(at(5), build_task(overlap=REPLACE))
    (first,) = world.starts(at(10))
    world.settle(at(20))
    world.settle(at(21), started(first, at(20.5)))

    assert [20] == dues(world.starts(at(22), ended(first, Outcome.CANCELLED)))


def test_replace_asks_once_for_the_end_of_the_old_run(world: World) -> None:
    world.adopt(at(5), build_task(overlap=REPLACE))
    world.settle(at(10))
    world.settle(at(20))

    effects = [*world.settle(at(30)).effects, *world.settle(at(40)).effects]

    assert not any(isinstance(effect, StopRun) for effect in effects)


def test_replace_keeps_only_the_newest_that_waits(world: World) -> None:
    world.adopt(at(5), build_task(overlap=REPLACE))
    (first,) = world.starts(at(10))
    for each in (20, 30, 40):
        world.settle(at(each))

    assert [40] == dues(world.starts(at(41), ended(first, Outcome.CANCELLED)))
    assert ("cancelled", "replaced by the next occurrence") == world.ends()[1]


def test_a_replaced_run_that_fails_by_itself_is_not_retried(world: World) -> None:
    world.adopt(at(5), build_task(overlap=REPLACE, retry=Retry(attempts=3)))
    (first,) = world.starts(at(10))
    world.settle(at(20))

    assert [20] == dues(world.starts(at(21), ended(first, Outcome.FAILED)))
    assert ["failed", "starting"] == [state for state, _ in world.ends()]


def test_replace_drops_the_retry_that_waits(world: World) -> None:
    world.adopt(at(5), build_task(overlap=REPLACE, retry=Retry(attempts=3, delay=at(60) - at(0))))
    (first,) = world.starts(at(10))
    world.settle(at(11), ended(first, Outcome.FAILED))

    assert [20] == dues(world.starts(at(20)))
    assert ("cancelled", "replaced by the next occurrence") == world.ends()[1]


def test_a_run_is_replaced_by_one_that_a_person_asks_for(world: World) -> None:
    world.adopt(at(5), build_task(overlap=REPLACE))
    (first,) = world.starts(at(10))

    assert first.run == only(world.settle(at(11), run(11)), StopRun).run
    assert [11] == dues(world.starts(at(12), ended(first, Outcome.CANCELLED)))


@pytest.mark.parametrize("overlap", KINDS)
def test_of_many_that_people_ask_for_none_is_dropped(world: World, overlap: Overlap) -> None:
    world.adopt(at(5), build_task(recurrence="manually", overlap=overlap))
    found = world.starts(at(6), run(6), run(6.1), run(6.2))
    order = []
    while found:
        order += dues(found)
        found = world.starts(at(7), *(ended(each) for each in found))

    assert [6, 6.1, 6.2] == order


@pytest.mark.parametrize("overlap", Overlap)
def test_a_backfill_goes_one_after_another(world: World, overlap: Overlap) -> None:
    world.adopt(at(-25), build_task(overlap=overlap, enabled=False))
    found = world.starts(at(5), backfill(5, -20, 0))
    order = []
    while found:
        assert len(found) == 1
        order += dues(found)
        found = world.starts(at(6), ended(found[0]))

    assert [-20, -10, 0] == order


@pytest.mark.parametrize("overlap", Overlap)
def test_at_start_overlaps_like_any_other(world: World, overlap: Overlap) -> None:
    task = build_task(recurrence=["at start", "every hour"], overlap=overlap)
    world.adopt(at(-1), task)
    world.settle(at(0))

    world.settle(at(5), ServeStarted(at=at(5)))

    expected = "overlap" if overlap is Overlap.SKIP else "admitted"
    assert (5, expected) == world.verdicts()[-1][:2]


@pytest.mark.parametrize("overlap", Overlap)
def test_what_follows_another_task_overlaps_like_any_other(world: World, overlap: Overlap) -> None:
    report = build_task("report", "manually", after=("extract",), overlap=overlap)
    world.adopt(at(0), *members("extract"), report)
    for each in (10, 20):
        (extract,) = world.starts(at(each), run(each, "extract"))
        world.settle(at(each + 1), ended(extract))

    expected = "overlap" if overlap is Overlap.SKIP else "admitted"
    assert (20, expected) == world.verdicts("report")[-1][:2]


def test_a_reload_to_skip_drops_nothing_that_waits(world: World) -> None:
    world.adopt(at(5), build_task(overlap=WAIT))
    (first,) = world.starts(at(10))
    world.settle(at(20))
    world.adopt(at(21), build_task())

    assert [20] == dues(world.starts(at(22), ended(first)))


@pytest.mark.parametrize("fault", ["undone", "unknown"])
def test_a_stop_of_which_nobody_knows_is_asked_for_again(world: World, fault: str) -> None:
    world.adopt(at(5), build_task(overlap=REPLACE))
    (first,) = world.starts(at(10))
    world.fail(fault, at(20))

    assert first.run == only(world.settle(at(20.5)), StopRun).run

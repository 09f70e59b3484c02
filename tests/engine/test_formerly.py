"""formerly: history, cursor and pauses of an old name come along."""

from __future__ import annotations

from datetime import timedelta

import pytest

from linod.events import Outcome, ServeStarted, StartRun
from linod.specs import CatchUp, Overlap, Retry, Task
from linod.store.interface import StoreError

from .asking import disable, pause, run
from .building import World, at, build_chain, build_task, dues, ended, members, names, starts


def build_new(**keys: object) -> Task:
    return build_task("news", formerly=("mail",), **keys)


def begin(world: World, **keys: object) -> StartRun:
    world.adopt(at(5), build_task(**keys))
    (start,) = world.starts(at(10))
    return start


def test_its_runs_come_along(world: World) -> None:
    start = begin(world)
    world.settle(at(11), ended(start))
    world.adopt(at(12), build_new())

    assert [("succeeded", "")] == world.ends("news")
    assert [] == world.runs("mail")


def test_its_decisions_come_along(world: World) -> None:
    begin(world)
    world.adopt(at(12), build_new())

    assert [(10, 10, 1, "admitted")] == world.decisions("news")


def test_its_cursor_comes_along(world: World) -> None:
    world.adopt(at(5), build_task())
    world.restart()
    world.adopt(at(45), build_new())

    assert [40] == dues(world.starts(at(45)))
    assert [(10, 30, 3, "missed"), (40, 40, 1, "admitted")] == world.decisions("news")


def test_an_old_name_whose_rule_is_another_now_supersedes(world: World) -> None:
    world.adopt(at(5), build_task())
    world.restart()
    world.adopt(at(45), build_new(recurrence="every 20 seconds"))

    assert [(10, 40, 4, "superseded")] == world.decisions("news")


def test_its_pauses_come_along(world: World) -> None:
    world.adopt(at(5), build_task())
    world.settle(at(6), pause(6, "mail", reason="migration"))
    world.adopt(at(7), build_new())

    assert [] == world.starts(at(10))
    assert (10, "paused", 'paused by alice: "migration"') == world.verdicts("news")[0]


def test_its_disable_comes_along(world: World) -> None:
    world.adopt(at(5), build_task())
    world.settle(at(6), disable(6, "mail"))
    world.adopt(at(7), build_new())

    assert [] == world.starts(at(10))


def test_its_failures_in_a_row_come_along(world: World) -> None:
    start = begin(world, disable_after=2)
    world.settle(at(11), ended(start, Outcome.FAILED))
    world.adopt(at(12), build_new(disable_after=2))
    (start,) = world.starts(at(20))
    world.settle(at(21), ended(start, Outcome.FAILED))

    assert ["news"] == [hold.task for hold in world.engine.holds]


def test_what_people_did_comes_along(world: World) -> None:
    world.adopt(at(5), build_task())
    world.settle(at(6), pause(6, "mail"))
    world.adopt(at(7), build_new())

    assert ["news"] == [row.task for row in world.store.actions("news")]


def test_a_run_that_goes_on_counts_under_the_new_name(world: World) -> None:
    start = begin(world)
    world.adopt(at(12), build_new())
    world.settle(at(20))

    assert (20, "overlap", "run 1 was going on") == world.verdicts("news")[-1]
    assert [30] == dues(world.starts(at(30), ended(start)))


def test_a_run_that_waits_starts_under_the_new_name(world: World) -> None:
    start = begin(world, overlap=Overlap.WAIT)
    world.settle(at(20))
    world.adopt(at(21), build_new(overlap=Overlap.WAIT))

    assert ["news"] == names(world.starts(at(22), ended(start)))


def test_a_retry_that_waits_starts_under_the_new_name(world: World) -> None:
    retry = Retry(attempts=2, delay=timedelta(seconds=30))
    start = begin(world, retry=retry)
    world.settle(at(11), ended(start, Outcome.FAILED))
    world.adopt(at(12), build_new(retry=retry))

    assert [("news", 10)] == [(each.task.name, dues([each])[0]) for each in world.starts(at(41))]


def test_a_wait_keeps_its_time_since_boot(world: World) -> None:
    # The clock was set an hour forward while the retry waits.
    retry = Retry(attempts=2, delay=timedelta(seconds=30))
    task = build_task(retry=retry, recurrence="every day", start=at(10))
    world.adopt(at(5), task, elapsed=timedelta(seconds=5))
    (start,) = world.starts(at(10), elapsed=timedelta(seconds=10))
    world.settle(at(11), ended(start, Outcome.FAILED), elapsed=timedelta(seconds=11))
    new = build_new(retry=retry, recurrence="every day", start=at(10))
    settled = world.adopt(at(3612), new, elapsed=timedelta(seconds=12))

    assert [] == starts(settled)
    assert ["news"] == names(world.starts(at(3641), elapsed=timedelta(seconds=41)))


def test_of_several_old_names_the_first_that_is_known_counts(world: World) -> None:
    begin(world)
    new = build_task("news", formerly=("never", "mail"))
    world.adopt(at(12), new)

    assert 1 == len(world.runs("news"))


def test_a_name_that_is_still_configured_stays_there(world: World) -> None:
    begin(world)
    world.adopt(at(12), build_task(), build_new())

    assert (1, 0) == (len(world.runs("mail")), len(world.runs("news")))


def test_a_task_that_has_a_history_of_its_own_takes_no_other(world: World) -> None:
    world.adopt(at(5), build_task(), build_task("news"))
    world.settle(at(10))
    world.adopt(at(11), build_new())

    assert [1] == [run.id for run in world.runs("mail")]
    assert [2] == [run.id for run in world.runs("news")]


def test_two_tasks_do_not_share_an_old_name(world: World) -> None:
    begin(world)
    other = build_task("other", formerly=("mail",))
    world.adopt(at(12), build_new(), other)

    assert (1, 0) == (len(world.runs("news")), len(world.runs("other")))


def test_two_tasks_swap_no_histories(world: World) -> None:
    world.adopt(at(5), build_task("a"), build_task("b"))
    world.settle(at(10))
    world.adopt(at(11), build_task("a", formerly=("b",)), build_task("b", formerly=("a",)))

    assert [1] == [run.id for run in world.runs("a")]


def test_a_name_that_was_removed_before_comes_along_without_its_undecided(world: World) -> None:
    begin(world)
    world.adopt(at(12), build_task("other"))
    world.restart()
    world.adopt(at(1000.5), build_new())

    assert [] == world.starts(at(1000.5))
    assert 1 == len(world.runs("news"))


def test_a_rename_holds_over_the_next_reload(world: World) -> None:
    begin(world)
    world.adopt(at(12), build_new())
    world.adopt(at(13), build_new(timeout=timedelta(seconds=3)))

    assert 1 == len(world.runs("news"))


def test_a_rename_back_brings_all_back(world: World) -> None:
    begin(world)
    world.adopt(at(12), build_new())
    world.adopt(at(13), build_task(formerly=("news",)))

    assert 1 == len(world.runs("mail"))


def test_a_chain_takes_the_history_of_an_old_name(world: World) -> None:
    world.adopt(at(5), build_chain("a"), *members("a"))
    (start,) = world.starts(at(10))
    world.settle(at(11), ended(start))
    chain = build_chain("a", name="daily", formerly=("nightly",))
    world.adopt(at(12), chain, *members("a"))

    assert [("succeeded", "")] == world.ends("daily")


def test_what_is_named_in_after_is_found_under_its_new_name(world: World) -> None:
    world.adopt(at(5), *members("a", "b"), build_task("r", "manually", after=("a", "b")))
    (start,) = world.starts(at(10), run(10, "a"))
    world.settle(at(11), ended(start))
    parts = [*members("a2", formerly=("a",)), *members("b")]
    world.adopt(at(12), *parts, build_task("r", "manually", after=("a2", "b")))
    (start,) = world.starts(at(20), run(20, "b"))

    assert ["r"] == names(world.starts(at(21), ended(start)))


@pytest.mark.parametrize("fault", ["undone", "unknown"])
def test_a_rename_whose_commit_fails_is_made_good(world: World, fault: str) -> None:
    # The adoption is given up: the old configuration goes on, then the new one comes again.
    start = begin(world)
    world.store.faults = [fault]
    with pytest.raises(StoreError):
        world.adopt(at(12), build_new())
    world.settle(at(13), ended(start))
    world.adopt(at(14), build_new())

    assert [("succeeded", "")] == world.ends("news")
    assert ["news"] == names(world.starts(at(20)))


def test_a_rename_over_a_crash(world: World) -> None:
    start = begin(world, catch_up=CatchUp.NONE)
    world.restart()
    world.adopt(at(12), build_new(catch_up=CatchUp.NONE))
    world.settle(at(12), ended(start, Outcome.LOST), ServeStarted(at=at(12)))

    assert [("lost", "")] == world.ends("news")

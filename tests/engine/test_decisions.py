"""What becomes of occurrences: late, missed, caught up, skipped, superseded, switched off."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from linod.events import Outcome, TellDecided, Verdict
from linod.specs import CatchUp

from .building import World, at, build_task, ended, only, starts


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "linod.db")


def test_a_new_task_starts_at_now(world: World) -> None:
    settled = world.adopt(at(5), build_task())

    assert at(10) == settled.wake
    assert settled.effects == ()
    assert world.decisions() == []


def test_an_occurrence_runs_when_it_is_due(world: World) -> None:
    world.adopt(at(5), build_task())

    (start,) = world.starts(at(10))

    assert (at(10), 1, "mail") == (start.due, start.attempt, start.task.name)
    assert world.decisions() == [(10, 10, 1, "admitted")]


def test_nothing_runs_early(world: World) -> None:
    world.adopt(at(5), build_task())

    assert world.starts(at(10) - timedelta(microseconds=1)) == []


def test_what_is_asked_for_is_committed_before(world: World) -> None:
    world.adopt(at(5), build_task())

    (start,) = world.starts(at(10))

    row = world.store.run(start.run)
    assert row is not None
    assert (start.lease, "starting", "boot") == (row.lease, row.state.value, row.boot)


def test_an_occurrence_that_overlaps_is_skipped_and_told_once(world: World) -> None:
    world.adopt(at(5), build_task())
    world.settle(at(10))

    told = only(world.settle(at(20)), TellDecided)
    again = world.settle(at(30))

    assert (told.reason, told.count) == ("run 1 was going on", 1)
    assert again.effects == ()
    assert world.decisions() == [(10, 10, 1, "admitted"), (20, 30, 2, "overlap")]


def test_a_run_that_ends_at_the_instant_of_the_next_due_does_not_overlap(world: World) -> None:
    world.adopt(at(5), build_task())
    (start,) = world.starts(at(10))

    assert [at(20)] == [each.due for each in world.starts(at(20), ended(start))]


def test_a_single_occurrence_of_a_minute_ago_runs_late(world: World) -> None:
    world.adopt(at(0), build_task(recurrence="every hour", catch_up=CatchUp.NONE))

    assert [at(3600)] == [each.due for each in world.starts(at(3660))]


def test_a_single_occurrence_older_than_a_minute_is_missed(world: World) -> None:
    world.adopt(at(0), build_task(recurrence="every hour", catch_up=CatchUp.NONE))

    assert world.starts(at(3661)) == []
    assert world.decisions() == [(3600, 3600, 1, "missed")]


def test_of_the_missed_the_newest_is_caught_up_once(world: World) -> None:
    world.adopt(at(5), build_task())
    world.restart()
    world.adopt(at(100.5), build_task())

    (start,) = world.starts(at(100.5))

    assert at(100) == start.due
    assert world.decisions() == [(10, 90, 9, "missed"), (100, 100, 1, "admitted")]


def test_two_undecided_ones_are_missed_even_within_a_minute(world: World) -> None:
    world.adopt(at(5), build_task(catch_up=CatchUp.NONE))

    assert world.starts(at(25)) == []
    assert world.decisions() == [(10, 20, 2, "missed")]


def test_what_is_older_than_the_window_is_not_caught_up(world: World) -> None:
    task = build_task(recurrence="every hour", catch_up_window=timedelta(minutes=30))
    world.adopt(at(0), task)

    assert world.starts(at(3600 + 1801)) == []
    assert world.decisions() == [(3600, 3600, 1, "missed")]


def test_a_million_missed_ones_are_one_range(world: World) -> None:
    world.adopt(at(0), build_task(recurrence="every second", catch_up=CatchUp.NONE))

    world.settle(at(10_000_000))

    assert world.decisions() == [(1, 10_000_000, 10_000_000, "missed")]


def test_the_missed_are_told_each_time(world: World) -> None:
    world.adopt(at(5), build_task(catch_up=CatchUp.NONE))
    world.settle(at(25))

    told = only(world.settle(at(65)), TellDecided)

    assert (4, at(30), at(60)) == (told.count, told.first, told.last)
    assert world.decisions() == [(10, 60, 6, "missed")]


def test_a_changed_task_starts_at_now_and_supersedes(world: World) -> None:
    world.adopt(at(5), build_task())
    world.restart()

    settled = world.adopt(at(45), build_task(recurrence="every 20 seconds"))

    assert only(settled, TellDecided).verdict == Verdict.SUPERSEDED
    assert world.decisions() == [(10, 40, 4, "superseded")]
    assert world.starts(at(45)) == []
    assert [at(60)] == [each.due for each in world.starts(at(60))]


def test_an_edit_that_changes_no_instant_supersedes_nothing(world: World) -> None:
    world.adopt(at(5), build_task())
    world.restart()
    world.adopt(at(15), build_task(timeout=timedelta(seconds=3), recurrence="*/10 * * * * *"))
    world.restart()
    world.adopt(at(15), build_task(timeout=timedelta(seconds=3)))

    assert world.decisions()[0][3] == "superseded"
    world.restart()
    world.adopt(at(18), build_task(timeout=timedelta(seconds=9)))
    assert len(world.decisions()) == 1


def test_a_removed_task_that_comes_back_starts_at_that_time(world: World) -> None:
    world.adopt(at(5), build_task())
    world.adopt(at(8), build_task("other"))
    world.restart()
    world.adopt(at(1000.5), build_task())

    assert world.starts(at(1000.5)) == []
    assert world.decisions() == []
    assert [at(1010)] == [each.due for each in world.starts(at(1010))]


def test_a_reload_first_settles_the_old_rule(world: World) -> None:
    world.adopt(at(5), build_task())

    settled = world.adopt(at(12), build_task(recurrence="every hour"))

    assert [at(10)] == [start.due for start in starts(settled)]


def test_an_edit_never_fires_a_task(world: World) -> None:
    world.adopt(at(5), build_task(recurrence="every hour"))

    assert starts(world.adopt(at(12), build_task(recurrence="every 10 seconds"))) == []
    assert world.starts(at(19)) == []


def test_a_task_that_is_switched_off_is_decided_and_not_started(world: World) -> None:
    world.adopt(at(5), build_task(enabled=False))

    world.settle(at(10))
    world.settle(at(20))

    assert world.decisions() == [(10, 20, 2, "switched off")]


def test_linod_switched_off_starts_nothing(world: World) -> None:
    world.adopt(at(5), build_task(), is_enabled=False)

    assert world.starts(at(100)) == []
    assert world.decisions() == [(10, 100, 10, "switched off")]


def test_once_runs_once(world: World) -> None:
    task = build_task(recurrence="once at 2026-11-21 07:01")
    world.adopt(at(0), task)
    (start,) = world.starts(at(60))
    world.settle(at(61), ended(start))
    world.restart()
    world.adopt(at(70), task)

    assert world.starts(at(100_000)) == []


def test_once_in_the_past_when_first_seen_never_runs(world: World) -> None:
    world.adopt(at(61), build_task(recurrence="once at 2026-11-21 07:01"))

    assert world.starts(at(62)) == []
    assert world.decisions() == []


def test_a_clock_that_steps_back_decides_nothing_again(world: World) -> None:
    world.adopt(at(5), build_task())
    (start,) = world.starts(at(20.5))
    world.settle(at(21), ended(start))

    assert world.starts(at(11)) == []
    assert world.starts(at(20.6)) == []
    assert [at(30)] == [each.due for each in world.starts(at(30))]


def test_a_due_with_a_row_is_passed_over(world: World) -> None:
    world.adopt(at(5), build_task())
    (start,) = world.starts(at(20))
    world.settle(at(21), ended(start))
    world.restart()
    # The clock stepped back, and the rule is another one since.
    world.adopt(at(2), build_task(recurrence="every 5 seconds"))

    (start,) = world.starts(at(5))
    world.settle(at(6), ended(start))
    assert world.starts(at(10)) == []
    (start,) = world.starts(at(15))
    world.settle(at(16), ended(start))
    assert world.starts(at(20)) == []
    assert [at(25)] == [each.due for each in world.starts(at(25))]


def test_a_clock_that_jumps_forward_misses_what_lies_between(world: World) -> None:
    world.adopt(at(5), build_task())

    (start,) = world.starts(at(86_400 * 400))

    assert at(86_400 * 400) == start.due
    assert [row[3] for row in world.decisions()] == ["missed", "admitted"]


def test_ties_go_in_the_order_of_the_file(world: World) -> None:
    world.adopt(at(5), build_task("b"), build_task("a"), build_task("c"))

    assert [start.task.name for start in world.starts(at(10))] == ["b", "a", "c"]


def test_a_failed_run_does_not_stop_the_next_one(world: World) -> None:
    world.adopt(at(5), build_task())
    (start,) = world.starts(at(10))
    world.settle(at(11), ended(start, Outcome.FAILED, reason="ValueError: no"))

    assert [at(20)] == [each.due for each in world.starts(at(20))]

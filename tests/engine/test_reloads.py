"""A reload settles the old configuration, fires nothing, and ends what is not wanted any more."""

from __future__ import annotations

from datetime import timedelta

import pytest

from linod.events import Outcome, ServeStarted
from linod.specs import CatchUp, Overlap, Retry
from linod.store.interface import StoreError

from .asking import run
from .building import World, at, build_chain, build_task, dues, ended, members, names, starts

EVERY_20 = "every 20 seconds"


def test_what_fell_due_before_it_is_decided_by_the_old_rule(world: World) -> None:
    world.adopt(at(5), build_task(catch_up=CatchUp.NONE))

    world.adopt(at(35), build_task(recurrence=EVERY_20))

    assert [(10, 30, 3, "missed")] == world.decisions()


def test_a_reload_at_the_very_second_swallows_nothing(world: World) -> None:
    world.adopt(at(5), build_task())

    assert [10] == dues(starts(world.adopt(at(10), build_task())))


def test_reloads_without_end_swallow_and_double_nothing(world: World) -> None:
    world.adopt(at(5), build_task(overlap=Overlap.ALLOW))
    found = []
    for tick in range(11, 85, 2):
        task = build_task(overlap=Overlap.ALLOW, timeout=timedelta(seconds=tick))
        found += dues(starts(world.adopt(at(tick / 2 + 4.5), task)))

    assert [10, 20, 30, 40] == found


def test_an_edit_of_one_task_leaves_the_others(world: World) -> None:
    world.adopt(at(5), build_task(), build_task("news"))
    world.adopt(at(7), build_task(recurrence=EVERY_20), build_task("news"))

    assert ["news"] == names(world.starts(at(10)))


def test_an_edit_that_makes_a_task_due_now_does_not_fire_it(world: World) -> None:
    world.adopt(at(5), build_task(recurrence="every day at 12:00"))

    assert [] == starts(world.adopt(at(60), build_task(recurrence="every day at 07:01")))
    assert [] == world.starts(at(61))


def test_an_edit_to_a_rule_with_thousands_in_the_past_fires_none(world: World) -> None:
    # "Inadvertently sending a few thousand emails" after an edit of a cron time.
    world.adopt(at(0), build_task(recurrence="every year on january 1 at 00:00"))
    world.restart()
    task = build_task(recurrence="every second", catch_up=CatchUp.ALL)
    world.adopt(at(100_000), task)

    assert [] == world.starts(at(100_000.5))
    assert [100_001] == dues(world.starts(at(100_001)))


def test_an_edit_there_and_back_fires_nothing(world: World) -> None:
    world.adopt(at(5), build_task())
    world.adopt(at(6), build_task(recurrence=EVERY_20))
    world.adopt(at(7), build_task())

    assert [] == world.starts(at(9.9))
    assert [10] == dues(world.starts(at(10)))


def test_a_zone_is_part_of_the_rule(world: World) -> None:
    noon = build_task(recurrence="every day at 12:00")
    world.adopt(at(0), noon)
    world.restart()
    tallinn = build_task(recurrence="every day at 12:00", timezone="Europe/Tallinn")
    world.adopt(at(86_400), tallinn)

    assert ["superseded"] == [row[3] for row in world.decisions()]


def test_what_a_task_runs_is_no_part_of_the_rule(world: World) -> None:
    world.adopt(at(5), build_task())
    world.restart()
    world.adopt(at(45), build_task(timeout=timedelta(seconds=9), priority=3, pool=None))

    assert [40] == dues(world.starts(at(45)))


def test_a_run_ends_on_the_definition_it_started_with(world: World) -> None:
    world.adopt(at(5), build_task(timeout=timedelta(seconds=3)))
    (start,) = world.starts(at(10))
    settled = world.adopt(at(11), build_task(timeout=timedelta(seconds=9)))

    assert timedelta(seconds=3) == start.task.timeout
    assert () == settled.effects


def test_what_waits_starts_on_the_definition_of_then(world: World) -> None:
    world.adopt(at(5), build_task(overlap=Overlap.WAIT))
    (first,) = world.starts(at(10))
    world.settle(at(20))
    world.adopt(at(21), build_task(overlap=Overlap.WAIT, timeout=timedelta(seconds=9)))

    (second,) = world.starts(at(22), ended(first))

    assert timedelta(seconds=9) == second.task.timeout


@pytest.mark.parametrize(
    ("keys", "reason"),
    [({"enabled": False}, "enabled = false"), (None, "the task was removed")],
)
def test_what_waits_ends_where_it_is_not_wanted_any_more(
    world: World, keys: dict[str, object] | None, reason: str
) -> None:
    world.adopt(at(5), build_task(overlap=Overlap.WAIT))
    world.settle(at(10))
    world.settle(at(20))
    world.adopt(at(21), *([] if keys is None else [build_task(**keys)]))

    assert [("starting", ""), ("cancelled", reason)] == world.ends()


def test_what_a_person_asked_for_before_it_was_switched_off_ends_too(world: World) -> None:
    world.adopt(at(5), build_task())
    world.settle(at(10))
    world.settle(at(11), run(11))
    world.adopt(at(12), build_task(enabled=False))

    assert ("cancelled", "enabled = false") == world.ends()[1]


def test_what_a_person_asks_for_since_it_is_switched_off_outlives_reloads(world: World) -> None:
    world.adopt(at(5), build_task())
    (first,) = world.starts(at(10))
    world.adopt(at(11), build_task(enabled=False))
    world.settle(at(12), run(12))
    world.adopt(at(13), build_task(enabled=False))

    assert [12] == dues(world.starts(at(14), ended(first)))


def test_linod_switched_off_ends_all_that_waits(world: World) -> None:
    world.adopt(at(5), build_task(), build_task("news", overlap=Overlap.WAIT))
    world.settle(at(10))
    world.settle(at(20), run(20))
    world.adopt(at(21), build_task(), build_task("news"), is_enabled=False)

    assert ("cancelled", "linod is switched off") == world.ends()[1]
    assert ("cancelled", "linod is switched off") == world.ends("news")[1]


def test_linod_switched_off_leaves_what_runs(world: World) -> None:
    world.adopt(at(5), build_task())
    (start,) = world.starts(at(10))
    world.adopt(at(11), build_task(), is_enabled=False)
    world.settle(at(12), ended(start))

    assert [("succeeded", "")] == world.ends()


def test_a_failure_while_linod_is_switched_off_is_not_retried(world: World) -> None:
    task = build_task(retry=Retry(attempts=3))
    world.adopt(at(5), task)
    (start,) = world.starts(at(10))
    world.adopt(at(11), task, is_enabled=False)
    world.settle(at(12), ended(start, Outcome.FAILED))

    assert 1 == len(world.runs())


def test_a_task_that_is_switched_on_again_begins_with_the_next_due(world: World) -> None:
    world.adopt(at(5), build_task(enabled=False))
    world.settle(at(10))
    world.settle(at(20))
    world.adopt(at(25), build_task())

    assert [30] == dues(world.starts(at(30)))
    assert (10, 20, 2, "switched off") == world.decisions()[0]


def test_a_run_of_a_removed_task_is_recorded_to_its_end(world: World) -> None:
    world.adopt(at(5), build_task())
    (start,) = world.starts(at(10))
    world.adopt(at(11))
    world.settle(at(12), ended(start, Outcome.FAILED, reason="ValueError: no"))

    assert [("failed", "ValueError: no")] == world.ends()


def test_a_task_that_comes_back_while_its_run_goes_on_overlaps(world: World) -> None:
    world.adopt(at(5), build_task())
    world.settle(at(10))
    world.adopt(at(11))
    world.adopt(at(12), build_task())
    world.settle(at(20))

    assert (20, "overlap", "run 1 was going on") == world.verdicts()[-1]


def test_what_falls_due_of_a_task_that_is_removed_for_a_while_is_no_occurrence(
    world: World,
) -> None:
    world.adopt(at(5), build_task())
    world.adopt(at(6))
    world.settle(at(35))
    world.adopt(at(36), build_task())
    world.settle(at(40))

    assert [(40, 40, 1, "admitted")] == world.decisions()


def test_a_task_becomes_a_member_of_a_chain(world: World) -> None:
    world.adopt(at(5), build_task("a"))
    (start,) = world.starts(at(10))
    world.adopt(at(11), build_chain("a"), *members("a"))

    assert [] == world.starts(at(12), ended(start))
    assert ["a"] == names(world.starts(at(20)))


def test_a_member_of_a_chain_becomes_a_task(world: World) -> None:
    world.adopt(at(5), build_chain("a"), *members("a"))
    (start,) = world.starts(at(10))
    world.adopt(at(11), build_task("a"))
    world.settle(at(12), ended(start))

    assert [("a", 20)] == [(each.task.name, dues([each])[0]) for each in world.starts(at(20))]


@pytest.mark.parametrize("fault", ["undone", "unknown"])
def test_a_reload_that_fails_leaves_all_as_it_was(world: World, fault: str) -> None:
    world.adopt(at(5), build_task())
    world.store.faults = [fault]
    with pytest.raises(StoreError):
        world.adopt(at(8), build_task(recurrence="every hour"), build_task("news"))

    assert ["mail"] == names(world.starts(at(10)))


@pytest.mark.parametrize("fault", ["undone", "unknown"])
def test_a_reload_that_failed_is_taken_at_the_second_time(world: World, fault: str) -> None:
    parts = (build_task(recurrence=EVERY_20), build_task("news"))
    world.adopt(at(5), build_task())
    world.store.faults = [fault]
    with pytest.raises(StoreError):
        world.adopt(at(8), *parts)
    world.adopt(at(9), *parts)

    (news,) = world.starts(at(10))
    assert "news" == news.task.name
    assert ["mail", "news"] == sorted(names(world.starts(at(20), ended(news))))


def test_a_start_that_fails_to_commit_is_tried_again(world: World) -> None:
    world.store.faults = ["unknown"]
    with pytest.raises(StoreError):
        world.adopt(at(5), build_task("mail", "at start"))
    world.adopt(at(6), build_task("mail", "at start"))

    assert ["mail"] == names(world.starts(at(7), ServeStarted(at=at(7))))

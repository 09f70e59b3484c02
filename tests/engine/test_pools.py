"""pool, priority and [linod] max_running: who waits, and who starts first."""

from __future__ import annotations

from datetime import time
from pathlib import Path

import pytest

from linod.events import Outcome, ServeStarted, StartRun
from linod.specs import Allowed, Overlap, Task

from .asking import backfill, cancel, pause, run
from .building import (
    World,
    at,
    build_chain,
    build_pool,
    build_task,
    dues,
    ended,
    members,
    names,
    starts,
)

ONE = build_pool("db", 1)
TWO = build_pool("db", 2)


def build_pooled(*names: str, **keys: object) -> list[Task]:
    """Tasks that are all due each ten seconds, in one pool."""
    return [build_task(name, pool="db", **keys) for name in names]


def play(world: World, found: list[StartRun], now: float) -> list[str]:
    """Let each end at once; return the names in the order of their starts."""
    order = []
    while found:
        order += names(found)
        found = world.starts(at(now), *(ended(each) for each in found))
    return order


def test_a_pool_takes_as_many_as_its_size(world: World) -> None:
    world.adopt(at(5), TWO, *build_pooled("a", "b", "c"))

    assert ["a", "b"] == names(world.starts(at(10)))


def test_what_finds_no_place_waits_and_says_so(world: World) -> None:
    world.adopt(at(5), TWO, *build_pooled("a", "b", "c"))
    world.settle(at(10))

    (row,) = world.runs("c")

    assert ("waiting", 'pool "db" was full (2 of 2)', at(10)) == (
        row.state,
        row.held,
        row.held_since,
    )


def test_a_place_that_is_free_is_taken_at_once(world: World) -> None:
    world.adopt(at(5), ONE, *build_pooled("a", "b"))
    (first,) = world.starts(at(10))

    assert ["b"] == names(world.starts(at(12), ended(first)))


def test_pools_do_not_wait_for_each_other(world: World) -> None:
    other = build_pool("net", 1)
    world.adopt(at(5), ONE, other, *build_pooled("a", "b"), build_task("c", pool="net"))

    assert ["a", "c"] == names(world.starts(at(10)))


def test_without_a_pool_nothing_waits_for_one(world: World) -> None:
    world.adopt(at(5), ONE, *build_pooled("a", "b"), build_task("c"))

    assert ["a", "c"] == names(world.starts(at(10)))


def test_ties_go_in_the_order_of_the_file(world: World) -> None:
    world.adopt(at(5), ONE, *build_pooled("c", "a", "b"))

    assert ["c", "a", "b"] == play(world, world.starts(at(10)), 11)


def test_the_earlier_due_goes_first(world: World) -> None:
    later, earlier = (
        build_task("later", pool="db"),
        build_task("earlier", "every 4 seconds", pool="db"),
    )
    world.adopt(at(5), ONE, build_task("holder", "manually", pool="db"), later, earlier)
    (holder,) = world.starts(at(6), run(6, "holder"))
    world.settle(at(8))
    world.settle(at(10))

    assert ["earlier"] == names(world.starts(at(11), ended(holder)))


def test_the_higher_priority_goes_before_the_earlier_due(world: World) -> None:
    low = build_task("low", "every 4 seconds", pool="db")
    high = build_task("high", pool="db", priority=5)
    world.adopt(at(5), ONE, build_task("holder", "manually", pool="db"), low, high)
    (holder,) = world.starts(at(6), run(6, "holder"))
    world.settle(at(8))
    world.settle(at(10))

    assert ["high"] == names(world.starts(at(11), ended(holder)))


def test_a_negative_priority_goes_last(world: World) -> None:
    world.adopt(at(5), ONE, *build_pooled("a", priority=-1), *build_pooled("b"))

    assert ["b", "a"] == play(world, world.starts(at(10)), 11)


def test_what_a_person_asked_for_goes_before_all_priorities(world: World) -> None:
    high = build_task("high", pool="db", priority=1000)
    asked = build_task("asked", "manually", pool="db")
    world.adopt(at(5), ONE, build_task("holder", "manually", pool="db"), high, asked)
    (holder,) = world.starts(at(6), run(6, "holder"))
    world.settle(at(10))
    world.settle(at(11), run(11, "asked"))

    assert ["asked"] == names(world.starts(at(12), ended(holder)))


def test_the_whole_order_is_manual_priority_due_file(world: World) -> None:
    parts = [
        build_task("holder", "manually", pool="db"),
        *build_pooled("file2", "file1"),
        build_task("due", "every 9 seconds", start=at(0), pool="db"),
        build_task("priority", pool="db", priority=1),
        build_task("manual", "manually", pool="db"),
    ]
    world.adopt(at(5), ONE, *parts)
    (holder,) = world.starts(at(6), run(6, "holder"))
    world.settle(at(9))
    world.settle(at(10))
    world.settle(at(11), run(11, "manual"))

    order = play(world, world.starts(at(12), ended(holder)), 12)

    assert ["manual", "priority", "due", "file2", "file1"] == order


def test_a_backfill_has_no_precedence(world: World) -> None:
    filled = build_task("filled", pool="db", enabled=False)
    world.adopt(at(5), ONE, filled, *build_pooled("a", priority=1))
    (holder,) = world.starts(at(6), run(6, "a"))
    world.settle(at(7), backfill(7, 0, 5, "filled"))

    assert ["a", "filled"] == play(world, world.starts(at(10), ended(holder)), 10)


def test_max_running_counts_all_pools_together(world: World) -> None:
    parts = [TWO, *build_pooled("a", "b"), build_task("c"), build_task("d")]
    world.adopt(at(5), *parts, max_running=3)

    assert ["a", "b", "c"] == names(world.starts(at(10)))
    assert "3 runs were going on ([linod] max_running)" == world.runs("d")[0].held


def test_max_running_of_one_says_one(world: World) -> None:
    world.adopt(at(5), build_task("a"), build_task("b"), max_running=1)
    world.settle(at(10))

    assert "1 run was going on ([linod] max_running)" == world.runs("b")[0].held


def test_max_running_goes_by_the_same_order(world: World) -> None:
    parts = [build_task("a"), build_task("b", priority=1), build_task("c", "manually")]
    world.adopt(at(5), build_task("holder", "manually"), *parts, max_running=1)
    (holder,) = world.starts(at(6), run(6, "holder"))
    world.settle(at(10))
    world.settle(at(11), run(11, "c"))

    assert ["c", "b", "a"] == play(world, world.starts(at(12), ended(holder)), 12)


def test_a_full_pool_does_not_hold_up_others_under_max_running(world: World) -> None:
    parts = [ONE, *build_pooled("a", "b", priority=9), build_task("c")]
    world.adopt(at(5), *parts, max_running=2)

    assert ["a", "c"] == names(world.starts(at(10)))


def test_a_chain_takes_no_place_its_members_do(world: World) -> None:
    parts = [build_chain("a", "b"), *members("a", "b", pool="db"), build_task("c", pool="db")]
    world.adopt(at(5), ONE, *parts, max_running=1)

    assert ["a", "b", "c"] == play(world, world.starts(at(10)), 11)


def test_what_waits_in_a_pool_goes_on_for_overlap(world: World) -> None:
    world.adopt(at(5), ONE, *build_pooled("a", "b"))
    world.settle(at(10))
    world.settle(at(20))

    assert (20, "overlap", "run 2 was going on") == world.verdicts("b")[-1]


def test_a_larger_pool_starts_what_waits_at_the_reload(world: World) -> None:
    world.adopt(at(5), ONE, *build_pooled("a", "b"))
    world.settle(at(10))

    assert ["b"] == names(starts(world.adopt(at(11), TWO, *build_pooled("a", "b"))))


def test_a_larger_max_running_starts_what_waits_at_the_reload(world: World) -> None:
    tasks = [build_task("a"), build_task("b")]
    world.adopt(at(5), *tasks, max_running=1)
    world.settle(at(10))

    assert ["b"] == names(starts(world.adopt(at(11), *tasks, max_running=2)))


def test_a_smaller_pool_lets_what_runs_run(world: World) -> None:
    world.adopt(at(5), TWO, *build_pooled("a", "b", "c"))
    found = world.starts(at(10))
    world.adopt(at(11), ONE, *build_pooled("a", "b", "c"))

    assert [] == world.starts(at(12), ended(found[0]))
    assert ["c"] == names(world.starts(at(13), ended(found[1])))


def test_a_run_keeps_the_place_of_the_pool_it_started_in(world: World) -> None:
    world.adopt(at(5), ONE, *build_pooled("a", "b"))
    (first,) = world.starts(at(10))
    world.adopt(at(11), ONE, build_task("a"), *build_pooled("b"))

    assert [] == world.starts(at(12))
    assert ["b"] == names(world.starts(at(13), ended(first)))


def test_places_are_counted_over_a_restart(world: World) -> None:
    world.adopt(at(5), ONE, *build_pooled("a", "b"))
    (first,) = world.starts(at(10))
    world.restart()
    world.adopt(at(12), ONE, *build_pooled("a", "b"))

    assert [] == world.starts(at(12), ServeStarted(at=at(12)))
    assert ["b"] == names(world.starts(at(13), ended(first, Outcome.LOST)))


def test_the_order_outlives_a_restart(world: World) -> None:
    tasks = build_pooled("a", "b", "c")
    tasks[2] = build_task("c", pool="db", priority=1)
    world.adopt(at(5), ONE, build_task("holder", "manually", pool="db"), *tasks)
    (holder,) = world.starts(at(6), run(6, "holder"))
    world.settle(at(10))
    world.restart()
    world.adopt(at(12), ONE, build_task("holder", "manually", pool="db"), *tasks)

    order = play(world, world.starts(at(12), ended(holder), ServeStarted(at=at(12))), 12)

    assert ["c", "a", "b"] == order


def test_one_that_is_cancelled_in_the_queue_is_passed_over(world: World) -> None:
    world.adopt(at(5), ONE, *build_pooled("a", "b", "c"))
    (first,) = world.starts(at(10))
    world.settle(at(11), cancel(11, "b"))

    assert ["c"] == names(world.starts(at(12), ended(first)))


def test_one_that_is_paused_in_the_queue_is_passed_over(world: World) -> None:
    world.adopt(at(5), ONE, *build_pooled("a", "b", "c"))
    (first,) = world.starts(at(10))
    world.settle(at(11), pause(11, "b"))

    assert ["c"] == names(world.starts(at(12), ended(first)))


def test_a_manual_run_passes_its_own_tasks_place_in_the_queue(world: World) -> None:
    world.adopt(at(5), ONE, *build_pooled("a", "b"))
    (first,) = world.starts(at(10))
    world.settle(at(11), run(11, "b"))

    assert [11] == dues(world.starts(at(12), ended(first)))


def test_a_replaced_one_leaves_the_queue(world: World) -> None:
    world.adopt(at(5), ONE, *build_pooled("a"), *build_pooled("b", overlap=Overlap.REPLACE))
    (first,) = world.starts(at(10))
    world.settle(at(20))
    world.settle(at(30))

    assert [30] == dues(world.starts(at(31), ended(first)))


def test_what_waits_too_long_in_a_pool_for_its_window_waits_for_the_next(world: World) -> None:
    night = build_task(
        "b",
        "every 2 days",
        start=at(10),
        pool="db",
        allowed=Allowed(first=time(7), last=time(8)),
    )
    world.adopt(at(5), ONE, *build_pooled("a", start=at(10)), night)
    (first,) = world.starts(at(10))

    assert [] == world.starts(at(3600), ended(first))[1:]
    assert at(86_400) == world.runs("b")[0].planned


@pytest.mark.parametrize("fault", ["undone", "unknown"])
def test_a_place_is_given_once_where_a_commit_fails(world: World, fault: str) -> None:
    world.adopt(at(5), ONE, *build_pooled("a", "b"))
    (first,) = world.starts(at(10))
    world.fail(fault, at(11), ended(first))

    assert ["b"] == names(world.starts(at(11.5), ended(first)))
    assert 1 == sum(run.state == "starting" for run in world.engine.unfinished())


def test_a_thousand_that_are_due_at_once_start_within_the_limit(world: World) -> None:
    tasks = [build_task(f"task{number}") for number in range(1000)]
    world.adopt(at(5), *tasks)

    assert 64 == len(world.starts(at(10)))
    assert 1000 == len(world.engine.unfinished())


def test_what_is_due_together_may_be_decided_in_parts_the_highest_priority_first(
    tmp_path: Path,
) -> None:
    world = World(tmp_path / "linod.db", at_once=3)
    tasks = [build_task(f"task{n}", priority=n % 2) for n in range(8)]
    world.adopt(at(5), *tasks, max_running=5)

    parts = [world.settle(at(10)) for _ in range(4)]

    assert [len(starts(part)) for part in parts] == [3, 2, 0, 0]
    begun = [start.task.name for part in parts for start in starts(part)]
    assert begun == ["task1", "task3", "task5", "task7", "task0"]
    assert [part.wake for part in parts] == [at(10), at(10), at(20), at(20)]
    assert [len(world.verdicts(task.name)) for task in tasks] == [1] * 8


def test_what_a_person_asks_for_comes_after_all_that_was_due_before(tmp_path: Path) -> None:
    world = World(tmp_path / "linod.db", at_once=1)
    world.adopt(at(5), *(build_task(f"task{n}") for n in range(3)))

    world.settle(at(10), pause(10.5, "task2"))

    assert [world.verdicts(f"task{n}") for n in range(3)] == [[(10, "admitted", "")]] * 3


def test_upstream_is_decided_first_in_parts_too(tmp_path: Path) -> None:
    world = World(tmp_path / "linod.db", at_once=1)
    world.adopt(at(5), build_task("load", after=("extract",)), build_task("extract"))

    parts = [starts(world.settle(at(10))) for _ in range(2)]

    assert [[start.task.name for start in part] for part in parts] == [["extract"], []]

"""Chains over a restart and over a reload in the middle."""

from __future__ import annotations

from datetime import timedelta

from linod.events import Outcome, RunNeverStarted, ServeStarted, StartRun
from linod.specs import CatchUp, Chain, OnFailed, Overlap, Retry, Task

from .building import (
    World,
    at,
    build_chain,
    build_task,
    dues,
    ended,
    members,
    names,
)

FAILED = Outcome.FAILED
RETRY = Retry(attempts=2, delay=timedelta(seconds=30))


def begin(world: World, *steps: str | list[str], **keys: object) -> list[StartRun]:
    """Adopt a chain with plain members and let it begin at 10."""
    world.adopt(at(5), *build_all(*steps, **keys))
    return world.starts(at(10))


def build_all(*steps: str | list[str], **keys: object) -> list[Chain | Task]:
    flat = [name for step in steps for name in ([step] if isinstance(step, str) else step)]
    return [build_chain(*steps, **keys), *members(*flat)]


def test_a_chain_goes_on_after_a_restart(world: World) -> None:
    (first,) = begin(world, "a", "b")
    world.restart()
    world.adopt(at(12), *build_all("a", "b"))

    assert ["b"] == names(world.starts(at(12), ended(first), ServeStarted(at=at(12))))


def test_a_member_that_was_lost_ends_the_chain_at_the_next_start(world: World) -> None:
    (first,) = begin(world, "a", "b")
    world.restart()
    world.adopt(at(12), *build_all("a", "b"))
    world.settle(at(12), ended(first, Outcome.LOST), ServeStarted(at=at(12)))

    assert [("failed", "a was lost")] == world.ends("nightly")


def test_a_member_that_never_started_starts_and_the_chain_goes_on(world: World) -> None:
    (first,) = begin(world, "a", "b")
    world.restart()
    world.adopt(at(12), *build_all("a", "b"))
    (again,) = world.starts(
        at(12), RunNeverStarted(run=first.run, lease=first.lease), ServeStarted(at=at(12))
    )

    assert ("a", 2) == (again.task.name, again.attempt)
    assert ["b"] == names(world.starts(at(13), ended(again)))


def test_a_member_that_waits_for_a_retry_survives_a_restart(world: World) -> None:
    parts = [build_chain("a", "b"), *members("a", "b", retry=RETRY)]
    world.adopt(at(5), *parts)
    (first,) = world.starts(at(10))
    world.settle(at(11), ended(first, FAILED))
    world.restart()
    world.adopt(at(12), *parts)
    (second,) = world.starts(at(41), ServeStarted(at=at(12)))

    assert ("a", 2) == (second.task.name, second.attempt)
    assert ["b"] == names(world.starts(at(42), ended(second)))


def test_a_chain_that_waits_survives_a_restart(world: World) -> None:
    (first,) = begin(world, "a", overlap=Overlap.WAIT)
    world.settle(at(20))
    world.restart()
    world.adopt(at(22), *build_all("a", overlap=Overlap.WAIT))

    found = world.starts(at(22), ended(first), ServeStarted(at=at(22)))

    assert [20] == dues(found)


def test_a_member_that_waited_too_long_ends_the_chain(world: World) -> None:
    parts = [build_chain("a", "b", catch_up=CatchUp.NONE), *members("a", "b", retry=RETRY)]
    world.adopt(at(5), *parts)
    (first,) = world.starts(at(10))
    world.settle(at(11), ended(first, FAILED))
    world.restart()
    world.adopt(at(200_000), *parts)

    assert ("cancelled", "a did not run: missed") == world.ends("nightly")[0]


def test_overlap_knows_the_chain_after_a_restart(world: World) -> None:
    begin(world, "a", "b")
    world.restart()
    world.adopt(at(12), *build_all("a", "b"))
    world.settle(at(12), ServeStarted(at=at(12)))
    world.settle(at(20))

    assert (20, "overlap") == world.verdicts("nightly")[-1][:2]


def test_a_chain_that_runs_ends_on_the_steps_it_started_with(world: World) -> None:
    (first,) = begin(world, "a", "b")
    world.adopt(at(11), *build_all("a", "c"), *members("b"))
    (second,) = world.starts(at(12), ended(first))

    assert "b" == second.task.name
    world.settle(at(13), ended(second))
    assert [("succeeded", "")] == world.ends("nightly")


def test_a_chain_that_waits_starts_on_the_steps_of_then(world: World) -> None:
    (first,) = begin(world, "a", overlap=Overlap.WAIT)
    world.settle(at(20))
    world.adopt(at(21), *build_all("c", overlap=Overlap.WAIT), *members("a"))

    assert ["c"] == names(world.starts(at(22), ended(first)))


def test_a_chain_that_runs_goes_on_though_it_was_removed(world: World) -> None:
    (first,) = begin(world, "a", "b")
    world.adopt(at(11), *members("a", "b"))
    (second,) = world.starts(at(12), ended(first))

    assert "b" == second.task.name
    world.settle(at(13), ended(second))
    assert [("succeeded", "")] == world.ends("nightly")


def test_a_chain_that_waits_ends_when_it_is_removed(world: World) -> None:
    begin(world, "a", overlap=Overlap.WAIT)
    world.settle(at(20))
    world.adopt(at(21), *members("a"))

    assert ("cancelled", "the task was removed") == world.ends("nightly")[1]


def test_a_member_that_was_removed_stops_the_chain(world: World) -> None:
    (first,) = begin(world, "a", "b", "c")
    world.adopt(at(11), build_chain("a", "c"), *members("a", "c"))

    assert [] == world.starts(at(12), ended(first))
    assert [("cancelled", "b did not run: the task was removed")] == world.ends("nightly")


def test_a_member_that_was_removed_while_it_runs_ends_as_usual(world: World) -> None:
    (first,) = begin(world, "a", "b")
    world.adopt(at(11), build_chain("b"), *members("b"))

    assert ["b"] == names(world.starts(at(12), ended(first)))


def test_a_member_that_got_another_name_is_the_same_one(world: World) -> None:
    (first,) = begin(world, "a", "b", "c")
    new = members("b2", formerly=("b",))
    world.adopt(at(11), build_chain("a", "b2", "c"), *members("a", "c"), *new)
    (second,) = world.starts(at(12), ended(first))

    assert "b2" == second.task.name
    assert ["c"] == names(world.starts(at(13), ended(second)))


def test_a_member_that_got_another_name_while_it_runs_stops_the_chain_when_it_fails(
    world: World,
) -> None:
    (first,) = begin(world, "a", "b")
    new = members("a2", formerly=("a",))
    world.adopt(at(11), build_chain("a2", "b"), *members("b"), *new)

    assert [] == world.starts(at(12), ended(first, FAILED))
    assert [("failed", "a2 failed")] == world.ends("nightly")


def test_a_chain_that_got_another_name_goes_on(world: World) -> None:
    (first,) = begin(world, "a", "b")
    world.adopt(
        at(11), build_chain("a", "b", name="daily", formerly=("nightly",)), *members("a", "b")
    )
    (second,) = world.starts(at(12), ended(first))
    world.settle(at(13), ended(second))

    assert [("succeeded", "")] == world.ends("daily")


def test_a_chain_with_another_on_failed_keeps_the_one_it_started_with(world: World) -> None:
    (first,) = begin(world, "a", "b")
    world.adopt(at(11), *build_all("a", "b", on_failed=OnFailed.CONTINUE))

    assert [] == world.starts(at(12), ended(first, FAILED))


def test_a_chain_that_goes_on_is_left_alone_when_it_is_switched_off(world: World) -> None:
    (first,) = begin(world, "a", "b")
    world.adopt(at(11), *build_all("a", "b", enabled=False))

    assert ["b"] == names(world.starts(at(12), ended(first)))


def test_a_task_that_becomes_a_chain_of_its_name_goes_on(world: World) -> None:
    world.adopt(at(5), build_task("nightly"))
    (start,) = world.starts(at(10))
    world.adopt(at(11), *build_all("a"))

    assert [] == world.starts(at(12), ended(start))
    assert ["a"] == names(world.starts(at(20)))

"""What a commit did whose end nobody knows is made good; what was undone is done again."""

from __future__ import annotations

from pathlib import Path

import pytest

from linod.events import (
    Answer,
    Outcome,
    RunNeverStarted,
    RunRequested,
    ServeStarted,
    State,
    TellEnded,
)
from linod.store.interface import StoreError

from .building import World, at, build_task, ended, only, started, starts


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "linod.db")


def fail(world: World, fault: str, *work: object) -> None:
    world.store.faults = [fault]
    with pytest.raises(StoreError):
        world.settle(*work)  # type: ignore[arg-type]


@pytest.mark.parametrize("fault", ["undone", "unknown"])
def test_a_start_is_asked_for_once(world: World, fault: str) -> None:
    world.adopt(at(5), build_task())
    fail(world, fault, at(10))

    (start,) = world.starts(at(10.5))

    assert at(10) == start.due
    assert world.starts(at(11)) == []
    assert world.decisions() == [(10, 10, 1, "admitted")]


@pytest.mark.parametrize("fault", ["undone", "unknown"])
def test_an_end_is_told_once(world: World, fault: str) -> None:
    world.adopt(at(5), build_task())
    (start,) = world.starts(at(10))
    fail(world, fault, at(11), ended(start))

    assert only(world.settle(at(11.5), ended(start)), TellEnded).run == start.run


@pytest.mark.parametrize("fault", ["undone", "unknown"])
def test_an_end_of_before_is_not_told_again(world: World, fault: str) -> None:
    world.adopt(at(5), build_task())
    (start,) = world.starts(at(10))
    world.settle(at(11), ended(start))
    fail(world, fault, at(20))

    settled = world.settle(at(20.5))

    assert not any(isinstance(effect, TellEnded) for effect in settled.effects)
    assert start.run not in [row.id for row in settled.rows]


@pytest.mark.parametrize("fault", ["undone", "unknown"])
def test_a_start_that_was_heard_is_shown(world: World, fault: str) -> None:
    world.adopt(at(5), build_task())
    (start,) = world.starts(at(10))
    fail(world, fault, at(11), started(start, at(10.1)))

    (row,) = world.settle(at(11.5), started(start, at(10.1))).rows

    assert row.state is State.RUNNING


@pytest.mark.parametrize("fault", ["undone", "unknown"])
def test_at_start_is_decided_once(world: World, fault: str) -> None:
    world.adopt(at(5), build_task(recurrence=["at start", "every 10 seconds"], enabled=False))
    fail(world, fault, at(25), ServeStarted(at=at(24.5)))

    world.settle(at(25.5), ServeStarted(at=at(24.5)))

    assert world.decisions() == [(10, 20, 2, "switched off"), (24.5, 24.5, 1, "switched off")]


def test_while_it_drains_a_start_of_which_we_did_not_know_waits(world: World) -> None:
    world.adopt(at(5), build_task())
    fail(world, "unknown", at(10))
    world.engine.drain()

    assert world.starts(at(10.5)) == []
    assert [run.state for run in world.engine.unfinished()] == [State.WAITING]


def test_a_refused_adoption_leaves_the_old_rule_in_the_store(world: World) -> None:
    world.adopt(at(5), build_task())
    world.store.faults = ["unknown"]
    with pytest.raises(StoreError):
        world.adopt(at(7), build_task("other"))
    world.settle(at(7.5))
    world.restart()

    world.adopt(at(12), build_task())

    assert [at(10)] == [start.due for start in world.starts(at(12))]


def bring_in_vain(world: World) -> None:
    """An adoption with another task is committed and refused; time goes on until 31."""
    world.adopt(at(5), build_task())
    world.store.faults = ["unknown"]
    with pytest.raises(StoreError):
        world.adopt(at(7), build_task(), build_task("other"))
    world.settle(at(7.5))
    world.settle(at(31))


def test_what_a_refused_adoption_brought_is_not_caught_up_when_it_comes_again(world: World) -> None:
    bring_in_vain(world)
    world.adopt(at(35), build_task(), build_task("other"))
    world.settle(at(40))

    assert [(40, "admitted", "")] == world.verdicts("other")


def test_what_a_refused_adoption_brought_is_not_superseded(world: World) -> None:
    bring_in_vain(world)
    world.adopt(at(35), build_task())

    assert [] == world.verdicts("other")


def test_a_request_at_the_instant_of_a_due_is_the_next_attempt(world: World) -> None:
    world.adopt(at(5), build_task())
    (first,) = world.starts(at(10))

    settled = world.settle(
        at(10.5), ended(first), RunRequested(request=1, task="mail", by="alice", at=at(10))
    )

    (start,) = starts(settled)
    assert (at(10), 2) == (start.due, start.attempt)
    assert only(settled, Answer).runs == (start.run,)


@pytest.mark.parametrize("due", [20, 30])
def test_a_request_at_the_instant_of_an_overlap_runs(world: World, due: int) -> None:
    world.adopt(at(5), build_task())
    (first,) = world.starts(at(10))
    world.settle(at(20))
    world.settle(at(30))

    (start,) = world.starts(
        at(30.5), ended(first), RunRequested(request=1, task="mail", by="alice", at=at(due))
    )

    assert at(due) == start.due
    assert world.decisions() == [(10, 10, 1, "admitted"), (20, 30, 2, "overlap")]


def test_what_waited_too_long_does_not_start_behind_a_lost_run(world: World) -> None:
    world.adopt(at(5), build_task(recurrence="manually"))
    (first,) = world.starts(at(10), RunRequested(request=1, task="mail", by="alice", at=at(10)))
    world.settle(at(11), RunRequested(request=2, task="mail", by="alice", at=at(11)))
    world.restart()
    world.adopt(at(200_000), build_task(recurrence="manually"))

    settled = world.settle(at(200_000), ended(first, Outcome.LOST), ServeStarted(at=at(200_000)))

    assert starts(settled) == []
    assert world.store.runs()[0].reason == "missed"


def test_what_waits_goes_on_behind_a_run_that_never_started(world: World) -> None:
    task = build_task(recurrence="manually", catch_up_window=at(10) - at(0))
    world.adopt(at(5), task)
    (first,) = world.starts(at(10), RunRequested(request=1, task="mail", by="alice", at=at(10)))
    world.settle(at(30), RunRequested(request=2, task="mail", by="alice", at=at(30)))

    world.restart()
    world.adopt(at(31), task)

    never_started = RunNeverStarted(run=first.run, lease=first.lease)
    (start,) = world.starts(at(31), never_started, ServeStarted(at=at(31)))

    assert at(30) == start.due


def test_a_manual_run_of_a_disabled_task_that_never_started_starts(world: World) -> None:
    world.adopt(at(5), build_task(enabled=False))
    (first,) = world.starts(at(6), RunRequested(request=1, task="mail", by="alice", at=at(6)))

    (start,) = world.starts(at(7), RunNeverStarted(run=first.run, lease=first.lease))

    assert (at(6), 2) == (start.due, start.attempt)


def test_a_start_is_committed_with_the_user_of_its_keeper(world: World) -> None:
    world.adopt(at(5), build_task(user="backup"))
    (first,) = world.starts(at(10))
    world.settle(at(11), RunRequested(request=1, task="mail", by="alice", at=at(11)))

    world.settle(at(12), ended(first))

    assert [run.keeper for run in world.store.runs()] == ["backup", "backup"]

"""Chains that a person asks for: at once, whatever their members rest from."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from attrs import evolve

from linod.engine import Settled
from linod.events import Outcome, RunRequested
from linod.specs import Chain, Cooldown, OnFailed, TaskName

from .building import World, at, build_config, build_task, ended

MEMBERS = ("fetch", "send")
REST = Cooldown(success=timedelta(minutes=5), failure=timedelta(minutes=20))


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "linod.db")


def adopt(world: World) -> Settled:
    tasks = [build_task(name, "manually", cooldown=REST) for name in MEMBERS]
    chain = Chain(
        name=TaskName("loop"),
        tasks=tuple((name,) for name in MEMBERS),
        on_failed=OnFailed.CONTINUE,
    )
    return world.engine.adopt(evolve(build_config(*tasks), chains={"loop": chain}), at(0))


def asked(second: float, **more: bool) -> RunRequested:
    return RunRequested(request=1, by="ann", at=at(second), task="loop", **more)


def run_once(world: World) -> None:
    """Fetch succeeds, and 300 s later send fails: it rests until 1503."""
    adopt(world)
    (fetch,) = world.starts(at(1), asked(1))
    world.settle(at(2), ended(fetch, ended=at(2)))
    (send,) = world.starts(at(302))
    world.settle(at(303), ended(send, Outcome.FAILED, ended=at(303)))


def test_a_member_that_rests_runs_at_once_in_a_chain_by_hand(world: World) -> None:
    run_once(world)
    (fetch,) = world.starts(at(304), asked(304))
    world.settle(at(305), ended(fetch, ended=at(305)))

    assert fetch.task.name == "fetch"
    assert [start.task.name for start in world.starts(at(605))] == ["send"]


def test_a_failed_member_runs_at_once_when_the_chain_goes_on_from_it(world: World) -> None:
    run_once(world)

    started = world.starts(at(304), asked(304, is_from_failed=True))

    assert [start.task.name for start in started] == ["send"]


def test_what_follows_a_member_waits_for_its_cooldown_by_hand_too(world: World) -> None:
    adopt(world)
    (fetch,) = world.starts(at(1), asked(1))
    world.settle(at(2), ended(fetch, ended=at(2)))

    assert world.starts(at(301.9)) == []
    assert [start.task.name for start in world.starts(at(302))] == ["send"]

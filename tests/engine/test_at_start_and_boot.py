"""at start: once per serve; at boot: once per boot."""

from __future__ import annotations

import pytest

from linod.events import Outcome, RunEnded, ServeStarted, StartRun
from linod.specs import Chain, Task

from .asking import disable
from .building import World, at, build_chain, build_task, dues, ended, members, names, starts


def build_boot(recurrence: object = "at boot", **keys: object) -> Task:
    return build_task(recurrence=recurrence, **keys)


def serve(world: World, seconds: float, *parts: Task | Chain, boot: str = "boot") -> list[StartRun]:
    """Start the daemon anew; what went on is lost."""
    lost = [
        RunEnded(run=run.id, lease=run.lease, outcome=Outcome.LOST)
        for run in world.engine.unfinished()
        if run.lease
    ]
    world.restart(boot)
    world.adopt(at(seconds), *parts)
    return world.starts(at(seconds), *lost, ServeStarted(at=at(seconds)))


def test_at_start_runs_at_every_serve(world: World) -> None:
    task = build_task(recurrence="at start")

    assert [10] == dues(serve(world, 10, task))
    assert [20] == dues(serve(world, 20, task))


def test_at_start_is_not_caught_up(world: World) -> None:
    task = build_task(recurrence="at start")
    serve(world, 10, task)

    assert [] == world.starts(at(100_000))


def test_at_start_is_decided_where_it_is_held_back(world: World) -> None:
    task = build_task(recurrence="at start")
    world.adopt(at(5), task)
    world.settle(at(6), disable(6, "mail"))

    assert [] == serve(world, 10, task)
    assert [(10, "disabled", "disabled by alice")] == world.verdicts()


def test_at_boot_runs_at_the_first_serve_of_a_boot(world: World) -> None:
    (start,) = serve(world, 10, build_boot(), boot="one")

    assert (at(10), "event") == (start.due, start.trigger)


def test_at_boot_does_not_run_again_in_the_same_boot(world: World) -> None:
    serve(world, 10, build_boot(), boot="one")

    assert [] == serve(world, 20, build_boot(), boot="one")


def test_at_boot_runs_again_in_the_next_boot(world: World) -> None:
    serve(world, 10, build_boot(), boot="one")

    assert [20] == dues(serve(world, 20, build_boot(), boot="two"))


def test_at_boot_does_not_run_at_a_reload(world: World) -> None:
    serve(world, 10, build_task("other"), boot="one")

    assert [] == starts(world.adopt(at(11), build_boot()))
    assert [] == world.starts(at(100))


def test_at_boot_that_came_with_a_reload_waits_for_the_next_boot(world: World) -> None:
    serve(world, 10, build_task("other"), boot="one")
    world.adopt(at(11), build_boot())

    assert [] == serve(world, 20, build_boot(), boot="one")
    assert [30] == dues(serve(world, 30, build_boot(), boot="two"))


def test_an_edit_does_not_fire_at_boot(world: World) -> None:
    serve(world, 10, build_boot(), boot="one")
    both = build_boot(["at boot", "every day at noon"])

    assert [] == starts(world.adopt(at(11), both))
    assert [] == serve(world, 20, both, boot="one")


def test_at_boot_that_was_paused_at_the_boot_is_not_made_up_for(world: World) -> None:
    world.adopt(at(5), build_boot())
    world.settle(at(6), disable(6, "mail"))
    serve(world, 10, build_boot(), boot="one")

    assert [] == serve(world, 20, build_boot(), boot="one")
    assert 1 == len(world.decisions())


def test_both_run_one_due(world: World) -> None:
    assert [10] == dues(serve(world, 10, build_boot(["at start", "at boot"])))
    assert 1 == len(world.decisions())


def test_a_chain_runs_at_boot(world: World) -> None:
    chain = build_chain("a", recurrence="at boot")

    assert ["a"] == names(serve(world, 10, chain, *members("a")))


def test_at_boot_runs_beside_the_calendar(world: World) -> None:
    (start,) = serve(world, 5, build_boot(["at boot", "every 10 seconds"]))
    world.settle(at(6), ended(start))

    assert [10] == dues(world.starts(at(10)))


@pytest.mark.parametrize("fault", ["undone", "unknown"])
@pytest.mark.parametrize("recurrence", ["at start", "at boot"])
def test_it_runs_once_where_the_commit_fails(world: World, recurrence: str, fault: str) -> None:
    world.adopt(at(5), build_boot(recurrence))
    world.fail(fault, at(10), ServeStarted(at=at(10)))

    assert [10] == dues(world.starts(at(10.5), ServeStarted(at=at(10))))
    assert 1 == len(world.runs())


@pytest.mark.parametrize("recurrence", ["at start", "at boot", "manually", "continuously"])
def test_none_of_the_events_is_missed(world: World, recurrence: str) -> None:
    task = build_boot(recurrence)
    world.adopt(at(5), task)
    world.restart()
    world.adopt(at(100_000), task)
    world.settle(at(100_000), ServeStarted(at=at(100_000)))

    assert "missed" not in [row[1] for row in world.verdicts()]
    assert all(row[0] == 100_000 for row in world.verdicts())

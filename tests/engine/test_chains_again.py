"""linod run CHAIN --from-failed, and commits that fail while a chain goes on."""

from __future__ import annotations

import pytest

from linod.events import Answer, Outcome, Requested, RunEnded, StartRun, StopRun
from linod.specs import Chain, Task
from linod.store.interface import StoreError

from .asking import cancel, run
from .building import (
    World,
    at,
    build_chain,
    build_task,
    dues,
    ended,
    members,
    names,
    only,
    starts,
)

FAILED = Outcome.FAILED


def begin(world: World, *steps: str | list[str], **keys: object) -> list[StartRun]:
    """Adopt a chain with plain members and let it begin at 10."""
    world.adopt(at(5), *build_all(*steps, **keys))
    return world.starts(at(10))


def build_all(*steps: str | list[str], **keys: object) -> list[Chain | Task]:
    flat = [name for step in steps for name in ([step] if isinstance(step, str) else step)]
    return [build_chain(*steps, **keys), *members(*flat)]


def stops(effects: object) -> list[int]:
    return [each.run for each in effects if isinstance(each, StopRun)]  # type: ignore[attr-defined]


def fail_at_b(world: World) -> None:
    (first,) = begin(world, "a", "b", "c")
    (second,) = world.starts(at(11), ended(first))
    world.settle(at(12), ended(second, FAILED))


def again(seconds: float, due: float | None = None) -> Requested:
    return run(seconds, "nightly", due=due, is_from_failed=True)


def test_from_failed_goes_on_with_the_failed_one_under_the_same_due(world: World) -> None:
    fail_at_b(world)
    (start,) = world.starts(at(13), again(13))

    assert ("b", at(10), 2) == (start.task.name, start.due, start.attempt)


def test_from_failed_runs_what_upstream_failed_kept_from_running(world: World) -> None:
    fail_at_b(world)
    (start,) = world.starts(at(13), again(13))

    (third,) = world.starts(at(14), ended(start))
    world.settle(at(15), ended(third))

    assert "c" == third.task.name
    assert ["failed", "succeeded"] == [state for state, _ in world.ends("nightly")]
    assert [(10, "upstream failed")] == [row[:2] for row in world.verdicts("c")]


def test_from_failed_leaves_out_those_of_an_inner_list_that_succeeded(world: World) -> None:
    first, second = begin(world, ["a", "b"], "c")
    world.settle(at(11), ended(first), ended(second, FAILED))

    assert ["b"] == names(world.starts(at(13), again(13)))


def test_from_failed_again_goes_on_from_where_that_failed(world: World) -> None:
    fail_at_b(world)
    (start,) = world.starts(at(13), again(13))
    (third,) = world.starts(at(14), ended(start))
    world.settle(at(15), ended(third, FAILED))

    assert ["c"] == names(world.starts(at(16), again(16)))


def test_from_failed_of_a_named_due(world: World) -> None:
    fail_at_b(world)
    (start,) = world.starts(at(20))
    world.settle(at(21), cancel(21, "nightly"))
    world.settle(at(22), ended(start, Outcome.CANCELLED))

    found = world.starts(at(23), again(23, due=10))

    assert [("b", 10)] == [(each.task.name, dues([each])[0]) for each in found]


def test_from_failed_of_a_cancelled_chain_goes_on(world: World) -> None:
    (first,) = begin(world, "a", "b")
    world.settle(at(11), ended(first))
    (second,) = [each for each in world.engine.unfinished() if each.task == "b"]
    world.settle(at(12), cancel(12, "nightly"))
    world.settle(at(13), RunEnded(run=second.id, lease=second.lease, outcome=Outcome.CANCELLED))

    assert ["b"] == names(world.starts(at(14), again(14)))


@pytest.mark.parametrize("outcome", [Outcome.SUCCEEDED, Outcome.WARNED])
def test_from_failed_of_one_that_succeeded_is_refused(world: World, outcome: Outcome) -> None:
    (first,) = begin(world, "a")
    world.settle(at(11), ended(first, outcome))
    number = world.runs("nightly")[0].id

    answer = only(world.settle(at(12), again(12)), Answer)

    assert f"run {number} of nightly left nothing to do" == answer.refusal


def test_from_failed_of_one_that_goes_on_is_refused(world: World) -> None:
    begin(world, "a")
    number = world.runs("nightly")[0].id

    answer = only(world.settle(at(12), again(12)), Answer)

    assert f"run {number} of nightly is running" == answer.refusal


def test_from_failed_of_one_that_never_ran_is_refused(world: World) -> None:
    world.adopt(at(5), *build_all("a"))

    answer = only(world.settle(at(6), again(6)), Answer)

    assert "nightly has not run" == answer.refusal


def test_from_failed_of_a_task_is_refused(world: World) -> None:
    world.adopt(at(5), build_task())

    answer = only(world.settle(at(6), run(6, is_from_failed=True)), Answer)

    assert "mail is no chain" == answer.refusal


@pytest.mark.parametrize("fault", ["undone", "unknown"])
def test_it_begins_once_where_the_commit_fails(world: World, fault: str) -> None:
    world.adopt(at(5), *build_all("a", "b"))
    world.fail(fault, at(10))

    assert ["a"] == names(world.starts(at(10.5)))
    assert 1 == len(world.runs("nightly"))


@pytest.mark.parametrize("fault", ["undone", "unknown"])
def test_a_step_begins_once_where_the_commit_fails(world: World, fault: str) -> None:
    (first,) = begin(world, "a", "b")
    world.fail(fault, at(11), ended(first))

    assert ["b"] == names(world.starts(at(11.5), ended(first)))
    assert [] == world.starts(at(12))


@pytest.mark.parametrize("fault", ["undone", "unknown"])
def test_a_cancel_reaches_its_members_where_the_commit_fails(world: World, fault: str) -> None:
    (first,) = begin(world, "a", "b")
    world.fail(fault, at(11), cancel(11, "nightly"))

    assert [first.run] == stops(world.settle(at(11.5), cancel(11, "nightly")).effects)


@pytest.mark.parametrize("fault", ["undone", "unknown"])
def test_from_failed_is_one_run_where_the_commit_fails(world: World, fault: str) -> None:
    fail_at_b(world)
    world.fail(fault, at(13), again(13))

    settled = world.settle(at(13.5), again(13))

    assert ["b"] == names(starts(settled))
    assert (world.runs("nightly")[1].id,) == only(settled, Answer).runs


@pytest.mark.parametrize("fault", ["undone", "unknown"])
def test_an_adoption_that_fails_leaves_the_chain_as_it_was(world: World, fault: str) -> None:
    (first,) = begin(world, "a", "b")
    world.store.faults = [fault]
    with pytest.raises(StoreError):
        world.adopt(at(11), *members("a"))

    assert ["b"] == names(world.starts(at(12), ended(first)))

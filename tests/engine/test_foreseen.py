"""What is due at an instant to come is decided ahead of it, and committed when it has come."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linod.engine import Settled
from linod.events import StartRun
from linod.specs import CatchUp, Overlap
from linod.store import open_reader
from linod.store.interface import StoreError

from .asking import pause
from .building import (
    World,
    at,
    build_chain,
    build_pool,
    build_task,
    dues,
    ended,
    members,
    starts,
)


def come(_starts: object) -> None:
    """The instant has come."""


class GivenUp(Exception):  # noqa: N818 - it reads as what happened
    pass


def give_up(_starts: object) -> None:
    raise GivenUp


def test_a_task_that_depends_on_nobody_is_foreseen(world: World) -> None:
    world.adopt(at(0), build_task())

    assert at(10) == world.engine.foreseen(at(9))


def test_it_is_decided_as_if_its_instant_had_come(world: World) -> None:
    world.adopt(at(0), build_task())

    settled = world.engine.settle_ahead(at(10), come)

    assert [10] == dues(starts(settled))
    assert [(10, "admitted", "")] == world.verdicts()
    assert at(20) == settled.wake


def test_nothing_is_committed_before_the_wait_is_over(world: World) -> None:
    world.adopt(at(0), build_task())
    reader = open_reader(world.path)
    seen: list[int] = []

    world.engine.settle_ahead(at(10), lambda _: seen.append(len(reader.decisions("mail", limit=9))))

    assert [0] == seen
    assert 1 == len(reader.decisions("mail", limit=9))
    reader.close()


def test_what_is_given_up_is_decided_as_ever(world: World) -> None:
    world.adopt(at(0), build_task())
    with pytest.raises(GivenUp):
        world.engine.settle_ahead(at(10), give_up)

    assert [] == world.verdicts()
    assert [] == world.starts(at(9.999))
    assert [10] == dues(world.starts(at(10)))


@pytest.mark.parametrize("fault", ["undone", "unknown"])
def test_a_commit_that_fails_is_made_good(world: World, fault: str) -> None:
    world.adopt(at(0), build_task())
    world.store.faults = [fault]
    with pytest.raises(StoreError):
        world.engine.settle_ahead(at(10), come)

    assert [10] == dues(world.starts(at(10.5)))


def _occupied(world: World) -> None:
    world.adopt(at(0), build_task(overlap=Overlap.ALLOW))
    world.starts(at(10))


def _in_pool(world: World) -> None:
    world.adopt(at(0), build_task(pool="db"), build_pool("db", 2))


def _chained(world: World) -> None:
    world.adopt(at(0), build_chain("dump"), *members("dump"))


def _after(world: World) -> None:
    world.adopt(at(0), build_task("dump", "every hour"), build_task(after=("dump",)))


def _full(world: World) -> None:
    keys = {"a": "every 9 seconds", "b": "every 10 seconds", "c": "every 10 seconds"}
    world.adopt(at(0), *(build_task(*each) for each in keys.items()), max_running=2)
    assert world.starts(at(9))


def _with_timer(world: World) -> None:
    world.adopt(at(0), build_task(), build_task("b"))
    world.settle(at(1), pause(1, "b", until=10))


def _stopped(world: World) -> None:
    world.adopt(at(0), build_task())
    world.engine.drain()


def _failed(world: World) -> None:
    world.adopt(at(0), build_task("a", "every 5 seconds"))
    world.fail("undone", at(5))


@pytest.mark.parametrize(
    "begin",
    [_occupied, _in_pool, _chained, _after, _full, _with_timer, _stopped, _failed],
)
def test_what_may_still_change_is_not_foreseen(
    world: World, begin: Callable[[World], None]
) -> None:
    begin(world)
    wake = world.engine.wake(at(10)) or at(20)

    assert world.engine.foreseen(min(wake, at(20)) - timedelta(milliseconds=4)) is None


def test_what_is_due_already_is_not_foreseen(world: World) -> None:
    world.adopt(at(0), build_task())

    assert world.engine.foreseen(at(10)) is None


def test_what_has_to_wait_for_each_other_only_is_foreseen(world: World) -> None:
    world.adopt(at(0), build_task("a"), build_task("b"), max_running=1)

    assert at(10) == world.engine.foreseen(at(9.996))
    assert ["a"] == [start.task.name for start in starts(world.engine.settle_ahead(at(10), come))]


RECURRENCES = ("every 10 seconds", "every 7 seconds", "every minute", "every 20 seconds")


@given(
    tasks=st.lists(
        st.fixed_dictionaries(
            {
                "recurrence": st.sampled_from(RECURRENCES),
                "catch_up": st.sampled_from(list(CatchUp)),
                "overlap": st.sampled_from(list(Overlap)),
                "priority": st.integers(-2, 2),
            }
        ),
        min_size=1,
        max_size=5,
    ),
    at_once=st.sampled_from([None, 1, 2]),
    places=st.integers(1, 6),
    given_up=st.sets(st.integers(0, 30)),
    lasts=st.integers(0, 12),
)
def test_ahead_or_not_the_decisions_are_the_same(
    tmp_path_factory: pytest.TempPathFactory,
    tasks: list[dict[str, Any]],
    at_once: int | None,
    places: int,
    given_up: set[int],
    lasts: int,
) -> None:
    folder = tmp_path_factory.mktemp("ahead")

    plain = _played(folder / "plain.db", tasks, at_once, places, lasts, given_up=None)
    ahead = _played(folder / "ahead.db", tasks, at_once, places, lasts, given_up=given_up)

    assert plain == ahead


def _played(
    path: Path,
    tasks: list[dict[str, Any]],
    at_once: int | None,
    places: int,
    lasts: int,
    *,
    given_up: Collection[int] | None,
) -> list[Any]:
    """Play a minute, each run for so many seconds; give verdicts and starts.

    None for `given_up`: nothing is decided ahead.
    """
    world = World(path, at_once)
    definitions = (build_task(f"t{number}", **keys) for number, keys in enumerate(tasks))
    world.adopt(at(0), *definitions, max_running=places)
    begun: list[tuple[int, str]] = []
    going: list[tuple[int, StartRun]] = []
    for second in range(1, 61):
        ends = [ended(start) for since, start in going if second - since >= lasts]
        going = [each for each in going if second - each[0] < lasts]
        for _ in range(20):
            settled = _settled(world, second, ends, given_up)
            ends = []
            going += [(second, start) for start in starts(settled)]
            begun += [(second, start.task.name) for start in starts(settled)]
            if settled.wake is None or settled.wake > at(second):
                break
    names = [f"t{number}" for number in range(len(tasks))]
    found = [begun, [world.verdicts(name) for name in names]]
    world.store.close()
    return found


def _settled(
    world: World, second: int, ends: list[Any], given_up: Collection[int] | None
) -> Settled:
    early = at(second) - timedelta(milliseconds=4)
    if given_up is not None and not ends and world.engine.foreseen(early) == at(second):
        if second not in given_up:
            return world.engine.settle_ahead(at(second), come, at_once=world.at_once)
        with pytest.raises(GivenUp):
            world.engine.settle_ahead(at(second), give_up, at_once=world.at_once)
    return world.settle(at(second), *ends)

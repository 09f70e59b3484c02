"""What ran at the same time although it must not."""

from __future__ import annotations

from .building import EVERY_TEN, all_ran, at, begun, build, decided, found, ran, row, task
from .oracle import Instants

FOUR = all_ran(10, 40, 50, 60)
"""All but those at 20 and 30."""


def test_a_run_that_began_while_another_of_its_task_went_on_overlaps() -> None:
    history = build(FOUR, ran(20, took=11), ran(30))

    assert ("overlapping", 30) in found(history)


def test_a_run_that_began_as_another_of_its_task_ended_does_not() -> None:
    history = build(FOUR, ran(20, took=10), ran(30))

    assert found(history) == []


def test_runs_of_a_task_may_overlap_if_it_allows_it() -> None:
    history = build(FOUR, ran(20, took=11), ran(30), tasks=(task(overlap="allow"),))

    assert found(history) == []


def test_runs_of_a_task_overlap_beyond_its_own_limit() -> None:
    history = build(
        ran(10, took=25),
        ran(20, took=15),
        ran(30),
        all_ran(40, 50, 60),
        tasks=(task(overlap="allow", max_running=2),),
    )

    assert found(history) == [("overlapping", 30), ("phantom", 30)]


def test_the_end_that_counts_is_the_one_that_the_task_noted() -> None:
    history = build(FOUR, decided(20, "admitted"), row(20, ended=22), begun(20, took=11), ran(30))

    assert found(history) == [("overlapping", 30)]


def test_a_run_that_was_killed_lasts_until_the_store_has_its_end() -> None:
    history = build(
        FOUR,
        decided(20, "admitted"),
        row(20, state="lost", reason="its keeper died", ended=31),
        begun(20, took=None),
        ran(30),
    )

    assert ("overlapping", 30) in found(history)


def test_a_manual_run_overlaps_as_any_other() -> None:
    manual = [
        *decided(21, "admitted", by="alice"),
        *row(21, trigger="manual"),
        *begun(21),
    ]

    assert found(build(all_ran(10, 20, 30, 40, 50, 60), manual)) == [("overlapping", 21)]


def pooled(size: int) -> list[tuple[str, float]]:
    """Two tasks of a pool, whose runs go on from 20 and from 25 on."""
    history = build(
        FOUR,
        ran(20, took=8),
        ran(30),
        ran(25, took=4, task="other"),
        tasks=(
            task(pool="db", pool_size=size),
            task("other", (Instants(at=(at(25),)),), pool="db", pool_size=size),
        ),
    )
    return found(history)


def test_runs_of_a_pool_overlap_beyond_its_size() -> None:
    assert pooled(1) == [("overlapping", 25)]


def test_runs_of_a_pool_may_overlap_within_its_size() -> None:
    assert pooled(2) == []


def test_runs_of_all_tasks_overlap_beyond_max_running() -> None:
    tasks = (task(), task("other", EVERY_TEN))
    entries = [*all_ran(10, 20, 30, 40, 50, 60), *all_ran(10, 20, 30, 40, 50, 60, task="other")]

    assert found(build(entries, tasks=tasks, max_running=1)) == [("overlapping", 10)]

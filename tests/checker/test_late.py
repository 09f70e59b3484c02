"""What began later than anything that happened explains."""

from __future__ import annotations

from datetime import time
from typing import Any

from attrs import evolve

from .building import all_ran, at, begun, build, decided, found, ran, row, task, version
from .history import Outage, Task
from .oracle import Instants

FIVE = all_ran(10, 20, 40, 50, 60)
"""All but the one at 30."""


def test_a_run_that_began_beyond_the_tolerance_is_late() -> None:
    assert found(build(FIVE, ran(30, 31.001, queued=30))) == [("late", 30)]


def test_a_run_that_began_within_the_tolerance_is_not() -> None:
    assert found(build(FIVE, ran(30, 31, queued=30))) == []


def test_the_tolerance_is_what_it_is_told() -> None:
    assert found(build(FIVE, ran(30, 33, queued=30)), late_max=3) == []


def test_a_run_that_has_not_begun_at_the_end_is_late() -> None:
    waiting = [*decided(60, "admitted"), *row(60, state="waiting", started=None, ended=None)]

    assert found(build(all_ran(10, 20, 30, 40, 50), waiting)) == [("late", 60)]


def test_a_run_that_an_outage_kept_is_not_late() -> None:
    outages = (Outage(begin=at(29), end=at(36)),)

    assert found(build(FIVE, ran(30, 36), outages=outages)) == []


def test_a_run_that_began_long_after_an_outage_is_late() -> None:
    outages = (Outage(begin=at(29), end=at(36)),)

    assert found(build(FIVE, ran(30, 37.5, queued=36), outages=outages)) == [("late", 30)]


def test_a_run_that_waited_for_the_one_before_is_not_late() -> None:
    entries = [*ran(10), *ran(20, took=15), *ran(30, 35, queued=30), *all_ran(40, 50, 60)]

    assert found(build(entries, tasks=(task(overlap="wait"),))) == []


def test_a_run_that_waited_though_the_one_before_was_over_is_late() -> None:
    entries = [*ran(10), *ran(20, took=12), *ran(30, 35, queued=30), *all_ran(40, 50, 60)]

    assert found(build(entries, tasks=(task(overlap="wait"),))) == [("late", 30)]


def pooled(size: int, started: float) -> list[tuple[str, float]]:
    """Two tasks of a pool, of which one runs from 30 to 37, and one that is in none."""
    history = build(
        FIVE,
        ran(25, task="free"),
        ran(30, started, queued=30),
        ran(29, took=8, task="long"),
        tasks=(
            task(pool="db", pool_size=size),
            task("long", (Instants(at=(at(29),)),), pool="db", pool_size=size),
            task("free", (Instants(at=(at(25),)),)),
        ),
    )
    return found(history)


def test_a_run_that_waited_for_a_full_pool_is_not_late() -> None:
    assert pooled(1, 37) == []


def test_a_run_that_waited_though_its_pool_had_room_is_late() -> None:
    assert pooled(2, 37) == [("late", 30)]


def test_a_run_that_waited_for_max_running_is_not_late() -> None:
    history = build(
        FIVE,
        ran(30, 37, queued=30),
        ran(29, took=8, task="long"),
        tasks=(task(), task("long", (Instants(at=(at(29),)),))),
        max_running=1,
    )

    assert found(history) == []


def test_a_run_that_waited_for_the_limit_of_its_task_is_not_late() -> None:
    asked = [
        *decided(30, "admitted", by="alice"),
        *row(30, trigger="manual", started=37, ended=39),
        *begun(30, 37),
    ]
    entries = [*ran(10), *ran(20, took=17), *asked, *all_ran(40, 50, 60)]

    assert found(build(entries, tasks=(task(overlap="allow", max_running=1),))) == []


def test_a_run_that_waited_though_its_task_was_below_its_limit_is_late() -> None:
    entries = [*ran(10), *ran(20, took=17), *ran(30, 37, queued=30), *all_ran(40, 50, 60)]

    assert found(build(entries, tasks=(task(overlap="allow", max_running=2),))) == [("late", 30)]


def test_a_run_that_waited_until_another_was_proven_lost_is_not_late() -> None:
    lost = row(20, state="lost", reason="its keeper died", started=None, ended=35)
    entries = [*ran(10), *decided(20, "admitted"), *lost, *all_ran(40, 50, 60)]
    waited = ran(30, 35, queued=30)

    assert found(build(entries, waited, tasks=(task(overlap="wait"),), deaths=(at(21),))) == []


def test_a_run_that_began_long_after_its_window_opened_is_late() -> None:
    allowed = ((time(7, 0, 32), time(7, 0, 33)), (time(7, 0, 35), time(8, 0)))
    tasks = (task(parts=(Instants(at=(at(30),)),), allowed=allowed),)

    assert found(build(ran(30, 37, queued=30), tasks=tasks)) == [("late", 30)]


def test_a_run_that_was_planned_for_its_window_is_not_late() -> None:
    allowed = ((time(7, 0, 37), time(8, 0)),)
    entries = [*decided(30, "admitted"), *row(30, planned=37, started=37), *begun(30, 37)]
    tasks = (task(parts=(Instants(at=(at(30),)),), allowed=allowed),)

    assert found(build(entries, tasks=tasks)) == []


def test_a_run_that_waited_for_a_task_that_there_is_not_is_late() -> None:
    history = build(FIVE, ran(30, 37, queued=30), tasks=(task(after=("gone",)),))

    assert found(history) == [("late", 30)]


def test_a_run_that_waited_for_a_run_it_comes_after_is_not_late() -> None:
    history = build(
        FIVE,
        ran(30, 37, queued=30),
        ran(29, took=8, task="long"),
        tasks=(task(after=("long",)), task("long", (Instants(at=(at(29),)),))),
    )

    assert found(history) == []


def test_a_run_that_waited_for_its_window_is_not_late() -> None:
    allowed = ((time(7, 0, 37), time(8, 0)),)
    history = build(
        ran(30, 37, queued=30),
        tasks=(task(parts=(Instants(at=(at(30),)),), allowed=allowed),),
    )

    assert found(history) == []


def test_a_start_that_is_planned_beyond_jitter_and_spread_is_late() -> None:
    tasks = (task(jitter=at(2) - at(0), spread=at(1) - at(0)),)
    entries = [*decided(30, "admitted"), *row(30, planned=33.5, started=33.5), *begun(30, 33.5)]

    assert found(build(FIVE, entries, tasks=tasks)) == [("late", 30)]


def test_a_start_that_is_planned_within_jitter_and_spread_is_not() -> None:
    tasks = (task(jitter=at(2) - at(0), spread=at(1) - at(0)),)
    entries = [*decided(30, "admitted"), *row(30, planned=33, started=33), *begun(30, 33)]

    assert found(build(FIVE, entries, tasks=tasks)) == []


def test_a_retry_is_late_when_it_begins_long_after_its_delay() -> None:
    history = build(
        FIVE,
        decided(30, "admitted"),
        row(30, state="failed", ended=31),
        begun(30, took=1),
        row(30, id=31, attempt=2, queued=31, planned=33, started=35, ended=36),
        begun(30, 35, 1, attempt=2, run=31),
        tasks=(task(retry_attempts=2),),
    )

    assert found(history) == [("late", 30)]


def test_a_run_that_waited_behind_a_retry_whose_time_had_not_come_is_not_late() -> None:
    history = build(
        ran(10),
        decided(20, "admitted"),
        row(20, state="failed", ended=29),
        begun(20, took=9),
        row(20, id=21, attempt=2, queued=29, planned=34, started=34, ended=35),
        begun(20, 34, 1, attempt=2, run=21),
        ran(30, 35, queued=30),
        all_ran(40, 50, 60),
        tasks=(task(overlap="wait", retry_attempts=2),),
    )

    assert found(history) == []


def test_a_run_that_waited_by_a_policy_that_was_edited_meanwhile_is_not_late() -> None:
    versions = (version(0, overlap="wait"), version(35, overlap="allow"))
    history = build(
        ran(10),
        ran(20, took=15),
        ran(30, 35, queued=30),
        all_ran(40, 50, 60),
        tasks=(Task(name="mail", versions=versions),),
    )

    assert found(history) == []


def test_caught_up_runs_go_on_one_after_another_though_their_policy_was_edited() -> None:
    versions = (
        version(0, overlap="allow", catch_up="all"),
        version(41, overlap="allow", catch_up="none"),
    )
    history = build(
        ran(10, 40, 5),
        ran(20, 45, 5, queued=40),
        ran(30, 50, 5, queued=40),
        ran(40, 55, 5, queued=40),
        all_ran(50, 60),
        outages=(Outage(begin=at(5), end=at(40)),),
        tasks=(Task(name="mail", versions=versions),),
    )

    assert found(history) == []


def backfilled(due: float, started: float) -> list[Any]:
    """A run of the past that a person asked for at 33."""
    times = {"queued": 33, "planned": 33, "started": started, "ended": started + 3}
    return [
        *row(due, id=int(due) + 1, attempt=2, trigger="backfill", **times),
        *begun(due, started, 3, attempt=2, run=int(due) + 1),
    ]


def test_backfills_run_one_after_another_though_runs_of_the_task_may_overlap() -> None:
    entries = [*all_ran(10, 20, 30, 40, 50, 60), *backfilled(10, 33), *backfilled(20, 36)]

    assert found(build(entries, tasks=(task(overlap="allow"),))) == []


def test_a_backfill_waits_for_the_next_attempt_at_the_one_before() -> None:
    again = {"attempt": 3, "trigger": "backfill"}
    entries = [
        *all_ran(10, 20, 30, 40, 50, 60),
        *[evolve(each, state="failed") for each in backfilled(10, 33)[:1]],
        *backfilled(10, 33)[1:],
        *row(10, id=12, queued=36, planned=39, started=39, ended=40, **again),
        *begun(10, 39, 1, attempt=3, run=12),
        *backfilled(20, 40),
    ]

    assert found(build(entries, tasks=(task(overlap="allow", retry_attempts=2),))) == []


def test_a_backfill_does_not_wait_for_one_that_comes_behind_it() -> None:
    entries = [*all_ran(10, 20, 30, 40, 50, 60), *backfilled(10, 36), *backfilled(20, 39)]

    assert found(build(entries, tasks=(task(overlap="allow"),))) == [("late", 10)]


def behind_a_retry(ended: float) -> list[tuple[str, float]]:
    """A backfill fails and is to be tried again; the next one begins when it was."""
    again = {"attempt": 3, "trigger": "backfill", "planned": ended, "started": ended}
    history = build(
        all_ran(10, 20, 30, 40, 50, 60),
        row(10, id=11, attempt=2, trigger="backfill", queued=33, ended=34, state="failed"),
        begun(10, 33, 1, attempt=2, run=11),
        row(10, id=12, queued=34, ended=ended + 1, **again),
        begun(10, ended, 1, attempt=3, run=12),
        backfilled(20, 38),
        tasks=(task(overlap="allow", retry_attempts=2),),
    )
    return found(history)


def test_a_backfill_waits_while_the_one_before_waits_to_be_tried_again() -> None:
    assert behind_a_retry(37) == []


def test_a_backfill_waits_no_longer_than_the_one_before_is_tried_again() -> None:
    assert ("late", 20) in behind_a_retry(35)


def test_what_a_person_asked_for_does_not_wait_for_the_time_of_a_retry() -> None:
    history = build(
        ran(10),
        decided(20, "admitted"),
        row(20, state="failed", ended=22),
        begun(20),
        row(20, id=21, attempt=2, queued=22, planned=29, started=29, ended=29.5),
        begun(20, 29, 0.5, attempt=2, run=21),
        decided(23, "admitted", by="alice"),
        row(23, trigger="manual", started=29.5, ended=29.9),
        begun(23, 29.5, 0.4),
        all_ran(30, 40, 50, 60),
        tasks=(task(overlap="wait", retry_attempts=2),),
    )

    assert found(history) == [("late", 23)]


def test_caught_up_runs_begin_ten_a_second() -> None:
    history = build(
        ran(10, 40, 0),
        ran(20, 40.1, 0, queued=40),
        ran(30, 40.2, 0, queued=40),
        ran(40, 40.3, 0, queued=40),
        all_ran(50, 60),
        outages=(Outage(begin=at(5), end=at(40)),),
        tasks=(task(catch_up="all"),),
    )

    assert found(history, late_max=0) == []


def test_a_run_that_waited_long_until_it_was_proven_never_to_have_started_is_late() -> None:
    outage = Outage(begin=at(35), end=at(36), is_restart=True)
    again = row(30, id=31, attempt=2, queued=36, started=36, ended=38)
    idle = row(30, state="lost", reason="never started", started=None, ended=36)
    history = build(FIVE, decided(30, "admitted"), idle, again, begun(30, 36, run=31, attempt=2))

    assert found(evolve(history, outages=(outage,))) == [("late", 30)]

"""What had to run and did not, whatever the store says."""

from __future__ import annotations

from datetime import time, timedelta
from typing import Any

import pytest

from .building import all_ran, at, begun, build, decided, found, ran, row, task
from .history import Cancelled, Hold, Outage
from .oracle import Instants

FIVE = all_ran(10, 20, 40, 50, 60)
"""All but the one at 30."""


def test_a_run_that_the_store_has_and_the_task_does_not_is_missed() -> None:
    assert found(build(FIVE, decided(30, "admitted"), row(30))) == [("missed", 30)]


def test_an_admitted_occurrence_without_a_run_row_is_missed() -> None:
    assert found(build(FIVE, decided(30, "admitted"))) == [("missed", 30)]


def test_an_occurrence_that_nothing_kept_must_not_be_decided_missed() -> None:
    assert found(build(FIVE, decided(30, "missed"))) == [("missed", 30)]


def test_an_overlap_without_an_earlier_run_is_missed() -> None:
    assert found(build(FIVE, decided(30, "overlap", "run 20 was going on"))) == [("missed", 30)]


@pytest.mark.parametrize(
    "verdict", ["paused", "disabled", "switched off", "superseded", "cooldown", "outside allowed"]
)
def test_a_verdict_without_its_fact_is_missed(verdict: str) -> None:
    assert found(build(FIVE, decided(30, verdict))) == [("missed", 30)]


def test_a_verdict_that_nobody_knows_is_missed() -> None:
    assert found(build(FIVE, decided(30, "forgotten"))) == [("missed", 30)]


def test_the_newest_of_an_outage_must_be_caught_up() -> None:
    history = build(
        all_ran(10, 50, 60),
        decided(20, "missed", last=40, count=3),
        outages=(Outage(begin=at(15), end=at(45)),),
    )

    assert found(history) == [("missed", 40)]


def test_a_lone_occurrence_of_an_outage_must_run_though_none_are_caught_up() -> None:
    history = build(
        all_ran(10, 20, 40, 50, 60),
        decided(30, "missed"),
        outages=(Outage(begin=at(25), end=at(35)),),
        tasks=(task(catch_up="none"),),
    )

    assert found(history) == [("missed", 30)]


def test_a_run_that_was_dropped_without_a_reason_is_missed() -> None:
    dropped = [*decided(30, "admitted"), *row(30, state="cancelled", started=None, ended=30)]

    assert found(build(FIVE, dropped)) == [("missed", 30)]


def dropped(due: float, reason: str, **fields: Any) -> list[Any]:
    return [
        *decided(due, "admitted"),
        *row(due, state="cancelled", started=None, ended=due, reason=reason, **fields),
    ]


def test_a_run_that_was_dropped_for_a_reason_that_nothing_bears_out_is_missed() -> None:
    assert found(build(FIVE, dropped(30, "cancelled by alice"))) == [("missed", 30)]


def test_a_run_that_a_person_cancelled_need_not_begin() -> None:
    cancelled = (Cancelled(task="mail", at=at(30)),)

    assert found(build(FIVE, dropped(30, "cancelled by alice"), cancelled=cancelled)) == []


def test_a_run_that_a_pause_cancelled_need_not_begin() -> None:
    holds = (Hold(task="mail", verdict="paused", begin=at(30), end=at(35)),)

    assert found(build(FIVE, dropped(30, "paused by alice"), holds=holds)) == []


def test_a_run_that_a_new_daemon_found_too_old_need_not_begin() -> None:
    waited = row(30, state="cancelled", started=None, ended=44, reason="missed")
    history = build(
        all_ran(10, 20),
        [*decided(30, "admitted"), *waited],
        ran(40, 45),
        all_ran(50, 60),
        # It is found before the daemon is able to decide.
        outages=(Outage(begin=at(30), end=at(45), is_restart=True),),
        tasks=(task(catch_up_window=timedelta(seconds=4)),),
    )

    assert found(history) == []


def dropped_behind_one_that_never_started(*, is_restart: bool) -> list[tuple[str, float]]:
    """It is heard of at 45, when the store can be written again."""
    history = build(
        all_ran(10, 20),
        decided(30, "admitted"),
        row(30, state="lost", reason="never started", started=None, ended=45),
        row(
            30,
            id=31,
            attempt=2,
            queued=45,
            started=None,
            ended=45,
            state="cancelled",
            reason="missed",
        ),
        ran(40, 45),
        all_ran(50, 60),
        outages=(
            Outage(begin=at(30.1), end=at(44), is_restart=is_restart),
            Outage(begin=at(44), end=at(45)),
        ),
        tasks=(task(catch_up_window=timedelta(seconds=4)),),
    )
    return found(history)


def test_a_run_that_never_started_is_too_old_some_time_after_a_restart() -> None:
    assert dropped_behind_one_that_never_started(is_restart=True) == []


def test_a_run_that_never_started_is_not_too_old_without_a_restart() -> None:
    assert dropped_behind_one_that_never_started(is_restart=False) == [("missed", 30)]


def test_a_run_that_its_window_was_closed_to_need_not_begin() -> None:
    tasks = (task(allowed=((time(6, 0), time(8, 0)),)),)

    assert found(build(FIVE, dropped(30, "outside allowed"), tasks=tasks)) == []


def test_a_run_that_its_condition_ended_need_not_begin() -> None:
    tasks = (task(has_condition=True),)

    assert found(build(FIVE, dropped(30, "only_if"), tasks=tasks)) == []


def test_only_a_task_with_a_condition_is_ended_by_one() -> None:
    assert found(build(FIVE, dropped(30, "only_if"))) == [("missed", 30)]


def test_a_run_behind_one_that_failed_need_not_begin() -> None:
    fetch = [
        *decided(30, "admitted", task="fetch"),
        *row(30, task="fetch", state="failed", id=77),
        *begun(30, task="fetch", run=77),
    ]
    history = build(
        FIVE,
        all_ran(10, 20, 40, 50, 60, task="fetch"),
        fetch,
        dropped(30, "upstream failed: fetch failed (run 77)"),
        tasks=(task(after=("fetch",)), task("fetch")),
    )

    assert found(history) == []


def test_a_run_behind_one_that_succeeded_must_begin() -> None:
    history = build(
        FIVE,
        all_ran(10, 20, 30, 40, 50, 60, task="fetch"),
        dropped(30, "upstream failed"),
        tasks=(task(after=("fetch",)), task("fetch")),
    )

    assert found(history) == [("missed", 30)]


def test_a_run_that_died_before_it_could_note_its_start_is_not_missed() -> None:
    killed = [*decided(30, "admitted"), *row(30, state="failed", reason="signal 9")]

    assert found(build(FIVE, killed, deaths=(at(30.1),))) == []


def test_a_run_that_failed_although_nothing_died_must_have_begun() -> None:
    killed = [*decided(30, "admitted"), *row(30, state="failed", reason="signal 9")]

    assert found(build(FIVE, killed, deaths=(at(50),))) == [("missed", 30)]


def test_a_run_that_never_started_must_be_followed_by_another() -> None:
    idle = row(30, state="lost", reason="never started", started=None, ended=30.5)

    assert found(build(FIVE, decided(30, "admitted"), idle)) == [("missed", 30)]


def test_a_run_that_never_started_may_be_followed_by_one_that_does() -> None:
    history = build(
        FIVE,
        decided(30, "admitted"),
        row(30, state="lost", reason="never started", started=None, ended=35),
        row(30, id=31, attempt=2, queued=35, started=35, ended=36),
        begun(30, 35, 1, run=31, attempt=2),
        outages=(Outage(begin=at(30), end=at(35), is_restart=True),),
    )

    assert found(history) == []


def test_a_failure_within_the_retries_must_be_tried_again() -> None:
    failed = [*decided(30, "admitted"), *row(30, state="failed"), *begun(30)]

    assert found(build(FIVE, failed, tasks=(task(retry_attempts=2),))) == [("missed", 30)]


def test_a_failure_that_its_filter_may_leave_out_need_not_be_tried_again() -> None:
    failed = [*decided(30, "admitted"), *row(30, state="failed"), *begun(30)]
    tasks = (task(retry_attempts=2, is_retry_sure=False),)

    assert found(build(FIVE, failed, tasks=tasks)) == []


def test_a_lost_run_must_be_tried_again_if_its_task_says_so() -> None:
    lost = [*decided(30, "admitted"), *row(30, state="lost", reason="?"), *begun(30, took=None)]

    assert found(build(FIVE, lost, tasks=(task(on_lost="retry"),))) == [("missed", 30)]


def test_a_lost_run_is_not_tried_again_by_default() -> None:
    lost = [*decided(30, "admitted"), *row(30, state="lost", reason="?"), *begun(30, took=None)]

    assert found(build(FIVE, lost)) == []


def failed_and_held(held: float) -> list[tuple[str, float]]:
    """It fails at 32 while nobody decides, and its task is disabled at some time."""
    history = build(
        all_ran(10, 20),
        [*decided(30, "admitted"), *row(30, state="failed"), *begun(30)],
        decided(40, "disabled", last=60, count=3),
        outages=(Outage(begin=at(31), end=at(36), is_restart=True),),
        holds=(Hold(task="mail", verdict="disabled", begin=at(held)),),
        tasks=(task(retry_attempts=2),),
    )
    return found(history)


def test_a_failure_that_was_heard_of_when_its_task_was_disabled_is_not_tried_again() -> None:
    assert failed_and_held(36) == []


def test_a_failure_that_was_heard_of_before_its_task_was_disabled_must_be_tried_again() -> None:
    assert failed_and_held(39) == [("missed", 30)]


def test_a_settle_within_an_outage_explains_nothing() -> None:
    # Before the outage both are inside the window, and after it neither is.
    parts = (Instants(at=(at(10), at(20))),)
    tasks = (task(parts=parts, catch_up="all", catch_up_window=timedelta(seconds=20)),)
    outages = (Outage(begin=at(20), end=at(50)),)
    history = build(decided(10, "missed"), ran(20), tasks=tasks, outages=outages)

    assert found(history, late_max=20) != []


def replaced_by(planned: float) -> list[tuple[str, float]]:
    """A second attempt at 20 fails at 35; what replaces it was decided before it, and waits."""
    history = build(
        ran(10),
        [*decided(20, "admitted"), *row(20, ended=22, state="failed"), *begun(20, took=2)],
        row(20, id=21, attempt=2, queued=31, planned=31, started=31, ended=35, state="failed"),
        begun(20, 31, 4, attempt=2, run=21),
        decided(30, "admitted"),
        row(30, planned=planned, started=max(35, planned), ended=max(35, planned) + 1),
        begun(30, max(35, planned), 1),
        all_ran(40, 50, 60),
        tasks=(task(overlap="replace", retry_attempts=3, jitter=timedelta(seconds=30)),),
    )
    return found(history)


def test_a_run_in_whose_stead_another_was_to_begin_is_not_tried_again() -> None:
    assert replaced_by(34) == []


def test_a_run_that_ended_before_another_was_to_begin_must_be_tried_again() -> None:
    assert ("missed", 20) in replaced_by(38)


def test_a_run_that_was_replaced_by_none_is_missed() -> None:
    history = build(
        FIVE, dropped(30, "replaced by the next occurrence"), tasks=(task(overlap="replace"),)
    )

    assert found(history) == [("missed", 30)]

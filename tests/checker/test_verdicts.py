"""Verdicts and reasons that what happened bears out, and those that it does not."""

from __future__ import annotations

from datetime import time, timedelta

import pytest

from .building import all_ran, at, begun, build, decided, found, ran, row, task, version
from .history import Hold, Outage, Task
from .oracle import Instants

FIVE = all_ran(10, 20, 40, 50, 60)
"""All but the one at 30."""
LONG = [*ran(10), *ran(20, took=15), *all_ran(40, 50, 60)]
"""All but the one at 30, in which the one at 20 goes on."""
DOWN = (Outage(begin=at(15), end=at(45)),)
"""An outage over the dues at 20, 30 and 40."""


# -- overlap ----------------------------------------------------------------------------------


def test_an_overlap_with_an_earlier_run_is_right() -> None:
    assert found(build(LONG, decided(30, "overlap", "run 20 was going on"))) == []


def test_an_overlap_that_names_no_run_is_unjustified() -> None:
    assert found(build(LONG, decided(30, "overlap", "another one"))) == [("unjustified", 30)]


def test_an_overlap_that_names_a_run_that_was_over_is_unjustified() -> None:
    history = build(LONG, decided(30, "overlap", "run 10 was going on"))

    assert found(history) == [("unjustified", 30)]


def test_what_overlaps_was_not_missed() -> None:
    assert found(build(LONG, decided(30, "missed"))) == [("unjustified", 30)]


def test_an_overlap_with_a_waiting_retry_is_right() -> None:
    history = build(
        ran(10),
        all_ran(40, 50, 60),
        decided(20, "admitted"),
        row(20, state="failed"),
        begun(20),
        row(20, id=21, attempt=2, queued=22, planned=35, started=35, ended=36),
        begun(20, 35, 1, attempt=2, run=21),
        decided(30, "overlap", "run 21 was going on"),
        tasks=(task(retry_attempts=2),),
    )

    assert found(history) == []


def test_an_overlap_with_an_end_of_that_very_instant_may_be_or_not() -> None:
    entries = [*ran(10), *ran(20, took=10), *all_ran(40, 50, 60)]

    assert found(build(entries, decided(30, "overlap", "run 20 was going on")), 0) == []


def test_a_task_that_waits_drops_nothing_while_nothing_waits() -> None:
    entries = [*LONG, *decided(30, "overlap", "run 20 was going on")]

    assert found(build(entries, tasks=(task(overlap="wait"),))) == [("missed", 30)]


def test_a_task_that_waits_drops_what_comes_while_one_waits() -> None:
    history = build(
        ran(10, took=45),
        ran(20, 55, queued=20),
        decided(30, "overlap", "run 20 was going on", last=50, count=3),
        ran(60),
        tasks=(task(overlap="wait"),),
    )

    assert found(history) == []


def test_a_task_that_waits_lets_no_second_one_wait() -> None:
    history = build(
        ran(10, took=25),
        ran(20, 35, queued=20),
        ran(30, 37, queued=30),
        all_ran(40, 50, 60),
        tasks=(task(overlap="wait"),),
    )

    assert found(history) == [("phantom", 30)]


def test_a_task_that_allows_overlaps_drops_nothing() -> None:
    entries = [*LONG, *decided(30, "overlap", "run 20 was going on")]

    assert found(build(entries, tasks=(task(overlap="allow"),))) == [("missed", 30)]


def test_a_task_that_waits_lets_one_wait_behind_what_was_caught_up() -> None:
    versions = (
        version(0, overlap="wait", catch_up="all"),
        version(45.5, overlap="wait", catch_up="none"),
    )
    history = build(
        ran(10, 45, 8),
        ran(20, 53, 8, queued=45),
        ran(30, 61, 1, queued=45),
        ran(40, 62, 1, queued=45),
        ran(50, 63, 1, queued=50),
        decided(60, "overlap", "run 50 was waiting already"),
        outages=(Outage(begin=at(5), end=at(45)),),
        tasks=(Task(name="mail", versions=versions),),
    )

    assert found(history) == []


def test_a_task_that_allows_some_overlaps_may_say_how_many_there_were() -> None:
    entries = [*LONG, *decided(30, "overlap", "1 run was going on (max_running = 1)")]

    assert found(build(entries, tasks=(task(overlap="allow", max_running=1),))) == []


def test_one_beside_as_many_as_may_run_is_a_phantom() -> None:
    tasks = (task(overlap="allow", max_running=1),)

    assert found(build(LONG, ran(30, 36, queued=30), tasks=tasks)) == [("phantom", 30)]


def test_one_beside_fewer_than_may_run_is_none() -> None:
    assert found(build(LONG, ran(30), tasks=(task(overlap="allow", max_running=2),))) == []


def test_a_backfill_does_not_count_for_sure_among_those_that_run() -> None:
    filling = [*decided(20, "admitted", by="alice"), *row(20, trigger="backfill", ended=35)]
    entries = [*all_ran(10, 40, 50, 60), *filling, *begun(20, took=15), *ran(30, 36, queued=30)]

    assert found(build(entries, tasks=(task(overlap="allow", max_running=1),))) == []


def test_a_task_that_allows_some_overlaps_drops_nothing_below_its_limit() -> None:
    entries = [*LONG, *decided(30, "overlap", "1 run was going on (max_running = 2)")]

    assert found(build(entries, tasks=(task(overlap="allow", max_running=2),))) == [("missed", 30)]


def test_more_may_go_on_than_a_limit_that_was_lowered() -> None:
    versions = (
        version(0, overlap="allow", max_running=2),
        version(25, overlap="allow", max_running=1),
    )
    history = build(
        ran(10, took=25),
        ran(20, took=15),
        decided(30, "overlap", "2 runs were going on (max_running = 1)"),
        all_ran(40, 50, 60),
        tasks=(Task(name="mail", versions=versions),),
    )

    assert found(history) == []


def test_fewer_that_went_on_than_the_limit_kept_nothing() -> None:
    entries = [*ran(10, took=25), *ran(20, took=15), *all_ran(40, 50, 60)]
    entries += decided(30, "overlap", "1 run was going on (max_running = 2)")

    assert found(build(entries, tasks=(task(overlap="allow", max_running=2),))) == [
        ("unjustified", 30)
    ]


def test_a_task_that_allows_some_overlaps_drops_what_goes_beyond() -> None:
    entries = [*LONG, *decided(30, "overlap", "run 20 was going on")]

    assert found(build(entries, tasks=(task(overlap="allow", max_running=1),))) == []


def test_a_task_that_replaces_drops_nothing() -> None:
    entries = [*LONG, *decided(30, "overlap", "run 20 was going on")]

    assert found(build(entries, tasks=(task(overlap="replace"),))) == [("missed", 30)]


# -- missed -----------------------------------------------------------------------------------


def test_of_an_outage_the_newest_is_caught_up() -> None:
    missed = decided(20, "missed", "the newest one is caught up instead", last=30, count=2)

    assert found(build(ran(10), missed, ran(40, 45), all_ran(50, 60), outages=DOWN)) == []


def test_of_an_outage_of_a_task_without_catch_up_nothing_runs() -> None:
    missed = decided(20, "missed", 'catch_up = "none"', last=40, count=3)
    tasks = (task(catch_up="none"),)

    assert found(build(all_ran(10, 50, 60), missed, outages=DOWN, tasks=tasks)) == []


def test_of_an_outage_all_are_caught_up_one_after_another() -> None:
    caught_up = [*ran(20, 45, 1), *ran(30, 46, 1, queued=45), *ran(40, 47, 1, queued=45)]
    tasks = (task(catch_up="all"),)

    assert found(build(all_ran(10, 50, 60), caught_up, outages=DOWN, tasks=tasks)) == []


def test_what_is_older_than_the_window_is_not_caught_up() -> None:
    missed = decided(20, "missed", "older than catch_up_window", last=30, count=2)
    tasks = (task(catch_up="all", catch_up_window=timedelta(seconds=10)),)
    entries = [*all_ran(10, 50, 60), *missed, *ran(40, 45)]

    assert found(build(entries, outages=DOWN, tasks=tasks)) == []


def test_of_all_that_was_missed_at_most_a_thousand_are_caught_up() -> None:
    parts = (Instants(at=tuple(at(second) for second in range(10, 1012))),)
    entries = [*decided(10, "missed", last=11, count=2)]
    for second in range(12, 1012):
        entries += ran(second, 1020 + (second - 12) / 10, 0.1, queued=1020)
    history = build(
        entries,
        until=1500,
        outages=(Outage(begin=at(5), end=at(1020)),),
        tasks=(task(parts=parts, catch_up="all"),),
    )

    assert found(history) == []


def test_a_lone_one_of_an_outage_runs_within_a_minute() -> None:
    parts = (Instants(at=(at(30),)),)
    history = build(
        ran(30, 90),
        until=100,
        outages=(Outage(begin=at(5), end=at(90)),),
        tasks=(task(parts=parts, catch_up="none"),),
    )

    assert found(history, late_max=0) == []


def test_a_lone_one_of_an_outage_is_missed_after_a_minute() -> None:
    parts = (Instants(at=(at(30),)),)
    history = build(
        ran(30, 91),
        until=100,
        outages=(Outage(begin=at(5), end=at(91)),),
        tasks=(task(parts=parts, catch_up="none"),),
    )

    assert found(history, late_max=0) == [("phantom", 30)]


def test_two_outages_are_two_groups() -> None:
    history = build(
        ran(10),
        decided(20, "missed"),
        ran(30, 31),
        decided(40, "missed"),
        ran(50, 55),
        ran(60),
        outages=(Outage(begin=at(15), end=at(31)), Outage(begin=at(35), end=at(55))),
    )

    assert found(history) == []


def test_outages_that_meet_are_settled_where_they_do() -> None:
    history = build(
        ran(10),
        ran(20, 25),
        ran(30, 35),
        all_ran(40, 50, 60),
        outages=(Outage(begin=at(15), end=at(25)), Outage(begin=at(25), end=at(35))),
    )

    assert found(history, late_max=0) == []


def test_what_an_unsure_outage_touches_may_be_settled_in_it() -> None:
    history = build(
        ran(10),
        ran(20, 45, queued=20),
        decided(30, "missed"),
        decided(40, "overlap", "run 20 was going on"),
        all_ran(50, 60),
        outages=(Outage(begin=at(15), end=at(45), is_unsure=True),),
    )

    assert found(history) == []


def test_one_just_before_an_outage_may_be_part_of_it() -> None:
    history = build(
        ran(10),
        decided(20, "missed"),
        ran(30, 35),
        all_ran(40, 50, 60),
        outages=(Outage(begin=at(20.5), end=at(35)),),
    )

    assert found(history) == []


def test_one_well_before_an_outage_is_no_part_of_it() -> None:
    history = build(
        ran(10),
        decided(20, "missed"),
        ran(30, 35),
        all_ran(40, 50, 60),
        outages=(Outage(begin=at(21), end=at(35)),),
    )

    assert found(history) == [("missed", 20)]


@pytest.mark.parametrize("reason", ['catch_up = "none"', "older than catch_up_window"])
def test_what_was_missed_for_another_reason_is_unjustified(reason: str) -> None:
    missed = decided(20, "missed", reason, last=30, count=2)
    history = build(ran(10), missed, ran(40, 45), all_ran(50, 60), outages=DOWN)

    assert found(history) == [("unjustified", 20)]


def test_what_was_missed_for_one_that_did_not_run_is_unjustified() -> None:
    missed = decided(20, "missed", "the newest one is caught up instead", last=40, count=3)
    tasks = (task(catch_up="none"),)
    history = build(all_ran(10, 50, 60), missed, outages=DOWN, tasks=tasks)

    assert found(history) == [("unjustified", 20)]


def test_what_was_missed_was_not_an_overlap() -> None:
    overlap = decided(20, "overlap", "run 10 was going on", last=30, count=2)
    history = build(ran(10), overlap, ran(40, 45), all_ran(50, 60), outages=DOWN)

    assert found(history) == [("unjustified", 20)]


# -- holds ------------------------------------------------------------------------------------


@pytest.mark.parametrize("verdict", ["paused", "disabled", "switched off"])
def test_a_hold_justifies_its_verdict(verdict: str) -> None:
    holds = (Hold(task="mail", verdict=verdict, begin=at(25), end=at(35)),)

    assert found(build(FIVE, decided(30, verdict), holds=holds)) == []


def test_a_hold_of_another_task_justifies_nothing() -> None:
    holds = (Hold(task="other", verdict="paused", begin=at(25), end=at(35)),)

    assert found(build(FIVE, decided(30, "paused"), holds=holds)) == [("missed", 30)]


def test_a_hold_that_is_over_justifies_nothing() -> None:
    holds = (Hold(task="mail", verdict="paused", begin=at(15), end=at(29)),)
    entries = [*all_ran(10, 40, 50, 60), *decided(20, "paused", last=30, count=2)]

    assert found(build(entries, holds=holds)) == [("missed", 30)]


def test_a_hold_has_its_own_word() -> None:
    holds = (Hold(task="mail", verdict="paused", begin=at(25), end=at(35)),)

    assert found(build(FIVE, decided(30, "disabled"), holds=holds)) == [("unjustified", 30)]


def test_what_is_due_at_the_edge_of_a_hold_may_run() -> None:
    holds = (Hold(task="mail", verdict="paused", begin=at(30), end=at(35)),)

    assert found(build(FIVE, ran(30), holds=holds)) == []


def test_what_fell_due_in_a_pause_is_paused_though_an_outage_followed() -> None:
    history = build(
        ran(10),
        decided(20, "paused"),
        decided(30, "missed"),
        ran(40, 45),
        all_ran(50, 60),
        holds=(Hold(task="mail", verdict="paused", begin=at(15), end=at(25)),),
        outages=(Outage(begin=at(17), end=at(45)),),
    )

    assert found(history) == []


def test_what_an_outage_left_undecided_may_be_settled_in_a_pause_that_began_since() -> None:
    history = build(
        ran(10),
        decided(20, "paused", last=40, count=3),
        all_ran(50, 60),
        holds=(Hold(task="mail", verdict="paused", begin=at(39), end=at(48)),),
        outages=DOWN,
    )

    assert found(history) == []


def test_what_was_overdue_before_a_pause_began_was_not_paused() -> None:
    history = build(
        ran(10),
        decided(20, "paused", last=30, count=2),
        all_ran(40, 50, 60),
        holds=(Hold(task="mail", verdict="paused", begin=at(29), end=at(35)),),
    )

    assert found(history) == [("missed", 20)]


def test_a_task_that_is_not_enabled_is_switched_off() -> None:
    off = decided(10, "switched off", last=60, count=6)

    assert found(build(off, tasks=(task(enabled=False),))) == []


# -- cooldown and windows ---------------------------------------------------------------------


def test_a_cooldown_skips_what_is_due_in_it() -> None:
    tasks = (task(cooldown_success=timedelta(seconds=12)),)
    history = build(
        ran(10),
        decided(20, "cooldown"),
        ran(30),
        decided(40, "cooldown"),
        ran(50),
        decided(60, "cooldown"),
        tasks=tasks,
    )

    assert found(history) == []


def test_what_is_due_in_a_cooldown_must_not_run() -> None:
    tasks = (task(cooldown_success=timedelta(seconds=12)),)
    history = build(all_ran(10, 20), until=25, tasks=tasks)

    assert found(history) == [("phantom", 20)]


@pytest.mark.parametrize("state", ["failed", "timed_out", "lost"])
def test_a_cooldown_of_failures_follows_what_went_wrong(state: str) -> None:
    tasks = (task(cooldown_failure=timedelta(seconds=12)),)
    failed = [*decided(10, "admitted"), *row(10, state=state, reason="?"), *begun(10)]
    history = build(failed, ran(20), until=25, tasks=tasks)

    assert found(history) == [("phantom", 20)]


def test_no_cooldown_surely_follows_what_was_cancelled() -> None:
    tasks = (task(cooldown_failure=timedelta(seconds=12)),)
    cancelled = [*decided(10, "admitted"), *row(10, state="cancelled", reason="?"), *begun(10)]
    history = build(cancelled, ran(20), until=25, tasks=tasks)

    assert found(history) == []


def test_a_cooldown_of_failures_does_not_follow_a_success() -> None:
    tasks = (task(cooldown_failure=timedelta(seconds=12)),)
    history = build(all_ran(10, 20, 30), until=35, tasks=tasks)

    assert found(history) == []


def test_a_cooldown_that_is_over_skips_nothing() -> None:
    tasks = (task(cooldown_success=timedelta(seconds=5)),)
    history = build(ran(10), decided(20, "cooldown"), ran(30), until=35, tasks=tasks)

    assert found(history) == [("missed", 20)]


MORNING = ((time(7, 0), time(7, 0, 35)),)
"""A window up to 35 seconds after the beginning."""


def test_what_is_due_outside_its_window_is_decided_so() -> None:
    entries = [*all_ran(10, 20, 30), *decided(40, "outside allowed", last=60, count=3)]

    assert found(build(entries, tasks=(task(allowed=MORNING),))) == []


def test_what_is_due_inside_its_window_runs() -> None:
    entries = [*all_ran(10, 20), *decided(30, "outside allowed", last=60, count=4)]

    assert found(build(entries, tasks=(task(allowed=MORNING),))) == [("missed", 30)]


def test_what_is_due_outside_its_window_waits_for_one_that_opens_before_the_next_due() -> None:
    tasks = (task(parts=(Instants(at=(at(30),)),), allowed=((time(7, 0, 50), time(8, 0)),)),)

    assert found(build(decided(30, "outside allowed"), tasks=tasks)) == [("missed", 30)]


def test_a_window_may_pass_midnight() -> None:
    tasks = (task(allowed=((time(22, 0), time(7, 0, 35)),)),)
    entries = [*all_ran(10, 20, 30), *decided(40, "outside allowed", last=60, count=3)]

    assert found(build(entries, tasks=tasks)) == []


def test_one_that_runs_outside_its_window_was_not_allowed() -> None:
    history = build(all_ran(10, 20, 30, 40), until=45, tasks=(task(allowed=MORNING),))

    assert found(history) == [("early", 40), ("phantom", 40)]

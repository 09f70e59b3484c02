"""What was decided or ran although nothing stands behind it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from .building import EVERY_TEN, all_ran, at, begun, build, decided, found, ran, row, task
from .history import Asked, Drain, Hold, Outage
from .oracle import Events

SIX = all_ran(10, 20, 30, 40, 50, 60)
FIVE = all_ran(10, 20, 40, 50, 60)
"""All but the one at 30."""


def test_a_decision_where_nothing_was_due_is_a_phantom() -> None:
    assert found(build(SIX, decided(33, "overlap"))) == [("phantom", 33)]


def test_a_run_where_nothing_was_due_is_a_phantom() -> None:
    assert found(build(SIX, ran(33))) == [("phantom", 33)]


def test_a_run_that_a_person_asked_for_is_none() -> None:
    manual = [*decided(33, "admitted", by="alice"), *row(33, trigger="manual"), *begun(33)]

    assert found(build(SIX, manual)) == []


def test_a_run_that_nobody_is_known_to_have_asked_for_is_one() -> None:
    manual = [*decided(33, "admitted", by="alice"), *row(33, trigger="manual"), *begun(33)]

    assert found(build(SIX, manual, asked=())) == [("phantom", 33)]


def test_a_run_that_somebody_is_known_to_have_asked_for_is_none() -> None:
    manual = [*decided(33, "admitted", by="alice"), *row(33, trigger="manual"), *begun(33)]
    asked = (Asked(task="mail", due=at(33), trigger="manual"),)

    assert found(build(SIX, manual, asked=asked)) == []


def test_a_run_without_a_row_is_a_phantom() -> None:
    assert found(build(SIX, begun(30, 35, attempt=2))) == [("phantom", 30)]


def test_a_run_whose_due_was_not_admitted_is_a_phantom() -> None:
    history = build(
        ran(10),
        ran(20, took=15),
        all_ran(40, 50, 60),
        decided(30, "overlap", "run 20 was going on"),
        row(30, queued=36, started=36, ended=37),
        begun(30, 36, 1),
    )

    assert ("phantom", 30) in found(history)


def test_a_backfill_under_another_verdict_is_right() -> None:
    history = build(
        ran(10),
        ran(20, took=15),
        all_ran(40, 50, 60),
        decided(30, "overlap", "run 20 was going on"),
        row(30, queued=36, started=36, ended=37, trigger="backfill"),
        begun(30, 36, 1),
    )

    assert found(history) == []


def backfilled_between(due: float) -> list[tuple[str, float]]:
    """A later rule has a due between those of this one, and a person asks for that."""
    history = build(
        decided(10, "paused", last=40, count=4),
        all_ran(50, 60),
        row(due, queued=55, planned=55, started=55, ended=56, trigger="backfill"),
        begun(due, 55, 1),
        holds=(Hold(task="mail", verdict="paused", begin=at(5), end=at(45)),),
    )
    return found(history)


def test_a_backfill_between_dues_that_were_decided_together_is_right() -> None:
    assert backfilled_between(25) == []


def test_a_backfill_over_which_no_decision_reaches_is_a_phantom() -> None:
    assert ("phantom", 45) in backfilled_between(45)


def test_a_run_that_began_while_its_row_waits_is_a_phantom() -> None:
    waiting = [*decided(30, "admitted"), *row(30, state="waiting", started=None, ended=None)]
    history = build(FIVE, waiting, begun(30), tasks=(task(overlap="allow"),))

    assert found(history) == [("phantom", 30)]


def test_a_run_of_another_number_than_its_row_is_a_phantom() -> None:
    history = build(FIVE, decided(30, "admitted"), row(30), begun(30, run=99))

    assert found(history) == [("phantom", 30)]


def test_a_run_that_was_told_another_trigger_is_a_phantom() -> None:
    history = build(FIVE, decided(30, "admitted"), row(30), begun(30, trigger="manual"))

    assert found(history) == [("phantom", 30)]


def test_an_attempt_behind_a_gap_is_a_phantom() -> None:
    history = build(FIVE, decided(30, "admitted"), row(30, attempt=2), begun(30, attempt=2))

    assert found(history) == [("phantom", 30)]


def test_a_range_that_ends_where_nothing_is_due_is_a_phantom() -> None:
    history = build(
        all_ran(10, 40, 50, 60),
        decided(20, "missed", last=33, count=2),
        outages=(Outage(begin=at(15), end=at(40)),),
    )

    assert found(history) == [("phantom", 33)]


def test_a_range_that_counts_too_many_is_a_phantom() -> None:
    history = build(
        all_ran(10, 40, 50, 60),
        decided(20, "missed", last=30, count=3),
        outages=(Outage(begin=at(15), end=at(40)),),
    )

    assert found(history) == [("phantom", 20)]


def test_a_range_that_was_admitted_is_a_phantom() -> None:
    history = build(all_ran(10, 40, 50, 60), decided(20, "admitted", last=30, count=2))

    assert ("phantom", 20) in found(history)


def test_an_older_one_of_an_outage_that_was_admitted_is_a_phantom() -> None:
    history = build(
        ran(10),
        ran(20, 30),
        ran(30, 33),
        all_ran(40, 50, 60),
        outages=(Outage(begin=at(15), end=at(30)),),
        tasks=(task(overlap="allow"),),
    )

    assert found(history) == [("phantom", 20)]


def test_one_that_is_too_old_to_be_caught_up_is_a_phantom() -> None:
    history = build(
        ran(10),
        decided(20, "missed"),
        ran(30, 38),
        all_ran(40, 50, 60),
        outages=(Outage(begin=at(15), end=at(38)),),
        tasks=(task(catch_up="none"),),
    )

    assert found(history) == [("phantom", 30)]


def test_one_that_was_admitted_beside_an_earlier_run_is_a_phantom() -> None:
    history = build(ran(10), ran(20, took=15), ran(30, 35), all_ran(40, 50, 60))

    assert found(history) == [("phantom", 30)]


def test_one_that_was_admitted_in_a_pause_is_a_phantom() -> None:
    holds = (Hold(task="mail", verdict="paused", begin=at(25), end=at(35)),)

    assert ("phantom", 30) in found(build(SIX, holds=holds))


def test_one_that_was_admitted_while_all_is_switched_off_is_a_phantom() -> None:
    holds = (Hold(task=None, verdict="switched off", begin=at(25)),)

    assert ("phantom", 30) in found(build(SIX, holds=holds))


def test_one_of_a_task_that_is_not_enabled_is_a_phantom() -> None:
    assert ("phantom", 30) in found(build(SIX, tasks=(task(enabled=False),)))


def test_a_run_that_begins_in_a_drain_is_a_phantom() -> None:
    drains = (Drain(begin=at(55), end=at(64)),)
    entries = [*all_ran(10, 20, 30, 40, 50), *ran(60, 60, queued=60)]

    assert ("phantom", 60) in found(build(entries, drains=drains))


def test_rows_of_a_task_that_there_is_not_are_phantoms() -> None:
    assert found(build(SIX, decided(30, "missed", task="other"))) == [("phantom", 30)]


def test_an_event_of_a_task_that_has_them_is_none() -> None:
    event = [*decided(3, "admitted"), *row(3, trigger="event"), *begun(3)]

    assert found(build(SIX, event, tasks=(task(parts=(*EVERY_TEN, Events())),))) == []


def test_a_run_that_waited_over_a_restart_beyond_its_window_is_a_phantom() -> None:
    waited: list[Any] = [
        *ran(10, took=20),
        *ran(20, 41, queued=20),
        *decided(30, "overlap", "run 20 was going on"),
        *all_ran(50, 60),
        *decided(40, "overlap", "run 20 was going on"),
    ]
    history = build(
        waited,
        outages=(Outage(begin=at(31), end=at(41), is_restart=True),),
        tasks=(task(overlap="wait", catch_up_window=at(15) - at(0)),),
    )

    assert ("phantom", 20) in found(history)


@pytest.mark.parametrize("trigger", ["schedule", "event", "after"])
def test_a_run_that_begins_while_its_task_is_held_is_a_phantom(trigger: str) -> None:
    entries = [*decided(30, "admitted"), *row(30, started=33, trigger=trigger), *begun(30, 33)]
    holds = (Hold(task="mail", verdict="paused", begin=at(31), end=at(39)),)

    assert ("phantom", 30) in found(build(FIVE, entries, holds=holds))


@pytest.mark.parametrize(
    ("looked", "started", "expected"),
    [
        (34, 35, []),  # a former daemon had given it to its worker
        (34, 37, [("phantom", 30)]),
        (32, 37, []),  # it was not too old when it was looked at
    ],
)
def test_one_that_a_daemon_found_waiting_for_too_long_is_a_phantom(
    looked: float, started: float, expected: list[tuple[str, float]]
) -> None:
    history = build(
        all_ran(10, 20, 40, 50, 60),
        ran(30, started, took=1, queued=30),
        outages=(Outage(begin=at(31), end=at(36), is_restart=True, looked=at(looked)),),
        tasks=(task(catch_up_window=timedelta(seconds=3)),),
    )

    assert found(history) == expected


def test_one_that_was_given_away_just_as_the_next_daemon_may_have_looked_is_none() -> None:
    handed_over = Outage(begin=at(34), end=at(36), is_restart=True, looked=at(34))
    tasks = (task(catch_up_window=timedelta(seconds=3)),)

    for started, expected in ((35, []), (36, [("phantom", 30)])):
        late = ran(30, started, took=1, queued=30)
        history = build(FIVE, late, outages=(handed_over,), tasks=tasks)
        assert [each for each in found(history) if each[0] == "phantom"] == expected


def begun_in_a_pause(*outages: Outage) -> list[tuple[str, float]]:
    hold = Hold(task="mail", verdict="paused", begin=at(31), end=at(39))
    late = ran(30, 35, queued=30)
    return found(build(FIVE, late, outages=outages, holds=(hold,)))


def test_a_start_that_was_committed_unseen_before_a_pause_may_be_made_in_it() -> None:
    unsure = Outage(begin=at(30), end=at(30), is_unsure=True)

    assert begun_in_a_pause(unsure, Outage(begin=at(30), end=at(35))) == []


def test_a_start_in_a_pause_is_a_phantom_where_all_was_heard_of() -> None:
    assert begun_in_a_pause(Outage(begin=at(30), end=at(35))) == [("phantom", 30)]

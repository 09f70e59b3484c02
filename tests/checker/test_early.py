"""What began before its time."""

from __future__ import annotations

from datetime import time

from .building import all_ran, at, begun, build, decided, found, ran, row, task
from .history import Step

FIVE = all_ran(10, 20, 40, 50, 60)
"""All but the one at 30."""


def test_a_run_that_began_before_its_due_is_early() -> None:
    history = build(FIVE, decided(30, "admitted"), row(30, queued=29), begun(30, 29.999))

    assert found(history) == [("early", 30)]


def test_a_run_that_began_at_its_due_is_not() -> None:
    assert found(build(FIVE, ran(30))) == []


def test_a_run_that_began_before_its_planned_start_is_early() -> None:
    tasks = (task(jitter=at(5) - at(0)),)
    history = build(FIVE, decided(30, "admitted"), row(30, planned=34), begun(30, 33), tasks=tasks)

    assert found(history) == [("early", 30)]


def test_a_run_that_began_before_it_was_decided_is_early() -> None:
    history = build(FIVE, decided(30, "admitted"), row(30, queued=30.5), begun(30, 30.25))

    assert found(history) == [("early", 30)]


def test_a_start_that_is_planned_before_the_due_is_early() -> None:
    history = build(FIVE, decided(30, "admitted"), row(30, planned=29), begun(30))

    assert found(history) == [("early", 30)]


def test_a_retry_that_began_before_its_delay_was_over_is_early() -> None:
    history = build(
        FIVE,
        decided(30, "admitted"),
        row(30, state="failed", ended=31),
        begun(30, took=1),
        row(30, id=31, attempt=2, queued=31, planned=36, started=35, ended=36),
        begun(30, 35, 1, attempt=2, run=31),
        tasks=(task(retry_attempts=2),),
    )

    assert found(history) == [("early", 30)]


def test_a_run_that_began_outside_its_window_is_early() -> None:
    tasks = (task(allowed=((time(7, 0), time(7, 0, 30)),)),)
    history = build(all_ran(10, 20, 30, 40), until=45, tasks=tasks)

    assert ("early", 40) in found(history)


def test_a_run_after_a_step_back_is_not_early_though_the_clock_shows_less() -> None:
    entries = [*all_ran(10, 20), *row(30, queued=30), *decided(30, "admitted"), *begun(30, 30.1)]
    history = build(entries, steps=(Step(at=at(30.05), by=at(0) - at(25)),), until=40)

    assert found(history) == []

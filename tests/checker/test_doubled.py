"""What ran, or was decided, more often than it may."""

from __future__ import annotations

from .building import Entry, all_ran, at, begun, build, decided, found, row, task
from .history import Outage

FIVE = all_ran(10, 20, 40, 50, 60)
"""All but the one at 30."""


def test_an_attempt_that_began_twice_is_doubled() -> None:
    history = build(all_ran(10, 20, 30, 40, 50, 60), begun(30, 35, run=30))

    assert ("doubled", 30) in found(history)


def test_a_first_attempt_that_began_twice_as_two_runs_is_doubled() -> None:
    history = build(all_ran(10, 20, 30, 40, 50, 60), begun(30, 35, run=99))

    assert ("doubled", 30) in found(history)


def test_two_rows_of_one_attempt_are_doubled() -> None:
    history = build(all_ran(10, 20, 30, 40, 50, 60), row(30, id=99))

    assert ("doubled", 30) in found(history)


def test_a_second_attempt_after_a_success_is_doubled() -> None:
    second = [
        *row(30, id=31, attempt=2, queued=33, started=33, ended=34),
        *begun(30, 33, 1, attempt=2, run=31),
    ]

    assert found(build(all_ran(10, 20, 30, 40, 50, 60), second)) == [("doubled", 30)]


def test_a_second_attempt_after_a_success_is_right_if_a_person_asked_for_it() -> None:
    second = [
        *row(30, id=31, attempt=2, queued=33, started=33, ended=34, trigger="manual"),
        *begun(30, 33, 1, attempt=2, run=31),
    ]

    assert found(build(all_ran(10, 20, 30, 40, 50, 60), second)) == []


def failing(attempts: int) -> list[Entry]:
    """An occurrence whose attempts failed, one a second."""
    entries: list[Entry] = [*decided(30, "admitted")]
    for number in range(1, attempts + 1):
        begin = 29 + number
        times = {"queued": begin, "planned": begin, "started": begin, "ended": begin + 1}
        entries += row(30, id=30 + number, attempt=number, state="failed", **times)
        entries += begun(30, begin, 1, attempt=number, run=30 + number)
    return entries


def test_an_attempt_beyond_the_retries_is_doubled() -> None:
    assert found(build(FIVE, failing(3), tasks=(task(retry_attempts=2),))) == [("doubled", 30)]


def test_as_many_attempts_as_the_retries_allow_are_right() -> None:
    assert found(build(FIVE, failing(3), tasks=(task(retry_attempts=3),))) == []


def test_a_run_that_began_though_it_is_recorded_as_never_started_is_doubled() -> None:
    history = build(
        FIVE,
        decided(30, "admitted"),
        row(30, state="lost", reason="never started", ended=32),
        begun(30),
        row(30, id=31, attempt=2, queued=32, started=32, ended=33),
        begun(30, 32, 1, attempt=2, run=31),
    )

    assert found(history) == [("doubled", 30)]


def test_two_decisions_on_one_due_are_doubled() -> None:
    history = build(all_ran(10, 20, 30, 40, 50, 60), decided(30, "missed"))

    assert found(history) == [("doubled", 30)]


def test_a_range_that_reaches_over_another_decision_is_doubled() -> None:
    history = build(
        all_ran(10, 40, 50, 60),
        decided(20, "missed", last=40, count=3),
        outages=(Outage(begin=at(15), end=at(40)),),
    )

    assert ("doubled", 40) in found(history)


def test_two_decisions_on_a_request_are_doubled() -> None:
    asked = [
        *decided(13, "admitted", by="alice"),
        *row(13, trigger="manual"),
        *begun(13),
        *decided(13, "missed"),
    ]

    assert found(build(all_ran(10, 20, 30, 40, 50, 60), asked)) == [("doubled", 13)]

"""What no decision covers."""

from __future__ import annotations

from .building import all_ran, at, build, decided, found, ran, task
from .history import Asked, Drain, Outage
from .oracle import Instants


def test_a_history_in_which_all_is_as_it_should_be_has_no_findings() -> None:
    assert found(build(all_ran(10, 20, 30, 40, 50, 60))) == []


def test_an_occurrence_without_a_decision_is_undecided() -> None:
    assert found(build(all_ran(10, 20, 40, 50, 60))) == [("missed", 30), ("undecided", 30)]


def test_the_last_occurrence_is_undecided_when_its_time_has_passed() -> None:
    assert found(build(all_ran(10, 20, 30, 40, 50), until=61)) == [
        ("missed", 60),
        ("undecided", 60),
    ]


def test_the_last_occurrence_may_be_undecided_within_the_tolerance() -> None:
    assert found(build(all_ran(10, 20, 30, 40, 50), until=60.9)) == []


def test_what_the_store_says_is_decided_is_undecided_at_once() -> None:
    history = build(all_ran(10, 20, 30, 40, 50), until=60.9, through={"mail": at(60)})

    assert ("undecided", 60) in found(history)


def test_what_an_outage_at_the_end_leaves_open_is_not_undecided() -> None:
    history = build(all_ran(10, 20, 30), outages=(Outage(begin=at(35), end=at(100)),))

    assert found(history) == []


def test_what_a_drain_at_the_end_leaves_open_is_not_undecided() -> None:
    history = build(all_ran(10, 20, 30), drains=(Drain(begin=at(35), end=at(100)),))

    assert found(history) == []


def test_what_lies_before_something_decided_is_undecided() -> None:
    history = build(
        all_ran(10, 20, 30),
        decided(50, "missed"),
        until=60.5,
        outages=(Outage(begin=at(35), end=at(60)),),
    )

    assert ("undecided", 40) in found(history)


def test_a_range_that_counts_too_few_leaves_some_undecided() -> None:
    history = build(
        all_ran(10, 50, 60),
        decided(20, "missed", last=40, count=2),
        outages=(Outage(begin=at(15), end=at(50)),),
    )

    assert found(history) == [("undecided", 20)]


def test_a_run_that_was_asked_for_and_left_no_row_is_undecided() -> None:
    asked = (Asked(task="mail", due=at(13), trigger="manual"),)

    assert found(build(all_ran(10, 20, 30, 40, 50, 60), asked=asked)) == [("undecided", 13)]


def test_an_occurrence_that_falls_into_no_time_of_the_task_needs_no_decision() -> None:
    history = build(ran(10), tasks=(task(parts=(Instants(at=(at(-5), at(10))),)),))

    assert found(history) == []

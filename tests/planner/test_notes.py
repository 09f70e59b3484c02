"""What `linod next` says beside an instant that DST moved or doubles."""

from __future__ import annotations

import pytest

from linod.specs import Dst, Fold, Gap

from .building import planner, utc

TALLINN = "Europe/Tallinn"
GAP_END = utc("2027-03-28T01:00")


def test_an_ordinary_instant_has_no_note() -> None:
    assert planner("every day at 03:30", TALLINN).note(utc("2027-03-27T01:30")) is None


def test_a_moved_time_is_named() -> None:
    assert planner("every day at 03:30", TALLINN).note(GAP_END) == (
        "moved: 03:30 does not exist that day"
    )


def test_two_moved_times_are_named() -> None:
    assert planner("15,45 3 * * *", TALLINN).note(GAP_END) == (
        "moved: 03:15 and 03:45 do not exist that day"
    )


def test_many_moved_times_are_named_by_their_ends() -> None:
    assert planner("0-59 3 * * *", TALLINN).note(GAP_END) == (
        "moved: 03:00 to 03:59 do not exist that day"
    )


def test_an_instant_that_is_due_anyway_says_what_else_it_is() -> None:
    assert planner("0 3,4 * * *", TALLINN).note(GAP_END) == (
        "also for 03:00, which does not exist that day"
    )


def test_a_whole_day_that_does_not_exist_is_named_with_its_date() -> None:
    assert planner("every day at 09:00", "Pacific/Apia").note(utc("2011-12-30T10:00")) == (
        "moved: 2011-12-30 09:00 does not exist"
    )


def test_the_end_of_a_gap_is_nothing_special_if_nothing_was_moved() -> None:
    assert planner("0 * * * *", TALLINN).note(GAP_END) is None
    assert planner("every day at 04:00", TALLINN).note(GAP_END) is None
    assert planner("every day at 03:30", TALLINN, dst=Dst(gap=Gap.SKIP)).note(GAP_END) is None


@pytest.mark.parametrize("text", ["30 3 * * *", "30 * * * *", "every 30 minutes"])
def test_the_first_pass_is_named(text: str) -> None:
    assert planner(text, TALLINN).note(utc("2027-10-31T00:30")) == "first pass of 03:30"


def test_the_second_pass_is_named() -> None:
    rule = planner("30 3 * * *", TALLINN, dst=Dst(fold=Fold.BOTH))

    assert rule.note(utc("2027-10-31T01:30")) == "second pass of 03:30"


def test_seconds_are_named_where_there_are_any() -> None:
    rule = planner("*/20 * * * * *", TALLINN)

    assert rule.note(utc("2027-10-31T01:30:20")) == "second pass of 03:30:20"

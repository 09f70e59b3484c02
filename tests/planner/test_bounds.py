"""Start, end, UNTIL, COUNT and max_events."""

# ruff: noqa: DTZ001 - starts without an offset are read in the zone of the task

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from linod.planner import Planner
from linod.recurrence.model import Interval, Recurrence

from .building import planner, times, utc

TALLINN = "Europe/Tallinn"


def test_an_elapsed_rule_counts_from_monday_2001_in_standard_time() -> None:
    assert planner("every 5 hours", TALLINN).next(utc("2000-12-31T21:00")) == utc(
        "2000-12-31T22:00"
    )


@pytest.mark.parametrize(
    ("zone", "anchor"),
    [
        ("UTC", "2001-01-01T00:00"),
        ("Australia/Sydney", "2000-12-31T14:00"),
        ("Europe/Dublin", "2001-01-01T00:00"),
        ("Asia/Kathmandu", "2000-12-31T18:15"),
        ("America/New_York", "2001-01-01T05:00"),
    ],
)
def test_the_anchor_is_midnight_without_dst(zone: str, anchor: str) -> None:
    rule = planner("every 1000 days", zone) if zone == "" else planner("every 7001 hours", zone)
    found = rule.next(utc("2000-12-30T00:00"))

    assert found == utc(anchor)


def test_an_elapsed_rule_counts_from_its_start() -> None:
    rule = planner("every 90 minutes", TALLINN, start=datetime(2026, 11, 21, 10, 5))

    assert times(rule, "2026-11-21 00:00", 2, TALLINN) == [
        "2026-11-21 10:05:00+02:00",
        "2026-11-21 11:35:00+02:00",
    ]


def test_nothing_is_due_before_the_start() -> None:
    rule = planner("every day at 09:00", start=utc("2026-11-21T09:00"))

    assert rule.next(utc("2020-01-01T00:00")) == utc("2026-11-21T09:00")
    assert rule.previous(utc("2026-11-21T09:00")) is None
    assert rule.count(utc("2020-01-01T00:00"), utc("2026-11-22T09:00")) == 2


def test_a_start_with_an_offset_is_an_instant() -> None:
    rule = planner("FREQ=DAILY", TALLINN, start=utc("2026-11-21T09:30"))

    assert times(rule, "2026-11-01 00:00", 1, TALLINN) == ["2026-11-21 11:30:00+02:00"]


def test_the_end_is_included() -> None:
    rule = planner("every day at 09:00", end=datetime(2026, 11, 22, 9))

    assert rule.next(utc("2026-11-21T09:00")) == utc("2026-11-22T09:00")
    assert rule.next(utc("2026-11-22T09:00")) is None
    assert rule.previous(utc("2030-01-01T00:00")) == utc("2026-11-22T09:00")


def test_an_end_before_the_start_leaves_nothing() -> None:
    rule = planner("every day at 09:00", start=datetime(2026, 2, 1), end=datetime(2026, 1, 1))

    assert rule.next(utc("2020-01-01T00:00")) is None
    assert rule.previous(utc("2030-01-01T00:00")) is None
    assert rule.count(utc("2020-01-01T00:00"), utc("2030-01-01T00:00")) == 0


def test_until_is_included_and_read_in_the_zone() -> None:
    rule = planner("FREQ=DAILY;BYHOUR=9;UNTIL=20261122T090000", TALLINN)

    assert rule.previous(utc("2030-01-01T00:00")) == utc("2026-11-22T07:00")


def test_until_a_day_holds_the_whole_day() -> None:
    rule = planner("FREQ=DAILY;BYHOUR=23;BYMINUTE=59;UNTIL=20261122", TALLINN)

    assert rule.previous(utc("2030-01-01T00:00")) == utc("2026-11-22T21:59")


def test_count_ends_a_rule() -> None:
    rule = planner("FREQ=DAILY;COUNT=3", start=datetime(2026, 1, 1, 9))

    assert times(rule, "2025-01-01 00:00", 9) == [
        "2026-01-01 09:00:00+00:00",
        "2026-01-02 09:00:00+00:00",
        "2026-01-03 09:00:00+00:00",
    ]
    assert rule.count(utc("2020-01-01T00:00"), utc("2030-01-01T00:00")) == 3


def test_each_part_of_a_union_has_its_own_count() -> None:
    rule = planner(
        ["FREQ=DAILY;COUNT=1", "FREQ=DAILY;BYHOUR=12;COUNT=2"], start=datetime(2026, 1, 1, 9)
    )

    assert times(rule, "2025-01-01 00:00", 9) == [
        "2026-01-01 09:00:00+00:00",
        "2026-01-01 12:00:00+00:00",
        "2026-01-02 12:00:00+00:00",
    ]


def test_a_large_count_is_turned_into_an_end_without_counting_one_by_one() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    rule = Planner(Recurrence((Interval(seconds=1, count=10**9),)), "UTC", start=start)

    assert rule.previous(utc("9000-01-01T00:00")) == utc("2057-09-09T01:46:39")
    rule = planner("FREQ=SECONDLY;BYHOUR=0,1;COUNT=1000000000", "UTC", start=start)

    assert rule.previous(utc("9000-01-01T00:00")) is not None


def test_max_events_counts_over_all_parts() -> None:
    rule = planner(
        ["every day at 09:00", "every day at 09:00 and 12:00"],
        start=datetime(2026, 1, 1),
        max_events=3,
    )

    assert times(rule, "2025-01-01 00:00", 9) == [
        "2026-01-01 09:00:00+00:00",
        "2026-01-01 12:00:00+00:00",
        "2026-01-02 09:00:00+00:00",
    ]


def test_the_earlier_of_end_and_max_events_holds() -> None:
    rule = planner(
        "every day at 09:00",
        start=datetime(2026, 1, 1),
        end=datetime(2026, 1, 2, 12),
        max_events=5,
    )

    assert rule.count(utc("2020-01-01T00:00"), utc("2030-01-01T00:00")) == 2


def test_a_start_in_the_gap_is_its_end() -> None:
    rule = planner("every hour", TALLINN, start=datetime(2027, 3, 28, 3, 30))

    assert times(rule, "2027-03-28 00:00", 1, TALLINN) == ["2027-03-28 04:00:00+03:00"]


def test_once_in_the_fold_is_its_first_pass() -> None:
    rule = planner("once at 2027-10-31 03:30", TALLINN)

    assert times(rule, "2027-10-31 00:00", 2, TALLINN) == ["2027-10-31 03:30:00+03:00"]

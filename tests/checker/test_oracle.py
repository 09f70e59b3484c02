"""When tasks are due, by the oracle that knows nothing of linod's planner."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from itertools import takewhile

import pytest
from cronsim import CronSim
from hypothesis import given, settings
from hypothesis import strategies as some

from .instants import instant_of, ticks
from .oracle import Cron5, Daily, Every, Instants, Part, dues_of

TALLINN = "Europe/Tallinn"


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def dues(after: str, through: str, *parts: Part) -> list[str]:
    found = dues_of(parts, ticks(utc(after)), ticks(utc(through)))
    return [instant_of(each).strftime("%m-%d %H:%M:%S") for each in found]


def test_a_lattice_goes_through_midnight_of_a_monday_in_its_zone() -> None:
    found = dues("2026-11-21 00:00", "2026-11-21 12:00", Every(seconds=21_600, zone="Asia/Kolkata"))

    assert found == ["11-21 00:30:00", "11-21 06:30:00"]


def test_a_lattice_is_anchored_by_standard_time_though_that_monday_was_in_summer() -> None:
    found = dues(
        "2026-11-21 00:00", "2026-11-22 00:00", Every(seconds=86_400, zone="Australia/Sydney")
    )

    assert found == ["11-21 14:00:00"]


def test_a_lattice_goes_through_its_anchor() -> None:
    part = Every(seconds=7, anchor=utc("2026-11-21 00:00:03"))

    assert dues("2026-11-21 00:00:03", "2026-11-21 00:00:17", part) == [
        "11-21 00:00:10",
        "11-21 00:00:17",
    ]


def test_a_lattice_lies_on_both_sides_of_its_anchor() -> None:
    part = Every(seconds=7, anchor=utc("2026-11-21 00:00:30"))

    assert dues("2026-11-21 00:00:20", "2026-11-21 00:00:25", part) == ["11-21 00:00:23"]


def test_a_wall_time_follows_its_zone() -> None:
    part = Daily(times=(time(12, 0),), zone=TALLINN)

    assert dues("2027-03-27 00:00", "2027-03-29 00:00", part) == [
        "03-27 10:00:00",
        "03-28 09:00:00",
    ]


def test_a_wall_time_in_a_gap_happens_at_its_end() -> None:
    part = Daily(times=(time(3, 30),), zone=TALLINN)

    assert dues("2027-03-28 00:00", "2027-03-28 12:00", part) == ["03-28 01:00:00"]


def test_a_wall_time_in_a_gap_is_skipped_on_request() -> None:
    part = Daily(times=(time(3, 30),), zone=TALLINN, gap="skip")

    assert dues("2027-03-28 00:00", "2027-03-28 12:00", part) == []


def test_wall_times_that_a_gap_makes_equal_happen_once() -> None:
    part = Daily(times=(time(3, 10), time(3, 30), time(4, 0)), zone=TALLINN)

    assert dues("2027-03-28 00:00", "2027-03-28 12:00", part) == ["03-28 01:00:00"]


def test_a_gap_of_a_whole_day_ends_with_it() -> None:
    part = Daily(times=(time(12, 0),), zone="Pacific/Apia")

    assert dues("2011-12-30 00:00", "2012-01-01 00:00", part) == [
        "12-30 10:00:00",
        "12-30 22:00:00",
        "12-31 22:00:00",
    ]


@pytest.mark.parametrize(
    ("fold", "expected"),
    [
        ("first", ["10-31 00:30:00"]),
        ("second", ["10-31 01:30:00"]),
        ("both", ["10-31 00:30:00", "10-31 01:30:00"]),
    ],
)
def test_a_wall_time_in_a_fold_happens_as_told(fold: str, expected: list[str]) -> None:
    part = Daily(times=(time(3, 30),), zone=TALLINN, fold=fold)

    assert dues("2027-10-31 00:00", "2027-10-31 12:00", part) == expected


def test_wall_times_happen_on_their_weekdays() -> None:
    part = Daily(times=(time(9, 0),), weekdays=(0, 3))

    assert dues("2026-11-21 00:00", "2026-11-28 00:00", part) == [
        "11-23 09:00:00",
        "11-26 09:00:00",
    ]


def test_cron_with_a_fixed_hour_is_a_wall_time() -> None:
    part = Cron5(text="30 3 * * *", zone=TALLINN)

    assert dues("2027-03-28 00:00", "2027-03-28 12:00", part) == ["03-28 01:00:00"]


def test_cron_with_a_star_reads_the_clock_in_both_passes_of_a_fold() -> None:
    part = Cron5(text="30 */3 * * *", zone=TALLINN)

    assert dues("2027-10-31 00:00", "2027-10-31 03:00", part) == [
        "10-31 00:30:00",
        "10-31 01:30:00",
    ]


def test_cron_with_two_day_fields_takes_either() -> None:
    part = Cron5(text="0 0 1 * mon")

    assert dues("2026-11-29 12:00", "2026-12-02 00:00", part) == [
        "11-30 00:00:00",
        "12-01 00:00:00",
    ]


def test_cron_with_a_starred_day_field_takes_both() -> None:
    part = Cron5(text="0 0 */2 * mon")

    assert dues("2026-11-21 00:00", "2026-12-01 00:00", part) == ["11-23 00:00:00"]


@pytest.mark.parametrize("text", ["* * * *", "60 * * * *", "0 0 0 * *", "5-1 * * * *", "x * * * *"])
def test_what_is_no_cron_expression_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        dues("2026-11-21 00:00", "2026-11-22 00:00", Cron5(text=text))


def test_equal_instants_of_several_parts_are_one() -> None:
    parts = (Every(seconds=10), Instants(at=(utc("2026-11-21 00:00:10"),)))

    assert dues("2026-11-21 00:00", "2026-11-21 00:00:10", *parts) == ["11-21 00:00:10"]


def test_the_first_instant_is_left_out_and_the_last_is_not() -> None:
    assert dues("2026-11-21 00:00", "2026-11-21 00:00:10", Every(seconds=10)) == ["11-21 00:00:10"]


FIELDS = (
    some.sampled_from(["*", "0", "*/7", "5,10-20/3", "59"]),
    some.sampled_from(["*", "0", "*/5", "3-6", "23"]),
    some.sampled_from(["*", "1", "*/9", "13,28-31"]),
    some.sampled_from(["*", "1", "mar-may", "*/6"]),
    some.sampled_from(["*", "0", "7", "mon-fri", "sat,1"]),
)
DAY = timedelta(days=1)


@settings(max_examples=50)
@given(some.tuples(*FIELDS).map(" ".join), some.integers(0, 1000 * 24 * 60))
def test_cron_is_due_when_cronsim_says_so(text: str, minute: int) -> None:
    after = utc("2026-01-01 00:00") + timedelta(minutes=minute)
    found = dues_of((Cron5(text=text),), ticks(after), ticks(after + 3 * DAY))
    expected = takewhile(lambda each: each <= after + 3 * DAY, CronSim(text, after))

    assert list(expected) == [instant_of(each) for each in found]

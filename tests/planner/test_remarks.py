"""What check says about the meaning of a recurrence in time."""

# ruff: noqa: DTZ001 - starts without an offset are read in the zone of the task

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from linod.codes import CODES
from linod.recurrence import parse
from linod.recurrence.remarks import Remark, remarks
from linod.specs import OnExcluded

TALLINN = "Europe/Tallinn"


def said(value: object, zone: str = TALLINN, **keys: Any) -> tuple[Remark, ...]:
    return remarks(parse(value), zone, **keys)


def codes(value: object, zone: str = TALLINN, **keys: Any) -> list[str]:
    return [remark.code for remark in said(value, zone, **keys)]


@pytest.mark.parametrize(
    "text",
    [
        "every 10 seconds",
        "every 15 minutes",
        "every hour",
        "every day at 03:30",
        "every weekday at 08:00 and 17:30",
        "every month on day 1 and day -1 at 00:30",
        "every quarter on day 1 at 04:00",
        "every 15 minutes between 09:00 and 17:45 on weekdays",
        "0 */2 * * *",
        "0 0 28-31 * *",
        "once at 2026-12-01 20:00",
        "at start",
    ],
)
def test_nothing_is_said_about_what_is_plain(text: str) -> None:
    assert said(text) == ()


def test_an_open_phase_tells_what_it_took_and_how_to_choose() -> None:
    now = datetime(2026, 11, 21, tzinfo=UTC)

    assert said("every 2 weeks on friday at 12:00", now=now) == (
        Remark(
            "L023",
            "no start, so it counts from Monday 2001-01-01: "
            "due 2026-12-04 12:00, 2026-12-18 12:00, …",
            "set start to an instant at which it is to be due",
        ),
    )


def test_without_a_clock_the_first_instants_are_told() -> None:
    (remark,) = said("every 7 minutes")

    assert remark.message.endswith("due 2001-01-01 00:00, 2001-01-01 00:07, …")


def test_a_start_closes_the_phase() -> None:
    assert codes("every 2 weeks on friday at 12:00", start=datetime(2026, 1, 9, 12)) == []
    assert codes("every 36 hours", start=datetime(2026, 1, 9, 12)) == []


def test_a_step_that_dst_moves_tells_both_readings() -> None:
    (remark,) = said("every 12 hours")

    assert remark.code == "L024"
    assert remark.message == (
        "it counts elapsed time, so DST moves what the clock shows: "
        "00:00, 12:00, …; 01:00, 13:00, …"
    )
    assert remark.help == '"every day at 00:00 and 12:00" stays with the clock'


def test_a_step_in_a_zone_without_dst_is_not_moved() -> None:
    assert codes("every 12 hours", "UTC") == []
    assert codes("every 12 hours", "Asia/Kolkata") == []


def test_half_an_hour_of_dst_moves_every_hour() -> None:
    assert codes("every hour", "Australia/Lord_Howe") == ["L024"]
    assert codes("every 30 minutes", "Australia/Lord_Howe") == []


def test_many_hours_a_day_are_better_a_cron_expression() -> None:
    (remark,) = said("every 2 hours")

    assert remark.help == '"0 */2 * * *" stays with the clock'


def test_day_31_names_the_months_that_lack_it() -> None:
    (remark,) = said("every month on day 31 at 10:00")

    assert remark.code == "L025"
    assert remark.message == "day 31 does not exist in Feb, Apr, Jun, Sep, Nov: skipped there"


def test_day_31_taken_from_the_start_is_told_too() -> None:
    assert codes("FREQ=MONTHLY", start=datetime(2026, 1, 31)) == ["L025"]


def test_february_29_comes_in_leap_years_only() -> None:
    assert codes("0 0 29 2 *") == ["L025"]
    assert codes("0 0 31 1,3,5 *") == []


@pytest.mark.parametrize(
    "text", ["0 0 30 2 *", "0 0 31 4,6,9,11 *", "FREQ=YEARLY;BYDAY=53MO;BYYEARDAY=1"]
)
def test_what_is_never_due_is_an_error(text: str) -> None:
    assert codes(text) == ["L020"]


def test_one_impossible_part_of_a_union_is_an_error() -> None:
    assert codes(["every day at 09:00", "0 0 30 2 *"]) == ["L020"]


def test_count_needs_a_start() -> None:
    assert codes("FREQ=DAILY;COUNT=3") == ["L021"]
    assert codes("FREQ=DAILY;COUNT=3", start=datetime(2026, 1, 1)) == []


def test_until_before_the_start_is_an_error() -> None:
    assert codes("FREQ=DAILY;UNTIL=20250101", start=datetime(2026, 1, 1)) == ["L022"]


def test_nothing_between_start_and_end_is_told() -> None:
    assert codes("once at 2026-12-01 20:00", end=datetime(2026, 1, 1)) == ["L026"]
    assert codes(
        "every year on march 1 at 06:00", start=datetime(2026, 4, 1), end=datetime(2026, 5, 1)
    ) == ["L026"]


def test_the_loader_tells_of_an_end_before_the_start() -> None:
    assert codes("every day at 09:00", start=datetime(2026, 4, 1), end=datetime(2026, 3, 1)) == []


def test_every_code_is_registered() -> None:
    assert {code for code in CODES if code.startswith("L02")} == {
        f"L02{number}" for number in range(9)
    }


def test_a_rule_of_which_all_is_excluded_is_never_due() -> None:
    assert codes("every saturday at 09:00", exclude=(parse("every weekend"),)) == ["L028"]


def test_a_rule_of_which_all_moves_is_due() -> None:
    weekend = (parse("every weekend"),)

    assert codes("every saturday", exclude=weekend, on_excluded=OnExcluded.AFTER) == []


def test_a_rule_of_which_nothing_is_left_between_start_and_end_is_told() -> None:
    bounds = {"start": datetime(2026, 12, 24), "end": datetime(2026, 12, 24, 23)}

    assert codes("every day at 09:00", exclude=(date(2026, 12, 24),), **bounds) == ["L026"]


def test_a_rule_whose_last_instant_is_excluded_is_past() -> None:
    keys = {"end": datetime(2026, 12, 24, 23), "now": datetime(2026, 12, 23, 20, tzinfo=UTC)}

    assert codes("every day at 09:00", exclude=(date(2026, 12, 24),), **keys) == ["L027"]

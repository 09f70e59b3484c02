"""What each part of a rule selects."""

# ruff: noqa: DTZ001 - starts without an offset are read in the zone of the task

from __future__ import annotations

from datetime import datetime

import pytest

from linod.planner import Planner
from linod.recurrence.model import Basis, Frequency, Recurrence, Rule, Weekday, Window

from .building import planner, times, utc


def days(value: object, after: str, number: int, **keys: object) -> list[str]:
    return [each[:10] for each in times(planner(value, **keys), after, number)]


def of_rule(**parts: object) -> Planner:
    rule = Rule(**{"basis": Basis.WALL, **parts})  # type: ignore[arg-type]
    return Planner(Recurrence((rule,)), "UTC")


def test_every_weekday_leaves_the_weekend_out() -> None:
    assert days("every weekday at 07:00", "2026-11-20 00:00", 3) == [
        "2026-11-20",
        "2026-11-23",
        "2026-11-24",
    ]


def test_the_last_friday_of_each_month() -> None:
    assert days("every month on the last friday at 18:00", "2026-11-21 00:00", 3) == [
        "2026-11-27",
        "2026-12-25",
        "2027-01-29",
    ]


def test_the_last_weekday_of_each_month_is_a_position() -> None:
    assert days("every month on the last weekday at 16:00", "2026-01-01 00:00", 3) == [
        "2026-01-30",
        "2026-02-27",
        "2026-03-31",
    ]


def test_the_last_workday_of_cron_is_never_on_a_weekend() -> None:
    assert days("0 0 LW * *", "2026-01-01 00:00", 5) == [
        "2026-01-30",
        "2026-02-27",
        "2026-03-31",
        "2026-04-30",
        "2026-05-29",
    ]


def test_the_last_workday_joins_the_days_of_the_month() -> None:
    assert days("0 0 1,LW * *", "2026-01-15 00:00", 4) == [
        "2026-01-30",
        "2026-02-01",
        "2026-02-27",
        "2026-03-01",
    ]


def test_cron_takes_day_of_month_or_day_of_week() -> None:
    assert days("0 0 13 * 5", "2026-11-01 00:00", 4) == [
        "2026-11-06",
        "2026-11-13",
        "2026-11-20",
        "2026-11-27",
    ]


def test_day_31_skips_shorter_months() -> None:
    assert days("every month on day 31 at 10:00", "2026-01-01 00:00", 3) == [
        "2026-01-31",
        "2026-03-31",
        "2026-05-31",
    ]


def test_february_29_comes_in_leap_years() -> None:
    assert days("0 0 29 2 *", "2090-01-01 00:00", 3) == ["2092-02-29", "2096-02-29", "2104-02-29"]


def test_two_days_before_easter_is_good_friday() -> None:
    assert days("every easter -2 days at 10:00", "2026-01-01 00:00", 3) == [
        "2026-04-03",
        "2027-03-26",
        "2028-04-14",
    ]


def test_days_after_easter_may_be_in_the_next_year() -> None:
    rule = of_rule(frequency=Frequency.YEARLY, easter_offsets=(300,), times=(0,))

    assert [each[:10] for each in times(rule, "2026-01-01 00:00", 2)] == [
        "2026-02-14",
        "2027-01-30",
    ]


def test_week_53_comes_only_in_long_years() -> None:
    assert days("FREQ=YEARLY;BYWEEKNO=53;BYDAY=MO,SU", "2014-01-01 00:00", 4) == [
        "2015-12-28",
        "2016-01-03",
        "2020-12-28",
        "2021-01-03",
    ]


def test_week_53_does_not_fall_into_years_of_52_weeks() -> None:
    """dateutil finds 1995-01-01 here, which is in week 52 of 1994."""
    rule = planner("FREQ=YEARLY;BYWEEKNO=53;BYDAY=SU")

    assert rule.count(utc("1994-06-01T00:00"), utc("1998-06-01T00:00")) == 0


def test_the_last_week_is_counted_in_its_own_year() -> None:
    assert days("FREQ=YEARLY;BYWEEKNO=-1;BYDAY=SA", "2020-06-01 00:00", 3) == [
        "2021-01-02",
        "2022-01-01",
        "2022-12-31",
    ]


def test_a_week_number_without_a_weekday_takes_that_of_the_start() -> None:
    rule = "FREQ=YEARLY;BYWEEKNO=20"

    assert days(rule, "1997-01-01 00:00", 2, start=datetime(1997, 5, 14)) == [
        "1997-05-14",
        "1998-05-13",
    ]


def test_week_1_may_begin_in_december() -> None:
    assert days("FREQ=YEARLY;BYWEEKNO=1;BYDAY=MO", "1997-06-01 00:00", 3) == [
        "1997-12-29",
        "1999-01-04",
        "2000-01-03",
    ]


def test_the_last_day_of_the_year_is_minus_1() -> None:
    assert days("FREQ=YEARLY;BYYEARDAY=-1,60", "2027-06-01 00:00", 3) == [
        "2027-12-31",
        "2028-02-29",
        "2028-12-31",
    ]


def test_the_ordinal_of_a_weekday_counts_within_the_year() -> None:
    assert days("FREQ=YEARLY;BYDAY=20MO,-1SU", "2026-01-01 00:00", 2) == [
        "2026-05-18",
        "2026-12-27",
    ]


def test_positions_choose_among_the_times_too() -> None:
    assert times(planner("FREQ=DAILY;BYHOUR=9,17;BYSETPOS=-1"), "2026-01-01 00:00", 2) == [
        "2026-01-01 17:00:00+00:00",
        "2026-01-02 17:00:00+00:00",
    ]


def test_positions_of_a_week_count_from_its_first_day() -> None:
    rule = planner("FREQ=WEEKLY;BYDAY=MO,WE,FR;BYSETPOS=1", start=datetime(2026, 11, 18))

    assert [each[:10] for each in times(rule, "2026-11-01 00:00", 2)] == [
        "2026-11-23",
        "2026-11-30",
    ]


def test_positions_of_an_hour_choose_among_its_minutes() -> None:
    assert times(planner("FREQ=HOURLY;BYMINUTE=5,25,45;BYSETPOS=-1"), "2026-01-01 00:00", 2) == [
        "2026-01-01 00:45:00+00:00",
        "2026-01-01 01:45:00+00:00",
    ]


def test_every_two_weeks_counts_from_the_week_of_the_start() -> None:
    rule = "every 2 weeks on friday at 12:00"

    assert days(rule, "2026-11-01 00:00", 2, start=datetime(2026, 11, 10)) == [
        "2026-11-13",
        "2026-11-27",
    ]


def test_what_a_rule_leaves_open_comes_from_the_start() -> None:
    start = datetime(2026, 2, 3, 4, 5, 6)

    assert times(planner("FREQ=MONTHLY", start=start), "2026-01-01 00:00", 2) == [
        "2026-02-03 04:05:06+00:00",
        "2026-03-03 04:05:06+00:00",
    ]
    assert times(planner("FREQ=YEARLY", start=start), "2026-01-01 00:00", 2) == [
        "2026-02-03 04:05:06+00:00",
        "2027-02-03 04:05:06+00:00",
    ]
    assert times(planner("FREQ=WEEKLY;BYHOUR=7", start=start), "2026-01-01 00:00", 2) == [
        "2026-02-03 07:05:06+00:00",
        "2026-02-10 07:05:06+00:00",
    ]


def test_a_window_holds_both_of_its_ends() -> None:
    rule = planner("every 15 minutes between 09:00 and 17:45 on weekdays")

    assert times(rule, "2026-11-20 17:20", 3) == [
        "2026-11-20 17:30:00+00:00",
        "2026-11-20 17:45:00+00:00",
        "2026-11-23 09:00:00+00:00",
    ]


def test_a_window_may_pass_midnight() -> None:
    rule = of_rule(
        basis=Basis.FILTERED,
        frequency=Frequency.HOURLY,
        interval=3,
        window=Window(22 * 3600, 4 * 3600),
    )

    assert times(rule, "2026-11-20 12:00", 3) == [
        "2026-11-21 00:00:00+00:00",
        "2026-11-21 03:00:00+00:00",
        "2026-11-22 00:00:00+00:00",
    ]


def test_steps_that_do_not_divide_a_day_run_through_midnight() -> None:
    rule = planner("FREQ=MINUTELY;INTERVAL=50;BYHOUR=23,0", start=datetime(2026, 1, 1))

    assert times(rule, "2026-01-01 00:10", 4) == [
        "2026-01-01 00:50:00+00:00",
        "2026-01-01 23:20:00+00:00",
        "2026-01-02 00:10:00+00:00",
        "2026-01-02 23:30:00+00:00",
    ]


def test_an_hour_of_three_expands_into_its_minutes() -> None:
    rule = planner("FREQ=HOURLY;INTERVAL=3;BYMINUTE=0,40", start=datetime(2026, 1, 1, 1))

    assert times(rule, "2026-01-01 00:00", 4) == [
        "2026-01-01 01:00:00+00:00",
        "2026-01-01 01:40:00+00:00",
        "2026-01-01 04:00:00+00:00",
        "2026-01-01 04:40:00+00:00",
    ]


def test_a_union_counts_equal_instants_once() -> None:
    rule = planner(["every day at 09:00", "every weekday at 09:00 and 12:00"])

    assert times(rule, "2026-11-20 00:00", 4) == [
        "2026-11-20 09:00:00+00:00",
        "2026-11-20 12:00:00+00:00",
        "2026-11-21 09:00:00+00:00",
        "2026-11-22 09:00:00+00:00",
    ]
    assert rule.count(utc("2026-11-20T00:00"), utc("2026-11-24T00:00")) == 6
    assert len(list(rule.between(utc("2026-11-20T00:00"), utc("2026-11-24T00:00")))) == 6


@pytest.mark.parametrize("text", ["at start", "at boot", "manually", "continuously"])
def test_what_comes_from_the_engine_has_no_instants(text: str) -> None:
    rule = planner(text)

    assert rule.next(utc("2026-11-20T00:00")) is None
    assert rule.previous(utc("2026-11-20T00:00")) is None
    assert rule.count(utc("2000-01-01T00:00"), utc("2030-01-01T00:00")) == 0
    assert list(rule.between(utc("2000-01-01T00:00"), utc("2030-01-01T00:00"))) == []
    assert not rule.is_impossible


def test_once_is_one_instant() -> None:
    rule = planner("once at 2026-12-01 20:00", "Europe/Tallinn")

    assert rule.next(utc("2026-11-20T00:00")) == utc("2026-12-01T18:00")
    assert rule.next(utc("2026-12-01T18:00")) is None
    assert rule.previous(utc("2027-01-01T00:00")) == utc("2026-12-01T18:00")


def test_ordinals_of_weekdays_filter_within_the_month() -> None:
    rule = of_rule(
        basis=Basis.FILTERED,
        frequency=Frequency.HOURLY,
        weekdays=(Weekday(3, 4),),
        hours=(6, 7),
        minutes=(0,),
        seconds=(0,),
    )

    assert times(rule, "2026-11-01 00:00", 3) == [
        "2026-11-20 06:00:00+00:00",
        "2026-11-20 07:00:00+00:00",
        "2026-12-18 06:00:00+00:00",
    ]

"""RRULE: what RFC 5545 allows is read, what it forbids is refused with what is allowed."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from linod.recurrence import RecurrenceError, notation, parse
from linod.recurrence.model import Basis, Frequency, Interval, Part, Rule, Weekday, Window


def only(text: str) -> Part:
    (part,) = parse(text).parts
    return part


def rule(text: str) -> Rule:
    part = only(text)
    assert isinstance(part, Rule)
    return part


def refusal(text: str) -> RecurrenceError:
    with pytest.raises(RecurrenceError) as caught:
        parse(text)
    return caught.value


def test_the_name_in_front_and_the_case_do_not_matter() -> None:
    assert rule("FREQ=DAILY;INTERVAL=2") == rule("rrule:interval=2;freq=daily;")


def test_every_part_has_its_attribute() -> None:
    text = (
        "FREQ=YEARLY;INTERVAL=2;COUNT=3;BYMONTH=3,1;BYWEEKNO=-1,20;BYYEARDAY=-366,1;"
        "BYMONTHDAY=+5,-1;BYDAY=SU,MO;BYHOUR=9;BYMINUTE=0,30;BYSETPOS=-1,1;WKST=SU"
    )
    expected = Rule(
        frequency=Frequency.YEARLY,
        basis=Basis.WALL,
        interval=2,
        count=3,
        months=(1, 3),
        week_numbers=(-1, 20),
        year_days=(-366, 1),
        month_days=(-1, 5),
        weekdays=(Weekday(0, 0), Weekday(0, 6)),
        hours=(9,),
        minutes=(0, 30),
        positions=(-1, 1),
        week_start=6,
    )

    assert expected == only(text)


def test_weekdays_may_be_counted() -> None:
    assert (Weekday(-1, 4), Weekday(1, 0)) == rule("FREQ=MONTHLY;BYDAY=1MO,-1FR").weekdays


def test_until_is_a_day_a_local_time_or_utc() -> None:
    assert date(2026, 12, 31) == rule("FREQ=DAILY;UNTIL=20261231").until
    local = datetime(2026, 12, 31, 23, 59, 59)  # noqa: DTZ001

    assert local == rule("FREQ=DAILY;UNTIL=20261231T235959").until
    assert local.replace(tzinfo=UTC) == rule("FREQ=DAILY;UNTIL=20261231T235959Z").until


def test_an_end_beyond_all_years_is_none() -> None:
    assert rule("FREQ=DAILY") == rule("FREQ=DAILY;UNTIL=99991231T235959Z")


def test_below_daily_without_by_parts_it_is_elapsed() -> None:
    assert Interval(seconds=5400, count=4) == only("FREQ=MINUTELY;INTERVAL=90;COUNT=4;WKST=SU")


def test_below_daily_with_by_parts_it_is_filtered() -> None:
    part = rule("FREQ=MINUTELY;INTERVAL=20;BYHOUR=9,10")

    assert Basis.FILTERED is part.basis
    assert part.hours == (9, 10)


def test_easter_times_and_a_window_are_parts_of_linod() -> None:
    assert rule("FREQ=YEARLY;BYEASTER=+1,-2").easter_offsets == (-2, 1)
    assert rule("FREQ=DAILY;BYTIME=173000,080000").times == (28800, 63000)
    assert Window(0, 3661) == rule("FREQ=HOURLY;BETWEEN=000000-010101").window


@pytest.mark.parametrize(
    ("rrule", "phrase"),
    [
        ("FREQ=DAILY", "every day"),
        ("FREQ=DAILY;BYMONTH=1,2,3,4,5,6,7,8,9,10,11,12", "every day"),
        ("FREQ=DAILY;BYHOUR=9,17;BYMINUTE=0;BYSECOND=0", "every day at 09:00 and 17:00"),
        ("FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR", "every weekday"),
        ("FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR,SA,SU", "every day"),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=FR", "every 2 weeks on friday"),
        ("FREQ=MONTHLY;BYDAY=FR;BYSETPOS=-1", "every month on the last friday"),
        ("FREQ=YEARLY;BYMONTH=3;BYMONTHDAY=1", "every year on march 1"),
        ("FREQ=YEARLY;BYMONTHDAY=1", "every month on day 1"),
        ("FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU", "every year on the last sunday of march"),
        ("FREQ=HOURLY;INTERVAL=2", "every 2 hours"),
        ("FREQ=MINUTELY;INTERVAL=15;BYDAY=SA,SU", "every 15 minutes on weekends"),
        ("FREQ=HOURLY;BYMINUTE=20;BYSECOND=0", "every hour at minute 20"),
    ],
)
def test_what_a_phrase_says_too_is_printed_as_the_phrase(rrule: str, phrase: str) -> None:
    assert phrase == notation(parse(rrule))


@pytest.mark.parametrize(
    "text",
    [
        "FREQ=DAILY;COUNT=10",
        "FREQ=YEARLY;BYDAY=20MO",
        "FREQ=YEARLY;BYMONTHDAY=13;BYDAY=1FR",
        "FREQ=YEARLY;BYMONTH=6,7",
        "FREQ=WEEKLY;INTERVAL=2;UNTIL=19971224T000000Z;BYDAY=MO,WE,FR;WKST=SU",
        "FREQ=MONTHLY;BYDAY=FR;BYHOUR=9,17;BYSETPOS=-1",
        "FREQ=WEEKLY;BYMONTH=3;BYDAY=MO;BYTIME=080000,173000",
        "FREQ=MINUTELY;INTERVAL=15;BYMONTH=3;BETWEEN=090000-174500",
    ],
)
def test_the_rest_is_printed_as_it_was(text: str) -> None:
    assert text == notation(parse(text))


@pytest.mark.parametrize(
    ("text", "help_has"),
    [
        ("FREQ=DAILY;INTERVAL=0", "INTERVAL is at least 1"),
        ("FREQ=YEARLY;INTERVAL=301", "at most 300 years"),
        ("FREQ=DAILY;COUNT=0", "COUNT is at least 1"),
        ("FREQ=DAILY;COUNT=1000000001", "at most 1000000000"),
        ("FREQ=DAILY;BYTIME=" + ",".join(["080000"] * 1441), "at most 1440"),
        ("FREQ=DAILY;COUNT=1;UNTIL=20260101", "COUNT or UNTIL, not both"),
        ("FREQ=YEARLY;BYMONTH=13", "BYMONTH is 1 to 12"),
        ("FREQ=YEARLY;BYMONTH=-1", "digits"),
        ("FREQ=MONTHLY;BYMONTHDAY=0", "BYMONTHDAY is 1 to 31, or -31 to -1"),
        ("FREQ=DAILY;BYHOUR=24", "BYHOUR is 0 to 23"),
        ("FREQ=DAILY;BYSECOND=60", "leap seconds"),
        ("FREQ=MONTHLY;BYWEEKNO=3", "FREQ=YEARLY only"),
        ("FREQ=MONTHLY;BYYEARDAY=3", "BYYEARDAY is for"),
        ("FREQ=WEEKLY;BYMONTHDAY=3", "not for FREQ=WEEKLY"),
        ("FREQ=WEEKLY;BYDAY=1MO", "only in MONTHLY and YEARLY"),
        ("FREQ=YEARLY;BYWEEKNO=3;BYDAY=1MO", "beside BYWEEKNO"),
        ("FREQ=MONTHLY;BYDAY=0MO", "1MO"),
        ("FREQ=MONTHLY;BYDAY=54MO", "1 to 53"),
        ("FREQ=MONTHLY;BYSETPOS=1", "add one"),
        ("FREQ=DAILY;FREQ=DAILY", "given once"),
        ("FREQ=DAILY;BYHOUR=", "BYHOUR=…"),
        ("FREQ=DAILY;BYHOUR=٣", "ASCII"),
        ("FREQ=DAILY;BYDAI=MO", 'did you mean "BYDAY"?'),
        ("FREQ=FORTNIGHTLY", "DAILY, WEEKLY"),
        ("INTERVAL=2", "FREQ is one of"),
        ("FREQ=DAILY;WKST=1", "MO, TU"),
        ("FREQ=DAILY;UNTIL=2026-12-31", "20261231"),
        ("FREQ=DAILY;UNTIL=20260230", "20261231"),
        ("FREQ=MONTHLY;BYEASTER=1", "FREQ=YEARLY only"),
        ("FREQ=YEARLY;BYEASTER=1;BYMONTH=3", "beside BYEASTER stand only"),
        ("FREQ=YEARLY;BYEASTER=300", "-80 to 250"),
        ("FREQ=HOURLY;BYTIME=080000", "DAILY and coarser"),
        ("FREQ=DAILY;BYHOUR=8;BYTIME=080000", "stands for"),
        ("FREQ=DAILY;BETWEEN=080000-090000", "HOURLY, MINUTELY"),
        ("FREQ=HOURLY;BETWEEN=080000", "HHMMSS"),
        ("FREQ=DAILY; COUNT=3", "without spaces"),
        ("FREQ=DAILY\nFREQ=WEEKLY", "a list"),
    ],
)
def test_what_the_standard_forbids_is_refused_and_told(text: str, help_has: str) -> None:
    error = refusal(text)

    assert help_has in (error.help or "")
    assert error.code in ("L010", "L016")


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("DTSTART:20260101T000000\nRRULE:FREQ=DAILY", "start"),
        ("DTSTART;TZID=Europe/Tallinn:20260101T000000\r\nRRULE:FREQ=DAILY", "start"),
        ("RRULE:FREQ=DAILY\nEXDATE:20260101T000000", "exclude"),
    ],
)
def test_lines_that_are_keys_of_the_task_are_named(text: str, key: str) -> None:
    error = refusal(text)

    assert error.code == "L019"
    assert f"write the key `{key}`" == error.help


def test_a_folded_line_is_one_line() -> None:
    assert rule("FREQ=DAILY;INTERVAL=2") == rule("RRULE:FREQ=DAILY;INTER\r\n VAL=2")

"""Tables, lists and TOML values."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Any

import pytest

from linod.recurrence import RecurrenceError, in_words, notation, parse
from linod.recurrence.model import MANUALLY, Once, Rule


def refusal(value: object) -> RecurrenceError:
    with pytest.raises(RecurrenceError) as caught:
        parse(value)
    return caught.value


@pytest.mark.parametrize(
    ("table", "printed"),
    [
        ({"unit": "secondly", "every": 10}, "every 10 seconds"),
        ({"unit": "minutely", "weekdays": ["sat", "Sunday"]}, "every minute on weekends"),
        ({"unit": "hourly", "minutes": [20]}, "every hour at minute 20"),
        (
            {"unit": "minutely", "every": 15, "between": ["09:00", time(17, 45)]},
            "every 15 minutes between 09:00 and 17:45",
        ),
        ({"unit": "daily"}, "every day"),
        ({"unit": "daily", "every": 2, "at": "9:00"}, "every 2 days at 09:00"),
        ({"unit": "daily", "weekdays": "mon", "at": [time(9)]}, "every monday at 09:00"),
        (
            {"unit": "weekly", "every": 2, "weekdays": ["mon"], "at": ["noon"]},
            "every 2 weeks on monday at 12:00",
        ),
        ({"unit": "weekly", "positions": [1, -1]}, "every monday and sunday"),
        ({"unit": "monthly", "positions": [-1]}, "every month on day -1"),
        (
            {"unit": "monthly", "days": [1, -1], "at": ["0:30"]},
            "every month on day 1 and -1 at 00:30",
        ),
        (
            {"unit": "monthly", "weekdays": ["fri"], "positions": [-1], "at": ["18:00"]},
            "every month on the last friday at 18:00",
        ),
        (
            {
                "unit": "monthly",
                "weekdays": ["mon", "tue", "wed", "thu", "fri"],
                "positions": [-1],
                "at": ["16:00", "18:00"],
            },
            "every month on the last weekday at 16:00 and 18:00",
        ),
        (
            {"unit": "yearly", "months": 3, "days": 1, "at": "6:00"},
            "every year on march 1 at 06:00",
        ),
        (
            {"unit": "yearly", "months": [3], "positions": [-1]},
            "FREQ=YEARLY;BYMONTH=3;BYDAY=MO,TU,WE,TH,FR,SA,SU;BYSETPOS=-1",
        ),
        ({"unit": "yearly", "positions": [100]}, "FREQ=YEARLY;BYYEARDAY=100"),
        ({"unit": "easter", "offset": -2, "at": ["10:00"]}, "every easter -2 days at 10:00"),
        ({"unit": "easter"}, "every easter"),
        ({"unit": "once", "date": date(2026, 12, 1)}, "once at 2026-12-01 00:00"),
        ({"unit": "once", "date": "2026-12-01", "at": "20:00"}, "once at 2026-12-01 20:00"),
        ({"unit": "never"}, "manually"),
    ],
)
def test_a_table_is_printed_as_the_phrase(table: dict[str, Any], printed: str) -> None:
    recurrence = parse(table)

    assert printed == notation(recurrence)
    assert recurrence == parse(printed)


def test_positions_select_days_so_each_time_is_a_rule() -> None:
    table = {
        "unit": "weekly",
        "weekdays": ["mon", "fri"],
        "positions": [-1],
        "at": ["8:00", "9:00"],
    }
    parts = parse(table).parts

    assert [part.times for part in parts if isinstance(part, Rule)] == [(28800,), (32400,)]
    assert parse(table) == parse(notation(parse(table)))


@pytest.mark.parametrize(
    ("table", "message", "help_has"),
    [
        ({}, "a recurrence table needs unit", "weekly"),
        ({"every": 2}, "a recurrence table needs unit", "weekly"),
        ({"unit": "daily", "at": ["9:00"] * 1441}, "at has 1441 times of day", "1440"),
        ({"unit": "week"}, 'unknown unit "week" in a recurrence table', "weekly"),
        ({"unit": 3}, "unknown unit int in a recurrence table", "weekly"),
        ({"unti": "weekly"}, 'unknown key "unti" in a recurrence table', '"unit"'),
        (
            {"unit": "weekly", "wekdays": []},
            'unknown key "wekdays" in a recurrence table',
            "weekdays",
        ),
        ({"unit": "weekly", "days": [1]}, 'days is not allowed with unit = "weekly"', "positions"),
        ({"unit": "never", "every": 1}, 'every is not allowed with unit = "never"', "alone"),
        ({"unit": "hourly", "at": ["9:00"]}, 'at is not allowed with unit = "hourly"', "minutes"),
        ({"unit": "daily", "every": 0}, "an interval of 0", "at least 1"),
        ({"unit": "daily", "every": True}, "every is no whole number", "every = 2"),
        ({"unit": "daily", "every": 1.0}, "every is no whole number", "every = 2"),
        ({"unit": "daily", "every": 10**30}, "an interval of a number that big", "300 years"),
        ({"unit": "weekly", "weekdays": ["mo"]}, 'unknown weekday "mo"', "monday"),
        ({"unit": "weekly", "weekdays": [1]}, "weekdays has a value that is no name", "mon"),
        ({"unit": "weekly", "weekdays": []}, "weekdays is empty", "leave"),
        ({"unit": "monthly", "days": [32]}, "days: 32 is out of range", "-31"),
        ({"unit": "monthly", "days": [True]}, "days has a value that is no whole number", "31"),
        ({"unit": "monthly", "positions": [0]}, "positions: 0 is out of range", "366"),
        (
            {"unit": "monthly", "positions": [32]},
            "a position beyond the days of a monthly period",
            "31",
        ),
        ({"unit": "yearly", "months": [13]}, "months: 13 is out of range", "1 to 12"),
        ({"unit": "daily", "at": ["25:00"]}, 'at: "25:00" is no time of day', "09:00"),
        ({"unit": "daily", "at": [20]}, "at: a value of another type is no time of day", "09:00"),
        ({"unit": "daily", "at": [time(9, 0, 0, 1)]}, "at has a fraction of a second", "09:00"),
        ({"unit": "hourly", "between": "9-17"}, "between is no pair of times", "17:45"),
        ({"unit": "easter", "offset": 1.5}, "offset is no whole number of days", "-2"),
        ({"unit": "easter", "offset": 999}, "offset is out of range", "250"),
        ({"unit": "once"}, 'unit = "once" needs date', "date = 2026-12-01"),
        ({"unit": "once", "date": 20261201}, "date is no date", "2026-12-01"),
        (
            {"unit": "once", "date": "2026-12-01 9:00", "at": "9:00"},
            "date has a time, and there is at",
            "beside",
        ),
    ],
)
def test_a_table_is_strict(table: dict[str, Any], message: str, help_has: str) -> None:
    error = refusal(table)

    assert error.code == "L017"
    assert message == error.message
    assert help_has in (error.help or "")


def test_a_date_of_toml_is_once() -> None:
    local = datetime(2026, 12, 1, 20)  # noqa: DTZ001
    utc = datetime(2026, 12, 1, 20, tzinfo=UTC)

    assert (Once(local),) == parse(local).parts
    assert (Once(utc),) == parse(utc).parts
    assert (Once(local.replace(hour=0)),) == parse(date(2026, 12, 1)).parts


def test_a_list_is_the_union_without_doubles() -> None:
    recurrence = parse(["every day at 9:00", "0 9 * * *", {"unit": "easter"}, date(2026, 12, 1)])

    expected = ["every day at 09:00", "every easter", "once at 2026-12-01 00:00"]

    assert expected == notation(recurrence)
    assert recurrence == parse(expected)


def test_a_union_with_a_rule_of_positions_is_a_list() -> None:
    texts = ["FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=9", "at start"]

    assert notation(parse(texts)) == texts


def test_a_union_is_one_line_in_words() -> None:
    assert in_words(parse(["every day at 9:00", "at start"])) == "every day at 09:00; at start"
    assert in_words(MANUALLY) == "manually"


@pytest.mark.parametrize(
    ("value", "code", "message"),
    [
        ([], "L018", "an empty list is no recurrence"),
        ([["every day"]], "L018", "item 1 of the list is a list"),
        (["every day"] * 1001, "L018", "a list of 1001 recurrences"),
        (
            ["every day", "every dya"],
            "L012",
            'unknown unit "dya" in a recurrence, in item 2 of the list',
        ),
        (True, "L010", "true or false is no recurrence"),
        (10, "L010", "a number is no recurrence"),
        (10**400, "L010", "a number is no recurrence"),
        (float("nan"), "L010", "a number is no recurrence"),
        (None, "L010", "nothing is no recurrence"),
        (time(9), "L010", "a time of day is no recurrence"),
        (object(), "L010", "a value of another type is no recurrence"),
        (datetime(2026, 1, 1, 0, 0, 0, 5), "L014", "an instant has whole seconds"),  # noqa: DTZ001
        (datetime(9999, 12, 31), "L014", "the year 9999 is out of range"),  # noqa: DTZ001
    ],
)
def test_other_values_are_no_recurrence(value: object, code: str, message: str) -> None:
    error = refusal(value)

    assert (code, message) == (error.code, error.message)
    assert message == str(error)


def test_a_time_of_day_and_a_number_are_told_as_phrases() -> None:
    assert refusal(time(9, 30)).suggestion == "every day at 09:30"
    assert refusal(10).help == 'write "every 10 seconds"'

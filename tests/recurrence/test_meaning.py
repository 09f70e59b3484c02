"""What notations mean in time: the instants that follow, by hand from the calendar of 2026."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from linod.planner import Planner
from linod.recurrence import parse

AFTER = datetime(2026, 11, 21, 7, 0, tzinfo=UTC)  # A Saturday.


def dues(value: object, count: int) -> list[str]:
    """List the next instants in UTC."""
    planner = Planner(parse(value), "UTC")
    found: list[datetime] = []
    due: datetime | None = AFTER
    while len(found) < count and (due := planner.next(due)):
        found.append(due)
    return [f"{due:%Y-%m-%d %H:%M:%S}".removesuffix(":00") for due in found]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("every 10 seconds", ["2026-11-21 07:00:10", "2026-11-21 07:00:20"]),
        ("every hour at minute 20", ["2026-11-21 07:20", "2026-11-21 08:20"]),
        ("every 2 hours at minute 15", ["2026-11-21 08:15", "2026-11-21 10:15"]),
        (
            "every 15 minutes between 09:00 and 09:15 on weekdays",
            ["2026-11-23 09:00", "2026-11-23 09:15", "2026-11-24 09:00"],
        ),
        (
            "every 3 hours between 22:00 and 06:00",
            ["2026-11-22 00:00", "2026-11-22 03:00", "2026-11-22 06:00", "2026-11-23 00:00"],
        ),
        ("every 30 seconds on weekends", ["2026-11-21 07:00:30", "2026-11-21 07:01"]),
        ("every day", ["2026-11-22 00:00", "2026-11-23 00:00"]),
        ("every week", ["2026-11-23 00:00", "2026-11-30 00:00"]),
        ("every month", ["2026-12-01 00:00", "2027-01-01 00:00"]),
        ("every year", ["2027-01-01 00:00", "2028-01-01 00:00"]),
        ("every quarter", ["2027-01-01 00:00", "2027-04-01 00:00"]),
        ("every weekday at 08:00 and 17:30", ["2026-11-23 08:00", "2026-11-23 17:30"]),
        ("every 2 weeks on friday at 12:00", ["2026-12-04 12:00", "2026-12-18 12:00"]),
        ("every month on day 31 at 00:30", ["2026-12-31 00:30", "2027-01-31 00:30"]),
        ("every month on the last friday at 18:00", ["2026-11-27 18:00", "2026-12-25 18:00"]),
        ("every month on the second last friday", ["2026-12-18 00:00", "2027-01-22 00:00"]),
        (
            "every month on the last weekday at 16:00 and 18:00",
            ["2026-11-30 16:00", "2026-11-30 18:00", "2026-12-31 16:00"],
        ),
        ("every quarter on the last friday at 18:00", ["2026-12-25 18:00", "2027-03-26 18:00"]),
        ("every quarter on day -1", ["2026-12-31 00:00", "2027-03-31 00:00"]),
        ("every quarter on the last weekday", ["2026-12-31 00:00", "2027-03-31 00:00"]),
        ("every year on march 1 and october 1 at 06:00", ["2027-03-01 06:00", "2027-10-01 06:00"]),
        ("every year on the last sunday of march", ["2027-03-28 00:00", "2028-03-26 00:00"]),
        ("every 2 years on the last weekday of may", ["2027-05-31 00:00", "2029-05-31 00:00"]),
        ("every easter -2 days at 10:00", ["2027-03-26 10:00", "2028-04-14 10:00"]),
        ("once at 2026-12-01 20:00", ["2026-12-01 20:00"]),
        ("0 0 13 * 5", ["2026-11-27 00:00", "2026-12-04 00:00", "2026-12-11 00:00"]),
        ("* * LW 12 *", ["2026-12-31 00:00", "2026-12-31 00:01"]),
        ("FREQ=WEEKLY;BYMONTH=12;BYDAY=MO;BYTIME=080000,173000", ["2026-12-07 08:00"]),
        ("FREQ=YEARLY;BYEASTER=1,-2;BYHOUR=9;BYMINUTE=0", ["2027-03-26 09:00", "2027-03-29 09:00"]),
        ("FREQ=HOURLY;BYMONTHDAY=1;BETWEEN=083000-093000", ["2026-12-01 09:00"]),
        ("manually", []),
    ],
)
def test_the_next_instants(text: str, expected: list[str]) -> None:
    assert dues(text, max(len(expected), 1)) == expected


def test_positions_of_a_table_select_days() -> None:
    table = {
        "unit": "weekly",
        "weekdays": ["mon", "fri"],
        "positions": [-1],
        "at": ["8:00", "9:00"],
    }

    assert dues(table, 3) == ["2026-11-27 08:00", "2026-11-27 09:00", "2026-12-04 08:00"]


def test_a_union_counts_equal_instants_once() -> None:
    value = ["every day at 09:00", "every saturday at 09:00", "at start"]

    assert dues(value, 2) == ["2026-11-21 09:00", "2026-11-22 09:00"]

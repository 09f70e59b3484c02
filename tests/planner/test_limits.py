"""The ends of the calendar, rules that are never due, and long ranges."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

import pytest

from .building import planner, utc

BEGIN, END = utc("2020-01-01T00:00"), utc("2030-01-01T00:00")
EARLIEST, LATEST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
TEXTS = [
    "every second",
    "every 7 hours",
    "every day at 03:30",
    "every weekday at 07:00",
    "every 2 weeks on friday at 12:00",
    "every month on the last weekday at 16:00",
    "every year on march 1 at 06:00",
    "every easter -2 days at 10:00",
    "FREQ=YEARLY;BYWEEKNO=53;BYDAY=MO",
    "* * * * * *",
    "*/7 * * * *",
    "every 7 minutes between 09:00 and 17:00 on weekdays",
]
ZONES = ["UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago", "Europe/Tallinn"]


def seconds_of(work: Callable[[], object]) -> float:
    """Measure the fastest of three, on a machine that does other things too."""
    taken = []
    for _ in range(3):
        begin = time.perf_counter()
        work()
        taken.append(time.perf_counter() - begin)
    return min(taken)


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("text", TEXTS)
def test_the_ends_of_the_calendar_are_no_trouble(text: str, zone: str) -> None:
    rule = planner(text, zone)

    assert rule.next(LATEST) is None
    assert rule.previous(EARLIEST) is None
    last, first = rule.previous(LATEST), rule.next(EARLIEST)
    assert last is not None
    assert first is not None
    assert rule.next(last) is None
    assert rule.previous(first) in (None, EARLIEST)
    assert rule.count(last - timedelta(seconds=1), LATEST) == 1
    assert list(rule.between(EARLIEST, first)) in ([first], [])
    assert rule.note(last) is None


def test_the_last_second_of_the_calendar_is_due() -> None:
    assert planner("* * * * * *").previous(LATEST) == utc("9999-12-31T23:59:59")
    assert planner("every day at 23:59").previous(LATEST) == utc("9999-12-31T23:59")


def test_a_local_time_beyond_the_calendar_is_not_due() -> None:
    assert planner("every day at 23:00", "America/New_York").previous(LATEST) == utc(
        "9999-12-31T04:00"
    )


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("every second", 315_619_200),
        ("* * * * * *", 315_619_200),
        ("*/10 * * * * *", 31_561_920),
        ("every 10 seconds", 31_561_920),
        ("0 * * * *", 87_672),
    ],
)
def test_ten_years_are_counted_by_arithmetic(text: str, number: int) -> None:
    rule = planner(text, "Europe/Tallinn")

    assert rule.count(BEGIN, END) == number
    assert seconds_of(lambda: planner(text, "Europe/Tallinn").count(BEGIN, END)) < 0.1


def test_counting_stops_where_it_is_told_to() -> None:
    rule = planner(["* * * * * *", "*/7 * * * *"], "Europe/Tallinn")

    assert rule.count(BEGIN, END, 1000) == 1000
    assert seconds_of(lambda: rule.count(BEGIN, END, at_most=1000)) < 0.1


def test_an_at_most_that_is_not_reached_changes_nothing() -> None:
    assert planner("every day at 09:00").count(BEGIN, utc("2020-01-11T00:00"), 1000) == 10


@pytest.mark.parametrize(
    "text",
    ["0 0 30 2 *", "0 0 31 2,4,6,9,11 *", "*/5 * 30 2 *", "FREQ=YEARLY;BYYEARDAY=366;BYMONTH=1"],
)
def test_an_impossible_rule_ends_the_search(text: str) -> None:
    rule = planner(text, "Europe/Tallinn")

    assert rule.is_impossible
    assert rule.next(BEGIN) is None
    assert rule.previous(BEGIN) is None
    assert seconds_of(lambda: rule.next(BEGIN)) < 1


def test_a_rule_of_each_second_on_february_29_is_possible() -> None:
    rule = planner("* * * 29 2 *")

    assert not rule.is_impossible
    assert rule.next(utc("2096-03-01T00:00")) == utc("2104-02-29T00:00")


def test_every_300_years_is_found() -> None:
    rule = planner("FREQ=YEARLY;INTERVAL=300", start=utc("2026-03-01T00:00"))

    assert rule.next(utc("2026-03-01T00:00")) == utc("2326-03-01T00:00")


def test_february_29_every_100_years_waits_for_the_year_that_has_it() -> None:
    rule = planner(
        "FREQ=YEARLY;INTERVAL=100;BYMONTH=2;BYMONTHDAY=29", start=utc("2001-01-01T00:00")
    )

    assert rule.is_impossible
    rule = planner(
        "FREQ=YEARLY;INTERVAL=100;BYMONTH=2;BYMONTHDAY=29", start=utc("2100-01-01T00:00")
    )

    assert rule.next(utc("2100-01-01T00:00")) == utc("2400-02-29T00:00")


def test_fractions_of_a_second_are_before_and_after() -> None:
    rule = planner("every day at 09:00")
    due = utc("2026-01-01T09:00")

    assert rule.next(due - timedelta(microseconds=1)) == due
    assert rule.previous(due + timedelta(microseconds=1)) == due
    assert rule.next(due) == due + timedelta(days=1)
    assert rule.previous(due) == due - timedelta(days=1)


def test_times_of_another_zone_are_instants_too() -> None:
    due = datetime(2026, 1, 1, 12, tzinfo=timezone(timedelta(hours=3)))

    assert planner("every day at 09:00").previous(due + timedelta(seconds=1)) == due


def test_a_range_that_runs_backwards_is_empty() -> None:
    rule = planner("every day at 09:00")

    assert rule.count(END, BEGIN) == 0
    assert list(rule.between(END, BEGIN)) == []
    assert planner("every second").count(END, BEGIN) == 0

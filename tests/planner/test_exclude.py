"""What `exclude` takes out, and what `on_excluded` makes of it."""

# ruff: noqa: DTZ001 - starts without an offset are read in the zone of the task

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest

from linod.planner import Planner
from linod.recurrence import parse
from linod.specs import (
    CalendarDays,
    CalendarName,
    Dst,
    Exclusion,
    Fold,
    Gap,
    OnExcluded,
    Task,
    TaskName,
)

from .building import local, planner, times, utc

TALLINN = "Europe/Tallinn"
CHRISTMAS = (date(2026, 12, 24), date(2026, 12, 25), date(2026, 12, 26))
CALENDAR = CalendarName(
    calendar="ee",
    days=CalendarDays({date(2026, 2, 24): "Independence Day", date(2026, 12, 31): ""}),
)
BEGIN, END = utc("2020-01-01T00:00"), utc("2030-01-01T00:00")


def without(value: object, *exclude: object, zone: str = TALLINN, **keys: Any) -> Planner:
    """Build a planner; texts among what is excluded are recurrences."""
    return planner(value, zone, exclude=tuple(map(_exclusion, exclude)), **keys)


def _exclusion(value: Any) -> Exclusion:
    return parse(value) if isinstance(value, str | list | datetime) else value


def seconds_of(ask: Callable[[], object]) -> float:
    before = time.perf_counter()
    ask()
    return time.perf_counter() - before


# -- skip ---------------------------------------------------------------------------------------


def test_a_date_takes_out_its_whole_local_day() -> None:
    rule = without("every 12 hours", date(2026, 12, 24), start=datetime(2026, 12, 23))

    assert times(rule, "2026-12-22 00:00", 4, TALLINN) == [
        "2026-12-23 00:00:00+02:00",
        "2026-12-23 12:00:00+02:00",
        "2026-12-25 00:00:00+02:00",
        "2026-12-25 12:00:00+02:00",
    ]


def test_a_calendar_takes_out_its_days() -> None:
    rule = without("every day at 07:00", CALENDAR)

    assert times(rule, "2026-02-23 00:00", 2, TALLINN) == [
        "2026-02-23 07:00:00+02:00",
        "2026-02-25 07:00:00+02:00",
    ]


def test_an_excluding_recurrence_without_a_time_takes_out_whole_days() -> None:
    rule = without("every 8 hours", "every saturday", zone="UTC")

    assert times(rule, "2026-11-20 15:00", 3) == [
        "2026-11-20 16:00:00+00:00",
        "2026-11-22 00:00:00+00:00",
        "2026-11-22 08:00:00+00:00",
    ]


def test_an_excluding_recurrence_with_a_time_takes_out_that_instant() -> None:
    rule = without("every 8 hours", "every saturday at 08:00", zone="UTC")

    assert times(rule, "2026-11-20 23:00", 3) == [
        "2026-11-21 00:00:00+00:00",
        "2026-11-21 16:00:00+00:00",
        "2026-11-22 00:00:00+00:00",
    ]


def test_an_instant_takes_out_itself() -> None:
    rule = without("every day at 07:00", datetime(2026, 12, 24, 7), datetime(2026, 12, 25, 8))

    assert times(rule, "2026-12-23 12:00", 1, TALLINN) == ["2026-12-25 07:00:00+02:00"]


def test_the_phase_of_an_excluding_recurrence_is_counted_from_start() -> None:
    rule = without("every day", "every 2 days", start=datetime(2026, 1, 1, 9))

    assert times(rule, "2026-01-01 00:00", 2, TALLINN) == [
        "2026-01-02 09:00:00+02:00",
        "2026-01-04 09:00:00+02:00",
    ]


def test_an_until_in_utc_ends_with_the_local_day() -> None:
    rule = without("every day at 09:00", "FREQ=DAILY;UNTIL=20261231T220000Z")

    assert rule.next(BEGIN) == local("2027-01-02 09:00", TALLINN)


def test_a_count_of_days_is_counted_from_the_day_of_start() -> None:
    rule = without("every day", "FREQ=DAILY;COUNT=3", start=datetime(2026, 1, 1, 9))

    assert rule.next(BEGIN) == local("2026-01-04 09:00", TALLINN)


def test_max_events_counts_what_is_left() -> None:
    rule = without("every day", date(2026, 1, 2), start=datetime(2026, 1, 1, 9), max_events=3)

    assert times(rule, "2026-01-01 00:00", 9, TALLINN) == [
        "2026-01-01 09:00:00+02:00",
        "2026-01-03 09:00:00+02:00",
        "2026-01-04 09:00:00+02:00",
    ]


def test_a_count_of_the_rule_counts_what_is_excluded_too() -> None:
    rule = without("FREQ=DAILY;COUNT=3", date(2026, 1, 2), start=datetime(2026, 1, 1, 9))

    assert rule.count(BEGIN, END) == 2


# -- before and after ---------------------------------------------------------------------------


def test_after_moves_to_the_same_time_of_the_next_open_day() -> None:
    rule = without(
        "every thursday at 09:00", *CHRISTMAS, "every sunday", on_excluded=OnExcluded.AFTER
    )

    assert times(rule, "2026-12-18 00:00", 2, TALLINN) == [
        "2026-12-28 09:00:00+02:00",
        "2026-12-31 09:00:00+02:00",
    ]


def test_before_moves_to_the_same_time_of_the_last_open_day() -> None:
    rule = without("every month on day 1 at 09:00", "every weekend", on_excluded=OnExcluded.BEFORE)

    assert times(rule, "2026-07-15 00:00", 2, TALLINN) == [
        "2026-07-31 09:00:00+03:00",
        "2026-09-01 09:00:00+03:00",
    ]


def test_what_moves_to_where_an_instant_is_becomes_one_with_it() -> None:
    rule = without("every day at 09:00", *CHRISTMAS, on_excluded=OnExcluded.AFTER)

    assert rule.count(utc("2026-12-01T00:00"), utc("2027-01-01T00:00")) == 28


def test_the_wall_time_stays_where_dst_begins_between() -> None:
    rule = without(
        "every saturday at 09:00", date(2027, 3, 27), zone=TALLINN, on_excluded=OnExcluded.AFTER
    )

    assert times(rule, "2027-03-22 00:00", 1, TALLINN) == ["2027-03-28 09:00:00+03:00"]


def test_a_time_that_a_gap_moved_keeps_the_time_of_the_rule() -> None:
    rule = without("every sunday at 03:30", date(2027, 3, 28), on_excluded=OnExcluded.AFTER)

    assert times(rule, "2027-03-22 00:00", 1, TALLINN) == ["2027-03-29 03:30:00+03:00"]


def test_a_time_that_moves_into_a_gap_happens_at_its_end() -> None:
    rule = without("every saturday at 03:30", date(2027, 3, 27), on_excluded=OnExcluded.AFTER)

    assert times(rule, "2027-03-22 00:00", 1, TALLINN) == ["2027-03-28 04:00:00+03:00"]


def test_a_time_that_moves_into_a_gap_is_skipped_where_dst_says_so() -> None:
    rule = without(
        "every saturday at 03:30",
        date(2027, 3, 27),
        on_excluded=OnExcluded.AFTER,
        dst=Dst(gap=Gap.SKIP),
    )

    assert times(rule, "2027-03-22 00:00", 1, TALLINN) == ["2027-04-03 03:30:00+03:00"]


def test_a_time_that_moves_into_both_passes_happens_twice_where_dst_says_so() -> None:
    rule = without(
        "every saturday at 03:30",
        date(2027, 10, 30),
        on_excluded=OnExcluded.AFTER,
        dst=Dst(fold=Fold.BOTH),
    )

    assert times(rule, "2027-10-25 00:00", 2, TALLINN) == [
        "2027-10-31 03:30:00+03:00",
        "2027-10-31 03:30:00+02:00",
    ]


def test_nothing_moves_to_an_instant_that_is_taken_out() -> None:
    rule = without(
        "every thursday at 09:00",
        date(2026, 12, 24),
        "every friday at 09:00",
        on_excluded=OnExcluded.AFTER,
    )

    assert times(rule, "2026-12-18 00:00", 1, TALLINN) == ["2026-12-31 09:00:00+02:00"]


def test_steps_of_elapsed_time_do_not_move() -> None:
    rule = without("every 7 hours", date(2026, 12, 24), on_excluded=OnExcluded.AFTER)
    skipping = without("every 7 hours", date(2026, 12, 24))

    assert rule.count(BEGIN, END) == skipping.count(BEGIN, END)
    assert rule.definition == skipping.definition


def test_nothing_moves_over_more_than_a_year() -> None:
    rule = without(
        "once at 2026-05-01 09:00", "FREQ=DAILY;UNTIL=20280101", on_excluded=OnExcluded.AFTER
    )

    assert rule.next(BEGIN) is None


@pytest.mark.parametrize("on_excluded", [OnExcluded.BEFORE, OnExcluded.AFTER])
def test_nothing_moves_in_or_out_through_start_and_end(on_excluded: OnExcluded) -> None:
    rule = without(
        "every day at 09:00",
        date(2026, 1, 1),
        date(2026, 1, 2),
        date(2026, 1, 5),
        date(2026, 1, 6),
        start=datetime(2026, 1, 2),
        end=datetime(2026, 1, 5, 23),
        on_excluded=on_excluded,
    )

    assert times(rule, "2025-12-01 00:00", 9, TALLINN) == [
        "2026-01-03 09:00:00+02:00",
        "2026-01-04 09:00:00+02:00",
    ]


# -- all excluded -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "exclude"),
    [
        ("every day at 09:00", "every day"),
        ("every day at 09:00", "every day at 09:00"),
        ("every saturday at 09:00", "every weekend"),
        ("every second", "every second"),
        ("every 2 hours", "every second"),
        ("*/10 * * * * *", "every 10 seconds"),
        ("0-10,20-30 5 * * * *", "0-10,20-30 5 * * * *"),
        ("once at 2026-12-24 09:00", date(2026, 12, 24)),
        (["once at 2026-12-24 09:00", "once at 2026-12-24 10:00"], date(2026, 12, 24)),
    ],
)
def test_a_rule_of_which_all_is_excluded_is_impossible(text: object, exclude: object) -> None:
    rule = without(text, exclude)

    assert rule.is_impossible
    assert rule.next(utc("2026-11-20T00:00")) is None
    assert rule.previous(utc("2026-11-20T00:00")) is None
    assert rule.count(utc("2026-11-20T00:00"), utc("2026-12-20T00:00")) == 0


def test_a_rule_of_which_all_moves_is_possible() -> None:
    rule = without("every saturday at 09:00", "every weekend", on_excluded=OnExcluded.AFTER)

    assert not rule.is_impossible
    assert rule.next(utc("2026-11-20T00:00")) == local("2026-11-23 09:00", TALLINN)


def test_a_rule_that_is_left_only_far_away_is_found() -> None:
    rule = without(
        "FREQ=YEARLY;INTERVAL=300", date(2326, 3, 1), zone="UTC", start=utc("2026-03-01T00:00")
    )

    assert rule.next(utc("2026-03-01T00:00")) == utc("2626-03-01T00:00")


# -- speed --------------------------------------------------------------------------------------

DATES = tuple(date(year, month, 15) for year in range(2020, 2030) for month in range(1, 13))


def test_a_count_over_ten_years_of_seconds_is_arithmetic() -> None:
    rule = without("every second", *DATES, zone="UTC")
    rule.count(BEGIN, END)

    assert rule.count(BEGIN, END) == 315_619_200 - 1 - 120 * 86_400 + 1
    assert seconds_of(lambda: rule.count(BEGIN, END)) < 0.05


@pytest.mark.parametrize("on_excluded", OnExcluded)
@pytest.mark.parametrize("text", ["every day at 03:30", "*/10 * * * * *", "every second"])
def test_no_question_takes_long(text: str, on_excluded: OnExcluded) -> None:
    rule = without(text, *DATES, "every weekend", on_excluded=on_excluded)

    assert seconds_of(lambda: rule.count(BEGIN, END)) < 2
    assert seconds_of(lambda: rule.next(utc("2026-01-15T00:00"))) < 0.01
    assert seconds_of(lambda: rule.previous(utc("2026-01-16T00:00"))) < 0.01


def test_between_begins_at_once_however_far_it_goes() -> None:
    rule = without("every 2 hours", "every hour at minute 20", zone="UTC")

    assert next(rule.between(BEGIN, utc("9999-01-01T00:00"))) == utc("2020-01-01T02:00")


# -- words --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("when", "text"),
    [
        ("2026-02-24 07:00", 'calendar "ee" (Independence Day)'),
        ("2026-12-31 07:00", 'calendar "ee"'),
        ("2026-12-24 07:00", "2026-12-24"),
        ("2026-11-21 07:00", "every saturday"),
        ("2026-11-23 07:00", "every monday at 07:00"),
        ("2026-11-24 07:00", None),
        ("2026-11-21 08:00", None),
    ],
)
def test_it_says_what_takes_an_instant_out(when: str, text: str | None) -> None:
    rule = without(
        "every day at 07:00",
        CALENDAR,
        date(2026, 12, 24),
        "every saturday",
        "every monday at 07:00",
    )

    assert rule.excluded_by(local(when, TALLINN)) == text


def test_nothing_takes_out_what_lies_beyond_the_end() -> None:
    rule = without("every day at 07:00", date(2026, 12, 24), end=datetime(2026, 12, 1))

    assert rule.excluded_by(local("2026-12-24 07:00", TALLINN)) is None


def test_a_note_says_from_where_an_instant_moved() -> None:
    rule = without("every tuesday at 07:00", CALENDAR, on_excluded=OnExcluded.BEFORE)
    moved, kept = local("2026-02-23 07:00", TALLINN), local("2026-03-03 07:00", TALLINN)

    assert rule.note(moved) == 'moved from 2026-02-24: calendar "ee" (Independence Day)'
    assert rule.note(kept) is None


def test_a_note_on_a_date_names_it_once() -> None:
    rule = without("every thursday at 07:00", date(2026, 12, 24), on_excluded=OnExcluded.AFTER)

    assert rule.note(local("2026-12-25 07:00", TALLINN)) == "moved from 2026-12-24"


def test_the_planner_of_a_task_needs_nothing_but_the_task() -> None:
    task = Task(
        name=TaskName("report"),
        recurrence=parse("every tuesday at 07:00"),
        exclude=(CALENDAR,),
        on_excluded=OnExcluded.AFTER,
    )

    assert Planner.of(task, TALLINN).next(datetime(2026, 2, 23, tzinfo=UTC)) == local(
        "2026-02-25 07:00", TALLINN
    )

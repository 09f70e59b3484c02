"""Phrases: each form of the grammar, with the value it means."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from linod.recurrence import RecurrenceError, parse
from linod.recurrence.model import (
    Basis,
    Event,
    Frequency,
    Interval,
    Once,
    Part,
    Recurrence,
    Rule,
    Weekday,
    Window,
)

WORKDAYS = tuple(Weekday(0, day) for day in range(5))
FRIDAY = 4


def only(text: str) -> Part:
    """Parse a recurrence of one part."""
    (part,) = parse(text).parts
    return part


def wall(frequency: Frequency, **parts: object) -> Rule:
    return Rule(frequency=frequency, basis=Basis.WALL, **parts)  # type: ignore[arg-type]


def filtered(frequency: Frequency, **parts: object) -> Rule:
    return Rule(frequency=frequency, basis=Basis.FILTERED, **parts)  # type: ignore[arg-type]


def refusal(text: str) -> RecurrenceError:
    with pytest.raises(RecurrenceError) as caught:
        parse(text)
    return caught.value


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("every second", 1),
        ("every 10 seconds", 10),
        ("every minute", 60),
        ("every 1 minute", 60),
        ("every 90 minutes", 5400),
        ("every hour", 3600),
        ("every 2 hours", 7200),
    ],
)
def test_seconds_minutes_and_hours_are_elapsed(text: str, seconds: int) -> None:
    assert Interval(seconds=seconds) == only(text)


def test_words_are_in_any_case_and_spaces_are_free() -> None:
    assert Interval(seconds=7200) == only("  Every   2\tHOURS ")


def test_at_minute_filters_hours_at_second_zero() -> None:
    expected = filtered(Frequency.HOURLY, minutes=(20,), seconds=(0,))

    assert expected == only("every hour at minute 20")


def test_between_and_on_days_are_taken_in_either_order() -> None:
    expected = filtered(
        Frequency.MINUTELY, interval=15, window=Window(32400, 63900), weekdays=WORKDAYS
    )

    assert expected == only("every 15 minutes between 09:00 and 17:45 on weekdays")
    assert expected == only("every 15 minutes on weekdays between 09:00 and 17:45")


def test_seconds_on_weekdays_are_filtered() -> None:
    expected = filtered(Frequency.SECONDLY, interval=30, weekdays=WORKDAYS)

    assert expected == only("every 30 seconds on weekdays")


def test_a_day_without_time_leaves_the_time_open() -> None:
    assert wall(Frequency.DAILY) == only("every day")


def test_noon_and_midnight_are_times() -> None:
    assert wall(Frequency.DAILY, times=(0, 43200)) == only("every day at noon and midnight")


def test_times_have_one_or_two_digits_of_hours_and_maybe_seconds() -> None:
    expected = wall(Frequency.DAILY, interval=3, times=(32400, 61215))

    assert expected == only("every 3 days at 9:00, 17:00:15")


def test_weekdays_and_weekend_are_names_of_days() -> None:
    assert wall(Frequency.WEEKLY, weekdays=WORKDAYS) == only("every weekday")
    weekend = (Weekday(0, 5), Weekday(0, 6))

    assert wall(Frequency.WEEKLY, weekdays=weekend) == only("every weekend")


def test_all_seven_days_are_every_day() -> None:
    assert only("every day at 9:00") == only("every weekday and weekend at 9:00")


def test_every_second_week_keeps_its_weekday() -> None:
    expected = wall(Frequency.WEEKLY, interval=2, weekdays=(Weekday(0, FRIDAY),), times=(43200,))

    assert expected == only("every 2 weeks on friday at 12:00")


@pytest.mark.parametrize(
    "text",
    [
        "every month on day 1, 15 and -1 at 00:30",
        "every month on day 1, day 15 and the last day at 00:30",
        "every month on the last day, day 1 and 15 at 0:30",
    ],
)
def test_days_of_a_month_are_sorted(text: str) -> None:
    assert wall(Frequency.MONTHLY, month_days=(-1, 1, 15), times=(1800,)) == only(text)


def test_counted_weekdays_share_the_name_of_the_day() -> None:
    expected = wall(Frequency.MONTHLY, weekdays=(Weekday(-2, 0), Weekday(1, 0)), times=(0,))

    assert expected == only("every month on the first and second last monday at 0:00")


def test_the_last_weekday_is_a_position_among_workdays() -> None:
    expected = wall(Frequency.MONTHLY, weekdays=WORKDAYS, positions=(-1,), times=(57600,))

    assert expected == only("every month on the last weekday at 16:00")


def test_the_last_weekday_at_two_times_is_a_rule_for_each() -> None:
    parts = parse("every month on the last weekday at 16:00 and 18:00").parts

    assert [part.times for part in parts if isinstance(part, Rule)] == [(57600,), (64800,)]


def test_a_date_of_each_year_is_a_rule_of_months() -> None:
    expected = wall(Frequency.MONTHLY, months=(3, 10), month_days=(1,), times=(21600,))

    assert expected == only("every year on october 1 and march 1 at 6:00")


def test_different_days_of_months_are_rules_of_their_own() -> None:
    march = wall(Frequency.MONTHLY, months=(3,), month_days=(1,))
    october = wall(Frequency.MONTHLY, months=(10,), month_days=(1, 15))

    assert (march, october) == parse("every year on october 1, march 1 and october 15").parts


def test_every_second_year_is_a_rule_of_years() -> None:
    expected = wall(Frequency.YEARLY, interval=2, months=(3,), month_days=(1,))

    assert expected == only("every 2 years on march 1")


def test_a_counted_weekday_of_a_month_is_a_date() -> None:
    expected = wall(Frequency.MONTHLY, months=(3,), weekdays=(Weekday(-1, 6),))

    assert expected == only("every year on the last sunday of march")


def test_a_quarter_counts_from_its_first_and_back_from_its_last_month() -> None:
    first = wall(Frequency.MONTHLY, months=(1, 4, 7, 10), month_days=(1,))
    last = wall(Frequency.MONTHLY, months=(3, 6, 9, 12), weekdays=(Weekday(-1, FRIDAY),))

    assert first == only("every quarter")
    assert first == only("every quarter on day 1")
    assert last == only("every quarter on the last friday")
    assert (first, last) == parse("every quarter on the last friday and day 1").parts


def test_easter_has_offsets() -> None:
    expected = wall(Frequency.YEARLY, easter_offsets=(-2, 1), times=(36000,))

    assert expected == only("every easter +1 day and -2 days at 10:00")
    assert wall(Frequency.YEARLY, easter_offsets=(0,)) == only("every easter")


def test_once_is_local_or_utc() -> None:
    local = datetime(2026, 12, 1, 20, 0)  # noqa: DTZ001

    assert Once(local) == only("once at 2026-12-01 20:00")
    assert Once(local) == only("Once at 2026-12-01T20:00:00")
    assert Once(datetime(2026, 12, 1, 18, 0, tzinfo=UTC)) == only("once at 2026-12-01 20:00+02:00")
    assert Once(datetime(2026, 12, 1, tzinfo=UTC)) == only("once at 2026-12-01 0:00 UTC")


@pytest.mark.parametrize("event", list(Event))
def test_events_are_phrases(event: Event) -> None:
    assert Recurrence((event,)) == parse(event.value)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("every 5 mintues", "L012"),
        ("every 10", "L012"),
        ("every 2 hour", "L012"),
        ("every fortnight", "L011"),
        ("every", "L011"),
        ("every 2nd", "L011"),
        ("every 2 easters", "L012"),
        ("every easter monday", "L011"),
        ("every weekday at 08:00 sharp", "L011"),
        ("every day 9:00", "L011"),
        ("at midnight", "L011"),
        ("every 0 seconds", "L013"),
        ("every 301 years", "L013"),
        ("every 9467280000 minutes", "L013"),
        (f"every {'9' * 5000} seconds", "L013"),
        ("every hour at minute 60", "L013"),
        ("every month on day 0", "L013"),
        ("every month on day 32", "L013"),
        ("every quarter on day 31", "L013"),
        ("every quarter on the fifth monday", "L013"),
        ("every easter -81 days", "L013"),
        ("every easter -2 days and monday", "L011"),
        ("every easter -2 day", "L011"),
        ("every year on the last sunday", "L011"),
        ("every year on the last sunday of spring", "L011"),
        ("every year on the zeroth of something quite different", "L011"),
        ("every year on " + "and so on and so forth " * 9, "L011"),
        ("every day at " + "9:00," * 1500 + "9:00", "L014"),
        ("every day at 24:00", "L014"),
        ("every day at 9", "L014"),
        ("every day at", "L014"),
        ("every 5 minutes between 9:00 and 25:00", "L014"),
        ("once at 2026-02-30 10:00", "L014"),
        ("once at 2026-12-01 20:00+25:00", "L014"),
        ("once at 9999-12-31 23:59", "L014"),
        ("once at tomorrow", "L014"),
        ("", "L010"),
        ("every ٣ seconds", "L010"),
        ("every 5 minutes\u202e", "L010"),
        ("x" * 1_000_000, "L010"),
    ],
)
def test_what_the_grammar_does_not_know_is_refused(text: str, code: str) -> None:
    assert code == refusal(text).code


def test_an_unknown_unit_is_named_with_the_units() -> None:
    error = refusal("every 5 mintues")

    assert error.message == 'unknown unit "mintues" in a recurrence'
    assert error.help == "units are seconds, minutes, hours, days, weeks, months, years"
    assert error.suggestion == "every 5 minutes"


def test_a_message_is_one_short_line_whatever_was_written() -> None:
    error = refusal("every day at \x1b]0;" + "a" * 5000)

    assert "\x1b" not in error.message
    assert len(error.message) < 100

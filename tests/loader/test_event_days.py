"""Which days an iCalendar file closes, and how it is told that it is none."""

from __future__ import annotations

from contextlib import suppress
from datetime import date, timedelta

import pytest
from dateutil.rrule import rrulestr
from hypothesis import given, settings
from hypothesis import strategies as st

from linod.loader.event_days import FIRST, LAST, days_of
from linod.loader.refusal import Refused


def event(*lines: str) -> str:
    return "\r\n".join(["BEGIN:VEVENT", *lines, "END:VEVENT"])


def calendar(*events: str) -> str:
    return "\r\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", *events, "END:VCALENDAR", ""])


def days(*lines: str, zone: str = "Europe/Tallinn") -> list[str]:
    return [day.isoformat() for day in days_of(calendar(event(*lines)), zone)]


def refusal(text: str) -> str:
    with pytest.raises(Refused) as caught:
        days_of(text, "UTC")
    assert caught.value.code == "L078"
    return caught.value.reason


# -- single events ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (("DTSTART;VALUE=DATE:20261224",), ["2026-12-24"]),
        (
            ("DTSTART;VALUE=DATE:20261224", "DTEND;VALUE=DATE:20261226"),
            ["2026-12-24", "2026-12-25"],
        ),
        (("DTSTART;VALUE=DATE:20261224", "DTEND;VALUE=DATE:20261224"), ["2026-12-24"]),
        (("DTSTART;VALUE=DATE:20261224", "DURATION:P2D"), ["2026-12-24", "2026-12-25"]),
        (("DTSTART:20261224T090000", "DTEND:20261224T170000"), ["2026-12-24"]),
        (("DTSTART:20261224T220000", "DTEND:20261225T000000"), ["2026-12-24"]),
        (("DTSTART:20261224T220000", "DURATION:PT2H1S"), ["2026-12-24", "2026-12-25"]),
        (("DTSTART:20261224T220000",), ["2026-12-24"]),
        (("DTSTART;TZID=America/New_York:20261224T220000",), ["2026-12-24"]),
        (("DTSTART:20261224T223000Z",), ["2026-12-25"]),
        (("DTSTART:20261224T213000Z", "DTEND:20261224T223000Z"), ["2026-12-24", "2026-12-25"]),
        (("DTSTART:20261224T235960",), ["2026-12-24"]),
        (("DTSTART;VALUE=DATE:19991231",), []),
        (("DTSTART;VALUE=DATE:20991231", "DURATION:P500W"), None),
    ],
)
def test_an_event_closes_the_days_it_touches(
    lines: tuple[str, ...], expected: list[str] | None
) -> None:
    found = days(*lines)

    assert found == expected or (expected is None and found[-1] == LAST.isoformat())


def test_the_name_of_a_day_is_that_of_its_event() -> None:
    lines = "DTSTART;VALUE=DATE:20261224", "SUMMARY;LANGUAGE=en:Christmas\\, we are\\n", "  closed"

    assert days_of(calendar(event(*lines)), "UTC") == {
        date(2026, 12, 24): "Christmas, we are closed"
    }


def test_of_two_events_on_a_day_the_first_gives_the_name() -> None:
    first = event("DTSTART:20261224", "SUMMARY:Eve")
    second = event("DTSTART:20261224", "SUMMARY:Stocktaking")

    assert days_of(calendar(first, second), "UTC") == {date(2026, 12, 24): "Eve"}


def test_a_cancelled_event_closes_nothing() -> None:
    assert days("DTSTART:20261224", "STATUS:CANCELLED") == []


def test_what_stands_inside_an_event_is_passed_over() -> None:
    alarm = "BEGIN:VALARM\r\nTRIGGER:-PT15M\r\nDTSTART:20200101\r\nEND:VALARM"

    assert days("DTSTART:20261224", alarm) == ["2026-12-24"]


def test_a_parameter_in_quotes_holds_any_sign() -> None:
    assert days('DTSTART;X-NOTE="a:b;c=d";VALUE=DATE:20261224') == ["2026-12-24"]


# -- events that repeat -------------------------------------------------------------------------


def test_a_rule_repeats_the_event_with_all_its_days() -> None:
    assert days("DTSTART:20260102", "DURATION:P2D", "RRULE:FREQ=YEARLY;COUNT=2") == [
        "2026-01-02",
        "2026-01-03",
        "2027-01-02",
        "2027-01-03",
    ]


def test_a_rule_without_end_is_followed_to_the_last_day() -> None:
    found = days("DTSTART:19800509", "RRULE:FREQ=YEARLY")

    assert (found[0], found[-1], len(found)) == ("2000-05-09", "2100-05-09", 101)


def test_an_until_in_utc_ends_a_rule_of_another_zone() -> None:
    assert days(
        "DTSTART;TZID=America/New_York:20261222T220000",
        "RRULE:FREQ=DAILY;UNTIL=20261225T030000Z",
    ) == ["2026-12-22", "2026-12-23", "2026-12-24"]


def test_a_rule_in_utc_repeats_in_utc() -> None:
    found = days("DTSTART:20260601T213000Z", "RRULE:FREQ=MONTHLY;INTERVAL=6;COUNT=2")

    assert found == ["2026-06-02", "2026-12-01"]


def test_dates_are_added_and_taken_back() -> None:
    assert days(
        "DTSTART;VALUE=DATE:20260105",
        "RRULE:FREQ=WEEKLY;COUNT=3",
        "RDATE;VALUE=DATE:20260301,20260302",
        "EXDATE;VALUE=DATE:20260112",
    ) == ["2026-01-05", "2026-03-01", "2026-03-02", "2026-01-19"]


def test_a_period_is_added_by_its_beginning() -> None:
    assert days("DTSTART:20260105T090000", "RDATE;VALUE=PERIOD:20260301T090000/PT1H") == [
        "2026-01-05",
        "2026-03-01",
    ]


def test_one_of_a_series_is_replaced() -> None:
    series = event("UID:a", "DTSTART:20260105", "RRULE:FREQ=WEEKLY;COUNT=3")
    moved = event("UID:a", "RECURRENCE-ID:20260112", "DTSTART:20260113")
    called_off = event("UID:a", "RECURRENCE-ID:20260119", "DTSTART:20260119", "STATUS:CANCELLED")

    assert list(days_of(calendar(series, moved, called_off), "UTC")) == [
        date(2026, 1, 5),
        date(2026, 1, 13),
    ]


RULES = [
    "FREQ=DAILY;INTERVAL=3",
    "FREQ=WEEKLY;BYDAY=SA,SU",
    "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO;COUNT=20",
    "FREQ=MONTHLY;BYDAY=-1FR;UNTIL=20280101",
    "FREQ=MONTHLY;BYMONTHDAY=31",
    "FREQ=YEARLY;BYMONTH=5;BYDAY=1MO",
]


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(RULES),
    st.dates(date(2001, 1, 1), date(2027, 12, 31)),
    st.lists(st.integers(0, 400), max_size=3),
)
def test_rules_are_followed_as_dateutil_does(rule: str, begin: date, taken: list[int]) -> None:
    without = {begin + timedelta(days=number) for number in taken}
    lines = [f"DTSTART;VALUE=DATE:{begin:%Y%m%d}", f"RRULE:{rule}"]
    lines += [f"EXDATE;VALUE=DATE:{day:%Y%m%d}" for day in without]
    until = date(2030, 1, 1)
    oracle = rrulestr(f"DTSTART:{begin:%Y%m%d}T000000\nRRULE:{rule}")
    expected = {each.date() for each in oracle if each.date() < until} if "COUNT" in rule else set()
    if not expected:
        expected = _before(oracle, until)

    found = {each for each in days_of(calendar(event(*lines)), "UTC") if each < until}

    assert found == (expected | {begin}) - without


def _before(oracle: object, until: date) -> set[date]:
    found = set()
    for each in oracle:
        if each.date() >= until:
            break
        found.add(each.date())
    return found


# -- what is no calendar --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("hello", "line 1: not a line of iCalendar"),
        ("<html>\n<body style='a:b'>", "line 1: not a line of iCalendar"),
        ("A:b\n", "line 1: an iCalendar file begins with BEGIN:VCALENDAR"),
        ("BEGIN:VCALENDAR\nBEGIN:VEVENT\n", "END:VEVENT is missing: the file is cut off"),
        ("BEGIN:VCALENDAR\nEND:VEVENT\n", "line 2: END:VEVENT ends what did not begin"),
        (calendar(event("SUMMARY:x")), "line 3: an event without DTSTART"),
        (calendar(event("DTSTART:2026-12-24")), "line 4: DTSTART is no date: 2026-12-24"),
        (calendar(event("DTSTART:20261324")), "line 4: DTSTART is no date: 20261324"),
        (
            calendar(event("DTSTART:20261224", "DURATION:1 day")),
            "line 5: DURATION is no duration: 1 day",
        ),
        (
            calendar(event("DTSTART:20261224", "RRULE:FREQ=SOMETIMES")),
            "line 5: RRULE: unknown FREQ",
        ),
        (
            calendar(event("DTSTART:20261224T000000", "RRULE:FREQ=SECONDLY")),
            "more than 100,000 days, with those that repeat",
        ),
        (
            calendar(event("DTSTART:20261224T000000", "RRULE:FREQ=SECONDLY", "EXDATE:20261224")),
            "more than 100,000 days, with those that repeat",
        ),
        (
            calendar(event("DTSTART:99991231T235959Z", "DTEND:99991231T235959Z")),
            None,
        ),
        (
            calendar(event("DTSTART:20261224T000000", "DURATION:P999999W")),
            "a date outside of the years 1 to 9999",
        ),
    ],
)
def test_what_is_no_calendar_is_told(text: str, reason: str | None) -> None:
    if reason is None:
        assert days_of(text, "UTC") == {}
    else:
        assert refusal(text).startswith(reason)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                *("BEGIN:VCALENDAR", "END:VCALENDAR", "BEGIN:VEVENT", "END:VEVENT", " x", "", ":"),
                *("DTSTART:20261224", "DTSTART:00010101T000000Z", "DTEND:99991231T235959Z", "a:b"),
                *("RRULE:FREQ=DAILY;COUNT=3", "RRULE:", "EXDATE:20261225", "DURATION:P1D", "A;=:"),
                *("RDATE:20261225/", "UID:a", "RECURRENCE-ID:20261225", 'X;A=":"', "DURATION:PT"),
                "RRULE:FREQ=DAILY;UNTIL=20261399T000000Z",
            ]
        )
        | st.text(max_size=20)
    ),
    st.booleans(),
)
def test_any_text_gives_days_or_a_refusal(lines: list[str], is_calendar: bool) -> None:
    text = calendar(event(*lines)) if is_calendar else "\n".join(lines)
    found: dict[date, str] = {}
    with suppress(Refused):
        found = days_of(text, "America/New_York")

    assert all(FIRST <= day <= LAST for day in found)

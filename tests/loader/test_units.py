"""Durations, sizes and times of day, as people write them."""

from __future__ import annotations

from datetime import time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linod.units import (
    DURATION_MAX,
    SIZE_MAX,
    format_duration,
    format_size,
    parse_duration,
    parse_offset,
    parse_size,
    parse_time_of_day,
)


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("1 hour", timedelta(hours=1)),
        ("90 s", timedelta(seconds=90)),
        ("90s", timedelta(seconds=90)),
        ("1 h 30 min", timedelta(minutes=90)),
        ("1h30m", timedelta(minutes=90)),
        ("2 weeks 1 day", timedelta(days=15)),
        ("1.5 seconds", timedelta(milliseconds=1500)),
        ("250 ms", timedelta(milliseconds=250)),
        ("1 Hour", timedelta(hours=1)),
        ("0 s", timedelta()),
        ("109800 days", DURATION_MAX),
    ],
)
def test_a_duration_is_read(text: str, duration: timedelta) -> None:
    assert parse_duration(text) == duration


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("10", 'a unit is missing: "10 seconds"?'),
        ("-5 s", "a duration cannot be negative"),
        ("1w-1s", "a duration cannot be negative"),
        ("5 mintues", 'unknown unit "mintues": "5 minutes"?'),
        ("2 months", 'a month has no fixed length: "30 days"?'),
        ("1 s 1 h", 'larger units come first, each once: "1 hour 30 minutes"'),
        ("1 h 1 h", 'larger units come first, each once: "1 hour 30 minutes"'),
        ("٣s", 'a duration is a number and a unit: "30 seconds", "1 hour 30 minutes"'),
        ("", 'empty; a duration is a number and a unit: "30 seconds"'),
        ("109801 days", "longer than 300 years"),
        ("0.0001 ms", "shorter than a microsecond"),
    ],
)
def test_what_is_no_duration_says_why(text: str, reason: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the text is compared whole
        parse_duration(text)

    assert str(caught.value) == reason


@given(st.timedeltas(timedelta(), DURATION_MAX))
def test_a_duration_survives_its_text(duration: timedelta) -> None:
    assert parse_duration(format_duration(duration)) == duration


@pytest.mark.parametrize(
    ("duration", "text"),
    [
        (timedelta(hours=1), "1 hour"),
        (timedelta(minutes=90), "1 hour 30 minutes"),
        (timedelta(days=90), "90 days"),
        (timedelta(milliseconds=1500), "1.5 seconds"),
        (timedelta(), "0 seconds"),
    ],
)
def test_a_duration_is_written(duration: timedelta, text: str) -> None:
    assert format_duration(duration) == text


@pytest.mark.parametrize(
    ("text", "offset"),
    [
        ("-1 day", (0, timedelta(days=-1))),
        ("+2 hours", (0, timedelta(hours=2))),
        ("0 days", (0, timedelta())),
        ("- 1 h 30 min", (0, timedelta(minutes=-90))),
        ("-1 month", (-1, timedelta())),
        ("2 quarters", (6, timedelta())),
    ],
)
def test_an_offset_has_a_sign(text: str, offset: tuple[int, timedelta]) -> None:
    assert parse_offset(text) == offset


@pytest.mark.parametrize(
    ("text", "size"),
    [("20 MB", 20_000_000), ("20MiB", 20_971_520), ("0 B", 0), ("1.5 kB", 1500), ("1 GB", 10**9)],
)
def test_a_size_is_read(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize(
    "text", ["", "20", "20 M", "-1 B", "1.5 B", "9e9 GB", "99999999 TB", "٣ B"]
)
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        parse_size(text)


@given(st.integers(0, SIZE_MAX))
def test_a_size_survives_its_text(size: int) -> None:
    assert parse_size(format_size(size)) == size


def test_a_time_of_day_is_read() -> None:
    assert parse_time_of_day("7:05") == time(7, 5)
    assert parse_time_of_day("23:59:59") == time(23, 59, 59)


@pytest.mark.parametrize("text", ["", "7", "24:00", "12:60", "23:59:60", "-1:00", "１２:00", "7:5"])
def test_what_is_no_time_of_day_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        parse_time_of_day(text)

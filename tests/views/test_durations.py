"""Durations and instants, as people read them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linod.views import ago, ahead, clock, coarse, duration, instant, near, utc

NOW = datetime(2026, 11, 21, 5, 6, 48, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0, "0 ms"),
        (0.0024, "2 ms"),
        (0.9999, "999 ms"),
        (1, "1 s"),
        (1.25, "1.2 s"),
        (9.99, "9.9 s"),
        (30, "30 s"),
        (59.9, "59 s"),
        (60, "1 m"),
        (192, "3 m 12 s"),
        (3600, "1 h"),
        (73_380, "20 h 23 m"),
        (154_800, "1 d 19 h"),
        (864_000, "10 d"),
        (126 * 86_400 + 5000, "126 d"),
        (-90, "-1 m 30 s"),
    ],
)
def test_a_duration_has_at_most_two_units(seconds: float, expected: str) -> None:
    assert expected == duration(seconds)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0.4, "0 s"), (59, "59 s"), (119, "1 m"), (840, "14 m"), (86_399, "23 h"), (777_600, "9 d")],
)
def test_a_coarse_duration_has_one_unit(seconds: float, expected: str) -> None:
    assert expected == coarse(seconds)


_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}


def _value(text: str) -> float:
    found = re.findall(r"([\d.]+) (ms|s|m|h|d)", text)
    return sum(float(number) * _UNITS[unit] for number, unit in found)


@settings(max_examples=300, deadline=None)
@given(st.floats(0, 1e9), st.floats(0, 1e9))
def test_a_longer_duration_never_reads_as_a_shorter_one(one: float, other: float) -> None:
    shorter, longer = sorted((one, other))

    assert _value(duration(shorter)) <= _value(duration(longer)) + 1e-9


@settings(max_examples=300, deadline=None)
@given(st.floats(0, 1e9))
def test_a_duration_is_cut_and_never_rounded_up(seconds: float) -> None:
    assert _value(duration(seconds)) <= seconds + 1e-9


def test_ago_and_ahead_have_one_unit() -> None:
    assert ago(NOW - timedelta(minutes=14, seconds=50), NOW) == "14 m ago"
    assert ahead(NOW + timedelta(minutes=3, seconds=12), NOW) == "in 3 m"


def test_what_is_due_is_now() -> None:
    assert ahead(NOW - timedelta(seconds=1), NOW) == "now"


def test_an_instant_is_written_in_its_zone() -> None:
    assert instant(NOW, "Europe/Tallinn") == "Sat 2026-11-21 07:06:48 EET"


def test_an_instant_without_seconds_leaves_them_out() -> None:
    assert (
        instant(datetime(2026, 11, 21, 5, 10, tzinfo=UTC), "Europe/Tallinn")
        == "Sat 2026-11-21 07:10 EET"
    )


def test_both_passes_of_a_fold_are_told_apart() -> None:
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)

    assert instant(first, "Europe/Tallinn") == "Sun 2026-10-25 03:30 EEST"
    assert instant(first + timedelta(hours=1), "Europe/Tallinn") == "Sun 2026-10-25 03:30 EET"


def test_machines_get_utc_with_z() -> None:
    assert utc(NOW) == "2026-11-21T05:06:48Z"


def test_the_time_of_day_shows_seconds_only_where_there_are() -> None:
    assert clock(NOW, "Europe/Tallinn") == "07:06:48"
    assert clock(NOW - timedelta(seconds=48), "Europe/Tallinn") == "07:06"


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        (datetime(2026, 11, 21, 5, 15, tzinfo=UTC), "07:15"),
        (datetime(2026, 11, 22, 1, 30, tzinfo=UTC), "Sun 03:30"),
        (datetime(2026, 11, 28, 1, 30, tzinfo=UTC), "2026-11-28 03:30"),
        (datetime(2026, 11, 20, 1, 30, tzinfo=UTC), "2026-11-20 03:30"),
    ],
)
def test_a_near_instant_is_as_short_as_it_is_clear(when: datetime, expected: str) -> None:
    assert expected == near(when, NOW, "Europe/Tallinn")

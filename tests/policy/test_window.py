"""`allowed`: open and opening, held against a walk over every minute of the wall clock."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from linod.policy import is_open, opening
from linod.specs import Allowed

MINUTE = timedelta(minutes=1)
DAYS_WALKED = 3
# A place with each kind of change, and the day before it.
CHANGES = [
    ("UTC", "2026-03-28"),
    ("Europe/Tallinn", "2026-03-28"),
    ("Europe/Tallinn", "2026-10-24"),
    ("America/New_York", "2026-03-07"),
    ("America/New_York", "2026-10-31"),
    ("America/Santiago", "2026-09-05"),  # the gap is at midnight
    ("America/Santiago", "2026-04-04"),  # the fold is at midnight
    ("Australia/Lord_Howe", "2026-10-03"),  # half an hour
    ("Australia/Lord_Howe", "2026-04-04"),
    ("Pacific/Apia", "2011-12-29"),  # a whole day is left out
    ("Asia/Kathmandu", "1985-12-31"),  # a gap of a quarter of an hour
]
_TIMES = st.builds(time, st.integers(0, 23), st.sampled_from([0, 1, 15, 29, 30, 45, 59]))


@cache
def _readings(zone: str, day: str) -> tuple[datetime, list[time]]:
    """The wall reading of every minute of some days, counted from a midnight in UTC."""
    first = datetime.fromisoformat(day).replace(tzinfo=UTC) - timedelta(hours=12)
    place, number = ZoneInfo(zone), (DAYS_WALKED + 1) * 1440
    return first, [(first + MINUTE * each).astimezone(place).time() for each in range(number)]


def _is_inside(allowed: Allowed, reading: time) -> bool:
    if allowed.first < allowed.last:
        return allowed.first <= reading < allowed.last
    return not allowed.last <= reading < allowed.first


def _walked(allowed: Allowed, zone: str, day: str, minute: int) -> datetime | None:
    first, readings = _readings(zone, day)
    hits = (each for each in range(minute, len(readings)) if _is_inside(allowed, readings[each]))
    found = next(hits, None)
    return None if found is None else first + MINUTE * found


@given(st.sampled_from(CHANGES), _TIMES, _TIMES, st.integers(1440, 1440 * 2))
@example(("Europe/Tallinn", "2026-03-28"), time(3, 15), time(3, 45), 1500)
@example(("Europe/Tallinn", "2026-03-28"), time(3, 30), time(5, 0), 1500)
@example(("Europe/Tallinn", "2026-10-24"), time(2, 30), time(3, 30), 2200)
@example(("America/Santiago", "2026-09-05"), time(0, 0), time(0, 30), 1000)
def test_a_window_opens_when_a_walk_over_the_minutes_first_finds_it_open(
    change: tuple[str, str], first: time, last: time, minute: int
) -> None:
    zone, day = change
    allowed = Allowed(first=first, last=last)
    if first == last:
        return

    walked = _walked(allowed, zone, day, minute)

    found = opening(allowed, zone, _readings(zone, day)[0] + MINUTE * minute)
    if walked is not None:
        assert walked == found


@given(st.sampled_from(CHANGES), _TIMES, _TIMES, st.integers(0, 1440 * 2))
def test_it_is_open_exactly_where_the_wall_clock_is_inside(
    change: tuple[str, str], first: time, last: time, minute: int
) -> None:
    zone, day = change
    beginning, readings = _readings(zone, day)
    if first == last:
        return

    found = is_open(Allowed(first=first, last=last), zone, beginning + MINUTE * minute)

    assert _is_inside(Allowed(first=first, last=last), readings[minute]) == found


@given(st.sampled_from(CHANGES), _TIMES, _TIMES, st.integers(0, 1440 * 120))
def test_an_opening_is_open_and_not_in_the_past(
    change: tuple[str, str], first: time, last: time, second: int
) -> None:
    zone, day = change
    allowed = Allowed(first=first, last=last)
    instant = datetime.fromisoformat(day).replace(tzinfo=UTC) + timedelta(seconds=second)

    found = opening(allowed, zone, instant)

    if first != last:
        assert found is not None
        assert found >= instant
        assert is_open(allowed, zone, found)


def test_without_a_window_it_is_always_open() -> None:
    instant = datetime(2026, 11, 21, 7, tzinfo=UTC)

    assert (True, instant) == (is_open(None, "UTC", instant), opening(None, "UTC", instant))


@pytest.mark.parametrize(
    ("clock", "expected"),
    [("19:59:59", False), ("20:00:00", True), ("05:59:59", True), ("06:00:00", False)],
)
def test_the_first_time_is_inside_and_the_last_is_not(clock: str, expected: bool) -> None:
    instant = datetime.fromisoformat(f"2026-11-21T{clock}+00:00")

    assert expected is is_open(Allowed(first=time(20), last=time(6)), "UTC", instant)


def test_a_window_that_a_gap_swallows_opens_the_day_after() -> None:
    # In Tallinn 03:00 to 04:00 is left out on 2026-03-29.
    allowed = Allowed(first=time(3, 15), last=time(3, 45))

    found = opening(allowed, "Europe/Tallinn", datetime(2026, 3, 28, 12, tzinfo=UTC))

    assert datetime(2026, 3, 30, 0, 15, tzinfo=UTC) == found


def test_a_window_that_begins_in_a_gap_opens_at_its_end() -> None:
    allowed = Allowed(first=time(3, 30), last=time(5))

    found = opening(allowed, "Europe/Tallinn", datetime(2026, 3, 28, 12, tzinfo=UTC))

    assert datetime(2026, 3, 29, 1, 0, tzinfo=UTC) == found


def test_a_window_that_ended_before_a_fold_opens_again_in_it() -> None:
    # In Tallinn 03:00 to 04:00 is passed twice on 2026-10-25, first from 00:00 UTC.
    allowed = Allowed(first=time(2, 30), last=time(3, 30))

    found = opening(allowed, "Europe/Tallinn", datetime(2026, 10, 25, 0, 40, tzinfo=UTC))

    assert datetime(2026, 10, 25, 1, 0, tzinfo=UTC) == found

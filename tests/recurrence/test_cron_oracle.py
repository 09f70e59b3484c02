"""Cron expressions are due when cronsim says so: its own cases, and random expressions.

Where the two are meant to differ the case says so: cronsim moves a time in a gap on by minutes
until it exists, which may be later than the end of the gap only for expressions with several
times in it.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim, CronSimError
from hypothesis import assume, given
from hypothesis import strategies as st

from linod.planner import Planner
from linod.recurrence import parse

from .texts import CRONS

VECTORS = Path(__file__).resolve().parents[3] / "shared" / "vectors" / "cronsim.json"
CASES: dict[str, list[dict[str, Any]]] = (
    json.loads(VECTORS.read_text("utf-8")) if VECTORS.exists() else {"dst": [], "iterator": []}
)
LONE_RANGE = re.compile(r"\b(\d+)-\1/")
"""cronsim takes `3-3/2` for `3/2`, which goes on to the end of the field."""
ZONES = [
    "Europe/Riga",
    "America/New_York",
    "Asia/Kolkata",
    "Africa/Casablanca",
]


def dues(text: str, zone: str, after: datetime, count: int) -> list[datetime]:
    """List the next instants by linod."""
    planner = Planner(parse(text), zone)
    found = []
    due: datetime | None = after
    while due and len(found) < count and (due := planner.next(due)):
        found.append(due)
    return found


def simulated(text: str, zone: str, after: datetime, count: int) -> list[datetime]:
    """List the next instants by cronsim, equal ones once."""
    assume(not LONE_RANGE.search(text))
    local = after.astimezone(UTC if zone == "UTC" else ZoneInfo(zone))
    assume(not local.fold)  # From a second pass cronsim goes back to the first.
    walk = CronSim(text, local)
    instants = dict.fromkeys(at.astimezone(UTC) for at in islice(walk, count + 4))
    return list(instants)[:count]


def test_a_change_by_half_an_hour_leaves_the_next_hour_whole() -> None:
    # cronsim begins this hour at 03:30, because it walks by hours from 02:00, which is left out.
    after = datetime(1999, 10, 30, 12, 0, tzinfo=UTC)
    expected = [datetime(1999, 10, 30, 16, minute, tzinfo=UTC) for minute in (0, 1)]

    assert expected == dues("* 3 L * *", "Australia/Lord_Howe", after, 2)


@pytest.mark.skipif(not VECTORS.exists(), reason="the vectors are not beside the repository")
def test_there_are_vectors() -> None:
    assert (len(CASES["dst"]), len(CASES["iterator"])) == (36, 9)


@pytest.mark.parametrize("case", CASES["dst"], ids=lambda case: case["name"])
def test_vector_of_a_clock_change(case: dict[str, Any]) -> None:
    zone = ZoneInfo(case["tz"])
    after = datetime.fromisoformat(case["after"]).replace(tzinfo=zone).astimezone(UTC)
    expected = [datetime.fromisoformat(text).astimezone(UTC) for text in case["expect"]]

    assert expected == dues(case["cron"], case["tz"], after, len(expected))


@pytest.mark.parametrize("case", CASES["iterator"], ids=lambda case: case["name"])
def test_vector_of_the_iterator(case: dict[str, Any]) -> None:
    after = datetime.fromisoformat(case["after"]).replace(tzinfo=UTC)
    expected = [datetime.fromisoformat(text).replace(tzinfo=UTC) for text in case["expect"]]
    wanted = len(expected) + case["exhausted"]

    assert expected == dues(case["cron"], "UTC", after, wanted)


MOMENTS = st.datetimes(datetime(1990, 1, 1), datetime(2036, 1, 1)).map(  # noqa: DTZ001
    lambda at: at.replace(microsecond=0, tzinfo=UTC)
)


@given(CRONS, MOMENTS)
def test_random_expressions_in_utc(text: str, after: datetime) -> None:
    try:
        expected = simulated(text, "UTC", after, 3)
    except CronSimError:
        assume(False)

    assert expected == dues(text, "UTC", after, 3)[: len(expected)]


@given(CRONS, MOMENTS, st.sampled_from(ZONES))
def test_random_expressions_in_zones_with_clock_changes(
    text: str, after: datetime, zone: str
) -> None:
    try:
        expected = simulated(text, zone, after, 3)
    except CronSimError:
        assume(False)

    assert expected == dues(text, zone, after, 3)[: len(expected)]


CHANGES = [
    ("Europe/Riga", datetime(2021, 3, 28, 1, tzinfo=UTC)),
    ("Europe/Riga", datetime(2021, 10, 31, 1, tzinfo=UTC)),
    ("America/New_York", datetime(2021, 3, 14, 7, tzinfo=UTC)),
    ("America/New_York", datetime(2021, 11, 7, 6, tzinfo=UTC)),
]


@given(CRONS, st.sampled_from(CHANGES), st.integers(-360, 120))
def test_random_expressions_around_a_clock_change(
    text: str, change: tuple[str, datetime], minutes: int
) -> None:
    zone, at = change
    after = at + timedelta(minutes=minutes)
    try:
        expected = simulated(text, zone, after, 6)
    except CronSimError:
        assume(False)

    assert expected == dues(text, zone, after, 6)[: len(expected)]

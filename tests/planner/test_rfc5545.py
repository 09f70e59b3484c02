"""The examples of RFC 5545 section 3.8.5.3, and the ones below as literals."""

# ruff: noqa: DTZ001 - starts without an offset are read in the zone of the task

from __future__ import annotations

import json
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from .building import planner, times, walked

VECTORS = Path(__file__).resolve().parents[3] / "shared" / "vectors" / "rfc5545.json"
ZONE = "America/New_York"
ERRATA = {"UNTIL=19970902T170000Z": "UNTIL=19970902T210000Z"}
"""Erratum 3883: 17:00 was meant in New York, and UNTIL is in UTC."""


def cases() -> list[Any]:
    if not VECTORS.exists():
        skipped = pytest.mark.skip(reason="the vectors of RFC 5545 are not beside this checkout")
        return [pytest.param(None, marks=skipped)]
    return [
        pytest.param(case, id=f"{case['dtstart']} {case['rrule']}")
        for case in json.loads(VECTORS.read_text())["cases"]
    ]


@pytest.mark.parametrize("case", cases())
def test_each_example_of_the_norm_is_due_as_printed(case: dict[str, Any]) -> None:
    zone = ZoneInfo(case["tz"])
    start = datetime.fromisoformat(case["dtstart"])
    text = case["rrule"]
    for printed, meant in ERRATA.items():
        text = text.replace(printed, meant)
    rule = planner(text, case["tz"], start=start)
    number = len(case["expect"]) + len(case["exdate"]) + 2
    first = rule.previous(start.replace(tzinfo=zone, year=start.year - 1))
    found = islice(walked(rule, start.replace(tzinfo=zone, year=start.year - 1)), number)
    shown = [each.astimezone(zone).strftime("%Y%m%dT%H%M%S") for each in found]
    kept = [each for each in shown if each not in case["exdate"]]
    expected = case["expect"]

    assert first is None
    assert kept[: len(expected)] == expected
    assert case["open_ended"] or len(kept) == len(expected)


def test_until_is_read_in_utc_when_it_says_so() -> None:
    start = datetime(1997, 9, 2, 9)
    rule = planner("FREQ=HOURLY;INTERVAL=3;UNTIL=19970902T170000Z", ZONE, start=start)

    assert times(rule, "1997-09-01 00:00", 9, ZONE) == [
        "1997-09-02 09:00:00-04:00",
        "1997-09-02 12:00:00-04:00",
    ]


def test_a_rule_goes_on_across_the_end_of_summer_time() -> None:
    start = datetime(1997, 9, 2, 9)
    rule = planner("FREQ=DAILY;INTERVAL=10;COUNT=7", ZONE, start=start)

    assert times(rule, "1997-10-20 00:00", 9, ZONE) == [
        "1997-10-22 09:00:00-04:00",
        "1997-11-01 09:00:00-05:00",
    ]


def test_week_start_decides_which_weeks_are_left_out() -> None:
    start = datetime(1997, 8, 5, 9)
    monday = planner("FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO", ZONE, start=start)
    sunday = planner("FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU", ZONE, start=start)

    assert [each[:10] for each in times(monday, "1997-01-01 00:00", 9, ZONE)] == [
        "1997-08-05",
        "1997-08-10",
        "1997-08-19",
        "1997-08-24",
    ]
    assert [each[:10] for each in times(sunday, "1997-01-01 00:00", 9, ZONE)] == [
        "1997-08-05",
        "1997-08-17",
        "1997-08-19",
        "1997-08-31",
    ]


def test_a_day_that_a_month_lacks_is_skipped() -> None:
    rule = planner("FREQ=MONTHLY;BYMONTHDAY=15,30;COUNT=5", ZONE, start=datetime(2007, 1, 15, 9))

    assert [each[:10] for each in times(rule, "2007-01-01 00:00", 9, ZONE)] == [
        "2007-01-15",
        "2007-01-30",
        "2007-02-15",
        "2007-03-15",
        "2007-03-30",
    ]

"""One rule of each kind around the transitions of every zone, beside a minute-walking oracle.

Some transitions of each zone by default, the last ones among them; LINOD_TEST_TRANSITIONS=all
walks around all of them since 1915.
"""

from __future__ import annotations

import os
import random
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest

from linod.recurrence.zones import FIRST, LAST, datetime_of, seconds_of, zone_of
from linod.specs import Dst, Fold, Gap

from .building import planner
from .oracle import MINUTE, Minutes, filtered, minutes, wall

ZONES = sorted(name for name in available_timezones() if name != "localtime")
IS_ALL = os.environ.get("LINOD_TEST_TRANSITIONS") == "all"
YEARS = (1915, 2038) if IS_ALL else (1995, 2029)
SIDE = timedelta(hours=30)
"""More than the largest change of a clock, so that the oracle sees what a gap or a fold hides."""


def transitions(name: str, first: int, last: int) -> list[datetime]:
    """Find the days on which the offset changes, without the planner's own segments."""
    info = ZoneInfo(name)
    days = [
        datetime(first, 1, 1, tzinfo=UTC) + timedelta(days=day)
        for day in range((last - first) * 365)
    ]
    return [
        day
        for day, following in pairwise(days)
        if day.astimezone(info).utcoffset() != following.astimezone(info).utcoffset()
    ]


def has_whole_minutes(walked: Minutes) -> bool:
    return not (walked[0][1].second or walked[-1][1].second)


def chosen(name: str) -> list[tuple[datetime, Minutes]]:
    """Walk around transitions of a zone."""
    found = transitions(name, *YEARS)
    if not IS_ALL:
        found = sorted({*random.Random(name).sample(found, min(3, len(found))), *found[-2:]})
    walks = ((day, minutes(name, day - SIDE, day + SIDE + SIDE)) for day in found)
    return [(day, walked) for day, walked in walks if has_whole_minutes(walked)]


def is_at(shown: datetime, hours: set[int], step: int) -> bool:
    return shown.hour in hours and shown.minute % step == 0


def hours_around(walked: Minutes) -> set[int]:
    """List the hours that a change of the clock touches, and noon."""
    jumps = {
        reading.hour
        for (_, before), (_, after) in pairwise(walked)
        if after - before != MINUTE
        for reading in (before, after)
    }
    return {*jumps, *(hour + 1 for hour in jumps if hour < 23), 12}


@pytest.mark.parametrize("name", ZONES)
def test_each_kind_of_rule_is_due_when_the_oracle_says(name: str) -> None:
    for day, walked in chosen(name):
        begin, end = day - timedelta(hours=3), day + SIDE
        hours = hours_around(walked)
        text = f"*/15 {','.join(map(str, sorted(hours)))} * * *"
        matches = partial(is_at, hours=hours, step=15)

        assert list(planner(text, name).between(begin, end)) == [
            each for each in filtered(walked, matches) if begin < each <= end
        ]
        text = text.replace("*/15", "0,15,30,45")
        for gap in Gap:
            for fold in Fold:
                dst = Dst(gap=gap, fold=fold)
                expected = wall(walked, matches, gap, fold)

                assert list(planner(text, name, dst=dst).between(begin, end)) == [
                    each for each in expected if begin < each <= end
                ]


@pytest.mark.parametrize("name", ZONES)
def test_a_lattice_is_filtered_on_what_the_clock_shows(name: str) -> None:
    start = datetime(1900, 1, 1, tzinfo=UTC)
    rule = planner("FREQ=MINUTELY;INTERVAL=7;BYHOUR=0,1,2,3,22,23", name, start=start)
    for day, walked in chosen(name):
        begin, end = day - timedelta(hours=3), day + SIDE
        expected = [
            instant
            for instant, shown in walked
            if shown.hour in (0, 1, 2, 3, 22, 23) and not (instant - start) % (7 * MINUTE)
        ]

        assert list(rule.between(begin, end)) == [each for each in expected if begin < each <= end]


@pytest.mark.parametrize("name", ZONES)
def test_segments_have_the_offsets_of_zoneinfo(name: str) -> None:
    zone, info = zone_of(name), ZoneInfo(name)
    rng = random.Random(name)
    instants = [rng.randrange(FIRST + 10**6, LAST - 10**6) for _ in range(300)]
    instants += [rng.randrange(-3 * 10**9, 3 * 10**9) for _ in range(700)]
    for instant in instants[:: 1 if IS_ALL else 5]:
        segment = zone.segment(instant)
        shown = [each for each in (segment.start, segment.until - 1) if FIRST < each < LAST]
        for each in (instant, *shown):
            offset = datetime_of(each).astimezone(info).utcoffset()

            assert segment.offset == offset.total_seconds()  # type: ignore[union-attr]


def test_a_gap_that_ends_within_a_minute_is_resolved_to_the_second() -> None:
    """Monrovia left -00:44:30 for UTC on 1972-01-07."""
    zone = zone_of("Africa/Monrovia")
    change = seconds_of(datetime(1972, 1, 7, 0, 44, 30, tzinfo=UTC))

    assert zone.first(change - 44 * 60 - 30) == change
    assert zone.first(change) == change
    assert zone.first(change + 1) == change + 1
    assert zone.offset(change - 1) == -44 * 60 - 30


@pytest.mark.parametrize("name", ["Pacific/Kiritimati", "Asia/Manila", "Africa/Monrovia"])
def test_a_stretch_of_years_may_begin_beside_a_transition(name: str) -> None:
    """Segments are looked up for four years at a time; no border may hide a transition."""
    zone, info = zone_of(name), ZoneInfo(name)
    for year in range(1970, 2100, 4):
        new_year = seconds_of(datetime(year, 1, 1, tzinfo=UTC))
        for instant in range(new_year - 7200, new_year + 7200, 600):
            offset = datetime_of(instant).astimezone(info).utcoffset()

            assert zone.offset(instant) == offset.total_seconds()  # type: ignore[union-attr]

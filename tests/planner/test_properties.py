"""What holds for every recurrence in every zone."""

# ruff: noqa: DTZ001 - starts without an offset are read in the zone of the task

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from itertools import islice

from hypothesis import given, settings
from hypothesis import strategies as st

from linod.planner import Planner
from linod.specs import Dst, Fold, Gap

from .building import planner, walked

EXAMPLES = int(os.environ.get("LINOD_TEST_EXAMPLES", "200"))
ZONES = [
    "UTC",
    "Europe/Tallinn",
    "America/New_York",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Africa/Casablanca",
    "America/Sao_Paulo",
    "Asia/Kathmandu",
]
TEXTS = [
    "every 10 seconds",
    "every 7 hours",
    "every day at 03:30",
    "every weekday at 08:00 and 17:30",
    "every 3 days at 02:30",
    "every 2 weeks on friday at 12:00",
    "every month on day 1 and day -1 at 00:30",
    "every month on the last friday at 18:00",
    "every month on the last weekday at 16:00",
    "every quarter on day 1 at 04:00",
    "every easter -2 days at 10:00",
    "every 15 minutes between 09:00 and 17:45 on weekdays",
    "every 7 minutes between 22:00 and 03:10",
    "every hour at minute 20",
    "*/10 * * * *",
    "0-5 1-3 * * *",
    "*/20 0-4 * * * *",
    "0 0 13 * 5",
    "FREQ=HOURLY;INTERVAL=5;BYMINUTE=0,20,40",
    "FREQ=MONTHLY;BYDAY=MO,TU;BYHOUR=3,9;BYSETPOS=1,-1",
    ["every day at 03:30", "30 * * * *", "once at 2025-10-26 03:30"],
]


@st.composite
def planners(draw: st.DrawFn) -> Planner:
    dst = Dst(gap=draw(st.sampled_from(Gap)), fold=draw(st.sampled_from(Fold)))
    start = draw(st.none() | st.datetimes(datetime(2000, 1, 1), datetime(2025, 1, 1)))
    whole = None if start is None else start.replace(microsecond=0)
    return planner(draw(st.sampled_from(TEXTS)), draw(st.sampled_from(ZONES)), start=whole, dst=dst)


@st.composite
def instants(draw: st.DrawFn) -> datetime:
    """Draw an instant, often near a change of the clock."""
    free = st.datetimes(datetime(1990, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))
    near = st.sampled_from(
        [
            datetime(2027, 3, 28, 1, tzinfo=UTC),
            datetime(2027, 10, 31, 1, tzinfo=UTC),
            datetime(2027, 11, 7, 6, tzinfo=UTC),
            datetime(2027, 4, 3, 15, tzinfo=UTC),
            datetime(2011, 12, 30, 10, tzinfo=UTC),
            datetime(2018, 2, 18, 2, tzinfo=UTC),
        ]
    )
    hours = st.integers(-40, 40).map(lambda each: timedelta(hours=each))
    return draw(free | st.builds(lambda at, delta: at + delta, near, hours))


@settings(max_examples=EXAMPLES, deadline=None)
@given(planners(), instants())
def test_next_is_later_and_previous_is_earlier(rule: Planner, t: datetime) -> None:
    following, former = rule.next(t), rule.previous(t)

    assert following is None or following > t
    assert former is None or former < t


@settings(max_examples=EXAMPLES, deadline=None)
@given(planners(), instants())
def test_previous_walks_back_what_next_walked(rule: Planner, t: datetime) -> None:
    there = list(islice(walked(rule, t), 30))
    back = []
    at = there[-1] + timedelta(seconds=1) if there else t
    while (former := rule.previous(at)) is not None and former > t:
        back.append(former)
        at = former

    assert back[::-1] == there


@settings(max_examples=EXAMPLES, deadline=None)
@given(planners(), instants())
def test_between_and_count_are_what_next_walks(rule: Planner, t: datetime) -> None:
    there = list(islice(walked(rule, t), 100))
    end = there[-1] if there else t + timedelta(days=1)

    assert list(rule.between(t, end)) == there
    assert rule.count(t, end) == len(there)
    assert rule.count(t, end, at_most=7) == min(7, len(there))


@settings(max_examples=EXAMPLES, deadline=None)
@given(planners(), instants())
def test_a_fresh_planner_says_the_same(rule: Planner, t: datetime) -> None:
    """What a planner remembers of earlier questions must not show."""
    first = list(islice(walked(rule, t - timedelta(days=3)), 50))
    rule.previous(t - timedelta(days=800))
    rule.next(t + timedelta(days=800))

    assert list(islice(walked(rule, t - timedelta(days=3)), 50)) == first
    assert all(each.tzinfo is UTC and not each.microsecond for each in first)

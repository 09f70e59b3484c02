"""Exclusions of all kinds in zones with every kind of DST, against lists of dates."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from itertools import islice, takewhile

from attrs import frozen
from hypothesis import given, settings
from hypothesis import strategies as st

from linod.planner import Planner
from linod.recurrence import parse
from linod.specs import Dst, Exclusion, Fold, Gap, OnExcluded

from .building import walked
from .exclusion_oracle import left, timed, timed_walls

EXAMPLES = int(os.environ.get("LINOD_TEST_EXAMPLES", "200"))
ZONES = [
    "UTC",
    "Europe/Tallinn",
    "America/New_York",
    "America/St_Johns",
    "Australia/Lord_Howe",
    "Asia/Beirut",
    "America/Sao_Paulo",
]
CHANGES = [
    date(2027, 3, 28),
    date(2027, 10, 31),
    date(2027, 11, 7),
    date(2027, 3, 14),
    date(2027, 4, 4),
    date(2006, 10, 29),
    date(2006, 4, 2),
    date(2017, 10, 15),
    date(2018, 2, 18),
    date(2028, 2, 29),
]
WALL = [
    "every day at 03:30",
    "every day at 00:00",
    "every day at 00:30 and 23:45",
    "every weekday at 08:00 and 17:30",
    "every saturday at 02:30",
    "every 3 days at 02:30",
    "every month on day 1 and day -1 at 00:30",
]
ELAPSED = ["every 7 hours", "every 2 hours"]
FILTERED = [
    "every hour at minute 20",
    "every 45 minutes between 22:00 and 03:10",
    "every 90 minutes on weekdays",
    "0 30 0-4 * * *",
]
DAY_RULES: dict[str, Callable[[date], bool]] = {
    "every saturday": lambda day: day.weekday() == 5,
    "every weekend": lambda day: day.weekday() >= 5,
    "every monday and tuesday": lambda day: day.weekday() <= 1,
    "every month on day 1 and 15": lambda day: day.day in (1, 15),
    "every 2 weeks on sunday": lambda day: (day - date(2001, 1, 1)).days % 14 == 6,
    "every 3 days": lambda day: (day - date(2001, 1, 1)).days % 3 == 0,
    "FREQ=MONTHLY;BYMONTHDAY=28,29,30,31": lambda day: day.day >= 28,
}
EXACT = [
    "every day at 03:30",
    "every hour at minute 20",
    "0 */2 * * *",
    "every monday at 00:30",
    "every 30 minutes on sunday",
    "every 14 hours",
]
MARGIN, REACH = timedelta(days=60), timedelta(days=25)


@frozen
class Case:
    """A rule, what is excluded, and the middle of the time that is looked at."""

    rule: str
    zone: str
    dst: Dst
    dates: frozenset[date]
    days: tuple[str, ...]
    exact: tuple[str, ...]
    on_excluded: OnExcluded
    middle: datetime

    @property
    def planner(self) -> Planner:
        rules: list[Exclusion] = [parse(text) for text in (*self.days, *self.exact)]
        exclude = (*sorted(self.dates), *rules)
        return Planner(
            parse(self.rule), self.zone, dst=self.dst, exclude=exclude, on_excluded=self.on_excluded
        )

    @property
    def expected(self) -> list[datetime]:
        """What is due after the first and up to the last instant that is looked at."""
        begin, end = self.middle - MARGIN, self.middle + MARGIN
        if self.rule in WALL:
            walls = Planner(parse(self.rule), "UTC").between(begin, end)
            due = timed_walls((wall.replace(tzinfo=None) for wall in walls), self.zone, self.dst)
        else:
            due = timed(Planner(parse(self.rule), self.zone).between(begin, end), self.zone)
        taken = {
            instant
            for text in self.exact
            for instant in Planner(parse(text), self.zone, dst=self.dst).between(begin, end)
        }
        found = left(due, self.is_closed, taken, self.way, self.zone, self.dst)
        return [each for each in found if self.first < each <= self.last]

    def is_closed(self, day: date) -> bool:
        return day in self.dates or any(DAY_RULES[text](day) for text in self.days)

    @property
    def way(self) -> int:
        if self.rule in ELAPSED:
            return 0
        return {OnExcluded.SKIP: 0, OnExcluded.BEFORE: -1, OnExcluded.AFTER: 1}[self.on_excluded]

    @property
    def first(self) -> datetime:
        return self.middle - REACH

    @property
    def last(self) -> datetime:
        return self.middle + REACH


@st.composite
def cases(draw: st.DrawFn) -> Case:
    day = draw(st.sampled_from(CHANGES)) + timedelta(days=draw(st.integers(-3, 3)))
    near = st.integers(-12, 12).map(lambda number: day + timedelta(days=number))
    seconds = draw(st.integers(0, 86_399))
    return Case(
        rule=draw(st.sampled_from(WALL + ELAPSED + FILTERED)),
        zone=draw(st.sampled_from(ZONES)),
        dst=Dst(gap=draw(st.sampled_from(Gap)), fold=draw(st.sampled_from(Fold))),
        dates=draw(st.frozensets(near, max_size=8)),
        days=tuple(draw(st.lists(st.sampled_from(sorted(DAY_RULES)), max_size=2, unique=True))),
        exact=tuple(draw(st.lists(st.sampled_from(EXACT), max_size=2, unique=True))),
        on_excluded=draw(st.sampled_from(OnExcluded)),
        middle=datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(seconds=seconds),
    )


@settings(max_examples=EXAMPLES, deadline=None)
@given(cases())
def test_between_lists_what_the_oracle_leaves(case: Case) -> None:
    assert list(case.planner.between(case.first, case.last)) == case.expected


@settings(max_examples=EXAMPLES, deadline=None)
@given(cases(), st.integers(1, 50))
def test_count_counts_what_the_oracle_leaves(case: Case, at_most: int) -> None:
    number = len(case.expected)

    assert case.planner.count(case.first, case.last) == number
    assert case.planner.count(case.first, case.last, at_most) == min(number, at_most)


@settings(max_examples=EXAMPLES, deadline=None)
@given(cases())
def test_next_walks_what_the_oracle_leaves(case: Case) -> None:
    there = takewhile(lambda each: each <= case.last, walked(case.planner, case.first))

    assert list(islice(there, 5000)) == case.expected


@settings(max_examples=EXAMPLES, deadline=None)
@given(cases())
def test_previous_walks_what_the_oracle_leaves(case: Case) -> None:
    rule, back = case.planner, []
    at = case.last + timedelta(seconds=1)
    while (former := rule.previous(at)) is not None and former > case.first:
        back.append(former)
        at = former

    assert back[::-1] == case.expected

"""Random rules, beside dateutil's rrule; where dateutil itself is wrong is named one by one.

The defects that keep a rule out of the comparison:
1. BYWEEKNO without BYDAY: all seven days of the week, not the weekday of DTSTART.
2. BYWEEKNO at the turn of the year: `53` (and what means it) finds days that are in week 52,
   and a negative number that means week 1 misses the days of December.
3. BYDAY with and without ordinals at once (`MO,1FR`): the intersection, not the union.
4. BYSETPOS of a WEEKLY rule: the first week is counted from DTSTART, not from its beginning.
"""

# ruff: noqa: DTZ001 - starts without an offset are read in the zone of the task

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice

from dateutil import rrule
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from linod.planner import Planner
from linod.recurrence.model import Basis, Frequency, Recurrence, Rule, Weekday

EXAMPLES = int(os.environ.get("LINOD_TEST_EXAMPLES", "200"))
SPANS = {
    Frequency.YEARLY: timedelta(days=9000),
    Frequency.MONTHLY: timedelta(days=3000),
    Frequency.WEEKLY: timedelta(days=1500),
    Frequency.DAILY: timedelta(days=1500),
    Frequency.HOURLY: timedelta(days=200),
    Frequency.MINUTELY: timedelta(days=9),
    Frequency.SECONDLY: timedelta(hours=5),
}
"""Before the end of the year 9999: dateutil walks an empty rule until there."""
FREQUENCIES = {
    Frequency.YEARLY: rrule.YEARLY,
    Frequency.MONTHLY: rrule.MONTHLY,
    Frequency.WEEKLY: rrule.WEEKLY,
    Frequency.DAILY: rrule.DAILY,
    Frequency.HOURLY: rrule.HOURLY,
    Frequency.MINUTELY: rrule.MINUTELY,
    Frequency.SECONDLY: rrule.SECONDLY,
}
SHOWN_MAX = 300
END = datetime(9999, 12, 31, 23, 59, 59)


def some(first: int, last: int, size: int = 4, chance: int = 3) -> st.SearchStrategy:
    """Draw an empty tuple mostly, else sorted numbers without 0."""
    numbers = st.integers(first, last).filter(bool)
    filled = st.lists(numbers, min_size=1, max_size=size, unique=True).map(sorted).map(tuple)
    return st.one_of(*[st.just(())] * chance, filled)


def times_of_day(last: int) -> st.SearchStrategy:
    """Draw hours, minutes or seconds, 0 among them."""
    numbers = st.lists(st.integers(0, last), min_size=1, max_size=4, unique=True)
    return st.one_of(st.just(()), numbers.map(sorted).map(tuple))


@st.composite
def weekdays_of(draw: st.DrawFn, frequency: Frequency, last: int) -> tuple[Weekday, ...]:
    """Draw weekdays, all with ordinals or all without (defect 3)."""
    days = draw(some(1, 7, 4, chance=2))
    if not days or frequency > Frequency.MONTHLY or draw(st.booleans()):
        return tuple(Weekday(0, day - 1) for day in days)
    ordinals = st.integers(-last, last).filter(bool)
    return tuple(sorted(Weekday(draw(ordinals), day - 1) for day in days))


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    """Draw a rule that RFC 5545 allows and whose parts dateutil understands."""
    frequency = draw(st.sampled_from(Frequency))
    is_yearly, is_fine = frequency is Frequency.YEARLY, frequency > Frequency.DAILY
    months = draw(some(1, 12))
    ordinal_max = 52 if is_yearly and not months else 5
    weekdays = draw(weekdays_of(frequency, ordinal_max))
    has_weeks = is_yearly and weekdays and not any(day.ordinal for day in weekdays)
    week_numbers = draw(some(-51, 51, 3)) if has_weeks else ()
    has_easter = is_yearly and not any(day.ordinal for day in weekdays)
    return Rule(
        frequency=frequency,
        basis=Basis.FILTERED if is_fine else Basis.WALL,
        interval=draw(st.sampled_from([1, 1, 1, 2, 3, 4, 7, 11, 18, 90])),
        months=months,
        week_numbers=week_numbers,
        year_days=draw(some(-366, 366)) if is_yearly or is_fine else (),
        month_days=draw(some(-31, 31)) if frequency is not Frequency.WEEKLY else (),
        weekdays=weekdays,
        easter_offsets=draw(some(-60, 200, 2, chance=5)) if has_easter else (),
        week_start=draw(st.integers(0, 6)),
        hours=draw(times_of_day(23)),
        minutes=draw(times_of_day(59)),
        seconds=draw(times_of_day(59)),
        positions=draw(some(-5, 5, 3)) if frequency is not Frequency.WEEKLY else (),
    )


@st.composite
def rules_with_starts(draw: st.DrawFn) -> tuple[Rule, datetime]:
    """Draw a rule and a start that lies before the end of the calendar by the rule's span."""
    rule = draw(rules())
    span = int(SPANS[rule.frequency].total_seconds())
    return rule, END - timedelta(seconds=draw(st.integers(span // 2, span)))


def expected(rule: Rule, start: datetime) -> list[datetime]:
    """Ask dateutil, in naive local time."""
    weekdays = [rrule.weekday(day.day, day.ordinal or None) for day in rule.weekdays]
    try:
        found = rrule.rrule(
            FREQUENCIES[rule.frequency],
            dtstart=start,
            interval=rule.interval,
            wkst=rule.week_start,
            bysetpos=rule.positions or None,
            bymonth=rule.months or None,
            bymonthday=rule.month_days or None,
            byyearday=rule.year_days or None,
            byeaster=rule.easter_offsets or None,
            byweekno=rule.week_numbers or None,
            byweekday=weekdays or None,
            byhour=rule.hours or None,
            byminute=rule.minutes or None,
            bysecond=rule.seconds or None,
        )
    except ValueError as error:  # It knows some rules that are empty, and refuses them.
        if "empty" not in str(error):
            raise
        return []
    return list(islice(to_the_end(found), SHOWN_MAX))


def to_the_end(found: Iterable[datetime]) -> Iterator[datetime]:
    """Give what dateutil finds; it raises in the year 10000, and for some empty rules."""
    try:
        yield from found
    except ValueError as error:
        if not re.search("year 10000 is out of range|empty rule", str(error)):
            raise


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(rules_with_starts())
def test_random_rules_are_due_when_dateutil_says(drawn: tuple[Rule, datetime]) -> None:
    rule, start = drawn
    aware = start.replace(tzinfo=UTC)
    planner = Planner(Recurrence((rule,)), "UTC", start=aware)
    found = islice(
        planner.between(aware - timedelta(seconds=1), END.replace(tzinfo=UTC)), SHOWN_MAX
    )

    assert [each.replace(tzinfo=None) for each in found] == expected(rule, start)

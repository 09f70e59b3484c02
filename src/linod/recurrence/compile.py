"""From the typed value of a recurrence to its instants in a zone.

What a rule leaves open is filled from its anchor as RFC 5545 section 3.3.10 fills it from
DTSTART; without a start the anchor is Monday 2001-01-01 00:00 in the zone.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from attrs import evolve, frozen

from linod.recurrence.blocks import Blocks, Calendar, Lattice
from linod.recurrence.days import Days
from linod.recurrence.instants import Bounded, Instants, Single, Steps
from linod.recurrence.model import (
    Basis,
    Frequency,
    Interval,
    Once,
    Rule,
    Weekday,
)
from linod.recurrence.periods import (
    PeriodOf,
    days_in_months,
    months,
    months_of_years,
    weekday_of,
    weeks,
    years,
)
from linod.recurrence.times import ALL_HOURS, ALL_SIXTY, picked, product, regular, within
from linod.recurrence.track import YEARS_400, Track
from linod.recurrence.zones import (
    DAY,
    FIRST,
    LAST,
    Zone,
    reading_of,
    seconds_of,
    wall_of,
)
from linod.specs import Dst, Fold, Gap

_ANCHOR = reading_of(datetime(2001, 1, 1))  # noqa: DTZ001 - a Monday, read in any zone
_UNITS = {
    Frequency.YEARLY: 366 * DAY,
    Frequency.MONTHLY: 31 * DAY,
    Frequency.WEEKLY: 7 * DAY,
    Frequency.DAILY: DAY,
    Frequency.HOURLY: 3600,
    Frequency.MINUTELY: 60,
    Frequency.SECONDLY: 1,
}
"""Seconds of a period, or of the longest of its kind."""
_AS_READ = Dst(gap=Gap.SKIP, fold=Fold.BOTH)
"""Where the wall reading filters UTC: nothing in a gap, both passes of a fold."""
_PERIODS_MAX = 400
"""Periods that are looked into, where they are longer than a year."""


@frozen
class Anchor:
    """Where a recurrence begins: an instant, what the wall clock reads then, and whether given."""

    instant: int
    reading: int
    is_given: bool

    @property
    def day(self) -> date:
        """Give its local day."""
        return wall_of(self.reading).date()


def anchor_of(start: datetime | None, zone: Zone) -> Anchor:
    """Read a start in its zone; without one the anchor is 2001-01-01 00:00 in standard time."""
    if start is None:
        return Anchor(_ANCHOR - zone.standard_offset(_ANCHOR), _ANCHOR, is_given=False)
    if start.tzinfo is None:
        reading = reading_of(start)
        return Anchor(zone.first(reading), reading, is_given=True)
    instant = seconds_of(start)
    return Anchor(instant, instant + zone.offset(instant), is_given=True)


def last_of(end: datetime | date | None, zone: Zone, fold: Fold) -> int:
    """Turn an upper bound, included, into an instant: aware, read in the zone, or a whole day."""
    if end is None:
        return LAST
    if not isinstance(end, datetime):
        midnight = reading_of(datetime(end.year, end.month, end.day))  # noqa: DTZ001
        return zone.last(midnight + DAY - 1)
    if end.tzinfo is None:
        return zone.resolve(reading_of(end), fold)
    return seconds_of(end)


def instants_of(part: Rule | Interval | Once, zone: Zone, anchor: Anchor, dst: Dst) -> Instants:
    """Compile one part; its COUNT and UNTIL bound it."""
    if isinstance(part, Once):
        is_aware = part.at.tzinfo is not None
        at = seconds_of(part.at) if is_aware else zone.first(reading_of(part.at))
        return Single(at)
    if isinstance(part, Interval):
        fold, instants = Fold.SECOND, _steps(part, anchor)
    else:
        policy = _AS_READ if part.basis is Basis.FILTERED else dst
        fold, instants = policy.fold, _track(part, zone, anchor, policy)
    if part.count is None and part.until is None:
        return instants
    first = anchor.instant if anchor.is_given or part.count is not None else FIRST
    return Bounded(instants, first, last_of(part.until, zone, fold), part.count)


def step_of(part: Rule | Interval | Once) -> int | None:
    """Give the seconds of a step whose phase matters; None where the clock alone decides."""
    if isinstance(part, Once):
        return None
    if isinstance(part, Interval):
        return part.seconds
    if part.frequency > Frequency.DAILY and not _is_lattice(part):
        return None
    return _UNITS[part.frequency] * part.interval


def filled_days(rule: Rule, anchor: date) -> Days:
    """Fill the days that a rule leaves open from its anchor (RFC 5545 section 3.3.10)."""
    days = _days(rule)
    if days.year_days or days.month_days or days.weekdays or days.easter_offsets:
        return days
    if days.is_last_workday or rule.frequency >= Frequency.DAILY:
        return days
    if rule.frequency is Frequency.WEEKLY or days.week_numbers:
        return evolve(days, weekdays=(Weekday(0, anchor.weekday()),))
    if rule.frequency is Frequency.YEARLY and not days.months:
        days = evolve(days, months=(anchor.month,))
    return evolve(days, month_days=(anchor.day,))


def _steps(interval: Interval, anchor: Anchor) -> Instants:
    return Steps(anchor.instant, interval.seconds)


def _track(rule: Rule, zone: Zone, anchor: Anchor, dst: Dst) -> Instants:
    reach = max(YEARS_400, _PERIODS_MAX * _UNITS[rule.frequency] * rule.interval)
    return Track(_blocks(rule, anchor), zone, dst, reach)


def _blocks(rule: Rule, anchor: Anchor) -> Blocks:
    if rule.frequency <= Frequency.DAILY:
        return _calendar(rule, anchor)
    if _is_lattice(rule):
        return _lattice(rule, anchor)
    return Calendar(_limit(rule, anchor), _times(rule, anchor))


def _calendar(rule: Rule, anchor: Anchor) -> Blocks:
    """Compile a rule of days and coarser: periods of days times the times of the day."""
    times = _times(rule, anchor)
    days = filled_days(rule, anchor.day)
    if rule.frequency is Frequency.YEARLY:
        return Calendar(years(days, rule.interval, anchor.day), times, rule.positions)
    if rule.frequency is Frequency.MONTHLY:
        return _monthly(rule, days, times, anchor.day)
    day = anchor.reading // DAY
    if rule.frequency is Frequency.DAILY:
        if rule.positions:
            times = picked((0,), times, rule.positions)
        return Calendar(days_in_months(days, rule.interval, 1, day), times)
    monday = day - (weekday_of(day) - rule.week_start) % 7
    if rule.positions:
        return Calendar(weeks(days, rule.interval, monday), times, rule.positions)
    return Calendar(days_in_months(days, 7 * rule.interval, 7, monday), times)


def _monthly(rule: Rule, days: Days, times: Sequence[int], anchor: date) -> Blocks:
    """Take a year at a time, unless positions choose among the times of a month too."""
    if days.has_year_parts or (rule.positions and len(times) > 1):
        return Calendar(months(days, rule.interval, anchor), times, rule.positions)
    return Calendar(months_of_years(days, rule.interval, anchor, rule.positions), times)


def _lattice(rule: Rule, anchor: Anchor) -> Blocks:
    """Compile a rule of steps in UTC: from its anchor, or from the period that holds it."""
    unit = _UNITS[rule.frequency]
    width = _width(rule)
    return Lattice(
        _limit(rule, anchor),
        _times(rule, anchor),
        anchor=anchor.instant - anchor.reading % width,
        step=unit * rule.interval,
        width=width,
        positions=rule.positions,
    )


def _is_lattice(rule: Rule) -> bool:
    """Tell whether steps from the anchor matter; else the wall reading alone decides."""
    unit = _UNITS[rule.frequency]
    return bool(rule.interval > 1 or rule.positions or _width(rule) < unit)


def _width(rule: Rule) -> int:
    """Give the seconds of a period among which finer parts choose; 1 where there are none."""
    unit = _UNITS[rule.frequency]
    if rule.times or (rule.minutes and unit == _UNITS[Frequency.HOURLY]):
        return unit
    return min(unit, _UNITS[Frequency.MINUTELY]) if rule.seconds else 1


def _limit(rule: Rule, anchor: Anchor) -> PeriodOf:
    """Give the days to which a rule finer than daily is limited."""
    return days_in_months(_days(rule), 1, 1, anchor.reading // DAY)


def _times(rule: Rule, anchor: Anchor) -> Sequence[int]:
    """List the times of the day; what is absent is filled from the anchor, or all if coarser."""
    if rule.times:
        return within(regular(rule.times), rule.window)
    width = DAY if rule.frequency <= Frequency.DAILY else _width(rule)
    rest = anchor.reading % DAY
    hours = rule.hours or ((rest // 3600,) if width == DAY else ALL_HOURS)
    minutes = rule.minutes or ((rest // 60 % 60,) if width == DAY else ALL_SIXTY)
    seconds = rule.seconds or ((rest % 60,) if width >= 3600 else ALL_SIXTY)
    return within(product(hours, minutes, seconds), rule.window)


def _days(rule: Rule) -> Days:
    return Days(
        months=rule.months,
        week_numbers=rule.week_numbers,
        year_days=rule.year_days,
        month_days=rule.month_days,
        weekdays=rule.weekdays,
        easter_offsets=rule.easter_offsets,
        week_start=rule.week_start,
        is_either_day=rule.is_either_day,
        is_last_workday=rule.is_last_workday,
        is_of_year=rule.frequency is Frequency.YEARLY and not rule.months,
    )

"""Which days a rule names in the month, week or year around a day: period arithmetic.

Rules of this border:
- Days are numbered from 1970-01-01. A period is asked for by any day in it; nothing is walked.
- Each period from the anchor's, in steps of the interval, expands by itself (RFC 5545 section
  3.3.10); the others are empty, and say where the next one begins.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from datetime import MAXYEAR, date
from typing import NamedTuple

from linod.recurrence.days import (
    Days,
    days_of_month,
    days_of_year,
    month_length,
    year_length,
)
from linod.recurrence.zones import EPOCH_ORDINAL

_FIRST_DAY = date.min.toordinal() - EPOCH_ORDINAL
_LAST_DAY = date.max.toordinal() - EPOCH_ORDINAL
_NEVER = 1 << 40
"""A day after the last one."""
_THURSDAY = 3
"""The weekday of 1970-01-01."""


class Period(NamedTuple):
    """The days of a rule in a stretch of days; `end` is not included."""

    first: int
    end: int
    days: tuple[int, ...]
    """Offsets from `first`."""


PeriodOf = Callable[[int], Period]


def weekday_of(day: int) -> int:
    """Give the weekday of a day, Monday = 0."""
    return (day + _THURSDAY) % 7


def years(days: Days, interval: int, anchor: date) -> PeriodOf:
    """Give the periods of a YEARLY rule."""

    def year_of(day: int) -> Period:
        if not _FIRST_DAY <= day <= _LAST_DAY:
            return _outside(day)
        year = date.fromordinal(day + EPOCH_ORDINAL).year
        first = date(year, 1, 1).toordinal() - EPOCH_ORDINAL
        ahead = (anchor.year - year) % interval
        if ahead:
            return Period(first, _first_of_month(year + ahead, 1), ())
        found = days_of_year(days, year, weekday_of(first))
        return Period(first, first + year_length(year), found)

    return year_of


def months(days: Days, interval: int, anchor: date) -> PeriodOf:
    """Give the periods of a MONTHLY rule, month by month."""
    anchored = anchor.year * 12 + anchor.month - 1

    def month_of(day: int) -> Period:
        if not _FIRST_DAY <= day <= _LAST_DAY:
            return _outside(day)
        at = date.fromordinal(day + EPOCH_ORDINAL)
        first = day - at.day + 1
        number = at.year * 12 + at.month - 1
        ahead = (anchored - number) % interval
        if ahead:
            year, month = divmod(number + ahead, 12)
            return Period(first, _first_of_month(year, month + 1), ())
        found = days_of_month(days, at.year, at.month, weekday_of(first))
        return Period(first, first + month_length(at.year, at.month), found)

    return month_of


def months_of_years(
    days: Days, interval: int, anchor: date, positions: tuple[int, ...]
) -> PeriodOf:
    """Give the months of a MONTHLY rule a year at a time: they hold few days.

    `positions` choose among the days of each month.
    """
    anchored = anchor.year * 12 + anchor.month - 1
    kinds: dict[tuple[int, int, int], tuple[int, ...]] = {}

    def year_of(day: int) -> Period:
        if not _FIRST_DAY <= day <= _LAST_DAY:
            return _outside(day)
        year = date.fromordinal(day + EPOCH_ORDINAL).year
        first, length = _first_of_month(year, 1), year_length(year)
        kind = (length, weekday_of(first), (anchored - 12 * year) % interval)
        found = kinds.get(kind)
        if found is None:
            found = kinds[kind] = tuple(_joined(days, year, kind[2], interval, positions))
        return Period(first, first + length, found)

    return year_of


def _joined(
    days: Days, year: int, first: int, interval: int, positions: tuple[int, ...]
) -> Iterator[int]:
    """Give the days of every so many months of a year, as offsets from January 1."""
    new_year = _first_of_month(year, 1)
    for month in range(first + 1, 13, interval):
        begin = _first_of_month(year, month)
        found = days_of_month(days, year, month, weekday_of(begin))
        for day in chosen(found, positions) if positions else found:
            yield begin - new_year + day


def chosen(values: Sequence[int], positions: tuple[int, ...]) -> list[int]:
    """Choose by BYSETPOS: 1 is the first value, -1 the last."""
    places = {place - 1 if place > 0 else len(values) + place for place in positions}
    return [values[place] for place in sorted(places) if 0 <= place < len(values)]


def days_in_months(days: Days, cycle: int, span: int, anchored: int) -> PeriodOf:
    """Give the months of a rule whose period is shorter: days come in a cycle, `span` of each."""
    every = months(days, 1, date.min)
    if cycle == span:
        return every

    def month_of(day: int) -> Period:
        period = every(day)
        lag = period.first - anchored
        found = tuple(offset for offset in period.days if (lag + offset) % cycle < span)
        return period._replace(days=found)

    return month_of


def weeks(days: Days, interval: int, anchored: int) -> PeriodOf:
    """Give the periods of a WEEKLY rule whose positions need the whole week."""
    every = months(days, 1, date.min)

    def week_of(day: int) -> Period:
        first = day - (day - anchored) % 7
        ahead = (anchored - first) // 7 % interval
        if ahead:
            return Period(first, first + 7 * ahead, ())
        found = (offset for offset in range(7) if _has(every(first + offset), first + offset))
        return Period(first, first + 7, tuple(found))

    return week_of


def _has(period: Period, day: int) -> bool:
    place = bisect_left(period.days, day - period.first)
    return place < len(period.days) and period.days[place] == day - period.first


def _first_of_month(year: int, month: int) -> int:
    return date(year, month, 1).toordinal() - EPOCH_ORDINAL if year <= MAXYEAR else _NEVER


def _outside(day: int) -> Period:
    """Give the emptiness before year 1 and after year 9999."""
    return (
        Period(-_NEVER, _FIRST_DAY, ()) if day < _FIRST_DAY else Period(_LAST_DAY + 1, _NEVER, ())
    )

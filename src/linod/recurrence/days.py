"""Which days a rule names: lists of the days of a month or a year, by the BY parts of RFC 5545.

Rules of this border:
- Days are offsets from the first day of their month or year, from 0; weekdays from Monday = 0.
- Months are of 28 types (length and first weekday) and years of 14 (more with week numbers,
  which look at the years beside), so the lists are remembered by type.
"""

from __future__ import annotations

from calendar import isleap
from datetime import MAXYEAR, MINYEAR, date
from functools import lru_cache

from attrs import frozen
from dateutil.easter import easter

from linod.recurrence.model import Weekday

_LENGTHS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_SATURDAY = 5
_TYPES = 4096
"""Lists remembered in all: 28 types for each of some hundred different rules, a few MB."""


@frozen(kw_only=True, cache_hash=True)
class Days:
    """The parts of a rule that select days; an absent part selects all."""

    months: tuple[int, ...] = ()
    week_numbers: tuple[int, ...] = ()
    year_days: tuple[int, ...] = ()
    month_days: tuple[int, ...] = ()
    weekdays: tuple[Weekday, ...] = ()
    easter_offsets: tuple[int, ...] = ()
    week_start: int = 0
    is_either_day: bool = False
    is_last_workday: bool = False
    is_of_year: bool = False
    """Ordinals of weekdays count within the year (YEARLY without BYMONTH), not the month."""

    @property
    def has_year_parts(self) -> bool:
        """Tell whether a month alone does not decide."""
        return bool(
            self.week_numbers or self.year_days or self.easter_offsets or self._has_year_weekdays
        )

    @property
    def _has_year_weekdays(self) -> bool:
        return self.is_of_year and any(weekday.ordinal for weekday in self.weekdays)


def month_length(year: int, month: int) -> int:
    """Give the number of days of a month."""
    return 29 if month == 2 and isleap(year) else _LENGTHS[month - 1]


def year_length(year: int) -> int:
    """Give the number of days of a year."""
    return 366 if isleap(year) else 365


def days_of_month(days: Days, year: int, month: int, first_weekday: int) -> tuple[int, ...]:
    """List the days of a month; `first_weekday` is that of its first day."""
    if days.months and month not in days.months:
        return ()
    length = month_length(year, month)
    if not days.has_year_parts:
        return _month(days, length, first_weekday)
    before = sum(month_length(year, earlier) for earlier in range(1, month))
    of_year = days_of_year(days, year, (first_weekday - before) % 7)
    return tuple(day - before for day in of_year if before <= day < before + length)


def days_of_year(days: Days, year: int, first_weekday: int) -> tuple[int, ...]:
    """List the days of a year; `first_weekday` is that of January 1."""
    lengths = (year_length(year - 1), year_length(year), year_length(year + 1))
    found = _year(days, lengths, first_weekday)
    if not days.easter_offsets:
        return found
    return tuple(sorted(_easter_days(days.easter_offsets, year).intersection(found)))


@lru_cache(_TYPES)
def _month(days: Days, length: int, first_weekday: int) -> tuple[int, ...]:
    """List the days of a month of this type, month numbers and year parts left aside."""
    if not (days.month_days or days.weekdays or days.is_last_workday):
        return tuple(range(length))
    by_date = _dates(days, length, first_weekday)
    by_weekday = _weekdays(days.weekdays, length, first_weekday)
    if days.is_either_day:
        return tuple(sorted(by_date | by_weekday))
    has_dates = days.month_days or days.is_last_workday
    if not has_dates:
        return tuple(sorted(by_weekday))
    return tuple(sorted(by_date & by_weekday if days.weekdays else by_date))


def _dates(days: Days, length: int, first_weekday: int) -> set[int]:
    found = {day - 1 if day > 0 else length + day for day in days.month_days}
    if days.is_last_workday:
        last_weekday = (first_weekday + length - 1) % 7
        found.add(length - 1 - max(0, last_weekday - _SATURDAY + 1))
    return {day for day in found if 0 <= day < length}


def _weekdays(weekdays: tuple[Weekday, ...], length: int, first_weekday: int) -> set[int]:
    """List the days of a period that are one of these weekdays, with their ordinals."""
    found: set[int] = set()
    for weekday in weekdays:
        every = range((weekday.day - first_weekday) % 7, length, 7)
        if weekday.ordinal == 0:
            found.update(every)
        elif abs(weekday.ordinal) <= len(every):
            found.add(every[weekday.ordinal - (weekday.ordinal > 0)])
    return found


@lru_cache(_TYPES)
def _year(days: Days, lengths: tuple[int, int, int], first_weekday: int) -> tuple[int, ...]:
    """List the days of a year of this type; `lengths` are those of the years around it."""
    length = lengths[1]
    found = _months_joined(days, length, first_weekday)
    if days.year_days:
        year_days = {day - 1 if day > 0 else length + day for day in days.year_days}
        found = [day for day in found if day in year_days]
    if days.week_numbers:
        found = [day for day in found if _is_in_weeks(days, day, lengths, first_weekday)]
    if days.is_of_year and days.weekdays:
        of_year = _weekdays(days.weekdays, length, first_weekday)
        found = [day for day in found if day in of_year]
    return tuple(found)


def _months_joined(days: Days, length: int, first_weekday: int) -> list[int]:
    """List the days that the parts within months leave."""
    within = Days(
        month_days=days.month_days,
        weekdays=() if days.is_of_year else days.weekdays,
        is_either_day=days.is_either_day,
        is_last_workday=days.is_last_workday,
    )
    found: list[int] = []
    begin = 0
    year_of_length = 2000 if length == 366 else 2001
    for month in range(1, 13):
        length_of_month = month_length(year_of_length, month)
        if not days.months or month in days.months:
            of_month = _month(within, length_of_month, (first_weekday + begin) % 7)
            found.extend(begin + day for day in of_month)
        begin += length_of_month
    return found


def _is_in_weeks(days: Days, day: int, lengths: tuple[int, int, int], first_weekday: int) -> bool:
    """Tell whether a day's week has one of the numbers.

    A week belongs to the year that holds four of its days (RFC 5545 section 3.3.10), that is its
    fourth day; the first days of a year may be in week 53 of the year before.
    """
    before, length, after = lengths
    middle = day - (first_weekday + day - days.week_start) % 7 + 3
    if middle < 0:
        middle, length = middle + before, before
    elif middle >= length:
        middle, length = middle - length, after
    number = middle // 7 + 1
    weeks = number + (length - 1 - middle) // 7
    return number in days.week_numbers or number - weeks - 1 in days.week_numbers


def _easter_days(offsets: tuple[int, ...], year: int) -> set[int]:
    """List the days of a year that are so far from an Easter Sunday, also the next year's."""
    first = date(year, 1, 1).toordinal()
    years = range(max(MINYEAR, year - 1), min(MAXYEAR, year + 1) + 1)
    sundays = [easter(each).toordinal() - first for each in years]
    return {sunday + offset for sunday in sundays for offset in offsets}

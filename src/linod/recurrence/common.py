"""What all notations share: limits, lists of words, times of day, and the normal form of a rule.

Rules of this border:
- Every limit of a notation is here, with its reason.
- Each parser hands its rules through `normal`, so that notations of one meaning are one value.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone
from difflib import get_close_matches
from typing import NoReturn

import attrs

from linod.recurrence.model import Basis, Frequency, RecurrenceError, Rule, Weekday

TEXT_MAX = 16_384
"""Signs of one recurrence: four times the longest sensible cron list."""
YEARS_MAX = 300
"""Longest interval; nothing on a computer waits longer, and date arithmetic stays in range."""
TIMES_MAX = 1440
"""Times of day in one rule: every minute of a day."""
PARTS_MAX = 1000
"""Recurrences in one list."""
EASTER_MIN, EASTER_MAX = -80, 250
"""Days from Easter Sunday that are in the same year whenever Easter is."""
ONCE_YEARS = (1970, 2999)
"""Years of a single instant: every zone's offset stays inside what a datetime can hold."""
HOUR_S, DAY_S = 3600, 86_400

UNIT_SECONDS = {Frequency.SECONDLY: 1, Frequency.MINUTELY: 60, Frequency.HOURLY: HOUR_S}
INTERVALS_MAX = {
    Frequency.SECONDLY: YEARS_MAX * 365 * DAY_S,
    Frequency.MINUTELY: YEARS_MAX * 365 * 1440,
    Frequency.HOURLY: YEARS_MAX * 365 * 24,
    Frequency.DAILY: YEARS_MAX * 365,
    Frequency.WEEKLY: YEARS_MAX * 52,
    Frequency.MONTHLY: YEARS_MAX * 12,
    Frequency.YEARLY: YEARS_MAX,
}

DAY_NAMES = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MONTH_NAMES = (
    *("january", "february", "march", "april", "may", "june", "july"),
    *("august", "september", "october", "november", "december"),
)
WORKDAYS = tuple(Weekday(0, day) for day in range(5))
WEEKEND = (Weekday(0, 5), Weekday(0, 6))
EVERY_DAY = WORKDAYS + WEEKEND

_TIME = re.compile(r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?")
_MOMENT = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})"
    r"(?:[tT ]([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))? ?(z|utc|[+-][0-9]{2}:[0-9]{2})?)?",
    re.IGNORECASE | re.ASCII,
)


def quoted(text: str, limit: int = 40) -> str:
    """Quote what a person wrote, on one line and not longer than a line."""
    shown = text if len(text) <= limit else text[: limit - 1] + "…"
    return '"' + "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in shown) + '"'


def joined(words: list[str]) -> str:
    """Join words as a sentence does: `a, b and c`."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if words[1:] else words)


def did_you_mean(word: str, known: list[str]) -> str:
    """Say which known word is near, or which there are."""
    spelled = {name.lower(): name for name in known}
    near = get_close_matches(word[:40].lower(), spelled, 1)
    return f'did you mean "{spelled[near[0]]}"?' if near else f"there are {joined(known)}"


def refuse(code: str, message: str, help: str | None = None) -> NoReturn:
    """Raise what a person can mend."""
    raise RecurrenceError(code, message, help=help)


def checked_interval(number: int, frequency: Frequency, code: str) -> int:
    """Return the interval, or refuse it."""
    if number < 1:
        refuse(code, f"an interval of {number}", "an interval is at least 1")
    if number > INTERVALS_MAX[frequency]:
        shown = number if number < 10**15 else "a number that big"
        refuse(code, f"an interval of {shown}", f"an interval is at most {YEARS_MAX} years")
    return number


def time_of_day(text: str) -> int | None:
    """Read `9:00`, `17:30:15`, `noon` or `midnight` as seconds since midnight."""
    found = _TIME.fullmatch(text)
    if not found:
        return {"noon": DAY_S // 2, "midnight": 0}.get(text)
    hour, minute, second = int(found[1]), int(found[2]), int(found[3] or 0)
    if hour > 23 or minute > 59 or second > 59:
        return None
    return hour * HOUR_S + minute * 60 + second


def time_text(seconds: int) -> str:
    """Write seconds since midnight as `09:00`, or `09:00:15`."""
    minutes, second = divmod(seconds, 60)
    text = f"{minutes // 60:02}:{minutes % 60:02}"
    return f"{text}:{second:02}" if second else text


def moment(text: str, code: str) -> datetime:
    """Read a date with or without time and offset; with an offset it becomes UTC."""
    found = _MOMENT.fullmatch(text)
    if not found:
        refuse(code, f"{quoted(text)} is no date and time", 'write "2026-12-01 20:00"')
    year, month, day, hour, minute, second = (int(part or 0) for part in found.groups()[:6])
    try:
        at = datetime(year, month, day, hour, minute, second, tzinfo=_offset(found[7]))
    except ValueError as error:
        refuse(code, f"{quoted(text)} is no date and time: {error}", 'write "2026-12-01 20:00"')
    return checked_moment(at, code)


def _offset(text: str | None) -> timezone | None:
    if not text:
        return None
    if text.lower() in ("z", "utc"):
        return UTC
    offset = timedelta(hours=int(text[1:3]), minutes=int(text[4:6]))
    return timezone(offset if text[0] == "+" else -offset)


def checked_moment(at: datetime, code: str) -> datetime:
    """Return the instant, in UTC if it has an offset, or refuse it."""
    if at.microsecond:
        refuse(code, "an instant has whole seconds", "leave the fraction of the second out")
    _check_year(at, code)
    if at.tzinfo is None:
        return at.replace(fold=0)
    at = at.astimezone(UTC)
    _check_year(at, code)
    return at


def _check_year(at: datetime, code: str) -> None:
    first, last = ONCE_YEARS
    if not first <= at.year <= last:
        refuse(code, f"the year {at.year} is out of range", f"years are {first} to {last}")


def midnight_of(day: date) -> datetime:
    """Return the first wall time of a day."""
    return datetime(day.year, day.month, day.day)  # noqa: DTZ001 - local time of the task


def times_of(
    hours: tuple[int, ...], minutes: tuple[int, ...], seconds: tuple[int, ...]
) -> set[int]:
    """Multiply hours, minutes and seconds into times of day."""
    return {
        hour * HOUR_S + minute * 60 + second
        for hour in hours
        for minute in minutes
        for second in seconds
    }


def fields_of(times: tuple[int, ...]) -> tuple[tuple[int, ...], ...] | None:
    """Split times of day into hours, minutes, seconds; None where they are not a product."""
    hours = tuple(sorted({time // HOUR_S for time in times}))
    minutes = tuple(sorted({time // 60 % 60 for time in times}))
    seconds = tuple(sorted({time % 60 for time in times}))
    if len(hours) * len(minutes) * len(seconds) != len(times):
        return None
    return hours, minutes, seconds


def normal(rule: Rule) -> Rule:
    """Give rules of one meaning one value, as far as the notations overlap."""
    if len(rule.months) == 12 and rule.frequency is not Frequency.YEARLY:
        rule = attrs.evolve(rule, months=())
    is_filtered = rule.basis is Basis.FILTERED
    rule = _coarser(rule) if is_filtered else _of_days(_with_times(rule))
    return _without_idle_week_start(rule)


def _with_times(rule: Rule) -> Rule:
    size = len(rule.hours) * len(rule.minutes) * len(rule.seconds)
    if not 0 < size <= TIMES_MAX:
        return rule
    times = tuple(sorted(times_of(rule.hours, rule.minutes, rule.seconds)))
    return attrs.evolve(rule, times=times, hours=(), minutes=(), seconds=())


def _coarser(rule: Rule) -> Rule:
    """Filter in the coarsest frequency: BYSECOND within a minute, BYMINUTE within an hour."""
    frequency = rule.frequency
    if rule.interval > 1 or rule.positions:
        return rule
    if frequency is Frequency.SECONDLY and rule.seconds:
        frequency = Frequency.MINUTELY
    if frequency is Frequency.MINUTELY and rule.minutes:
        frequency = Frequency.HOURLY
    return rule if frequency is rule.frequency else attrs.evolve(rule, frequency=frequency)


def _of_days(rule: Rule) -> Rule:
    if rule.is_either_day:
        return rule
    if rule.positions:
        return _with_ordinals(rule)
    if rule.interval > 1:
        return rule
    if rule.weekdays == EVERY_DAY and rule.frequency in (Frequency.WEEKLY, Frequency.DAILY):
        rule = attrs.evolve(rule, weekdays=(), frequency=Frequency.DAILY)
    if rule.frequency is Frequency.DAILY and rule.month_days:
        return attrs.evolve(rule, frequency=Frequency.MONTHLY)
    if rule.frequency is Frequency.DAILY and rule.weekdays:
        return attrs.evolve(rule, frequency=Frequency.WEEKLY)
    if rule.frequency is Frequency.YEARLY and _is_of_months(rule):
        months = () if len(rule.months) == 12 else rule.months
        return attrs.evolve(rule, frequency=Frequency.MONTHLY, months=months)
    return rule


def _is_of_months(rule: Rule) -> bool:
    """Tell whether a yearly rule is one of the days of its months.

    An ordinal counts within the month only where BYMONTH is given (RFC 5545 section 3.3.10).
    """
    if rule.week_numbers or rule.year_days or rule.easter_offsets:
        return False
    if rule.months:
        return bool(rule.month_days or rule.weekdays)
    return bool(rule.month_days) and not any(weekday.ordinal for weekday in rule.weekdays)


def _with_ordinals(rule: Rule) -> Rule:
    """Write the last one of all fridays of a month as its last friday."""
    is_plain = len(rule.weekdays) == 1 and not rule.weekdays[0].ordinal and not rule.month_days
    if rule.frequency is not Frequency.MONTHLY or not is_plain:
        return rule
    is_once_a_day = max(map(len, (rule.times, rule.hours, rule.minutes, rule.seconds))) <= 1
    if not is_once_a_day or max(map(abs, rule.positions)) > 5:
        return rule
    weekdays = tuple(Weekday(position, rule.weekdays[0].day) for position in rule.positions)
    return attrs.evolve(rule, weekdays=weekdays, positions=())


def _without_idle_week_start(rule: Rule) -> Rule:
    is_weekly = rule.frequency is Frequency.WEEKLY and (rule.interval > 1 or rule.positions)
    if rule.week_start == 0 or is_weekly or rule.week_numbers:
        return rule
    return attrs.evolve(rule, week_start=0)

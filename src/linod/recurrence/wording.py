"""Rules as phrases: the inverse of the grammar in `phrase`."""

from __future__ import annotations

from linod.recurrence.common import DAY_NAMES, MONTH_NAMES, WEEKEND, WORKDAYS, joined, time_text
from linod.recurrence.model import Basis, Event, Frequency, Interval, Once, Part, Rule, Weekday
from linod.recurrence.words import QUARTER_FIRST, QUARTER_LAST

ITEMS_MAX = 6
"""Times or days that a phrase lists before a cron expression is easier to read."""
MINUTES_MAX = 4

_UNIT_NAMES = {
    Frequency.SECONDLY: "second",
    Frequency.MINUTELY: "minute",
    Frequency.HOURLY: "hour",
    Frequency.DAILY: "day",
    Frequency.WEEKLY: "week",
    Frequency.MONTHLY: "month",
    Frequency.YEARLY: "year",
}
_ORDINAL_NAMES = ("", "first", "second", "third", "fourth", "fifth")


def text(part: Part) -> str | None:
    """Write a part as a phrase; None where a phrase has no words for it.

    It may leave something out: whoever asks must see whether the phrase parses to the part.
    """
    if isinstance(part, Event):
        return part.value
    if isinstance(part, Once):
        return _once(part)
    if isinstance(part, Interval):
        return _interval(part.seconds)
    if part.basis is Basis.FILTERED:
        return _filtered(part)
    days = _EVERY[part.frequency](part)
    return f"{days}{_times(part)}" if days else None


def is_short(part: Part) -> bool:
    """Tell whether its lists are short enough to be read as a phrase."""
    if not isinstance(part, Rule):
        return True
    days = len(part.month_days) + len(part.weekdays)
    is_few = max(len(part.times), days * max(1, len(part.months))) <= ITEMS_MAX
    is_workdays = part.weekdays == WORKDAYS and len(part.times) <= ITEMS_MAX
    return (is_few or is_workdays) and len(part.minutes) <= MINUTES_MAX


def _once(part: Once) -> str:
    zone = " UTC" if part.at.tzinfo else ""
    seconds = part.at.hour * 3600 + part.at.minute * 60 + part.at.second
    return f"once at {part.at.date().isoformat()} {time_text(seconds)}{zone}"


def _interval(seconds: int) -> str:
    sizes = (("hour", 3600), ("minute", 60), ("second", 1))
    name, size = next((name, size) for name, size in sizes if seconds % size == 0)
    return _every(seconds // size, name)


def _every(number: int, name: str) -> str:
    return f"every {name}" if number == 1 else f"every {number} {name}s"


def _filtered(rule: Rule) -> str:
    text = _every(rule.interval, _UNIT_NAMES[rule.frequency])
    if rule.minutes:
        text += f" at minute {joined([str(minute) for minute in rule.minutes])}"
    if rule.window:
        first, last = time_text(rule.window.first), time_text(rule.window.last)
        text += f" between {first} and {last}"
    if rule.weekdays:
        text += f" on {_weekdays(rule.weekdays, 's')}"
    return text


def _times(rule: Rule) -> str:
    return f" at {joined([time_text(time) for time in rule.times])}" if rule.times else ""


def _weekdays(weekdays: tuple[Weekday, ...], plural: str) -> str:
    if weekdays in (WORKDAYS, WEEKEND):
        return ("weekday" if weekdays == WORKDAYS else "weekend") + plural
    return joined([DAY_NAMES[weekday.day] for weekday in weekdays])


def _daily(rule: Rule) -> str:
    return _every(rule.interval, "day")


def _weekly(rule: Rule) -> str:
    if rule.interval == 1 and rule.weekdays:
        return f"every {_weekdays(rule.weekdays, '')}"
    on = f" on {_weekdays(rule.weekdays, 's')}" if rule.weekdays else ""
    return _every(rule.interval, "week") + on


def _monthly(rule: Rule) -> str:
    if rule.months and rule.interval == 1:
        return _quarterly(rule) if _is_quarterly(rule) else _yearly(rule)
    days = _choice(rule)
    return _every(rule.interval, "month") + (f" on {days}" if days else "")


def _choice(rule: Rule) -> str:
    if rule.month_days:
        return "day " + joined([str(day) for day in _from_first(rule.month_days)])
    return joined([f"the {counted}" for counted in _counted(rule)])


def _counted(rule: Rule) -> list[str]:
    if rule.positions:
        return [f"{_ordinal(position)} weekday" for position in _from_first(rule.positions)]
    return [
        f"{_ordinal(weekday.ordinal)} {DAY_NAMES[weekday.day]}"
        for weekday in sorted(rule.weekdays, key=lambda weekday: weekday.ordinal < 0)
        if weekday.ordinal
    ]


def _from_first(numbers: tuple[int, ...]) -> list[int]:
    """Put what is counted from the end behind what is counted from the beginning."""
    return sorted(numbers, key=lambda number: number < 0)


def _ordinal(number: int) -> str:
    if abs(number) > 5:
        return "?"
    if number > -2:
        return _ORDINAL_NAMES[number] if number > 0 else "last"
    return f"{_ORDINAL_NAMES[-number]} last"


def _is_quarterly(rule: Rule) -> bool:
    """Tell whether the rule is of days counted from or back to the border of a quarter."""
    if rule.months not in (QUARTER_FIRST, QUARTER_LAST):
        return False
    sign, most = (1 if rule.months == QUARTER_FIRST else -1), (30 if rule.month_days else 4)
    ordinals = rule.positions or tuple(weekday.ordinal for weekday in rule.weekdays)
    return all(0 < number * sign <= most for number in rule.month_days or ordinals)


def _quarterly(rule: Rule) -> str:
    days = _choice(rule)
    return f"every quarter on {days}" if days else ""


def _yearly(rule: Rule) -> str:
    if rule.easter_offsets:
        return _easter(rule)
    months = [MONTH_NAMES[month - 1] for month in rule.months]
    dates = [f"{month} {day}" for month in months for day in _from_first(rule.month_days)]
    dates += [f"the {counted} of {month}" for month in months for counted in _counted(rule)]
    return _every(rule.interval, "year") + (f" on {joined(dates)}" if dates else "")


def _easter(rule: Rule) -> str:
    if rule.easter_offsets == (0,):
        return "every easter"
    offsets = [
        f"{offset:+d} day" + ("" if abs(offset) == 1 else "s") for offset in rule.easter_offsets
    ]
    return f"every easter {joined(offsets)}"


_EVERY = {
    Frequency.DAILY: _daily,
    Frequency.WEEKLY: _weekly,
    Frequency.MONTHLY: _monthly,
    Frequency.YEARLY: _yearly,
}

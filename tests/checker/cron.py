"""Five cron fields, read as Vixie's cron does: a second reader, on its own."""

from __future__ import annotations

from datetime import date, datetime

from attrs import frozen

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))


@frozen
class Fields:
    """What an expression matches; Sunday is 0."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    is_wall_clock: bool
    """Neither minute nor hour begins with `*`."""
    is_either_day: bool
    """Neither day field begins with `*`: one of the two is enough."""

    def has_day(self, day: date) -> bool:
        """Tell whether a day of the calendar matches."""
        matches = (day.day in self.days, day.isoweekday() % 7 in self.weekdays)
        return day.month in self.months and (any if self.is_either_day else all)(matches)

    def has_time(self, shown: datetime) -> bool:
        """Tell whether a reading of the clock matches."""
        return shown.second == 0 and shown.minute in self.minutes and shown.hour in self.hours


def fields_of(text: str) -> Fields:
    """Read five fields; ValueError where it is anything else."""
    fields = text.lower().split()
    if len(fields) != 5:
        raise ValueError(f"not five cron fields: {text!r}")
    minutes, hours, days, months, weekdays = (
        _numbers(field, *bounds) for field, bounds in zip(fields, _RANGES, strict=True)
    )
    return Fields(
        minutes=tuple(sorted(minutes)),
        hours=tuple(sorted(hours)),
        days=frozenset(days),
        months=frozenset(months),
        weekdays=frozenset(number % 7 for number in weekdays),
        is_wall_clock=not any(field.startswith("*") for field in fields[:2]),
        is_either_day=not any(fields[index].startswith("*") for index in (2, 4)),
    )


def _numbers(field: str, first: int, last: int) -> set[int]:
    return {number for item in field.split(",") for number in _item(item, first, last)}


def _item(item: str, first: int, last: int) -> range:
    span, _, step = item.partition("/")
    low, _, high = span.partition("-")
    if span == "*":
        begin, end = first, last
    else:
        begin = _number(low)
        end = _number(high) if high else last if step else begin
    if not first <= begin <= end <= last:
        raise ValueError(f"outside {first}-{last}: {item!r}")
    return range(begin, end + 1, int(step or 1))


def _number(text: str) -> int:
    for names, offset in ((_MONTHS, 1), (_WEEKDAYS, 0)):
        if text in names:
            return names.index(text) + offset
    return int(text)

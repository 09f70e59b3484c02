"""Cron expressions: five fields, or six with seconds first, and `@daily` and friends.

Rules of this border:
- Semantics are those of Debian's cron: day-of-month OR day-of-week, unless one of the two fields
  begins with `*`, also as in `*/7`; then AND.
- Five fields whose minute and hour do not begin with `*` are wall-clock times, all others are
  filtered (design of section Time, points 2 and 3).
- What can never be due (`0 0 30 2 *`) is a valid expression; the planner finds it.
"""

from __future__ import annotations

from typing import NoReturn

from attrs import frozen

from linod.recurrence.common import (
    EVERY_DAY,
    WORKDAYS,
    fields_of,
    joined,
    normal,
    quoted,
    refuse,
    times_of,
)
from linod.recurrence.model import Basis, Event, Frequency, Part, RecurrenceError, Rule, Weekday

CODE = "L015"


@frozen
class _Field:
    """One field: its name and range, and the names that stand for numbers."""

    name: str
    first: int
    last: int
    names: tuple[str, ...] = ()


_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_SECOND = _Field("second", 0, 59)
_MINUTE = _Field("minute", 0, 59)
_HOUR = _Field("hour", 0, 23)
_DAY = _Field("day of month", 1, 31)
_MONTH = _Field("month", 1, 12, _MONTHS)
_WEEKDAY = _Field("day of week", 0, 7, _DAYS)

_MACROS: dict[str, str | Event] = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
    "@reboot": Event.AT_BOOT,
}


def parse(text: str) -> tuple[Part, ...]:
    """Read a cron expression."""
    text = text.strip().lower()
    if text.startswith("@"):
        return _macro(text)
    fields = text.split()
    if len(fields) not in (5, 6):
        _refuse_count(fields)
    second, minute, hour, day, month, weekday = fields if len(fields) == 6 else ("0", *fields)
    try:
        days = _days(day, month, weekday)
        times = tuple(
            _numbers(part, field)
            for part, field in ((second, _SECOND), (minute, _MINUTE), (hour, _HOUR))
        )
    except RecurrenceError:
        _refuse_command(fields)
        raise
    is_wall = len(fields) == 5 and minute[0] != "*" and hour[0] != "*"
    return (_wall(days, times) if is_wall else _filtered(days, times),)


def _macro(text: str) -> tuple[Part, ...]:
    meaning = _MACROS.get(text)
    if meaning is None:
        refuse(CODE, f"unknown cron name {quoted(text)}", f"there are {joined(list(_MACROS))}")
    return (meaning,) if isinstance(meaning, Event) else parse(meaning)


def _refuse_count(fields: list[str]) -> NoReturn:
    _refuse_command(fields)
    hint = "five are minute, hour, day of month, month and day of week; six have seconds first"
    if len(fields) == 7:
        hint += "; there is no field for the year"
    count = f"{len(fields)} field" + ("s" if len(fields) > 1 else "")
    shown = quoted(" ".join(fields[:8]))
    message = f"{shown} has {count}, a cron expression has five or six"
    refuse(CODE, message, hint)


def _refuse_command(fields: list[str]) -> None:
    """Refuse a line of a crontab that was pasted with its command."""
    if len(fields) < 6 or not any(sign.isalpha() or sign == "/" for sign in fields[5]):
        return
    expression = " ".join(fields[:5])
    try:
        parse(expression)
    except RecurrenceError:
        return
    message = f"a command follows the cron expression: {quoted(fields[5])}"
    hint = "the command is a key of the task: command = …"
    raise RecurrenceError(CODE, message, help=hint, suggestion=expression)


@frozen
class _Days:
    """What the three fields of a date say; an empty tuple is every one."""

    month_days: tuple[int, ...]
    months: tuple[int, ...]
    weekdays: tuple[Weekday, ...]
    is_either_day: bool
    is_last_workday: bool


def _days(day: str, month: str, weekday: str) -> _Days:
    day, weekday = ("*" if field == "?" else field for field in (day, weekday))
    month_days, is_last_workday = _month_days(day)
    weekdays = _weekdays(weekday)
    months = _numbers(month, _MONTH)
    is_and = day[0] == "*" or weekday[0] == "*"
    all_days = not is_last_workday and len(month_days) == 31 + (-1 in month_days)
    all_weekdays = weekdays == EVERY_DAY
    if not is_and and (all_days or all_weekdays):
        all_days = all_weekdays = True  # One of the two holds on every day.
        is_last_workday = False
    return _Days(
        () if all_days else month_days,
        () if len(months) == 12 else months,
        () if all_weekdays else weekdays,
        not is_and and not all_days,
        is_last_workday,
    )


def _month_days(text: str) -> tuple[tuple[int, ...], bool]:
    """Read days of the month: numbers, `L` (as -1), and whether `LW` is among them."""
    terms = text.split(",")
    numbers = [term for term in terms if term not in ("l", "lw")]
    found = set(_numbers(",".join(numbers), _DAY)) if numbers else set()
    if "l" in terms:
        found.add(-1)
    return tuple(sorted(found)), "lw" in terms


def _weekdays(text: str) -> tuple[Weekday, ...]:
    """Read weekdays: numbers and names, `5L` for the last friday, `5#2` for the second."""
    found: set[Weekday] = set()
    for term in text.split(","):
        if "#" in term:
            name, _, ordinal = term.partition("#")
            found.add(Weekday(_ordinal(ordinal), _weekday(name)))
        elif term.endswith("l"):
            found.add(Weekday(-1, _weekday(term[:-1])))
        else:
            found.update(Weekday(0, (number - 1) % 7) for number in _term(term, _WEEKDAY))
    plain = {weekday.day for weekday in found if not weekday.ordinal}
    if len(plain) == 7:
        return EVERY_DAY
    return tuple(sorted(found))


def _weekday(text: str) -> int:
    return (_number(text, _WEEKDAY) - 1) % 7


def _ordinal(text: str) -> int:
    if text not in ("1", "2", "3", "4", "5"):
        refuse(CODE, f"day of week: {quoted('#' + text)} is not in #1 to #5")
    return int(text)


def _numbers(text: str, field: _Field) -> tuple[int, ...]:
    """Read the list of one field."""
    found: set[int] = set()
    for term in text.split(","):
        found.update(_term(term, field))
    return tuple(sorted(found))


def _term(text: str, field: _Field) -> range:
    """Read one term: `*`, a number or a range, each with or without a step."""
    base, slash, step_text = text.partition("/")
    step = _step(step_text, field) if slash else 1
    if base == "*":
        return range(field.first, field.last + 1, step)
    first_text, dash, last_text = base.partition("-")
    first = _number(first_text, field)
    if not dash:
        return range(first, field.last + 1 if slash else first + 1, step)
    last = _number(last_text, field)
    if field is _WEEKDAY and last_text in ("0", "sun") and first > 0:
        last = 7
    if first > last:
        wrapped = f"{first}-{field.last},{field.first}-{last}"
        refuse(CODE, f"{field.name}: {quoted(base)} goes backwards", f"write {wrapped}")
    return range(first, last + 1, step)


def _step(text: str, field: _Field) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text) > 0):
        refuse(CODE, f"{field.name}: {quoted('/' + text)} is no step", "a step is at least 1")
    return int(text)


def _number(text: str, field: _Field) -> int:
    if text.isascii() and text.isdigit():
        number = int(text) if len(text) < 10 else 10**9
        if not field.first <= number <= field.last:
            shown = text if len(text) < 10 else "that big"
            refuse(CODE, f"{field.name} {shown} is not in {field.first}-{field.last}")
        return number
    if text in field.names:
        return field.names.index(text) + field.first
    return _refuse_number(text, field)


def _refuse_number(text: str, field: _Field) -> NoReturn:
    expected = f"{field.first}-{field.last}"
    if field.names:
        expected += f" or {field.names[0]}-{field.names[-1]}"
    if field is _DAY:
        expected += ", L (the last day) or LW (the last workday)"
    what = f"{quoted(text)} is no {field.name}" if text else f"the {field.name} has an empty place"
    refuse(CODE, what, f"the {field.name} is {expected}, a range, a list, or * with a step")


def _wall(days: _Days, times: tuple[tuple[int, ...], ...]) -> Rule:
    """Make a rule of wall-clock times."""
    seconds, minutes, hours = times
    at = tuple(sorted(times_of(hours, minutes, seconds)))
    if days.is_last_workday and not days.month_days and not days.weekdays and len(at) == 1:
        return Rule(
            frequency=Frequency.MONTHLY,
            basis=Basis.WALL,
            months=days.months,
            weekdays=WORKDAYS,
            positions=(-1,),
            times=at,
        )
    return normal(
        Rule(
            frequency=_day_frequency(days),
            basis=Basis.WALL,
            months=days.months,
            month_days=days.month_days,
            weekdays=days.weekdays,
            times=at,
            is_either_day=days.is_either_day,
            is_last_workday=days.is_last_workday,
        )
    )


def _day_frequency(days: _Days) -> Frequency:
    is_of_month = days.month_days or days.is_last_workday
    if is_of_month or any(weekday.ordinal for weekday in days.weekdays):
        return Frequency.MONTHLY
    return Frequency.WEEKLY if days.weekdays else Frequency.DAILY


def _filtered(days: _Days, times: tuple[tuple[int, ...], ...]) -> Rule:
    """Make a rule finer than daily, in the coarsest frequency that holds its fields."""
    seconds, minutes, hours = times
    is_each_second, is_each_minute = len(seconds) == 60, len(minutes) == 60
    frequency = Frequency.MINUTELY if is_each_minute else Frequency.HOURLY
    if is_each_second:
        frequency = Frequency.SECONDLY
    return Rule(
        frequency=frequency,
        basis=Basis.FILTERED,
        months=days.months,
        month_days=days.month_days,
        weekdays=days.weekdays,
        hours=() if len(hours) == 24 else hours,
        minutes=() if is_each_minute else minutes,
        seconds=() if is_each_second else seconds,
        is_either_day=days.is_either_day,
        is_last_workday=days.is_last_workday,
    )


def text(part: Part) -> str | None:
    """Write a rule as a cron expression; None where cron has no words for it."""
    if not isinstance(part, Rule) or _is_foreign(part):
        return None
    if part.basis is Basis.FILTERED:
        return _filtered_text(part)
    fields = fields_of(part.times) if part.times else (part.hours, part.minutes, part.seconds)
    if fields is None or not fields[0] or not fields[1] or fields[2] != (0,):
        return None
    hours, minutes, _ = fields
    days = _days_text(part)
    return f"{_list_text(minutes, _MINUTE, '')} {_list_text(hours, _HOUR, '')} {days}"


def _is_foreign(rule: Rule) -> bool:
    """Tell whether the rule has a part that cron lacks."""
    return bool(
        rule.interval > 1
        or rule.count
        or rule.until
        or rule.week_numbers
        or rule.year_days
        or rule.easter_offsets
        or rule.window
        or (rule.positions and rule.positions != (-1,))
        or any(day < -1 for day in rule.month_days)
        or any(not -1 <= weekday.ordinal <= 5 for weekday in rule.weekdays)
    )


def _filtered_text(rule: Rule) -> str:
    minutes = _list_text(rule.minutes, _MINUTE) if rule.minutes else "*"
    hours = _list_text(rule.hours, _HOUR) if rule.hours else "*"
    seconds = _list_text(rule.seconds, _SECOND) if rule.seconds else "*"
    five = f"{minutes} {hours} {_days_text(rule)}"
    is_five = seconds == "0" and (minutes[0] == "*" or hours[0] == "*")
    return five if is_five else f"{seconds} {five}"


def _days_text(rule: Rule) -> str:
    """Write the three fields of a date so that they mean OR, or AND, as the rule does."""
    days, weekdays, star = rule.month_days, rule.weekdays, "*"
    is_last_workday = rule.is_last_workday or bool(rule.positions)
    if rule.positions:
        weekdays = ()
    if rule.is_either_day:
        star = ""
    day = _month_days_text(days, is_last_workday, star) if days or is_last_workday else "*"
    weekday = _weekdays_text(weekdays) if weekdays else "*"
    month = _list_text(rule.months, _MONTH) if rule.months else "*"
    if "*" not in (day[0], weekday[0]) and star:
        day, weekday = _with_star(day, days, weekday)
    return f"{day} {month} {weekday}"


def _with_star(day: str, days: tuple[int, ...], weekday: str) -> tuple[str, str]:
    """Begin a field with a star that adds nothing: then both fields must hold.

    `*/31` is day 1 and `*/7` is Sunday; where neither is meant, cron has no words for it, and
    what is written here will not parse to the same rule.
    """
    return (f"*/31,{day}", weekday) if 1 in days else (day, f"*/7,{weekday}")


def _month_days_text(days: tuple[int, ...], is_last_workday: bool, star: str) -> str:
    numbers = tuple(day for day in days if day > 0)
    terms = [_list_text(numbers, _DAY, star)] if numbers else []
    terms += ["L"] if -1 in days else []
    return ",".join(terms + (["LW"] if is_last_workday else []))


def _weekdays_text(weekdays: tuple[Weekday, ...]) -> str:
    plain = tuple(sorted((weekday.day + 1) % 7 for weekday in weekdays if not weekday.ordinal))
    terms = [_list_text(plain, _WEEKDAY, "")] if plain else []
    for weekday in weekdays:
        number = (weekday.day + 1) % 7
        if weekday.ordinal:
            terms.append(f"{number}L" if weekday.ordinal == -1 else f"{number}#{weekday.ordinal}")
    return ",".join(terms)


def _list_text(numbers: tuple[int, ...], field: _Field, star: str = "*") -> str:
    """Write numbers as the shortest of step, ranges and list; `star` allows `*`."""
    last = field.last - (field is _WEEKDAY)
    has_star = bool(star) and numbers[0] == field.first
    if len(numbers) > (1 if has_star else 2):
        step = numbers[1] - numbers[0]
        if numbers == tuple(range(numbers[0], last + 1, step)):
            head = star if has_star else f"{numbers[0]}-{last}"
            return head if step == 1 else f"{head}/{step}"
    return ",".join(_range_texts(numbers))


def _range_texts(numbers: tuple[int, ...]) -> list[str]:
    terms: list[str] = []
    start = 0
    for index, number in enumerate(numbers):
        if index + 1 < len(numbers) and numbers[index + 1] == number + 1:
            continue
        run = numbers[start : index + 1]
        terms += [f"{run[0]}-{run[-1]}"] if len(run) > 2 else [str(item) for item in run]
        start = index + 1
    return terms

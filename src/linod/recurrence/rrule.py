"""RRULE: RFC 5545 section 3.3.10, strictly, with three parts of linod's own.

Rules of this border:
- What the RFC forbids is refused, and the refusal says what is allowed.
- BYEASTER lists days from Easter Sunday; BYTIME lists times of day that are no product of
  BYHOUR, BYMINUTE and BYSECOND; BETWEEN is a window of the day below DAILY.
- DTSTART, EXDATE and RDATE are keys of the task or items of a list, not parts of the text.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

from attrs import frozen

from linod.recurrence.common import (
    EASTER_MAX,
    EASTER_MIN,
    TIMES_MAX,
    UNIT_SECONDS,
    checked_interval,
    did_you_mean,
    fields_of,
    normal,
    quoted,
    refuse,
)
from linod.recurrence.model import (
    Basis,
    Frequency,
    Interval,
    Part,
    RecurrenceError,
    Rule,
    Weekday,
    Window,
)

CODE = "L016"
LINE_CODE = "L019"
_COUNT_MAX = 10**9
"""Every second for thirty years."""
_END_YEAR = 3000
"""UNTIL from this year on is the usual way to write "for ever"."""

_DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_DATED = {
    "DTSTART": "write the key `start`",
    "DTEND": "write the key `end`",
    "EXDATE": "write the key `exclude`",
    "EXRULE": "write the key `exclude`",
    "RDATE": 'write a list: recurrence = ["FREQ=…", 2026-12-01T20:00:00]',
}
_BYDAY = re.compile(r"([+-]?[0-9]{1,2})?(MO|TU|WE|TH|FR|SA|SU)")
_UNTIL = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})(?:T([0-9]{2})([0-9]{2})([0-9]{2})(Z?))?")
_HHMMSS = re.compile(r"([01][0-9]|2[0-3])([0-5][0-9])([0-5][0-9])")
_INTEGER = re.compile(r"[+-]?[0-9]{1,12}")


@frozen
class _Range:
    """A list of numbers: the attribute of Rule, the range, and whether it counts from the end."""

    attribute: str
    first: int
    last: int
    is_signed: bool = False


_LISTS = {
    "BYMONTH": _Range("months", 1, 12),
    "BYWEEKNO": _Range("week_numbers", 1, 53, True),
    "BYYEARDAY": _Range("year_days", 1, 366, True),
    "BYMONTHDAY": _Range("month_days", 1, 31, True),
    "BYHOUR": _Range("hours", 0, 23),
    "BYMINUTE": _Range("minutes", 0, 59),
    "BYSECOND": _Range("seconds", 0, 59),
    "BYSETPOS": _Range("positions", 1, 366, True),
}
_PARTS = [
    *("FREQ", "INTERVAL", "COUNT", "UNTIL", "BYMONTH", "BYWEEKNO", "BYYEARDAY", "BYMONTHDAY"),
    *("BYDAY", "BYEASTER", "BYHOUR", "BYMINUTE", "BYSECOND", "BYTIME", "BETWEEN", "BYSETPOS"),
    "WKST",
]
_BESIDE_EASTER = ("INTERVAL", "COUNT", "UNTIL", "BYHOUR", "BYMINUTE", "BYSECOND", "BYTIME", "WKST")


def parse(text: str) -> tuple[Part, ...]:
    """Read `RRULE:FREQ=…` or `FREQ=…`."""
    values = _split(_line(text))
    frequency = _frequency(values)
    _refuse_forbidden(values, frequency)
    found: dict[str, Any] = {
        _READERS[name][0]: _READERS[name][1](name, value)
        for name, value in values.items()
        if name != "FREQ"
    }
    checked_interval(found.get("interval", 1), frequency, CODE)
    has_filter = any(name.startswith("BY") or name == "BETWEEN" for name in values)
    if frequency in UNIT_SECONDS and not has_filter:
        seconds = found.get("interval", 1) * UNIT_SECONDS[frequency]
        return (Interval(seconds=seconds, count=found.get("count"), until=found.get("until")),)
    basis = Basis.FILTERED if frequency in UNIT_SECONDS else Basis.WALL
    return (normal(Rule(frequency=frequency, basis=basis, **found)),)


def _line(text: str) -> str:
    """Take the one RRULE line out of the text; unfold it (RFC 5545 section 3.1)."""
    unfolded = re.sub(r"\r?\n[ \t]", "", text.strip()).upper()
    lines = unfolded.split()
    for line in lines:
        name = re.split("[:;=]", line, maxsplit=1)[0]
        if name in _DATED:
            refuse(LINE_CODE, f"{name} is no part of a recurrence", _DATED[name])
    if len(lines) > 1:
        if sum("FREQ=" in line for line in lines) > 1:
            refuse(CODE, "two rules in one text", "write a list with one text for each rule")
        refuse(CODE, "an RRULE has no spaces", "write FREQ=…;INTERVAL=… without spaces")
    return lines[0].removeprefix("RRULE:")


def _split(line: str) -> dict[str, str]:
    values: dict[str, str] = {}
    for part in line.removesuffix(";").split(";"):
        name, equals, value = part.partition("=")
        if name not in _PARTS:
            refuse(CODE, f"unknown RRULE part {quoted(name)}", did_you_mean(name, _PARTS))
        if not equals or not value:
            refuse(CODE, f"{name} has no value", f"write {name}=…")
        if name in values:
            refuse(CODE, f"{name} is given twice", "a part is given once; write a list of values")
        values[name] = value
    return values


def _frequency(values: dict[str, str]) -> Frequency:
    name = values.get("FREQ")
    known = ", ".join(frequency.name for frequency in reversed(Frequency))
    if name is None:
        refuse(CODE, "an RRULE needs FREQ", f"FREQ is one of {known}")
    if name not in Frequency.__members__:
        refuse(CODE, f"unknown FREQ {quoted(name)}", f"FREQ is one of {known}")
    return Frequency[name]


def _refuse_forbidden(values: dict[str, str], frequency: Frequency) -> None:
    """Refuse what RFC 5545 section 3.3.10 forbids, and what linod's own parts do not mean."""
    for name, is_allowed, rule in _RULES:
        if name in values and not is_allowed(values, frequency):
            refuse(CODE, f"{name} is not allowed here", rule)
    if re.search("[0-9]", values.get("BYDAY", "")):
        if frequency not in (Frequency.MONTHLY, Frequency.YEARLY):
            _refuse_ordinals("BYDAY counts (1MO, -1FR) only in MONTHLY and YEARLY")
        if "BYWEEKNO" in values:
            _refuse_ordinals("BYDAY does not count (1MO, -1FR) beside BYWEEKNO")


def _refuse_ordinals(rule: str) -> None:
    refuse(CODE, "a BYDAY with a number is not allowed here", rule)


_Check = Callable[[dict[str, str], Frequency], bool]


def _only(*allowed: Frequency) -> _Check:
    return lambda _values, frequency: frequency in allowed


def _except(*refused: Frequency) -> _Check:
    return lambda _values, frequency: frequency not in refused


def _has_set(values: dict[str, str], _frequency: Frequency) -> bool:
    return any(name.startswith("BY") and name != "BYSETPOS" for name in values)


def _has_no(*names: str) -> _Check:
    return lambda values, _frequency: not any(name in values for name in names)


def _is_easter_alone(values: dict[str, str], _frequency: Frequency) -> bool:
    return all(name in _BESIDE_EASTER for name in values if name not in ("FREQ", "BYEASTER"))


_SUB_DAILY = (Frequency.HOURLY, Frequency.MINUTELY, Frequency.SECONDLY)
_RULES: list[tuple[str, _Check, str]] = [
    ("COUNT", _has_no("UNTIL"), "a rule has COUNT or UNTIL, not both"),
    ("BYWEEKNO", _only(Frequency.YEARLY), "BYWEEKNO is for FREQ=YEARLY only"),
    (
        "BYYEARDAY",
        _except(Frequency.DAILY, Frequency.WEEKLY, Frequency.MONTHLY),
        "BYYEARDAY is for FREQ=YEARLY, HOURLY, MINUTELY and SECONDLY",
    ),
    ("BYMONTHDAY", _except(Frequency.WEEKLY), "BYMONTHDAY is not for FREQ=WEEKLY"),
    ("BYSETPOS", _has_set, "BYSETPOS selects from another BY part: add one, such as BYDAY"),
    ("BYEASTER", _only(Frequency.YEARLY), "BYEASTER is for FREQ=YEARLY only"),
    ("BYEASTER", _is_easter_alone, f"beside BYEASTER stand only {', '.join(_BESIDE_EASTER)}"),
    ("BYTIME", _except(*_SUB_DAILY), "BYTIME is for FREQ=DAILY and coarser"),
    (
        "BYTIME",
        _has_no("BYHOUR", "BYMINUTE", "BYSECOND"),
        "BYTIME stands for BYHOUR, BYMINUTE and BYSECOND",
    ),
    ("BETWEEN", _only(*_SUB_DAILY), "BETWEEN is for FREQ=HOURLY, MINUTELY and SECONDLY"),
]


def _numbers(name: str, text: str) -> tuple[int, ...]:
    allowed = _LISTS[name]
    numbers = {_integer(name, item, allowed.is_signed) for item in text.split(",")}
    for number in numbers:
        if not allowed.first <= (abs(number) if allowed.is_signed else number) <= allowed.last:
            _refuse_number(name, number, allowed)
    return tuple(sorted(numbers))


def _refuse_number(name: str, number: int, allowed: _Range) -> None:
    expected = f"{name} is {allowed.first} to {allowed.last}"
    if allowed.is_signed:
        expected += f", or -{allowed.last} to -1 from the end"
    if (name, number) == ("BYSECOND", 60):
        expected += "; computers pass over leap seconds"
    refuse(CODE, f"{name}={number} is out of range", expected)


def _integer(name: str, text: str, is_signed: bool) -> int:
    if not _INTEGER.fullmatch(text) or (text[0] in "+-" and not is_signed):
        refuse(CODE, f"{name}: {quoted(text)} is no number", "numbers are written in digits 0-9")
    return int(text)


def _positive(name: str, text: str) -> int:
    number = _integer(name, text, is_signed=False)
    if number < 1:
        refuse(CODE, f"{name}={number} is out of range", f"{name} is at least 1")
    return number


def _count(name: str, text: str) -> int:
    count = _positive(name, text)
    if count > _COUNT_MAX:
        refuse(CODE, f"COUNT={count} is out of range", f"COUNT is at most {_COUNT_MAX}")
    return count


def _weekdays(_name: str, text: str) -> tuple[Weekday, ...]:
    found: set[Weekday] = set()
    for item in text.split(","):
        match = _BYDAY.fullmatch(item)
        ordinal = int(match[1] or 0) if match else 0
        if not match or (match[1] and not 1 <= abs(ordinal) <= 53):
            hint = "BYDAY is MO, TU, WE, TH, FR, SA, SU, or counted: 1MO, -1FR (1 to 53)"
            refuse(CODE, f"BYDAY: {quoted(item)} is no day", hint)
        found.add(Weekday(ordinal, _DAYS.index(match[2])))
    return tuple(sorted(found))


def _easter_offsets(name: str, text: str) -> tuple[int, ...]:
    numbers = {_integer(name, item, is_signed=True) for item in text.split(",")}
    for number in numbers:
        if not EASTER_MIN <= number <= EASTER_MAX:
            hint = f"BYEASTER is {EASTER_MIN} to {EASTER_MAX} days from Easter Sunday"
            refuse(CODE, f"BYEASTER={number} is out of range", hint)
    return tuple(sorted(numbers))


def _times(_name: str, text: str) -> tuple[int, ...]:
    items = text.split(",")
    if len(items) > TIMES_MAX:
        refuse(CODE, f"{len(items)} times of day", f"there are at most {TIMES_MAX}")
    return tuple(sorted({_time(item) for item in items}))


def _time(text: str) -> int:
    found = _HHMMSS.fullmatch(text)
    if not found:
        refuse(CODE, f"{quoted(text)} is no time of day", "write HHMMSS, such as 093000")
    return int(found[1]) * 3600 + int(found[2]) * 60 + int(found[3])


def _window(_name: str, text: str) -> Window:
    first, _, last = text.partition("-")
    return Window(_time(first), _time(last))


def _until(_name: str, text: str) -> datetime | date | None:
    found = _UNTIL.fullmatch(text)
    hint = "UNTIL is 20261231, 20261231T235959 (local) or 20261231T235959Z (UTC)"
    if not found:
        refuse(CODE, f"UNTIL: {quoted(text)} is no date", hint)
    year, month, day, hour, minute, second = (int(part or 0) for part in found.groups()[:6])
    try:
        until = datetime(year, month, day, hour, minute, second)  # noqa: DTZ001 - local time
    except ValueError as error:
        raise RecurrenceError(CODE, f"UNTIL={text}: {error}", help=hint) from None
    if year >= _END_YEAR:
        return None
    if found[4] is None:
        return until.date()
    return until.replace(tzinfo=UTC) if found[7] else until


def _week_start(_name: str, text: str) -> int:
    if text not in _DAYS:
        refuse(CODE, f"WKST: {quoted(text)} is no day", f"WKST is one of {', '.join(_DAYS)}")
    return _DAYS.index(text)


_READERS: dict[str, tuple[str, Callable[[str, str], Any]]] = {
    **{name: (allowed.attribute, _numbers) for name, allowed in _LISTS.items()},
    "INTERVAL": ("interval", _positive),
    "COUNT": ("count", _count),
    "UNTIL": ("until", _until),
    "BYDAY": ("weekdays", _weekdays),
    "BYEASTER": ("easter_offsets", _easter_offsets),
    "BYTIME": ("times", _times),
    "BETWEEN": ("window", _window),
    "WKST": ("week_start", _week_start),
}


def text(part: Rule | Interval) -> str:
    """Write a rule as RRULE text."""
    if isinstance(part, Interval):
        frequency, interval = _unit(part.seconds)
        parts = [("FREQ", frequency.name), ("INTERVAL", _unless(interval, 1)), *_limits(part)]
        return _written(parts)
    parts = [
        ("FREQ", part.frequency.name),
        ("INTERVAL", _unless(part.interval, 1)),
        *_limits(part),
        ("BYMONTH", _listed(part.months)),
        ("BYWEEKNO", _listed(part.week_numbers)),
        ("BYYEARDAY", _listed(part.year_days)),
        ("BYMONTHDAY", _listed(part.month_days)),
        ("BYDAY", ",".join(_weekday_text(weekday) for weekday in part.weekdays)),
        ("BYEASTER", _listed(part.easter_offsets)),
        *_clock(part),
        ("BETWEEN", _window_text(part.window)),
        ("BYSETPOS", _listed(part.positions)),
        ("WKST", _DAYS[part.week_start] if part.week_start else ""),
    ]
    return _written(parts)


def _written(parts: list[tuple[str, str]]) -> str:
    return ";".join(f"{name}={value}" for name, value in parts if value)


def _unless(number: int, default: int) -> str:
    return "" if number == default else str(number)


def _listed(numbers: tuple[int, ...]) -> str:
    return ",".join(map(str, numbers))


def _unit(seconds: int) -> tuple[Frequency, int]:
    frequency, size = next(pair for pair in _UNITS if seconds % pair[1] == 0)
    return frequency, seconds // size


_UNITS = sorted(UNIT_SECONDS.items(), key=lambda pair: -pair[1])


def _limits(part: Rule | Interval) -> list[tuple[str, str]]:
    return [("COUNT", str(part.count or "")), ("UNTIL", _until_text(part.until))]


def _until_text(until: datetime | date | None) -> str:
    if until is None:
        return ""
    if not isinstance(until, datetime):
        return until.strftime("%Y%m%d").zfill(8)
    return until.strftime("%Y%m%dT%H%M%S").zfill(15) + ("Z" if until.tzinfo else "")


def _weekday_text(weekday: Weekday) -> str:
    return f"{weekday.ordinal or ''}{_DAYS[weekday.day]}"


def _clock(rule: Rule) -> list[tuple[str, str]]:
    fields = fields_of(rule.times) if rule.times else (rule.hours, rule.minutes, rule.seconds)
    if fields is None:
        return [("BYTIME", ",".join(map(_time_text, rule.times)))]
    names = ("BYHOUR", "BYMINUTE", "BYSECOND")
    return [(name, _listed(field)) for name, field in zip(names, fields, strict=True)]


def _time_text(seconds: int) -> str:
    return f"{seconds // 3600:02}{seconds // 60 % 60:02}{seconds % 60:02}"


def _window_text(window: Window | None) -> str:
    return f"{_time_text(window.first)}-{_time_text(window.last)}" if window else ""

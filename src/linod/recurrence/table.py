"""Tables: `{ every = 2, unit = "weekly", weekdays = ["mon"], at = ["20:00"] }`.

Rules of this border:
- Keys and types are strict; each unit has its own keys, and a refusal names them.
- `positions` selects days: from the weekdays of the period, or without weekdays from its days.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any, NoReturn, TypeVar

from linod.recurrence.common import (
    DAY_NAMES,
    EASTER_MAX,
    EASTER_MIN,
    EVERY_DAY,
    TIMES_MAX,
    UNIT_SECONDS,
    checked_interval,
    checked_moment,
    did_you_mean,
    midnight_of,
    moment,
    normal,
    quoted,
    refuse,
    time_of_day,
)
from linod.recurrence.model import (
    Basis,
    Event,
    Frequency,
    Interval,
    Once,
    Part,
    Rule,
    Weekday,
    Window,
)

CODE = "L017"
T = TypeVar("T")

_FREQUENCIES = {frequency.name.lower(): frequency for frequency in reversed(Frequency)}
_UNITS = ["once", "never", *_FREQUENCIES, "easter"]
_WEEKDAYS = {**{name: day for day, name in enumerate(DAY_NAMES)}}
_WEEKDAYS.update({name[:3]: day for name, day in _WEEKDAYS.items()})
_SUB_DAILY_KEYS = ("every", "weekdays", "months", "days", "between")
_KEYS_OF: dict[str, tuple[str, ...]] = {
    "once": ("date", "at"),
    "never": (),
    "secondly": _SUB_DAILY_KEYS,
    "minutely": _SUB_DAILY_KEYS,
    "hourly": (*_SUB_DAILY_KEYS, "minutes"),
    "daily": ("every", "weekdays", "months", "days", "at"),
    "weekly": ("every", "weekdays", "months", "positions", "at"),
    "monthly": ("every", "weekdays", "months", "days", "positions", "at"),
    "yearly": ("every", "weekdays", "months", "days", "positions", "at"),
    "easter": ("every", "offset", "at"),
}
_KEYS = [
    *("every", "unit", "weekdays", "months", "days", "minutes", "positions", "between"),
    *("date", "offset", "at"),
]


def parse(table: Mapping[str, Any]) -> tuple[Part, ...]:
    """Read a table."""
    unit = _unit(table)
    _refuse_keys(table, unit)
    if unit == "never":
        return (Event.MANUALLY,)
    if unit == "once":
        return _once(table)
    values = {name: _READERS[name](name, table[name]) for name in table if name in _READERS}
    if unit == "easter":
        return (_easter(table, values),)
    frequency = _FREQUENCIES[unit]
    interval = _every(table, frequency)
    if frequency in UNIT_SECONDS:
        return (_sub_daily(frequency, interval, values),)
    return _daily(frequency, interval, values)


def _unit(table: Mapping[str, Any]) -> str:
    unit = table.get("unit")
    if unit is None:
        for name in table:
            if name not in _KEYS:
                _refuse_key(name)
        refuse(CODE, "a recurrence table needs unit", f"unit is one of {', '.join(_UNITS)}")
    if not isinstance(unit, str) or unit not in _UNITS:
        shown = quoted(unit) if isinstance(unit, str) else str(type(unit).__name__)
        near = did_you_mean(unit, _UNITS) if isinstance(unit, str) else ""
        hint = near if near.startswith("did") else f"unit is one of {', '.join(_UNITS)}"
        refuse(CODE, f"unknown unit {shown} in a recurrence table", hint)
    return unit


def _refuse_keys(table: Mapping[str, Any], unit: str) -> None:
    allowed = _KEYS_OF[unit]
    for name in table:
        if name not in _KEYS:
            _refuse_key(name)
        if name != "unit" and name not in allowed:
            hint = f"beside it stand {', '.join(allowed)}" if allowed else "it stands alone"
            refuse(CODE, f'{name} is not allowed with unit = "{unit}"', hint)


def _refuse_key(name: str) -> NoReturn:
    refuse(CODE, f"unknown key {quoted(name)} in a recurrence table", did_you_mean(name, _KEYS))


def _once(table: Mapping[str, Any]) -> tuple[Part, ...]:
    """Make an instant, or with several times of day one of each."""
    if "date" not in table:
        refuse(CODE, 'unit = "once" needs date', "write date = 2026-12-01")
    day = table["date"]
    if isinstance(day, str):
        day = moment(day, CODE)
    if not isinstance(day, date):
        refuse(CODE, "date is no date", "write date = 2026-12-01")
    has_time = isinstance(day, datetime) and day.time() != time(0)
    at = day if isinstance(day, datetime) else midnight_of(day)
    if "at" not in table:
        return (Once(checked_moment(at, CODE)),)
    if has_time or at.tzinfo:
        refuse(CODE, "date has a time, and there is at", "write date = 2026-12-01 beside at")
    times = _times("at", table["at"])
    return tuple(Once(checked_moment(at + timedelta(seconds=some), CODE)) for some in times)


def _every(table: Mapping[str, Any], frequency: Frequency) -> int:
    every = table.get("every", 1)
    if not isinstance(every, int) or isinstance(every, bool):
        refuse(CODE, "every is no whole number", "write every = 2")
    return checked_interval(every, frequency, CODE)


def _easter(table: Mapping[str, Any], values: Mapping[str, Any]) -> Rule:
    return Rule(
        frequency=Frequency.YEARLY,
        basis=Basis.WALL,
        interval=_every(table, Frequency.YEARLY),
        easter_offsets=values.get("offset", (0,)),
        times=values.get("at", ()),
    )


def _sub_daily(frequency: Frequency, interval: int, values: Mapping[str, Any]) -> Part:
    if not values:
        return Interval(seconds=interval * UNIT_SECONDS[frequency])
    rule = Rule(
        frequency=frequency,
        basis=Basis.FILTERED,
        interval=interval,
        months=values.get("months", ()),
        month_days=values.get("days", ()),
        weekdays=values.get("weekdays", ()),
        minutes=values.get("minutes", ()),
        seconds=(0,) if "minutes" in values else (),
        window=values.get("between"),
    )
    return normal(rule)


def _daily(frequency: Frequency, interval: int, values: Mapping[str, Any]) -> tuple[Part, ...]:
    """Make a rule; positions select instants, so each time of day has a rule then."""
    times = values.get("at", ())
    chosen = _chosen(frequency, values)
    all_times = [(some,) for some in times] if chosen.get("positions") and times else [times]
    return tuple(
        normal(
            Rule(
                frequency=frequency,
                basis=Basis.WALL,
                interval=interval,
                months=values.get("months", ()),
                times=some,
                **chosen,
            )
        )
        for some in all_times
    )


def _chosen(frequency: Frequency, values: Mapping[str, Any]) -> dict[str, Any]:
    """Say which days of the period: positions without other days count its days themselves."""
    positions = values.get("positions", ())
    days = {"month_days": values.get("days", ()), "weekdays": values.get("weekdays", ())}
    if not positions or any(days.values()):
        return {**days, "positions": positions}
    most = _DAYS_IN[frequency]
    if max(map(abs, positions)) > most:
        name = frequency.name.lower()
        refuse(CODE, f"a position beyond the days of a {name} period", f"there are {most}")
    if frequency is Frequency.WEEKLY:
        week = sorted({(position - (position > 0)) % 7 for position in positions})
        return {"weekdays": tuple(Weekday(0, day) for day in week)}
    if frequency is Frequency.MONTHLY:
        return {"month_days": positions}
    if values.get("months"):
        return {"weekdays": EVERY_DAY, "positions": positions}
    return {"year_days": positions}


_DAYS_IN = {Frequency.WEEKLY: 7, Frequency.MONTHLY: 31, Frequency.YEARLY: 366}


def _items(name: str, value: Any) -> Sequence[Any]:
    """Take a list, or one item for a list of one."""
    items = value if isinstance(value, list | tuple) else [value]
    if not items:
        refuse(CODE, f"{name} is empty", f"leave {name} out, or write a value")
    return items


def _numbers(first: int, last: int, *, is_signed: bool = False) -> Callable[[str, Any], Any]:
    expected = f"{first} to {last}"
    if is_signed:
        expected += f", or -{last} to -1 from the end"

    def read(name: str, value: Any) -> tuple[int, ...]:
        for number in (items := _items(name, value)):
            if not isinstance(number, int) or isinstance(number, bool):
                refuse(CODE, f"{name} has a value that is no whole number", f"{name}: {expected}")
            if not first <= (abs(number) if is_signed else number) <= last:
                shown = number if abs(number) < 10**9 else "that big"
                refuse(CODE, f"{name}: {shown} is out of range", f"{name}: {expected}")
        return tuple(sorted(set(items)))

    return read


def _weekdays(name: str, value: Any) -> tuple[Weekday, ...]:
    return _sorted(Weekday(0, _weekday(name, item)) for item in _items(name, value))


def _weekday(name: str, item: Any) -> int:
    if not isinstance(item, str):
        refuse(CODE, f"{name} has a value that is no name", 'write weekdays = ["mon", "thu"]')
    day = _WEEKDAYS.get(item.lower())
    if day is None:
        refuse(CODE, f"unknown weekday {quoted(item)}", did_you_mean(item, list(DAY_NAMES)))
    return day


def _times(name: str, value: Any) -> tuple[int, ...]:
    items = _items(name, value)
    if len(items) > TIMES_MAX:
        refuse(CODE, f"{name} has {len(items)} times of day", f"there are at most {TIMES_MAX}")
    return _sorted(_time(name, item) for item in items)


def _time(name: str, item: Any) -> int:
    hint = f'write {name} = ["09:00", "17:30:15"]'
    if isinstance(item, time):
        if item.microsecond:
            refuse(CODE, f"{name} has a fraction of a second", hint)
        return item.hour * 3600 + item.minute * 60 + item.second
    seconds = time_of_day(item.lower()) if isinstance(item, str) else None
    if seconds is None:
        shown = quoted(item) if isinstance(item, str) else "a value of another type"
        refuse(CODE, f"{name}: {shown} is no time of day", hint)
    return seconds


def _between(name: str, value: Any) -> Window:
    if not isinstance(value, list | tuple) or len(value) != 2:
        refuse(CODE, f"{name} is no pair of times", f'write {name} = ["09:00", "17:45"]')
    return Window(_time(name, value[0]), _time(name, value[1]))


def _offset(name: str, value: Any) -> tuple[int, ...]:
    numbers = []
    for number in _items(name, value):
        if not isinstance(number, int) or isinstance(number, bool):
            refuse(CODE, f"{name} is no whole number of days", "write offset = -2")
        if not EASTER_MIN <= number <= EASTER_MAX:
            refuse(CODE, f"{name} is out of range", f"{EASTER_MIN} to {EASTER_MAX} days")
        numbers.append(number)
    return _sorted(numbers)


def _sorted(items: Any) -> tuple[Any, ...]:
    return tuple(sorted(set(items)))


_READERS: dict[str, Callable[[str, Any], Any]] = {
    "weekdays": _weekdays,
    "months": _numbers(1, 12),
    "days": _numbers(1, 31, is_signed=True),
    "minutes": _numbers(0, 59),
    "positions": _numbers(1, 366, is_signed=True),
    "between": _between,
    "offset": _offset,
    "at": _times,
}

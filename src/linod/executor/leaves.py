"""Single values of TOML turned into what an annotation asks for: numbers, dates, enums, paths.

Strict: a bool is no int, 3.9 is no int, "no" is no bool. A refusal is `Unfit`, whose text is one
clause: what was expected and what came. `{ due = "-1 day" }` becomes an instant wherever a date, a
datetime or a string is asked for.
"""

from __future__ import annotations

import collections.abc
import typing
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from enum import Enum
from pathlib import Path, PurePath
from typing import Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from dateutil.relativedelta import relativedelta

from linod.units import parse_duration, parse_offset

Hook = Callable[[Any], Any]


class Unfit(ValueError):  # noqa: N818 - it reads as what happened
    """A value is not what the annotation asks for; the text is one clause for people."""


class Moment:
    """The due instant that `{ due = … }` values are relative to, in the task's zone."""

    def __init__(self) -> None:
        self.due = datetime(2001, 1, 1, tzinfo=UTC)

    def at(self, offset: str) -> datetime:
        """Return the due instant plus an offset such as "-1 day", "0 days", "+2 hours"."""
        return shifted(self.due, offset)


def shifted(due: datetime, offset: str) -> datetime:
    """Add an offset: whole days, months and years on the wall clock, the rest in elapsed time."""
    try:
        months, delta = parse_offset(offset)
    except ValueError as error:
        raise Unfit(f'"{offset[:40]}" is no offset such as "-1 day": {error}') from None
    try:
        if months:
            return due + relativedelta(months=months)
        if delta % timedelta(days=1):
            return (due.astimezone(UTC) + delta).astimezone(due.tzinfo)
        return due + delta
    except (OverflowError, ValueError):
        raise Unfit(f'due offset "{offset[:40]}" leaves the calendar') from None


def is_due(value: Any) -> bool:
    """Say whether a value is `{ due = "…" }`."""
    return isinstance(value, dict) and value.keys() == {"due"} and isinstance(value["due"], str)


def shown(value: Any) -> str:
    """Describe a value of TOML in words: `string "x"`, `integer 3`, `date 2026-01-01`."""
    noun = _NOUNS.get(type(value))
    if noun is None:
        noun = next((name for kind, name in _NOUNS.items() if isinstance(value, kind)), "value")
    if isinstance(value, dict | list):
        return noun
    text = repr(str(value)) if isinstance(value, str) else str(value)
    if isinstance(value, str):
        text = f'"{text[1:-1]}"'
    if isinstance(value, bool):
        text = text.lower()
    return f"{noun} {text if len(text) <= 40 else text[:39] + '…'}"


_NOUNS: dict[type, str] = {
    bool: "boolean",
    int: "integer",
    float: "float",
    str: "string",
    datetime: "date-time",
    date: "date",
    time: "time",
    dict: "a table",
    list: "an array",
}


def leaves(moment: Moment) -> dict[Any, Hook]:
    def to_datetime(value: Any) -> datetime:
        if is_due(value):
            return moment.at(value["due"])
        return value if isinstance(value, datetime) else _iso(datetime, value)

    def to_date(value: Any) -> date:
        if is_due(value):
            return moment.at(value["due"]).date()
        is_date = isinstance(value, date) and not isinstance(value, datetime)
        made: date = value if is_date else _iso(date, value)
        return made

    to_text = _exact(str, "a string")

    def to_str(value: Any) -> str:
        if is_due(value):
            return moment.at(value["due"]).isoformat()
        made: str = to_text(value)
        return made

    return {
        datetime: to_datetime,
        date: to_date,
        str: to_str,
        bool: _exact(bool, "true or false"),
        int: _exact(int, "an integer"),
        float: _to_float,
        bytes: lambda value: to_str(value).encode(),
        time: lambda value: value if isinstance(value, time) else _iso(time, value),
        timedelta: _to_timedelta,
        Decimal: _to_decimal,
        UUID: lambda value: _of_text(UUID, "a UUID", value),
        ZoneInfo: lambda value: _of_text(ZoneInfo, "a time zone", value),
        type(None): _exact(type(None), "nothing"),
        PurePath: _exact(str, "a path"),
        Path: _exact(str, "a path"),
        Enum: _exact(str, "a name"),
    }


def for_exactly(kind: type, hook: Hook) -> Callable[[Any, Any], Any]:
    others: dict[Any, Callable[[Any, Any], Any]] = {}

    def structure(value: Any, target: Any) -> Any:
        if target is kind and not issubclass(kind, PurePath):
            return hook(value)
        if target not in others:
            others[target] = _subclass_hook(target)
        return others[target](value, target)

    return structure


def _subclass_hook(target: Any) -> Callable[[Any, Any], Any]:
    if issubclass(target, Enum):
        return enum_hook(target)
    return _path_hook(target) if issubclass(target, PurePath) else instance_hook(target)


def is_any(target: Any) -> bool:
    return target is Any or target is object


def any_hook(moment: Moment) -> Callable[[Any, Any], Any]:
    return lambda value, _: moment.at(value["due"]) if is_due(value) else value


def _exact(kind: type, expected: str) -> Hook:
    def hook(value: Any) -> Any:
        if isinstance(value, kind) and (kind is bool or not isinstance(value, bool)):
            return value
        raise Unfit(f"expected {expected}, got {shown(value)}")

    return hook


def _to_float(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Unfit(f"expected a number, got {shown(value)}")
    return float(value)


def _to_decimal(value: Any) -> Decimal:
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        with suppress(InvalidOperation):
            return Decimal(str(value))
    raise Unfit(f"expected a decimal number, got {shown(value)}")


def _to_timedelta(value: Any) -> timedelta:
    if not isinstance(value, str):
        raise Unfit(f'expected a duration such as "10 minutes", got {shown(value)}')
    return _duration(value)


def _duration(text: str) -> timedelta:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise Unfit(f'"{text[:40]}" is no duration: {error}') from None


_NOUN_OF_ISO: dict[type, str] = {
    datetime: "a date-time",
    date: "a date such as 2026-01-31",
    time: "a time of day",
}


def _iso(kind: Any, value: Any) -> Any:
    if isinstance(value, str):
        with suppress(ValueError):
            return kind.fromisoformat(value)
    raise Unfit(f"expected {_NOUN_OF_ISO[kind]}, got {shown(value)}")


def _of_text(kind: Callable[[str], Any], noun: str, value: Any) -> Any:
    if isinstance(value, str):
        with suppress(ValueError, KeyError, OSError):
            return kind(value)
    raise Unfit(f"expected {noun}, got {shown(value)}")


def _path_hook(target: Any) -> Callable[[Any, Any], Any]:
    to_text = _exact(str, "a path")
    return lambda value, _: target(to_text(value))


def enum_hook(target: Any) -> Callable[[Any, Any], Any]:
    by_value = {
        (type(member.value), member.value): member
        for member in reversed(target)
        if isinstance(member.value, collections.abc.Hashable)
    }
    by_name = dict(target.__members__)

    def hook(value: Any, _: Any) -> Any:
        plain = str(value) if isinstance(value, str) else value
        if isinstance(plain, collections.abc.Hashable) and (type(plain), plain) in by_value:
            return by_value[type(plain), plain]
        if isinstance(plain, str) and plain in by_name:
            return by_name[plain]
        names = ", ".join(f'"{name}"' for name in list(by_name)[:12])
        raise Unfit(f"expected one of {names}, got {shown(value)}")

    return hook


def is_literal(target: Any) -> bool:
    return typing.get_origin(target) is Literal


def literal_hook(target: Any) -> Callable[[Any, Any], Any]:
    allowed = typing.get_args(target)

    def hook(value: Any, _: Any) -> Any:
        for choice in allowed:
            plain = choice.value if isinstance(choice, Enum) else choice
            is_same_kind = isinstance(value, bool) == isinstance(plain, bool)
            if is_same_kind and isinstance(value, type(plain)) and value == plain:
                return choice
        choices = ", ".join(
            f'"{choice}"' if isinstance(choice, str) else str(choice) for choice in allowed[:12]
        )
        raise Unfit(f"expected one of {choices}, got {shown(value)}")

    return hook


def is_other_class(target: Any) -> bool:
    """Any class that no other hook knows: registered first, asked last."""
    return isinstance(target, type) and not typing.is_typeddict(target)


def instance_hook(target: Any) -> Callable[[Any, Any], Any]:
    def hook(value: Any, _: Any) -> Any:
        if isinstance(value, target):
            return value
        raise Unfit(f"expected {target.__qualname__}, which linod cannot make of {shown(value)}")

    return hook

"""Builds the planner of a definition that the store kept: what an old rule had due is counted.

The text is that of `linod.recurrence.definition`. Whether it was understood is not guessed: the
planner that comes out has to define itself by the very same text.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Any

from linod.planner import Planner
from linod.recurrence.closed import days_of_text
from linod.recurrence.model import (
    Basis,
    Event,
    Frequency,
    Interval,
    Once,
    Part,
    Recurrence,
    Rule,
    Weekday,
    Window,
)
from linod.specs import Dst, Exclusion, Fold, Gap, OnExcluded


def planner_of(definition: str) -> Planner:
    """Build the planner that has this definition; ValueError where there is none."""
    try:
        planner = _planner(definition)
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError("a definition of another version") from error
    if planner.definition != definition:
        raise ValueError("a definition of another version")
    return planner


def _planner(definition: str) -> Planner:
    parts: list[Part] = []
    exclude: list[Exclusion] = []
    zone, keys = "UTC", dict[str, Any]()
    for line in definition.split("\n"):
        kind, _, rest = line.partition(" ")
        if kind == "zone":
            zone = rest
        elif kind == "exclude":
            exclude += _exclusions(*rest.split(" ", 1))
        elif kind in _KEYS:
            keys[kind] = _KEYS[kind](rest)
        else:
            parts.append(_part(kind, rest))
    return Planner(Recurrence(tuple(parts)), zone, exclude=tuple(exclude), **keys)


def _exclusions(kind: str, rest: str) -> Sequence[Exclusion]:
    if kind == "days":
        return days_of_text(rest)
    return [Recurrence((_part(kind, rest),))]


def _part(kind: str, rest: str) -> Part:
    if kind == "event":
        return Event(rest)
    fields = dict(field.split("=", 1) for field in rest.split(" "))
    readers = _INTERVAL_FIELDS if kind == "interval" else _FIELDS
    values = {name: readers.get(name, _numbers)(text) for name, text in fields.items()}
    return _PARTS[kind](**values)


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split(",")))


def _weekdays(text: str) -> tuple[Weekday, ...]:
    pairs = (each.split("/") for each in text.split(","))
    return tuple(Weekday(int(ordinal), int(day)) for ordinal, day in pairs)


def _window(text: str) -> Window:
    first, last = text.split("-")
    return Window(int(first), int(last))


def _instant(text: str) -> datetime | date:
    return datetime.fromisoformat(text) if "T" in text else date.fromisoformat(text)


def _dst(text: str) -> Dst:
    gap, fold = (field.split("=")[1] for field in text.split(" "))
    return Dst(gap=Gap(gap), fold=Fold(fold))


_PARTS: dict[str, Callable[..., Part]] = {"rule": Rule, "interval": Interval, "once": Once}
_KEYS: dict[str, Callable[[str], Any]] = {
    "start": _instant,
    "end": _instant,
    "max_events": int,
    "dst": _dst,
    "on_excluded": OnExcluded,
}
_FIELDS: dict[str, Callable[[str], Any]] = {
    "frequency": lambda text: Frequency[text.upper()],
    "basis": Basis,
    "interval": int,
    "count": int,
    "until": _instant,
    "at": _instant,
    "weekdays": _weekdays,
    "week_start": int,
    "window": _window,
    "is_either_day": bool,
    "is_last_workday": bool,
}
# The one name that two kinds share: the length of an interval, and seconds of a minute.
_INTERVAL_FIELDS: dict[str, Callable[[str], Any]] = {**_FIELDS, "seconds": int}

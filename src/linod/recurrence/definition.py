"""The canonical text of everything that defines a task's instants.

The store keeps it with its hash to see that a task changed. So it must not change needlessly:
parts are sorted, and what is absent or has no effect is left out, also what later versions add.
"""

from __future__ import annotations

from datetime import date, datetime
from enum import Enum, IntEnum

import attrs

from linod.recurrence.exclusion import excluding_parts, listed_days, moves
from linod.recurrence.model import Basis, Event, Part, Recurrence, Rule, Weekday, Window
from linod.specs import Dst, Exclusion, OnExcluded


def definition(
    recurrence: Recurrence,
    zone: str,
    start: datetime | None,
    end: datetime | None,
    max_events: int | None,
    dst: Dst,
    exclude: tuple[Exclusion, ...] = (),
    on_excluded: OnExcluded = OnExcluded.SKIP,
) -> str:
    """Write what defines the instants, a line each."""
    lines = sorted(_part(part) for part in recurrence.parts)
    if not recurrence.is_event:
        lines.append(f"zone {zone}")
    if start is not None:
        lines.append(f"start {_value(start)}")
    if end is not None:
        lines.append(f"end {_value(end)}")
    if max_events is not None:
        lines.append(f"max_events {max_events}")
    if recurrence.is_event:
        exclude = ()
    is_moving = on_excluded is not OnExcluded.SKIP and moves(recurrence, exclude)
    if dst != Dst() and (is_moving or _has_wall(recurrence, exclude)):
        lines.append(f"dst gap={dst.gap} fold={dst.fold}")
    if exclude:
        lines += _exclusions(exclude)
    if is_moving:
        lines.append(f"on_excluded {on_excluded}")
    return "\n".join(lines)


def _exclusions(exclude: tuple[Exclusion, ...]) -> list[str]:
    """Write the excluding rules, and all listed days whatever they are called."""
    lines = sorted({f"exclude {_part(part)}" for part in excluding_parts(exclude)})
    days = listed_days(exclude).text
    return [*lines, f"exclude days {days}"] if days else lines


def _has_wall(recurrence: Recurrence, exclude: tuple[Exclusion, ...]) -> bool:
    parts = (*recurrence.parts, *excluding_parts(exclude))
    return any(isinstance(part, Rule) and part.basis is Basis.WALL for part in parts)


def _part(part: Part) -> str:
    """Write a part: its kind and the fields that are not at their defaults."""
    if isinstance(part, Event):
        return f"event {part}"
    fields = [
        f"{field.name}={_value(getattr(part, field.name))}"
        for field in attrs.fields(type(part))
        if getattr(part, field.name) != field.default
    ]
    return " ".join([type(part).__name__.lower(), *fields])


def _value(value: object) -> str:
    if isinstance(value, IntEnum):
        return value.name.lower()
    if isinstance(value, Enum):
        return str(value)
    if isinstance(value, Weekday):
        return f"{value.ordinal}/{value.day}"
    if isinstance(value, Window):
        return f"{value.first}-{value.last}"
    if isinstance(value, tuple):
        return ",".join(_value(each) for each in value)
    if isinstance(value, date):
        return value.isoformat()
    return str(value)

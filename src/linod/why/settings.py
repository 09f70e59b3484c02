"""Keys of a task as a person wrote them, inside sentences."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

from linod.units import format_duration
from linod.why.finding import SUCCESS, Asked
from linod.why.rows import Run


def allowed(asked: Asked) -> str:
    """Write `allowed` with its window: 'allowed = "20:00-06:00"'."""
    window = asked.task.allowed if asked.task is not None else None
    if window is None:
        return "allowed"
    return f'allowed = "{_reading(window.first)}-{_reading(window.last)}"'


def _reading(reading: time) -> str:
    return f"{reading:%H:%M:%S}" if reading.second else f"{reading:%H:%M}"


def catch_up(asked: Asked) -> str:
    """Write `catch_up` as it is now."""
    return "catch_up" if asked.task is None else f'catch_up = "{asked.task.catch_up}"'


def catch_up_window(asked: Asked) -> str:
    """Write `catch_up_window` as it is now."""
    if asked.task is None:
        return "catch_up_window"
    return f'catch_up_window = "{format_duration(asked.task.catch_up_window)}"'


def cooldown(asked: Asked, run: Run) -> tuple[str, datetime] | None:
    """Write the part of `cooldown` that follows the end of a run, and say when it was over."""
    rest = asked.task.cooldown if asked.task is not None else None
    name = "success" if run.outcome in SUCCESS else "failure"
    length: timedelta | None = getattr(rest, name, None)
    if length is None or run.ended is None:
        return None
    return f'cooldown.{name} = "{format_duration(length)}"', run.ended + min(
        length, _LATEST - run.ended
    )


_LATEST = datetime.max.replace(tzinfo=UTC)

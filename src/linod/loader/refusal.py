"""How one part of the loader tells another that a value is refused."""

from __future__ import annotations

from typing import Any


class Refused(ValueError):  # noqa: N818 - it reads as what happened
    """A value that linod refuses; it becomes a diagnostic where the path of the value is known."""

    def __init__(self, code: str, reason: str, *, label: str = "", help: str | None = None) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
        self.label = label
        self.help = help


def did_you_mean(suggestion: str | None) -> str:
    """Make the words beside the caret."""
    return f'did you mean "{suggestion}"?' if suggestion else ""


def dotted(path: tuple[Any, ...]) -> str:
    """Write a path as TOML would: `tasks.shop.retry.on[0]`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += ("." if text else "") + _key(part)
    return text


def _key(name: str) -> str:
    if name and all(each.isascii() and (each.isalnum() or each in "_-") for each in name):
        return name
    shown = name if len(name) <= 40 else name[:37] + "..."
    return '"' + shown.replace("\\", "\\\\").replace('"', '\\"') + '"'


def quoted(value: Any) -> str:
    """Write a value shortly, for a message; never the whole of something long."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return '"' + (value if len(value) <= 40 else value[:37] + "...") + '"'
    if isinstance(value, int):
        return str(value) if -(10**20) < value < 10**20 else "a very large number"
    return kind_of(value) if isinstance(value, dict | list) else str(value)


def kind_of(value: Any) -> str:
    """Name the kind of a TOML value."""
    for kind, name in _KINDS:
        if isinstance(value, kind):
            return name
    return "a date or time"


_KINDS: tuple[tuple[type, str], ...] = (
    (bool, "true or false"),
    (int, "a whole number"),
    (float, "a number"),
    (str, "text"),
    (list, "a list"),
    (dict, "a table"),
)

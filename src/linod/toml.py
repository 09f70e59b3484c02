"""TOML text: values on one line, as a person writes them; tomli-w writes the scalars."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, time
from typing import Any

import tomli_w

COLUMNS_MAX = 100
"""A list that would be wider is written with one item on a line."""


def value_text(value: Any) -> str:
    """Write a value on one line: lists and tables inline."""
    if isinstance(value, Mapping):
        pairs = [f"{key_text(name)} = {value_text(part)}" for name, part in value.items()]
        return f"{{ {', '.join(pairs)} }}" if pairs else "{}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(value_text, value))}]"
    return _escaped(tomli_w.dumps({"value": value}).removeprefix("value = ").removesuffix("\n"))


def key_text(name: str) -> str:
    """Write a key, quoted where it must be."""
    return _escaped(tomli_w.dumps({name: 0}).removesuffix(" = 0\n"))


def _escaped(text: str) -> str:
    """Escape what a terminal acts upon; tomli-w does so for C0 alone, and quotes all of it."""
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() else _escape(sign) for sign in text)


def _escape(sign: str) -> str:
    if sign == "\t":
        return "\\t"
    return f"\\u{ord(sign):04x}" if sign < "\U00010000" else f"\\U{ord(sign):08x}"


def pair_text(name: str, value: Any) -> str:
    """Write `key = value`; a long list gets one line for each item."""
    line = f"{key_text(name)} = {value_text(value)}"
    if len(line) <= COLUMNS_MAX or not isinstance(value, (list, tuple)):
        return line
    items = "".join(f"    {value_text(item)},\n" for item in value)
    return f"{key_text(name)} = [\n{items}]"


def table_text(path: tuple[str, ...], table: Mapping[str, Any]) -> str:
    """Write a table under its header."""
    header = f"[{'.'.join(map(key_text, path))}]"
    return "\n".join([header, *(pair_text(name, value) for name, value in table.items())]) + "\n"


def as_json(value: Any) -> Any:
    """Give a TOML value for a JSON document, as editors do: dates and times are strings."""
    if isinstance(value, Mapping):
        return {name: as_json(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [as_json(part) for part in value]
    return value.isoformat() if isinstance(value, (date, time)) else value

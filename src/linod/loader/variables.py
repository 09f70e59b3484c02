"""NAME=value lines, as systemd, docker and shells read them; refused where these differ.

Values are secret: nothing of them is in what is said of a line.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from attrs import define, field, frozen

_LINE = re.compile(r"(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_]*)=(.*)", re.ASCII)
_DOUBLE = re.compile(r'"((?:[^"\\]|\\.)*)"')
_SINGLE = re.compile(r"'([^']*)'")
# What a backslash takes its meaning from in a shell's double quotes; elsewhere it is one.
_ESCAPED = re.compile(r'\\(["\\$`])')
_QUOTE = "quote the value: NAME='…'"


@frozen
class Wrong:
    """What is wrong with a line, and what would be right."""

    line: int
    reason: str
    help: str


@define
class Variables:
    """What a file says, and the lines that say nothing."""

    values: dict[str, str] = field(factory=dict)
    wrong: list[Wrong] = field(factory=list)


def parse_variables(text: str) -> Variables:
    """Read the lines of a file."""
    found = Variables()
    lines: dict[str, int] = {}
    for number, line in enumerate(text.split("\n"), 1):
        line = line.strip(" \t\r")
        if not line or line[0] in "#;":
            continue
        match = _LINE.fullmatch(line)
        if match is None:
            found.wrong.append(Wrong(number, "not NAME=value", _why_no_line(line)))
            continue
        name, value = match[1], match[2]
        if name in lines:
            reason = f"{name} stands twice, first in line {lines[name]}"
            found.wrong.append(Wrong(number, reason, "leave one of them out"))
            continue
        lines[name] = number
        for is_so, reason in _DOUBTFUL.items():
            if is_so(value):
                found.wrong.append(Wrong(number, f"{name}: {reason}", _QUOTE))
                break
        else:
            found.values[name] = _unquoted(value)
    return found


def _why_no_line(line: str) -> str:
    name, equals, _ = line.partition("=")
    if not equals:
        return "a comment begins with #; a value of several lines belongs into a file of its own"
    if name != name.rstrip():
        return "no space stands before the ="
    return "a name has letters, digits and _, and does not begin with a digit"


def _is_quoted(value: str) -> bool:
    return value[:1] in ("'", '"') and bool(value)


def _is_quoted_wrong(value: str) -> bool:
    return _is_quoted(value) and not (_DOUBLE.fullmatch(value) or _SINGLE.fullmatch(value))


# What one reader takes for a part of the value and another one does not.
_DOUBTFUL: dict[Callable[[str], bool], str] = {
    _is_quoted_wrong: "the quote does not enclose the value",
    lambda value: value[:1] in (" ", "\t") and bool(value): "a space before the value",
    lambda value: not _is_quoted(value) and bool(re.search(r"\s#", value)): (
        "a comment stands in a line of its own"
    ),
    lambda value: not _is_quoted(value) and value.endswith("\\"): (
        "a value does not go on in the next line"
    ),
}


def _unquoted(value: str) -> str:
    if value.startswith("'"):
        return value[1:-1]
    return _ESCAPED.sub(r"\1", value[1:-1]) if value.startswith('"') else value

"""What check says: a code, a message, a place in a file; and its three renderings.

Rules of this border:
- Pure: a place carries the source lines it shows; nothing here opens a file.
- Nothing from a file or a person is printed raw: what is not printable is escaped.
- No rendered line is wider than 100 columns; a long source line is cut around its caret.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

from attrs import frozen

from linod.codes import CODES, Severity

COLUMNS_MAX = 100
"""The width of a terminal that nobody has to scroll sideways."""


@frozen(kw_only=True)
class Place:
    """A stretch of one line of a file; lines and columns count from 1, in characters."""

    file: str
    line: int = 0
    """0: the file as a whole."""
    column: int = 1
    end_column: int = 1
    """The column after the last marked character."""
    text: str = ""
    """The source line, without its end; empty where it is not shown."""
    header: tuple[int, str] | None = None
    """Line number and text of the table header that the line belongs to, for context."""


@frozen
class Diagnostic:
    """One finding. Its severity is that of its code."""

    code: str
    message: str
    place: Place | None = None
    label: str = ""
    """What stands beside the caret: `did you mean "every 5 minutes"?`."""
    help: str | None = None
    """What would be right."""
    notes: tuple[str, ...] = ()

    @property
    def severity(self) -> Severity:
        """Tell how bad it is."""
        return CODES[self.code].severity


def sort_diagnostics(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Order by file as first seen, then by place; notes without a place come last."""
    found = list(diagnostics)
    files: dict[str, int] = {}
    for diagnostic in found:
        if diagnostic.place:
            files.setdefault(diagnostic.place.file, len(files))
    return tuple(sorted(found, key=lambda each: _order(each, files)))


def _order(diagnostic: Diagnostic, files: dict[str, int]) -> tuple[int, int, int, str]:
    place = diagnostic.place
    if place is None:
        return (len(files), 0, 0, diagnostic.code)
    return (files[place.file], place.line, place.column, diagnostic.code)


# -- text -------------------------------------------------------------------------------------

_COLOURS = {Severity.ERROR: "31", Severity.WARNING: "33", Severity.NOTE: "36"}
_CONTROL_NAMES = {"\t": "\\t", "\n": "\\n", "\r": "\\r"}
_TAB = "    "


def render_text(diagnostics: Sequence[Diagnostic], colour: bool = False) -> str:
    """Render for a terminal, like a compiler does: header, place, source line, caret, notes."""
    blocks = [_render_block(diagnostic, colour) for diagnostic in diagnostics]
    return "".join(line + "\n" for block in blocks for line in block)


def _render_block(diagnostic: Diagnostic, colour: bool) -> list[str]:
    severity = diagnostic.severity
    head = f"{severity}[{diagnostic.code}]"
    first, *further = _wrap(f"{head}: {printable(diagnostic.message)}", "    ")
    lines = [_paint(head, "1;" + _COLOURS[severity], colour) + first[len(head) :], *further]
    gutter = ""
    if diagnostic.place is not None:
        gutter = " " * len(str(diagnostic.place.line)) if diagnostic.place.line else ""
        lines += _render_place(diagnostic.place, gutter, diagnostic.label, severity, colour)
    for title, text in _remarks(diagnostic):
        lines += _wrap(f"{gutter} = {title}: {printable(text)}", gutter + "   ")
    return lines


def _remarks(diagnostic: Diagnostic) -> Iterable[tuple[str, str]]:
    """List what stands below the source: a label without source line, help, notes."""
    is_shown = diagnostic.place is not None and diagnostic.place.text
    if diagnostic.label and not is_shown:
        yield "help", diagnostic.label
    if diagnostic.help:
        yield "help", diagnostic.help
    for note in diagnostic.notes:
        for line in note.splitlines():
            yield "note", line


def _render_place(
    place: Place, gutter: str, label: str, severity: Severity, colour: bool
) -> list[str]:
    where = _tail(printable(place.file), COLUMNS_MAX - 40)
    if not place.line:
        return [f"  --> {where}"]
    lines = [f"{gutter} --> {where}:{place.line}:{place.column}"]
    if not place.text:
        return lines
    lines.append(f"{gutter} |")
    lines += _render_header(place, gutter)
    source, caret_at, caret_width = _cut(place, COLUMNS_MAX - len(gutter) - 3)
    lines.append(f"{place.line} | {source}".rstrip())
    carets = "^" * max(1, caret_width)
    start = f"{gutter} | {' ' * caret_at}"
    room = COLUMNS_MAX - len(start) - len(carets) - 1
    painted = start + _paint(carets, _COLOURS[severity], colour)
    shown = printable(label)
    if not shown:
        return [*lines, painted]
    if cells(shown) <= room:
        return [*lines, f"{painted} {_paint(shown, _COLOURS[severity], colour)}"]
    return [*lines, painted, *_wrap(f"{gutter} = help: {shown}", gutter + "   ")]


def _render_header(place: Place, gutter: str) -> list[str]:
    """Show the table header above, with dots where lines are left out."""
    if place.header is None or place.header[0] >= place.line:
        return []
    number, text = place.header
    shown = _clip(_visible(text), COLUMNS_MAX - len(gutter) - 3)
    line = f"{number:>{len(gutter)}} | {shown}".rstrip()
    return [line] if number + 1 == place.line else [line, f"{gutter} | ..."]


def _cut(place: Place, room: int) -> tuple[str, int, int]:
    """Cut the source line to `room` cells around the caret: text, caret offset, caret width."""
    text = place.text
    start = min(place.column - 1, len(text))
    end = max(start + 1, min(place.end_column - 1, len(text)))
    context = room // 2
    # The caret takes a column also behind the end of the line.
    needed = _width(text[:start]) + max(1, _width(text[start:end]))
    first = _step_back(text, start, context) if needed > room else 0
    before = ("..." if first else "") + _visible(text[first:start])
    marked = _visible(text[start:end])
    line = before + marked + _visible(text[end : end + room])
    shown = _clip(line, room)
    return shown, cells(before), min(cells(marked), max(1, cells(shown) - cells(before)))


def _step_back(text: str, start: int, room: int) -> int:
    """Find the first character so that at most `room` cells stand before `start`."""
    position = start
    used = 3
    while position > 0 and used < room:
        position -= 1
        used += max(1, _width(text[position]))
    return position


def _width(text: str) -> int:
    text = text[: COLUMNS_MAX * 4]
    if text.isascii() and text.isprintable():
        return len(text)
    return sum(max(1, cells(_visible(character))) for character in text)


def _clip(text: str, room: int) -> str:
    """Cut at the right, with dots."""
    if len(text) <= room and cells(text) <= room:
        return text
    used = 0
    for position, character in enumerate(text):
        used += max(1, cells(character))
        if used > room - 3:
            return text[:position] + "..."
    return text


def _tail(text: str, room: int) -> str:
    """Cut at the left, with dots."""
    return text if len(text) <= room else "..." + text[3 - room :]


def _wrap(text: str, indent: str) -> list[str]:
    """Break at spaces so that no line is wider than the limit; further lines are indented."""
    lines: list[str] = []
    rest = text
    while cells(rest) > COLUMNS_MAX:
        limit = len(_clip(rest, COLUMNS_MAX + 3)) - 3
        at = rest.rfind(" ", len(indent) + 1, limit)
        cut = at if at > limit // 2 else limit
        lines.append(rest[:cut].rstrip())
        rest = indent + rest[cut:].lstrip()
    return [*lines, rest]


def _visible(text: str) -> str:
    """Make a stretch of source safe to print; a tab becomes blanks."""
    return printable(text.replace("\t", _TAB))


def printable(text: str) -> str:
    """Escape what a terminal must not get: controls, escapes, bidi marks, lone surrogates."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else _escaped(each) for each in text)


def _escaped(character: str) -> str:
    if character in _CONTROL_NAMES:
        return _CONTROL_NAMES[character]
    number = ord(character)
    if number < 0x100:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def cells(text: str) -> int:
    """Count the columns that the text takes on a terminal."""
    if text.isascii():
        return len(text)
    return sum(_cell(character) for character in text)


def _cell(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _paint(text: str, style: str, colour: bool) -> str:
    return f"\x1b[{style}m{text}\x1b[0m" if colour else text


# -- for machines -----------------------------------------------------------------------------


def render_json(diagnostics: Sequence[Diagnostic]) -> str:
    """Render as one JSON array of objects."""
    return json.dumps([as_dict(each) for each in diagnostics], indent=2) + "\n"


def as_dict(diagnostic: Diagnostic) -> dict[str, Any]:
    """Give the JSON object of one finding; what is unknown is null."""
    place = diagnostic.place
    has_line = place is not None and place.line > 0
    return {
        "code": diagnostic.code,
        "severity": str(diagnostic.severity),
        "file": place.file if place else None,
        "line": place.line if place and has_line else None,
        "column": place.column if place and has_line else None,
        "end_column": place.end_column if place and has_line else None,
        "message": diagnostic.message,
        "label": diagnostic.label or None,
        "help": diagnostic.help,
        "notes": list(diagnostic.notes),
    }


_GITHUB_COMMANDS = {
    Severity.ERROR: "error",
    Severity.WARNING: "warning",
    Severity.NOTE: "notice",
}


def render_github(diagnostics: Sequence[Diagnostic]) -> str:
    """Render as workflow commands, one line each, which GitHub shows beside the line."""
    return "".join(_github_line(each) + "\n" for each in diagnostics)


def _github_line(diagnostic: Diagnostic) -> str:
    place = diagnostic.place
    properties = {"title": f"linod {diagnostic.code}"}
    if place is not None:
        properties["file"] = place.file
        if place.line:
            properties["line"] = str(place.line)
            properties["col"] = str(place.column)
            properties["endColumn"] = str(place.end_column)
    listed = ",".join(f"{name}={_github_property(text)}" for name, text in properties.items())
    hint = diagnostic.label or diagnostic.help
    text = f"{diagnostic.message} ({hint})" if hint else diagnostic.message
    return f"::{_GITHUB_COMMANDS[diagnostic.severity]} {listed}::{_github_text(text)}"


def _github_text(text: str) -> str:
    return printable(text).replace("%", "%25")


def _github_property(text: str) -> str:
    return _github_text(text).replace(":", "%3A").replace(",", "%2C")

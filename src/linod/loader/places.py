"""Where a value stands in the text of a TOML file; asked only when there is something to say.

tomllib gives values without places. This is a scanner for text that tomllib has accepted: it
walks the statements once and remembers the span of each key and value; inside arrays and inline
tables it looks only when asked. On text that is not TOML it stops where it loses the thread.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right

from attrs import frozen

from linod.diagnostics import Place
from linod.loader.prescan import OPAQUE

Path = tuple[str | int, ...]

_GAP = re.compile(r"(?:[ \t\r\n]++|\#[^\n]*+)*+")
_BLANKS = re.compile(r"[ \t]*+")
_DOT = re.compile(r"[ \t]*+\.[ \t]*+")
_EQUALS = re.compile(r"[ \t]*+=[ \t]*+")
_KEY_PART = re.compile(r'[A-Za-z0-9_-]++|"(?:[^"\\\n]++|\\[^\n])*+"|' r"'[^'\n]*+'")
_SCALAR = re.compile(
    OPAQUE + r"|[0-9]{4}-[0-9]{2}-[0-9]{2}[ ][0-9]{2}:[^\s,\]}\#]*+|[^\s,\[\]{}\#]++"
)
_OPAQUE_OR_BRACKET = re.compile(OPAQUE + r"|[\[\]{}]")


@frozen
class Spot:
    """Spans of one key and its value, as offsets; `header` is where its table header begins."""

    key: tuple[int, int]
    value: tuple[int, int] | None
    header: int | None


class Places:
    """The places of one file's values, indexed when first asked."""

    def __init__(self, text: str, shown: str) -> None:
        self.text = text
        self.shown = shown
        self._spots: dict[Path, Spot] = {}
        self._expanded: set[Path] = set()
        self._line_starts: list[int] = []
        self._line_texts: dict[int, tuple[int, str]] = {}
        self.repeated: list[tuple[Spot, Spot]] = []
        """Keys and tables that stand twice: first and second place."""

    def of(self, path: Path, *, is_key: bool = False) -> Place:
        """Find the place of a value, or of its key; else of the nearest one around it."""
        for length in range(len(path), 0, -1):
            spot = self.spot(path[:length])
            if spot is not None:
                is_inner = length == len(path)
                span = spot.key if is_key or not is_inner or spot.value is None else spot.value
                return self.at(*span, header=spot.header)
        return Place(file=self.shown)

    def spot(self, path: Path) -> Spot | None:
        """Find the spans of a path."""
        if not self._expanded:
            self._expanded.add(())
            _Statements(self.text, self._spots, self.repeated).scan()
        for length in range(1, len(path)):
            self._expand(path[:length])
        return self._spots.get(path)

    def _expand(self, path: Path) -> None:
        """Look inside an array or an inline table, once."""
        spot = self._spots.get(path)
        if spot is None or spot.value is None or path in self._expanded:
            return
        self._expanded.add(path)
        opening = self.text[spot.value[0]]
        if opening == "[":
            _scan_array(self.text, spot, path, self._spots)
        elif opening == "{":
            _scan_inline_table(self.text, spot, path, self._spots)

    def at(self, start: int, end: int, *, header: int | None = None) -> Place:
        """Make the place of a span; what goes on in further lines is not marked."""
        line = self._line(start)
        first, text = self._line_text(line)
        above = None
        if header is not None and self._line(header) != line:
            above_line = self._line(header)
            above = (above_line, self._line_text(above_line)[1])
        return Place(
            file=self.shown,
            line=line,
            column=start - first + 1,
            end_column=max(start + 1, min(end, first + len(text))) - first + 1,
            text=text,
            header=above,
        )

    def offset(self, line: int, column: int) -> int:
        """Turn line and column, from 1, into an offset."""
        self._line(0)
        line = min(max(line, 1), len(self._line_starts))
        return min(self._line_starts[line - 1] + column - 1, len(self.text))

    def _line(self, offset: int) -> int:
        if not self._line_starts:
            starts = [match.end() for match in re.finditer("\n", self.text)]
            self._line_starts = [0, *starts]
        return bisect_right(self._line_starts, offset)

    def _line_text(self, line: int) -> tuple[int, str]:
        """Cut a line once: thousands of places in one long line share its text."""
        if line not in self._line_texts:
            first = self._line_starts[line - 1]
            end = self.text.find("\n", first)
            text = self.text[first : end if end >= 0 else None].removesuffix("\r")
            self._line_texts[line] = (first, text)
        return self._line_texts[line]


class _Statements:
    """One walk over the headers and the key/value pairs of a file."""

    def __init__(
        self, text: str, spots: dict[Path, Spot], repeated: list[tuple[Spot, Spot]]
    ) -> None:
        self.text = text
        self.spots = spots
        self.repeated = repeated
        self.table: Path = ()
        self.header: int | None = None
        self.array_lengths: dict[Path, int] = {}
        self.headers: set[Path] = set()

    def scan(self) -> None:
        """Walk to the end, or to where it stops being TOML."""
        position = self._skip_gap(0)
        while position < len(self.text):
            is_header = self.text[position] == "["
            end = self._header(position) if is_header else self._pair(position)
            if end is None:
                return
            position = self._skip_gap(end)

    def _skip_gap(self, position: int) -> int:
        match = _GAP.match(self.text, position)
        assert match is not None
        return match.end()

    def _header(self, position: int) -> int | None:
        is_array = self.text.startswith("[[", position)
        inner = _after_blanks(self.text, position + (2 if is_array else 1))
        parts, end = _key(self.text, inner)
        if not parts:
            return None
        path: Path = ()
        for name, span in parts[:-1]:
            path = self._into_last((*path, name))
            self.spots.setdefault(path, Spot(span, None, position))
        name, span = parts[-1]
        path = (*path, name)
        spot = Spot((parts[0][1][0], span[1]), None, position)
        self.table = self._array_item(path, spot) if is_array else self._into_last(path)
        if not is_array and self.table in self.headers:
            self.repeated.append((self.spots[self.table], spot))
        self.headers.add(self.table)
        self.spots[self.table] = spot
        self.header = position
        return _after_blanks(self.text, end) + (2 if is_array else 1)

    def _array_item(self, path: Path, spot: Spot) -> Path:
        index = self.array_lengths.get(path, 0)
        self.array_lengths[path] = index + 1
        self.spots.setdefault(path, spot)
        return (*path, index)

    def _into_last(self, path: Path) -> Path:
        """Follow a name into the newest item where it is an array of tables."""
        length = self.array_lengths.get(path)
        return path if length is None else (*path, length - 1)

    def _pair(self, position: int) -> int | None:
        found = _scan_pair(self.text, position, self.table, self.header, self.spots)
        if found is None:
            return None
        end, former, path = found
        if former is not None:
            self.repeated.append((former, self.spots[path]))
        return end


def _scan_pair(
    text: str, position: int, table: Path, header: int | None, spots: dict[Path, Spot]
) -> tuple[int, Spot | None, Path] | None:
    """Remember one `key = value`: where it ends, what stood under its path before, its path."""
    parts, end = _key(text, position)
    equals = _EQUALS.match(text, end)
    if not parts or equals is None:
        return None
    path = table
    for name, span in parts[:-1]:
        path = (*path, name)
        spots.setdefault(path, Spot(span, None, header))
    name, span = parts[-1]
    path = (*path, name)
    value_end = _value_end(text, equals.end())
    former = spots.get(path)
    spots[path] = Spot(span, (equals.end(), value_end), header)
    return value_end, former, path


def _key(text: str, position: int) -> tuple[list[tuple[str, tuple[int, int]]], int]:
    """Read a dotted key: its parts with their spans, and where it ends."""
    parts = []
    while (match := _KEY_PART.match(text, position)) is not None:
        parts.append((_unquoted(match[0]), match.span()))
        dot = _DOT.match(text, match.end())
        if dot is None:
            return parts, match.end()
        position = dot.end()
    return [], position


def _unquoted(part: str) -> str:
    if part[0] not in "\"'":
        return part
    if "\\" not in part:
        return part[1:-1]
    try:
        return str(tomllib.loads(f"key = {part}")["key"])
    except tomllib.TOMLDecodeError:
        return part


def _value_end(text: str, position: int) -> int:
    if text[position : position + 1] not in ("[", "{"):
        match = _SCALAR.match(text, position)
        return match.end() if match else position
    depth = 0
    for match in _OPAQUE_OR_BRACKET.finditer(text, position):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(match[0], 0)
        if depth == 0:
            return match.end()
    return len(text)


def _scan_array(text: str, spot: Spot, path: Path, spots: dict[Path, Spot]) -> None:
    """Remember the items of an array."""
    position, end = _inside(spot)
    index = 0
    while (position := _after_gap(text, position)) < end:
        item_end = _value_end(text, position)
        if item_end == position:
            return
        span = (position, item_end)
        spots[(*path, index)] = Spot(span, span, spot.header)
        index += 1
        position = _after_comma(text, item_end)


def _scan_inline_table(text: str, spot: Spot, path: Path, spots: dict[Path, Spot]) -> None:
    """Remember the pairs of an inline table."""
    position, end = _inside(spot)
    while (position := _after_gap(text, position)) < end:
        found = _scan_pair(text, position, path, spot.header, spots)
        if found is None:
            return
        position = _after_comma(text, found[0])


def _inside(spot: Spot) -> tuple[int, int]:
    assert spot.value is not None
    return spot.value[0] + 1, spot.value[1] - 1


def _after_blanks(text: str, position: int) -> int:
    match = _BLANKS.match(text, position)
    return match.end() if match else position


def _after_gap(text: str, position: int) -> int:
    match = _GAP.match(text, position)
    return match.end() if match else position


def _after_comma(text: str, position: int) -> int:
    position = _after_gap(text, position)
    return position + 1 if text.startswith(",", position) else position

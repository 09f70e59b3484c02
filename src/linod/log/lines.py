"""One record in, one line out: escaping, masking, cutting, the text and the JSON format.

Rules of this border:
- Pure: no clock, no file, no state but caches. Time and zone are given.
- Whatever is in a record, its line is one line of valid UTF-8, at most LINE_MAX bytes, without
  control characters, terminal escapes or marks that turn or hide text.
- Escapes are those of Python and JSON, and the backslash itself is escaped, so that a text line
  can be turned back. Nothing in a message is interpreted: no markup, no braces, no percent signs.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from traceback import format_exception
from typing import Any, NamedTuple
from urllib.parse import quote, quote_plus

LINE_MAX = 256 * 1024
"""Bytes of a line with its newline; the report of a worker has the same bound."""
NAME_MAX = 200
"""Characters of a logger's, function's or level's name; they are identifiers, so far shorter."""
KEPT = "(kept) "
"""Stands before the message of a record that was kept in memory; in JSON `"kept":true`."""
SECRET_MIN = 4
"""A shorter secret would mask half of every line."""
_SECRET_LINE_MIN = 8
_EXTRA_ITEMS_MAX = 100
_EXTRA_DEPTH_MAX = 4
_EXTRA_TEXT_MAX = 8 * 1024
_STEP = 4096
"""Characters that are measured at once where a text is cut."""
_TIME_RANGE = (-62_135_510_400.0, 253_402_214_400.0)  # the years 1 to 9999 in every zone


class ExceptionText(NamedTuple):
    """An exception as text, taken when it was logged."""

    type: str
    message: str
    traceback: str


class Record(NamedTuple):
    """One thing that was logged, from loguru, the standard library, a warning or a stream."""

    at: float
    """Seconds since 1970 in UTC."""
    level: str
    logger: str
    message: str
    function: str = ""
    line: int = 0
    exception: ExceptionText | None = None
    extra: dict[str, Any] | None = None
    number: int = 0
    """Of a level that has another name than linod's; 0: the name says it."""
    is_kept: bool = False
    """Whether it is below the level of the log and waits in memory for the end of its run."""


class Origin(NamedTuple):
    """Who writes: a run of a task, or a program."""

    program: str
    pid: int
    task: str | None = None
    run: int | None = None


def missing_here(count: int, reason: str) -> str:
    """Say in a sink that it lacks records."""
    noun = "record is" if count == 1 else "records are"
    return f"{count} {noun} missing here: {reason}"


class TextLines:
    """Lines for people and grep: time, level, origin, place, message."""

    def __init__(self, zone: tzinfo, secrets: Sequence[str] = ()) -> None:
        self._stamp = _Stamps(zone, " ", 1_000)
        self._mask = Masks(secrets)

    def line(self, record: Record, origin: Origin) -> bytes:
        """Write one record as one line."""
        logger = self._mask(record.logger)
        middle = _middle(record.level, origin, logger, record.function, record.line)
        head = f"{self._stamp(record.at)} {middle}: {KEPT if record.is_kept else ''}"
        body = record.message
        if record.exception is not None:
            body = f"{body}\n{record.exception.traceback}"
        body = self._mask(body)
        line = f"{head}{escape(body)}\n".encode() if len(body) < LINE_MAX else b""
        if 0 < len(line) <= LINE_MAX:
            return line
        return f"{head}{cut(body, LINE_MAX - len(head.encode()) - 1, escape)}\n".encode()


class JsonLines:
    """Lines for programs: one JSON object each."""

    def __init__(self, zone: tzinfo, secrets: Sequence[str] = ()) -> None:  # noqa: ARG002
        self._stamp = _Stamps(UTC, "T", 1_000_000)
        self._mask = Masks(secrets)

    def line(self, record: Record, origin: Origin) -> bytes:
        """Write one record as one line."""
        values = self._values(record, origin)
        texts = (values["message"], *values.get("exception", {}).values())
        # What is longer than a line already is not written out first: it may be a gigabyte.
        line = json_line(values) if sum(map(len, texts)) < LINE_MAX else b""
        # Each long text keeps its beginning and its end; escapes may need several rounds.
        budget = LINE_MAX
        while not 0 < len(line) <= LINE_MAX:
            budget //= 2
            line = json_line(_shortened(values, budget))
        return line

    def _values(self, record: Record, origin: Origin) -> dict[str, Any]:
        values: dict[str, Any] = {
            "ts": self._stamp(record.at).removesuffix("+00:00") + "Z",
            "level": record.level[:NAME_MAX],
            "program": origin.program[:NAME_MAX],
            "pid": origin.pid,
            "task": origin.task,
            "run": origin.run,
            **({"kept": True} if record.is_kept else {}),
            "logger": self._mask(record.logger)[:NAME_MAX],
            "function": record.function[:NAME_MAX],
            "line": record.line,
            "message": self._mask(record.message),
        }
        if record.exception is not None:
            parts = record.exception._asdict()
            values["exception"] = {name: self._mask(text) for name, text in parts.items()}
        if record.extra:
            values["extra"] = _plain(record.extra, self._mask, _EXTRA_DEPTH_MAX)
        return values


# -- escaping -----------------------------------------------------------------------------------

# Categories Cc, Cs, Zl, Zp and Cf: controls, lone surrogates, line separators, and marks that turn
# or hide text. Left as they are: U+200C and U+200D, which Persian, the Indic scripts and emoji
# need, spaces of every width, and what this Python's Unicode does not know yet.
_MARKS = (
    "\x7f-\x9f\xad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b\u200e\u200f"
    "\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\ufffb\U000110bd\U000110cd"
    "\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e007f"
)
_UNSAFE = re.compile(f"[\x00-\x1f\\\\{_MARKS}]")
_UNSAFE_IN_JSON = re.compile(f"[{_MARKS}]")
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\"}
_ESCAPE = re.compile(r"\\(?:([nrt\\])|x(..)|u(.{4})|U(.{8}))")
_LONG = {backslash[1]: plain for plain, backslash in _SHORT.items()}


def escape(text: str) -> str:
    """Write what must not stand in a line as `\\n`, `\\x1b`, `\\u202e`; `\\` becomes `\\\\`."""
    if text.isprintable() and "\\" not in text:
        return text
    return _UNSAFE.sub(_escaped, text)


def unescape(text: str) -> str:
    """Turn escaped text back."""
    return _ESCAPE.sub(_unescaped, text)


def _escaped(match: re.Match[str]) -> str:
    character = match[0]
    if character in _SHORT:
        return _SHORT[character]
    code = ord(character)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _unescaped(match: re.Match[str]) -> str:
    if match[1]:
        return _LONG[match[1]]
    return chr(int(match[2] or match[3] or match[4], 16))


def escape_in_json(text: str) -> str:
    """Write a text as it stands between the quotes of a JSON line."""
    return json_line({"": text})[5:-3].decode()


def _escaped_in_json(match: re.Match[str]) -> str:
    return json.dumps(match[0])[1:-1]


def json_line(values: dict[str, Any]) -> bytes:
    """Write an object as one line, with what turns or hides text escaped."""
    text = json.dumps(values, ensure_ascii=False, separators=(",", ":"))
    if not text.isprintable():
        text = _UNSAFE_IN_JSON.sub(_escaped_in_json, text)
    return f"{text}\n".encode()


# Where in linod a line was written says nothing to who reads it.
_OWN = ("linod.daemon", "linod.executor")


@lru_cache(1024)
def _middle(level: str, origin: Origin, logger: str, function: str, line: int) -> str:
    """Write the columns between time and message, which a place in the code shares."""
    place = f"{_word(logger)}:{_word(function)}:{line}" if function else _word(logger)
    if logger.startswith(_OWN):
        place = "linod"
    return f"{_word(level):8} {_label(origin)} {place}"


def _label(origin: Origin) -> str:
    """Name the writer in one word: `send_mail#123`, `daemon[812]`."""
    if origin.task is None:
        return f"{_word(origin.program)}[{origin.pid}]"
    return _word(origin.task) if origin.run is None else f"{_word(origin.task)}#{origin.run}"


def _word(name: str) -> str:
    """Keep a column a column: no spaces, never empty."""
    return escape(name[:NAME_MAX]).replace(" ", "\\x20") or "-"


# -- cutting ------------------------------------------------------------------------------------


def cut(text: str, size_max: int, written: Callable[[str], str]) -> str:
    """Keep the beginning and the end of a text, `written` in `size_max` bytes, and say so."""

    def size(part: str) -> int:
        return len(written(part).encode("utf-8", "surrogatepass"))

    if len(text) <= size_max and size(text) <= size_max:
        return written(text)
    room = max(0, size_max - 64)  # for the mark, which is shorter whatever the number
    head = _fitting(len(text), room * 3 // 4, lambda a, b: size(text[a:b]))
    end = len(text)
    end -= _fitting(end - head, room // 4, lambda a, b: size(text[end - b : end - a]))
    return f"{written(text[:head])}… [{end - head:,} characters cut] …{written(text[end:])}"


def _fitting(count: int, room: int, size: Callable[[int, int], int]) -> int:
    """Say how many of so many characters fit; `size` gives that of those in [a, b), in bytes."""
    fit = 0
    while fit < count:
        step = min(_STEP, count - fit)
        taken = size(fit, fit + step)
        if taken > room:
            return fit + bisect_right(range(step), room, key=lambda more: size(fit, fit + more + 1))
        room -= taken
        fit += step
    return fit


def _shortened(values: dict[str, Any], budget: int) -> dict[str, Any]:
    """Fit the long texts of a JSON record into a budget each; `extra` goes first."""

    def fit(text: str) -> str:
        return cut(text, budget, str)

    short = {**values, "message": fit(values["message"])}
    if "extra" in values:
        short["extra"] = {"cut": True}
    if "exception" in values:
        short["exception"] = {name: fit(text) for name, text in values["exception"].items()}
    return short


# -- masking ------------------------------------------------------------------------------------


class Masks:
    """Replace secret values, verbatim, by `***`."""

    def __init__(self, secrets: Sequence[str]) -> None:
        forms = {form for secret in secrets for form in _forms(secret)}
        self._forms = tuple(sorted(forms, key=len, reverse=True))

    def __call__(self, text: str) -> str:
        for form in self._forms:
            if form in text:
                text = text.replace(form, "***")
        return text


def _forms(secret: str) -> list[str]:
    """List how a secret shows: as it is, stripped, line by line (a key file), in the notations
    of Python and JSON, and within a URL.
    """
    raw = secret.encode("utf-8", "surrogateescape")
    whole = (
        secret,
        secret.strip(),
        *(form(secret)[1:-1] for form in (repr, ascii, json.dumps)),
        repr(raw)[2:-1],
        quote(raw),
        quote(raw, safe=""),
        quote_plus(raw),
    )
    lines = secret.splitlines() if "\n" in secret else []
    return [form for form in whole if len(form) >= SECRET_MIN] + [
        line for line in lines if len(line) >= _SECRET_LINE_MIN
    ]


# -- values of other people ---------------------------------------------------------------------


def describe_exception(value: BaseException) -> ExceptionText:
    """Take an exception as text, with its causes and notes, whatever its methods do."""
    kind = type(value)
    name = kind.__qualname__
    if kind.__module__ not in ("builtins", "__main__"):
        name = f"{kind.__module__}.{name}"
    try:
        text = "".join(format_exception(value)).rstrip("\n")
    except Exception as error:  # noqa: BLE001 - the methods of a foreign class
        text = f"{name}: its traceback could not be formatted ({type(error).__name__})"
    return ExceptionText(name, safe_text(value), text)


def safe_text(value: object, form: Callable[[object], str] = str) -> str:
    """Call str() or repr() on what may raise."""
    try:
        return form(value)
    except Exception as error:  # noqa: BLE001 - the methods of a foreign class
        return f"<{type(value).__name__}: {form.__name__}() raised {type(error).__name__}>"


def _plain(value: object, mask: Masks, depth: int) -> Any:
    """Turn any value into JSON: what is no plain value becomes its repr."""
    if value is None or isinstance(value, bool):
        return value
    if type(value) is int and abs(value) < 2**63:
        return _number(value, mask)
    if type(value) is float and abs(value) < float("inf"):
        return _number(value, mask)
    if isinstance(value, str):
        return mask(value[:])[:_EXTRA_TEXT_MAX]
    if depth and type(value) is dict:
        pairs = list(value.items())[:_EXTRA_ITEMS_MAX]
        return {_key(name, mask): _plain(item, mask, depth - 1) for name, item in pairs}
    if depth and type(value) in (list, tuple):
        return [_plain(item, mask, depth - 1) for item in value[:_EXTRA_ITEMS_MAX]]  # type: ignore[index]
    return mask(safe_text(value, repr))[:_EXTRA_TEXT_MAX]


def _number(value: float, mask: Masks) -> float | str:
    """Leave a number a number, unless its digits are a secret."""
    shown = mask(text := str(value))
    return value if shown == text else shown


def _key(name: object, mask: Masks) -> str:
    return mask(safe_text(name))[:NAME_MAX]


# -- time ---------------------------------------------------------------------------------------


_MILLI_DIGITS = 3
_MILLIS = tuple(f".{part:03}" for part in range(1000))


class _Stamps:
    """Write instants; the second is kept, since most records share it with the one before."""

    def __init__(self, zone: tzinfo, separator: str, parts: int) -> None:
        self._zone = zone
        self._separator = separator
        self._parts = parts
        self._digits = len(str(parts)) - 1
        self._kept = self._written(0)
        self._below = 1 - 1 / parts  # the last part may round up to the next second

    def __call__(self, at: float) -> str:
        kept = self._kept
        since = at - kept[0]
        if 0.0 <= since < self._below:
            part = round(since * self._parts)
            if self._digits == _MILLI_DIGITS:
                return kept[1] + _MILLIS[part] + kept[2]
            return f"{kept[1]}.{part:0{self._digits}}{kept[2]}"
        return self._new(at)

    def _new(self, at: float) -> str:
        if not _TIME_RANGE[0] <= at <= _TIME_RANGE[1]:  # NaN is in no range
            at = 0.0
        second, part = divmod(round(at * self._parts), self._parts)
        kept = self._kept
        if kept[0] != second:
            kept = self._kept = self._written(second)
        return f"{kept[1]}.{part:0{self._digits}}{kept[2]}"

    def _written(self, second: int) -> tuple[int, str, str]:
        text = datetime.fromtimestamp(second, self._zone).isoformat(sep=self._separator)
        return second, text[:19], text[19:]

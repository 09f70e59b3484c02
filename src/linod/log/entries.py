"""A line of the log read back: who wrote it and when, and its record as JSON has it.

Rules of this border:
- Pure. Both formats are read, each line for itself: a file may change its format in the middle.
- What linod did not write has no head, and is nobody's.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, NamedTuple

from linod.log.lines import KEPT, unescape

_STAMP = rb"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d(?::\d\d)?)"
_TEXT = re.compile(_STAMP + rb" ([^ \n]+) +([^ \n]+) ([^ \n]+): (\(kept\) )?")
_STRING = rb'"((?:[^"\\\n]|\\.)*)"'
_JSON = re.compile(
    rb'\{"ts":"([^"\n]+)","level":' + _STRING + rb',"program":' + _STRING + rb',"pid":\d+,'
    rb'"task":(?:null|"([^"\n]*)"),"run":(?:null|(\d+)),("kept":true,)?'
)
_RUN = re.compile(rb"([A-Za-z0-9_-]+)(?:#(\d+))?")
_PROGRAM = re.compile(r"(.*)\[(\d+)\]", re.S)
_PLACE = re.compile(r"(.+):([^:]+):(\d+)", re.S)
_TRACEBACK = re.compile(r"(?:^|\n)(?=Traceback \(most recent call last\):\n)")


class Head(NamedTuple):
    """What a line says before its message."""

    at: float
    """Seconds since 1970 in UTC."""
    level: str
    task: str | None
    run: int | None
    is_kept: bool
    """Whether it was kept in memory and written after others that are newer."""


def head_of(line: bytes) -> Head | None:
    """Read the head of a line; None where linod did not write it."""
    return _json_head(line) if line.startswith(b"{") else _text_head(line)


def at_of(text: bytes) -> float | None:
    """Read the time of a line, in seconds since 1970."""
    try:
        return datetime.fromisoformat(text.decode("ascii")).timestamp()
    except (ValueError, OverflowError):
        return None


def entry_of(line: bytes) -> dict[str, Any] | None:
    """Read a whole line as the object that `format = "json"` writes; None as for `head_of`.

    A text line has its traceback in `exception`, without type and message of their own, and no
    `extra`.
    """
    if line.startswith(b"{"):
        return _json_entry(line) if _JSON.match(line) else None
    match = _TEXT.match(line)
    at = None if match is None else at_of(match[1])
    if match is None or at is None:
        return None
    stamp, level, who, where, body = (
        each.decode("utf-8", "replace") for each in (*match.group(1, 2, 3, 4), line[match.end() :])
    )
    message, traceback = _split(_unescaped(body.removesuffix("\n")))
    return {
        "ts": _utc(stamp),
        "level": _unescaped(level),
        **_origin(who),
        **({"kept": True} if match[5] else {}),
        **_place(where),
        "message": message,
        **({"exception": {"traceback": traceback}} if traceback else {}),
    }


def _text_head(line: bytes) -> Head | None:
    match = _TEXT.match(line)
    at = None if match is None else at_of(match[1])
    if match is None or at is None:
        return None
    task, run = None, None
    if (found := _RUN.fullmatch(match[3])) is not None:
        task, run = found[1].decode(), _number(found[2])
    return Head(at, match[2].decode("utf-8", "replace"), task, run, match[5] is not None)


def _json_head(line: bytes) -> Head | None:
    match = _JSON.match(line)
    at = None if match is None else at_of(match[1])
    if match is None or at is None:
        return None
    level, task = match[2].decode("utf-8", "replace"), match[4]
    name = None if task is None else task.decode("utf-8", "replace")
    return Head(at, level, name, _number(match[5]), match[6] is not None)


def _number(digits: bytes | None) -> int | None:
    return int(digits) if digits else None


def _json_entry(line: bytes) -> dict[str, Any] | None:
    with suppress(ValueError):
        value = json.loads(line)
        return value if isinstance(value, dict) else None
    return None


def _unescaped(text: str) -> str:
    with suppress(ValueError, OverflowError):  # a line that only looks like one of linod's
        return unescape(text)
    return text


def _split(body: str) -> tuple[str, str]:
    """Part a message from its traceback, which stands behind it."""
    found = _TRACEBACK.search(body)
    return (body, "") if found is None else (body[: found.start()], body[found.end() :])


def _utc(stamp: str) -> str:
    at = datetime.fromisoformat(stamp).astimezone(UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _origin(who: str) -> dict[str, Any]:
    found = _RUN.fullmatch(who.encode())
    if found is not None:
        task, run = found[1].decode(), _number(found[2])
        return {"program": None, "pid": None, "task": task, "run": run}
    program = _PROGRAM.fullmatch(who)
    name, pid = (who, None) if program is None else (program[1], int(program[2]))
    return {"program": _unescaped(name), "pid": pid, "task": None, "run": None}


def _place(where: str) -> dict[str, Any]:
    found = _PLACE.fullmatch(where)
    logger, function, line = (where, "", 0) if found is None else (found[1], found[2], found[3])
    names = {"logger": _unescaped(logger), "function": _unescaped(function)}
    return {**names, "line": int(line)}


assert KEPT == "(kept) ", "the pattern of a head has it, too"

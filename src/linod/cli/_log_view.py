"""How lines of the log are shown: as they stand in the file, as objects, or for a reader.

On a terminal a record of either format is shown alike, with its newlines as lines of their own;
what could move the cursor stays an escape. Elsewhere lines are passed on byte for byte.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from linod.cli._options import has_colour
from linod.log.entries import entry_of
from linod.log.lines import json_line
from linod.views import clean

View = Callable[[Sequence[bytes]], None]
_INDENT = "    "
_COLOURS = {
    "TRACE": "2",
    "DEBUG": "2",
    "SUCCESS": "32",
    "WARNING": "33",
    "ERROR": "31",
    "CRITICAL": "1;31",
}


def view_of(zone: str, *, is_json: bool) -> View:
    """Choose how lines are shown on this stdout."""
    if is_json:
        return _as_objects
    if not sys.stdout.isatty():
        return _as_they_stand
    return _for_reader(ZoneInfo(zone), is_coloured=has_colour(sys.stdout))


def _as_they_stand(lines: Sequence[bytes]) -> None:
    _write(b"".join(lines))


def _as_objects(lines: Sequence[bytes]) -> None:
    _write(b"".join(json_line(entry_of(line) or _unknown(line)) for line in lines))


def _unknown(line: bytes) -> dict[str, Any]:
    return {"ts": None, "message": line.decode("utf-8", "replace").rstrip("\n")}


def _for_reader(zone: ZoneInfo, *, is_coloured: bool) -> View:
    def show(lines: Sequence[bytes]) -> None:
        rows = (row for line in lines for row in screen_rows(line, zone, is_coloured=is_coloured))
        _write("".join(f"{row}\n" for row in rows).encode(sys.stdout.encoding, "replace"))

    return show


def _write(data: bytes) -> None:
    sys.stdout.flush()
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def screen_rows(line: bytes, zone: ZoneInfo, *, is_coloured: bool) -> Iterator[str]:
    """Lay out one record: its head with the first line of the message, then the other lines."""
    entry = entry_of(line)
    if entry is None:
        yield clean(line.decode("utf-8", "replace").rstrip("\n"))
        return
    first, *others = _body(entry)
    yield f"{_head(entry, zone, is_coloured=is_coloured)}: {first}".rstrip()
    yield from (f"{_INDENT}{other}".rstrip() for other in others)


def _body(entry: dict[str, Any]) -> Iterable[str]:
    kept = "(kept) " if entry.get("kept") else ""
    parts = [f"{kept}{entry.get('message') or ''}"]
    exception = entry.get("exception")
    if isinstance(exception, dict) and exception.get("traceback"):
        parts.append(str(exception["traceback"]))
    if entry.get("extra"):
        parts.append(f"extra: {json.dumps(entry['extra'], ensure_ascii=False)}")
    return (clean(row.expandtabs(4)) for part in parts for row in part.split("\n"))


def _head(entry: dict[str, Any], zone: ZoneInfo, *, is_coloured: bool) -> str:
    stamp, level = _stamp(entry, zone), clean(str(entry.get("level")))
    padded = f"{level:8}"
    if is_coloured:
        stamp = f"\033[2m{stamp}\033[0m"
        colour = _COLOURS.get(level)
        padded = f"\033[{colour}m{padded}\033[0m" if colour else padded
    return f"{stamp} {padded} {clean(_who(entry))} {clean(_where(entry))}"


def _stamp(entry: dict[str, Any], zone: ZoneInfo) -> str:
    try:
        at = datetime.fromisoformat(str(entry.get("ts"))).astimezone(zone)
    except (ValueError, OverflowError):
        return clean(str(entry.get("ts")))
    return at.isoformat(sep=" ", timespec="milliseconds")


def _who(entry: dict[str, Any]) -> str:
    if entry.get("task") is None:
        pid = entry.get("pid")
        return f"{entry.get('program')}" if pid is None else f"{entry.get('program')}[{pid}]"
    run = entry.get("run")
    return str(entry["task"]) if run is None else f"{entry['task']}#{run}"


def _where(entry: dict[str, Any]) -> str:
    logger = str(entry.get("logger") or "-")
    if logger.startswith(("linod.daemon", "linod.executor")):
        return "linod"
    return f"{logger}:{entry['function']}:{entry.get('line')}" if entry.get("function") else logger

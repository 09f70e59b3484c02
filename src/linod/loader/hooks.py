"""How each kind of TOML value becomes a value of the specs; strict, one function per kind.

Each takes the value as tomllib gives it and returns the parsed one, or raises `Refused`.
"""

from __future__ import annotations

import keyword
import math
import re
import shlex
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

from linod.loader.refusal import Refused, did_you_mean, kind_of, quoted
from linod.loader.zones import parse_zone
from linod.recurrence.model import Event, Recurrence, RecurrenceError
from linod.specs import Allowed, DottedPath, Reference, Size, ZoneName
from linod.units import (
    nearest,
    parse_duration,
    parse_offset,
    parse_size,
    parse_time_of_day,
)

ARGUMENTS_SIZE_MAX = 128 * 1024
"""Characters of text in one task's arguments; keeper and worker pass lines of 256 KiB."""

_VARIABLE_SIZE_MAX = 128 * 1024 - 2
"""MAX_ARG_STRLEN of Linux, without the = and the NUL."""

_ENV_NAME = re.compile(r"[^=\0]+")
_USER_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,31}\$?")
_DAY = re.compile(r"\s*(once at\s+)?([0-9]{4}-[0-9]{2}-[0-9]{2})\s*", re.IGNORECASE | re.ASCII)
_WINDOW = re.compile(r"\s*([0-9:]+)\s*-\s*([0-9:]+)\s*")


def wrong_kind(expected: str, value: Any, *, label: str = "") -> Refused:
    """Say that a value is of another kind than the key."""
    got = quoted(value) if isinstance(value, bool | str | int | float) else kind_of(value)
    return Refused("L051", f"expected {expected}, got {got}", label=label)


def text(value: Any, _: Any = None) -> str:
    """Take text."""
    if isinstance(value, str):
        if "\0" in value:
            raise Refused("L052", "text cannot hold a NUL")
        return value
    is_plain = isinstance(value, int | float) and not isinstance(value, bool)
    raise wrong_kind("text", value, label=f'did you mean "{quoted(value)}"?' if is_plain else "")


def boolean(value: Any, _: Any = None) -> bool:
    """Take true or false, nothing like them."""
    if isinstance(value, bool):
        return value
    alike = {"yes": "true", "on": "true", "true": "true", "1": "true"}
    alike |= {"no": "false", "off": "false", "false": "false", "0": "false"}
    guess = alike.get(str(value).lower())
    raise wrong_kind(
        "true or false", value, label=f"did you mean {guess}, without quotes?" if guess else ""
    )


def integer(value: Any, _: Any = None) -> int:
    """Take a whole number; a bool is none."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    is_digits = isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,18}", value)
    label = f"did you mean {value}, without quotes?" if is_digits else ""
    raise wrong_kind("a whole number", value, label=label)


def number(value: Any, _: Any = None) -> float:
    """Take a finite number."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        if not math.isfinite(value):
            raise Refused("L055", f"expected a finite number, got {value}")
        return float(value)
    raise wrong_kind("a number", value)


def duration(value: Any, _: Any = None) -> timedelta:
    """Take "1 hour"."""
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        label = f'did you mean "{quoted(value)} seconds"?' if 0 < value < 10**9 else ""
        raise wrong_kind('a duration like "30 seconds"', value, label=label)
    if not isinstance(value, str):
        raise wrong_kind('a duration like "30 seconds"', value)
    try:
        return parse_duration(value)
    except ValueError as error:
        raise _refused_text("L053", "a duration", value, error) from None


def size(value: Any, _: Any = None) -> Size:
    """Take "20 MB"."""
    if not isinstance(value, str):
        raise wrong_kind('a size like "20 MB"', value)
    try:
        return Size(parse_size(value))
    except ValueError as error:
        raise _refused_text("L054", "a size", value, error) from None


def time_of_day(value: Any, _: Any = None) -> time:
    """Take "06:00"."""
    if isinstance(value, time):
        return value.replace(microsecond=0)
    if not isinstance(value, str):
        raise wrong_kind('a time of day like "06:00"', value)
    try:
        return parse_time_of_day(value)
    except ValueError as error:
        raise _refused_text("L054", "a time of day", value, error) from None


def _refused_text(code: str, what: str, value: str, error: ValueError) -> Refused:
    """Turn a ValueError of linod.units into a refusal; its guess goes beside the caret."""
    reason, _, guess = str(error).partition(': "')
    if guess.endswith('"?'):
        return Refused(
            code, f"{quoted(value)} is not {what}: {reason}", label=f'did you mean "{guess}'
        )
    return Refused(code, f"{quoted(value)} is not {what}: {error}")


def day(value: Any, _: Any = None) -> date:
    """Take a date."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    raise wrong_kind("a date like 2026-12-31, without quotes", value)


def instant(value: Any, _: Any = None, *, of_day: time = time(0)) -> datetime:
    """Take a date and time, or a date; with an offset it becomes UTC."""
    if isinstance(value, datetime):
        if value.tzinfo is None:
            return value
        try:
            return value.astimezone(UTC)
        except OverflowError:
            raise Refused("L055", "outside of the years 1 to 9999, in UTC") from None
    if isinstance(value, date):
        return datetime.combine(value, of_day)
    raise wrong_kind("a date or a date and time, without quotes", value)


def end_instant(value: Any, _: Any = None) -> datetime:
    """Take an upper bound; a date is included whole."""
    return instant(value, of_day=time(23, 59, 59))


def zone(value: Any, _: Any = None) -> ZoneName:
    """Take the name of a time zone."""
    return parse_zone(text(value))


def path(value: Any, _: Any = None) -> Path:
    """Take a path; it is made absolute later, when its file is known."""
    if not text(value):
        raise Refused("L052", "a path cannot be empty")
    return Path(value)


def dotted_path(value: Any, _: Any = None) -> DottedPath:
    """Take `package.module.function`."""
    name = module(value)
    if "." not in name:
        advice = "write the module too: package.module.function"
        raise Refused("L068", f'"{name[:60]}" names no module', help=advice)
    return DottedPath(name)


def module(value: Any, _: Any = None) -> str:
    """Take a dotted name."""
    name = text(value)
    parts = name.split(".")
    if all(_is_name(part) for part in parts) and len(name) <= 500:
        return name
    guess = re.sub(r"\(.*\)$", "", name.strip()).replace(":", ".").replace("/", ".")
    is_better = guess != name and all(_is_name(part) for part in guess.split("."))
    advice = "names joined by dots: package.module.function"
    label = did_you_mean(guess) if is_better else ""
    raise Refused("L068", f"{quoted(name)} is not a dotted path", label=label, help=advice)


def _is_name(part: str) -> bool:
    is_special = part.startswith("__") and part.endswith("__")
    return part.isidentifier() and not keyword.iskeyword(part) and not is_special


def user(value: Any, _: Any = None) -> str:
    """Take the name of a user or a group."""
    name = text(value)
    if not _USER_NAME.fullmatch(name):
        advice = "write the name, not the number"
        raise Refused("L076", f"{quoted(name)} is not the name of a user or group", help=advice)
    return name


def enum_of(kind: type[StrEnum]) -> Callable[..., StrEnum]:
    """Make the function for one set of words."""

    def take(value: Any, _: Any = None) -> StrEnum:
        try:
            return kind(value)
        except ValueError:
            known = ", ".join(kind)
            label = did_you_mean(nearest(value, kind)) if isinstance(value, str) else ""
            reason = f"expected one of {known}, got {quoted(value)}"
            raise Refused("L052", reason, label=label) from None

    return take


def command(value: Any, _: Any = None) -> tuple[str, ...]:
    """Take a list of words, or a string to be split as a shell would."""
    words = _split(value) if isinstance(value, str) else value
    if not isinstance(words, list | tuple):
        raise wrong_kind("a list of words, or text", value)
    if not words or not words[0]:
        raise Refused("L073", "the command is empty")
    return tuple(text(word) for word in words)


def _split(value: str) -> list[str]:
    try:
        words = shlex.split(value)
    except ValueError:
        advice = 'close the quote, or write a list: ["echo", "it\'s"]'
        raise Refused("L073", "a quote in the command is not closed", help=advice) from None
    if isinstance(value, Reference) and value.is_secret:
        return [Reference(word, value.source, is_secret=True) for word in words]
    return words


def umask(value: Any, _: Any = None) -> int:
    """Take "027"."""
    if isinstance(value, str) and re.fullmatch(r"0?[0-7]{3}", value):
        return int(value, 8)
    label = f'did you mean "{value:03d}"?' if isinstance(value, int) and 0 <= value <= 777 else ""
    raise Refused("L052", 'expected a mask in octal, as text: "027"', label=label)


def allowed(value: Any, _: Any = None) -> Allowed:
    """Take "20:00-06:00"."""
    match = _WINDOW.fullmatch(text(value))
    if match is None:
        raise Refused("L054", f'expected two times of day, "20:00-06:00", got {quoted(value)}')
    first, last = time_of_day(match[1]), time_of_day(match[2])
    if first == last:
        raise Refused("L054", "the window is empty: both times are the same")
    return Allowed(first=first, last=last)


_ROTATIONS: tuple[tuple[Callable[[str], Any], Any], ...] = (
    (parse_size, 1000),
    (parse_time_of_day, None),
    (parse_duration, timedelta(minutes=1)),
)


def rotation(value: Any, _: Any = None) -> str:
    """Take a size, a time of day or an age; it stays text."""
    for parse, least in _ROTATIONS:
        try:
            parsed = parse(text(value))
        except ValueError as error:
            if isinstance(error, Refused):
                raise
            continue
        if least is None or parsed >= least:
            return str(value)
        raise Refused("L054", "the log would rotate all the time: at least 1 kB, or 1 minute")
    expected = 'a size ("20 MB"), a time of day ("00:00") or an age ("1 week")'
    raise Refused("L054", f"expected {expected}, got {quoted(value)}")


def compression(value: Any, _: Any = None) -> str:
    """Take "gz", the only one there is."""
    if value == "gz":
        return "gz"
    raise Refused("L052", f'expected "gz" or "none", got {quoted(value)}')


def store(value: Any, _: Any = None) -> str:
    """Take the path of the SQLite file."""
    if text(value).startswith(("postgresql:", "postgres:")):
        raise Refused("L071", "PostgreSQL comes with many machines", help='a path: "var/linod.db"')
    if not value or value == ":memory:" or "://" in value:
        raise Refused("L052", f'expected a path like "var/linod.db", got {quoted(value)}')
    return str(value)


def environment(name: str, value: Any) -> str:
    """Take one variable of an environment."""
    if not _ENV_NAME.fullmatch(name):
        raise Refused("L072", f"{quoted(name)} cannot name an environment variable")
    taken = text(value)
    if len((name + taken).encode(errors="surrogateescape")) > _VARIABLE_SIZE_MAX:
        raise Refused("L055", "no program starts with a variable of more than 128 KiB")
    return taken


def running(value: Any, _: Any = None) -> timedelta | str:
    """Take a duration or "auto"."""
    return "auto" if value == "auto" else duration(value)


def arguments(value: Any, _: Any = None) -> dict[str, Any]:
    """Take the arguments of a procedure; `{ due = … }` is checked, all else stays as it is."""
    if not isinstance(value, dict):
        raise wrong_kind("a table of arguments by name", value, label="write { name = value }")
    if _text_size(value) > ARGUMENTS_SIZE_MAX:
        raise Refused("L055", f"arguments of more than {ARGUMENTS_SIZE_MAX // 1024} KiB")
    return value


def _text_size(value: Any) -> int:
    """Count the characters, and check what is relative to the occurrence on the way."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, list):
        return sum(_text_size(item) for item in value) + len(value)
    if not isinstance(value, dict):
        return 8
    if value.keys() == {"due"} and isinstance(value["due"], str):
        _check_due(value["due"])
    return sum(len(key) + _text_size(item) for key, item in value.items())


def _check_due(value: Any) -> None:
    try:
        parse_offset(text(value))
    except ValueError as error:
        advice = 'an offset from the occurrence: { due = "-1 day" }'
        raise Refused("L077", f"{quoted(value)} is not an offset: {error}", help=advice) from None


def recurrence(value: Any, _: Any = None) -> Recurrence:
    """Take any notation."""
    if isinstance(value, bool | int | float | time):
        raise wrong_kind('a recurrence like "every day at 07:00"', value)
    try:
        return _parsed(str(value)) if isinstance(value, str) else _parse(value)
    except RecurrenceError as error:
        label = did_you_mean(error.suggestion)
        raise Refused(error.code, error.message, label=label, help=error.help) from None


def exclusion(value: Any) -> date | Recurrence:
    """Take a date, or a recurrence that has instants."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if isinstance(value, str) and (match := _DAY.fullmatch(value)):
        return _day_in_words(value, match)
    taken = recurrence(value)
    if any(isinstance(part, Event) for part in taken.parts):
        advice = "a date, a calendar, or a recurrence with times of its own"
        raise Refused("L052", f"{quoted(value)} has no instants to exclude", help=advice)
    return taken


def _day_in_words(value: str, match: re.Match[str]) -> date:
    """Take "once at 2026-12-24" for the day; the bare date stands without quotes."""
    try:
        found = date.fromisoformat(match[2])
    except ValueError as error:
        raise Refused("L014", f"{quoted(value)} is no date: {error}") from None
    if not match[1]:
        raise wrong_kind("a date without quotes", value, label=f"did you mean {found}?")
    return found


@cache
def _parsed(value: str) -> Recurrence:
    return _parse(value)


def _parse(value: object) -> Recurrence:
    from linod.recurrence import parse

    return parse(value)

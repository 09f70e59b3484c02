"""Durations, sizes and times of day as people write them, and back.

Rules of this border:
- Strict: ASCII digits, known units, the larger unit first, each at most once, no sign.
- A refusal is a ValueError whose text is one line and says which form is right.
- `parse_x(format_x(value)) == value` for every value within the bounds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import time, timedelta
from decimal import Decimal
from difflib import get_close_matches

DURATION_MAX = timedelta(days=300 * 366)
"""300 years: what is longer is a slip, and dates beyond year 9999 stay out of reach."""

SIZE_MAX = 2**63 - 1
"""The largest offset of a file."""

_SECOND_US = 1_000_000
_DURATION_UNITS: tuple[tuple[str, int, tuple[str, ...]], ...] = (
    ("week", 604_800 * _SECOND_US, ("w", "wk", "week", "weeks")),
    ("day", 86_400 * _SECOND_US, ("d", "day", "days")),
    ("hour", 3_600 * _SECOND_US, ("h", "hr", "hour", "hours")),
    ("minute", 60 * _SECOND_US, ("m", "min", "mins", "minute", "minutes")),
    ("second", _SECOND_US, ("s", "sec", "secs", "second", "seconds")),
    ("millisecond", 1_000, ("ms", "millisecond", "milliseconds")),
)
_DURATION_OF_WORD = {
    word: (rank, factor)
    for rank, (_, factor, words) in enumerate(_DURATION_UNITS)
    for word in words
}
_DURATION_PART = re.compile(r"([0-9]{1,18}(?:\.[0-9]{1,6})?)[ ]*([a-z]+)(?:[ ]+|(?=[0-9])|$)")
_MONTHS = re.compile(r"([0-9]{1,4}) ?(month|quarter|year)s?")
_MONTHS_IN = {"month": 1, "quarter": 3, "year": 12}
_VAGUE_UNITS = {"month": "30 days", "mo": "30 days", "year": "365 days", "y": "365 days"}

_SIZE_UNITS = {
    "B": 1,
    "kB": 1000,
    "KB": 1000,
    "MB": 1000**2,
    "GB": 1000**3,
    "TB": 1000**4,
    "KiB": 1024,
    "MiB": 1024**2,
    "GiB": 1024**3,
    "TiB": 1024**4,
}
_SIZE = re.compile(r"([0-9]{1,19}(?:\.[0-9]{1,6})?)[ ]*([A-Za-z]+)")
_TIME_OF_DAY = re.compile(r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?")


def parse_duration(text: str) -> timedelta:
    """Read "1 hour", "90 s" or "1 h 30 min"."""
    parts = _duration_parts(text.strip(" "))
    total_us = Decimal(0)
    former_rank = -1
    for number, word in parts:
        rank, factor = _duration_unit(number, word)
        if rank <= former_rank:
            raise ValueError('larger units come first, each once: "1 hour 30 minutes"')
        former_rank = rank
        total_us += Decimal(number) * factor
    if total_us != int(total_us):
        raise ValueError("shorter than a microsecond")
    if total_us > DURATION_MAX // timedelta(microseconds=1):
        raise ValueError("longer than 300 years")
    return timedelta(microseconds=int(total_us))


def parse_offset(text: str) -> tuple[int, timedelta]:
    """Read "-1 day", "+2 hours", "0 days" or "-1 month" as months and a duration, signed."""
    stripped = text.strip(" ")
    sign = -1 if stripped.startswith("-") else 1
    unsigned = stripped[1:].lstrip(" ") if stripped[:1] in ("+", "-") else stripped
    months = _MONTHS.fullmatch(unsigned)
    if months is not None:
        return sign * int(months[1]) * _MONTHS_IN[months[2]], timedelta()
    return 0, sign * parse_duration(unsigned)


def _duration_parts(text: str) -> list[tuple[str, str]]:
    """Split into (number, unit), or refuse."""
    lowered = text.lower()
    parts: list[tuple[str, str]] = []
    position = 0
    while position < len(lowered):
        match = _DURATION_PART.match(lowered, position)
        if match is None:
            raise ValueError(_why_no_duration(lowered))
        parts.append((match[1], match[2]))
        position = match.end()
    if not parts:
        raise ValueError('empty; a duration is a number and a unit: "30 seconds"')
    return parts


def _why_no_duration(text: str) -> str:
    """Say what keeps the text from being a duration."""
    if re.fullmatch(r"[0-9]{1,18}(\.[0-9]{1,6})?", text):
        return f'a unit is missing: "{text} seconds"?'
    if "-" in text:
        return "a duration cannot be negative"
    return 'a duration is a number and a unit: "30 seconds", "1 hour 30 minutes"'


def _duration_unit(number: str, word: str) -> tuple[int, int]:
    """Look the unit up, or refuse."""
    if (found := _DURATION_OF_WORD.get(word)) is not None:
        return found
    if (instead := _VAGUE_UNITS.get(word.removesuffix("s"))) is not None:
        raise ValueError(f'a {word.removesuffix("s")} has no fixed length: "{instead}"?')
    near = nearest(word, _DURATION_OF_WORD)
    hint = f': "{number} {near}"?' if near and len(word) > 2 else ""
    known = "; units are seconds, minutes, hours, days, weeks"
    raise ValueError(f'unknown unit "{word[:20]}"{hint or known}')


def format_duration(duration: timedelta) -> str:
    """Write a duration so that `parse_duration` reads the same one: "1 hour 30 minutes"."""
    rest_us = duration // timedelta(microseconds=1)
    words = []
    for name, factor, _ in _DURATION_UNITS[1:4]:
        number, rest_us = divmod(rest_us, factor)
        if number:
            words.append(f"{number} {name}{'' if number == 1 else 's'}")
    if rest_us or not words:
        seconds = (Decimal(rest_us) / _SECOND_US).normalize()
        words.append(f"{seconds:f} second{'' if seconds == 1 else 's'}")
    return " ".join(words)


def parse_size(text: str) -> int:
    """Read "20 MB" (powers of 1000) or "20 MiB" (of 1024) as bytes."""
    match = _SIZE.fullmatch(text.strip(" "))
    if match is None:
        raise ValueError('a size is a number and a unit: "20 MB"')
    number, unit = match.groups()
    if unit not in _SIZE_UNITS:
        near = nearest(unit, _SIZE_UNITS) or "MB"
        raise ValueError(f'unknown unit "{unit[:20]}": "{number} {near}"?')
    size = Decimal(number) * _SIZE_UNITS[unit]
    if size != int(size):
        raise ValueError("not a whole number of bytes")
    if size > SIZE_MAX:
        raise ValueError("larger than any file can be")
    return int(size)


def format_size(size: int) -> str:
    """Write a size so that `parse_size` reads the same one, in the largest unit that fits."""
    for unit, factor in sorted(_SIZE_UNITS.items(), key=lambda item: -item[1]):
        if unit != "KB" and size >= factor and size % factor == 0:
            return f"{size // factor} {unit}"
    return f"{size} B"


def parse_time_of_day(text: str) -> time:
    """Read "07:00" or "07:00:30"."""
    match = _TIME_OF_DAY.fullmatch(text.strip(" "))
    if match is None:
        raise ValueError('a time of day is written "07:00" or "07:00:30"')
    hour, minute, second = (int(part or 0) for part in match.groups())
    if hour == 24 and minute == second == 0:
        raise ValueError('midnight is written "00:00"')
    if hour > 23 or minute > 59 or second > 59:
        raise ValueError("a day ends at 23:59:59")
    return time(hour, minute, second)


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Find the known word that was probably meant, for "did you mean"."""
    lowered = {name.lower(): name for name in known}
    wanted = word.lower()[:100]
    # Comparing costs some 10 us: of many names only those that begin alike are compared.
    if len(lowered) > 300:
        alike = [name for name in lowered if name[:2] == wanted[:2]]
        lowered = {name: lowered[name] for name in alike[:300]}
    close = get_close_matches(wanted, lowered, n=1, cutoff=0.6)
    return lowered[close[0]] if close else None

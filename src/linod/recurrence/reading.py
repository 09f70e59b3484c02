"""What the TOML says -> Recurrence: finds out which notation it is."""

from __future__ import annotations

import re
from datetime import date, datetime, time
from functools import lru_cache
from typing import NoReturn

from linod.recurrence import cron, phrase, rrule, table
from linod.recurrence.common import (
    PARTS_MAX,
    TEXT_MAX,
    checked_moment,
    midnight_of,
    quoted,
    refuse,
)
from linod.recurrence.model import Once, Part, Recurrence, RecurrenceError
from linod.recurrence.nearest import nearest
from linod.recurrence.words import UNIT, Mismatch

KIND, TIME, LIST = "L010", "L014", "L018"
KINDS_HELP = "write a phrase, a cron expression, an RRULE, a table, or a list of these"
CACHED_MAX = 20_000
"""Texts whose meaning is remembered: twice the tasks of a big file."""
CACHED_TEXT_MAX = 200


def parse(value: object) -> Recurrence:
    """Read a recurrence as it stands in the TOML.

    Args:
        value: A phrase, cron expression or RRULE (str), a table (dict), an instant (datetime or
            date), or a list of these, which is their union.

    Raises:
        RecurrenceError: It is none; the error tells why and what to write.

    """
    if isinstance(value, str):
        return Recurrence(_text_parts(str(value)))
    if isinstance(value, list | tuple):
        return Recurrence(_list_parts(value))
    return Recurrence(_parts(value))


def _parts(value: object) -> tuple[Part, ...]:
    if isinstance(value, str):
        return _text_parts(str(value))
    if isinstance(value, dict):
        return table.parse(value)
    if isinstance(value, datetime):
        return (Once(checked_moment(value, TIME)),)
    if isinstance(value, date):
        return (Once(checked_moment(midnight_of(value), TIME)),)
    if isinstance(value, time):
        at = value.strftime("%H:%M")
        _refuse_kind("a time of day", f'write "every day at {at}"', f"every day at {at}")
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 10**9:
        _refuse_kind("a number", f'write "every {value} seconds"')
    return _refuse_kind(_KIND_NAMES.get(type(value), "a value of another type"), KINDS_HELP)


_KIND_NAMES = {bool: "true or false", int: "a number", float: "a number", type(None): "nothing"}


def _refuse_kind(kind: str, help: str, suggestion: str | None = None) -> NoReturn:
    raise RecurrenceError(KIND, f"{kind} is no recurrence", help=help, suggestion=suggestion)


def _list_parts(values: list[object] | tuple[object, ...]) -> tuple[Part, ...]:
    if not values:
        refuse(
            LIST, "an empty list is no recurrence", 'write "manually" for a task that is never due'
        )
    if len(values) > PARTS_MAX:
        refuse(LIST, f"a list of {len(values)} recurrences", f"a list has at most {PARTS_MAX}")
    found: dict[Part, None] = {}
    for number, value in enumerate(values, 1):
        if isinstance(value, list | tuple):
            refuse(LIST, f"item {number} of the list is a list", "write one list of recurrences")
        try:
            found.update(dict.fromkeys(_parts(value)))
        except RecurrenceError as error:
            error.message = f"{error.message}, in item {number} of the list"
            error.args = (error.message,)
            raise
    return tuple(found)


def _text_parts(text: str) -> tuple[Part, ...]:
    if len(text) <= CACHED_TEXT_MAX:
        return _cached_parts(text)
    if len(text) > TEXT_MAX:
        refuse(KIND, f"a recurrence of {len(text)} signs", f"it has at most {TEXT_MAX}")
    return _read(text)


def _read(text: str) -> tuple[Part, ...]:
    """Tell the notations apart by their first sign, and an RRULE by its equals sign."""
    stripped = text.strip()
    if not stripped:
        refuse(KIND, "an empty text is no recurrence", 'write "manually" or leave the key out')
    if not stripped.isascii():
        sign = next(sign for sign in stripped if not sign.isascii())
        refuse(KIND, f"the sign {quoted(sign)} in a recurrence", "words and digits are ASCII")
    if "=" in stripped or stripped[:5].upper() in ("RRULE", "DTSTA", "EXDAT", "RDATE"):
        return rrule.parse(stripped)
    if stripped[0] in "0123456789*?@,-/":
        return _cron(stripped)
    return _phrase(stripped)


_cached_parts = lru_cache(CACHED_MAX)(_read)


def _cron(text: str) -> tuple[Part, ...]:
    try:
        return cron.parse(text)
    except RecurrenceError as error:
        if error.suggestion is None and text[0] in "0123456789":
            error.suggestion = _meant_as_phrase(text)
        raise


_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


def _meant_as_phrase(text: str) -> str | None:
    """Find the phrase in `10 seconds`, `09:30` and a date, which begin like cron expressions."""
    has_words = any(sign.isalpha() or sign == ":" for sign in text)
    if not (has_words or _DAY.fullmatch(text)) or len(text.split()) > 4:
        return None
    for trial in (f"every {text}", f"every day at {text}", f"once at {text}"):
        try:
            phrase.parse(trial)
        except RecurrenceError:
            continue
        return trial
    return nearest(f"every {text}")


def _phrase(text: str) -> tuple[Part, ...]:
    try:
        return phrase.parse(text)
    except Mismatch as mismatch:
        error = RecurrenceError(mismatch.code, mismatch.message, help=mismatch.help)
        error.suggestion = nearest(text)
        if error.suggestion is None and error.help is None and error.code != UNIT:
            error.help = KINDS_HELP
        raise error from None

"""Recurrence -> canonical text: phrase, else cron expression, else RRULE.

A notation is used only if it parses to the very value, so that the round trip is certain.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from attrs import evolve

from linod.recurrence import cron, phrase, rrule, wording
from linod.recurrence.model import Event, Once, Part, Recurrence, RecurrenceError, Rule


def notation(recurrence: Recurrence) -> str | list[str]:
    """Write the canonical text; a list for a union.

    Args:
        recurrence: A value made by `parse`.

    Returns:
        What `parse` reads back as the same value.

    """
    parts = recurrence.parts
    whole = _counted_workdays(parts)
    if whole is not None:
        return whole
    texts = [_text(part) for part in parts]
    return texts[0] if len(texts) == 1 else texts


def in_words(recurrence: Recurrence) -> str:
    """Write the recurrence on one line, for tables and messages."""
    text = notation(recurrence)
    return text if isinstance(text, str) else "; ".join(text)


@lru_cache(20_000)
def _text(part: Part) -> str:
    if isinstance(part, Event | Once):
        return wording.text(part) or ""
    as_phrase = _proven(part, wording.text(part), phrase.parse)
    if as_phrase and wording.is_short(part):
        return as_phrase
    return _proven(part, cron.text(part), cron.parse) or as_phrase or rrule.text(part)


def _proven(part: Part, text: str | None, parse: Callable[[str], tuple[Part, ...]]) -> str | None:
    """Return the text if it means the part."""
    try:
        return text if text and parse(text) == (part,) else None
    except RecurrenceError:
        return None


def _counted_workdays(parts: tuple[Part, ...]) -> str | None:
    """Write `on the last weekday at 09:00 and 17:00`, which is a rule for each time."""
    first = parts[0] if parts else None
    if len(parts) < 2 or not isinstance(first, Rule) or not first.positions:
        return None
    times = [part.times for part in parts if isinstance(part, Rule)]
    text = wording.text(evolve(first, times=tuple(time for some in times for time in some)))
    try:
        return text if text and phrase.parse(text) == parts else None
    except RecurrenceError:
        return None

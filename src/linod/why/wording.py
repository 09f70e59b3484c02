"""Instants and names inside sentences."""

from __future__ import annotations

from datetime import datetime

from linod.views import clean, clock, cut, instant, local
from linod.why.finding import Asked
from linod.why.rows import Run

REASON_COLUMNS = 200
"""Of a reason: enough for what an exception says first; history shows the whole."""


def when(asked: Asked, at: datetime) -> str:
    """Write an instant in full: "Sat 2026-11-21 03:30 EET"."""
    return instant(at, asked.zone)


def beside(asked: Asked, at: datetime, other: datetime) -> str:
    """Write an instant as short as it is clear beside another: "03:30", "2026-11-20 03:30"."""
    there, near = local(at, asked.zone), local(other, asked.zone)
    # Both passes of a fold show the same time.
    zone = "" if there.utcoffset() == near.utcoffset() else f" {there.tzname()}"
    if there.date() == near.date():
        return f"{clock(at, asked.zone)}{zone}"
    return f"{there:%Y-%m-%d} {clock(at, asked.zone)}{zone}"


def run_named(run: Run) -> str:
    """Name a run as other commands take it."""
    return f"run {run.id}"


def reason_of(text: str) -> str:
    """Make a reason part of a sentence."""
    return cut(clean(text), REASON_COLUMNS).rstrip(" .")


def sentence(text: str) -> str:
    """End a sentence, once, and begin it with a capital."""
    text = clean(text).strip()
    ending = "" if text.endswith((".", "!", "?", "…")) else "."
    return f"{text[:1].upper()}{text[1:]}{ending}"


def both(parts: list[str]) -> str:
    """Join what stands between a subject and its verb: "run 3, 5 ms late, and"."""
    return f"{', '.join(parts)}, and" if len(parts) > 1 else f"{parts[0]} and"

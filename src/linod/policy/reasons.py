"""The reasons that more than one part of linod knows by their text."""

from __future__ import annotations

NEVER_STARTED = "never started"
SWITCHED_OFF_TASK = "enabled = false"
SWITCHED_OFF = "linod is switched off"
REMOVED = "the task was removed"
TOO_OLD = "missed"
OUTSIDE = "outside allowed"
YIELDED = "the next occurrence was due"


def going_on(number: int, limit: str) -> str:
    """Say that so many runs go on, and what limits them."""
    what = "1 run was" if number == 1 else f"{number} runs were"
    return f"{what} going on ({limit})"

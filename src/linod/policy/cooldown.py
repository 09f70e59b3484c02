"""How long a task rests after an end."""

from __future__ import annotations

from datetime import timedelta

from linod.events import Outcome
from linod.specs import Cooldown

_SUCCESS = (Outcome.SUCCEEDED, Outcome.WARNED)


def cooldown_after(cooldown: Cooldown | None, outcome: Outcome) -> timedelta:
    """Give the rest after an outcome; a cancelled run counts for neither side."""
    if cooldown is None or outcome is Outcome.CANCELLED:
        return timedelta(0)
    rest = cooldown.success if outcome in _SUCCESS else cooldown.failure
    return rest or timedelta(0)

"""A clock that stepped back: what is decided is not decided again until it has caught up."""

from __future__ import annotations

from datetime import datetime, timedelta

AHEAD_MAX = timedelta(hours=1)
"""A clock that stepped back by more than this is told: tasks do not run until it has caught up."""


def is_ahead(through: datetime, now: datetime) -> bool:
    """Tell whether more than an hour beyond now is decided already."""
    return through > now + AHEAD_MAX

"""When an occurrence is to start: its due, moved by spread, jitter and `allowed`.

Spread is a function of the task's name, jitter one of the occurrence: no restart changes either.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta

from attrs import frozen

from linod.policy.window import opening
from linod.specs import Task

_SHARES = 1 << 53


@frozen(kw_only=True)
class Planned:
    """The planned start, and what moved it; `at` is None where the task may never start."""

    at: datetime | None
    moved_by: str = ""


def planned_start(
    task: Task, zone: str, due: datetime, now: datetime, base: datetime | None = None
) -> Planned:
    """Plan the start of an occurrence that is decided now; it counts from `base`, or its due."""
    spread = _share(task.spread, lambda: task.name)
    jitter = _share(task.jitter, lambda: f"{task.name} {due.timestamp():.6f}")
    planned = (base or due) + spread + jitter
    moved_by = _moved_by(spread, jitter) if spread or jitter else ""
    start = max(planned, now)
    opens = opening(task.allowed, zone, start)
    if opens == start:
        return Planned(at=planned, moved_by=moved_by)
    return Planned(at=opens, moved_by="allowed")


def _moved_by(spread: timedelta, jitter: timedelta) -> str:
    return " and ".join(name for name, by in (("spread", spread), ("jitter", jitter)) if by)


def _share(most: timedelta | None, text: Callable[[], str]) -> timedelta:
    """A part of a length between nothing and the whole, evenly spread over texts."""
    if not most:
        return timedelta(0)
    digest = hashlib.blake2b(text().encode(), digest_size=8).digest()
    return most * ((int.from_bytes(digest) >> 11) / _SHARES)

"""`warn`: what people are told although nothing failed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from enum import StrEnum

from attrs import evolve

from linod.specs import Warn

WARNED_FOR = timedelta(days=1)
"""So long status counts a warning."""
AUTO_RUNS_MIN = 5
"""Fewer runs tell nothing about the next one."""
AUTO_RUNS_MAX = 20
AUTO_FACTOR = 2
AUTO_MIN = timedelta(minutes=1)


class WarningKind(StrEnum):
    """What a warning is about: the keys of `warn`."""

    RUNNING = "running"
    LATE = "late"
    NO_SUCCESS = "no_success"
    DONE_BY = "done_by"


def running_limit(warn: Warn, lengths: Sequence[timedelta]) -> timedelta | None:
    """Give the length of a run from which on people are told.

    "auto" is twice the longest of the last 20 runs that succeeded, at least a minute; with less
    than five of them there is none.
    """
    if isinstance(warn.running, timedelta):
        return warn.running
    if warn.running is None or len(lengths) < AUTO_RUNS_MIN:
        return None
    return max(AUTO_MIN, AUTO_FACTOR * max(lengths))


def slow_limit(warn: Warn, lengths: Sequence[timedelta]) -> timedelta | None:
    """Give the length of a run from which on what it keeps of its log is written.

    It is that of `warn.running`, and where nobody is to be told, that of "auto".
    """
    return running_limit(evolve(warn, running=warn.running or "auto"), lengths)

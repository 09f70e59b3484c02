"""Whether what runs continuously did: after each end it is due again when its rest is over."""

from __future__ import annotations

from collections.abc import Iterator

from .case import Case
from .findings import Found, Kind
from .instants import SECOND, free, length, ticks
from .oracle import Continuously

REST_MIN = SECOND
"""A task that ends at once is due again no sooner."""


def continued(case: Case) -> Iterator[Found]:
    """Find every time in which nothing of such a task went on, though nothing held it."""
    for name in case.dues:
        taken = None
        for begin, end in _stretches(case, name):
            taken = taken or _taken(case, name)
            most = _rest(case, name, begin, end) + case.late_max
            for first, last in free(begin, end, taken):
                if last - first > most:
                    text = f"it did not go on: nothing kept it for {(last - first) / SECOND:g} s"
                    yield Kind.MISSED, name, case.clock.shown(first), text


def _stretches(case: Case, task: str) -> Iterator[tuple[int, int]]:
    """Give when a task was to run continuously, in lived time."""
    versions = case.dues[task].task.versions
    ends = [*(ticks(version.since) for version in versions[1:]), case.until]
    for version, end in zip(versions, ends, strict=True):
        if Continuously() in (version.parts or ()) and version.policy.enabled:
            yield ticks(version.since), end


def _taken(case: Case, task: str) -> list[tuple[int, int]]:
    """Give when it went on, when it was held, and when nothing could be decided."""
    going_on = [(stay.queued_first, stay.end_last) for stay in case.lane(task)]
    blocked = case.serving.blocked.touching(case.serving.begin, case.until)
    holds = case.circumstances[task].holds.touching(case.serving.begin, case.until)
    return [*going_on, *((begin, end) for begin, end, _ in (*blocked, *holds))]


def _rest(case: Case, task: str, first: int, last: int) -> int:
    """Say how long it may rest: what follows a chain waits for what its members rest."""
    rests = [
        rest
        for name in (task, *case.members[task])
        if name in case.dues
        for policy in case.dues[name].policies(first, last)
        for rest in (policy.cooldown_success, policy.cooldown_failure)
    ]
    return max(REST_MIN, *map(length, rests))

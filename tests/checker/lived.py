"""What was lived at the same time: who ran beside whom, and when a limit was reached."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from heapq import heappop, heappush

from attrs import frozen

from .case import Case
from .history import Policy
from .instants import NEVER, ticks
from .stays import Stay


@frozen
class Life:
    """A run from the start to the end that the task noted; of one that was killed, to the end
    that the store has, since nothing may follow it before that is known.
    """

    stay: Stay
    begin: int
    end: int


def lives(case: Case) -> list[Life]:
    """List all runs that began, first one first."""
    found = [
        Life(stay, stay.started, max(_end(stay), stay.started))
        for stays in case.stays.values()
        for stay in stays
        if stay.started is not None and stay.begun is not None and stay.row.task in case.dues
    ]
    return sorted(found, key=lambda life: (life.begin, life.end))


def _end(stay: Stay) -> int:
    noted = stay.begun.ended if stay.begun else None
    return stay.end_first if noted is None else ticks(noted)


def crowds(lived: Sequence[Life]) -> Iterator[tuple[Life, int]]:
    """Give each run with how many went on when it began, itself included."""
    ends: list[int] = []
    for life in lived:
        while ends and ends[0] <= life.begin:
            heappop(ends)
        heappush(ends, life.end)
        yield life, len(ends)


def full(lived: Sequence[Life], size: int) -> list[tuple[int, int]]:
    """List when at least so many went on; one that had begun takes its place until it is known
    to be over.
    """
    changes = [(life.begin, 1) for life in lived if life.end > life.begin]
    changes += [(life.end, -1) for life in lived if NEVER > life.end > life.begin]
    found, count, since = [], 0, 0
    for instant, change in sorted(changes):
        if count < size <= count + change:
            since = instant
        elif count + change < size <= count:
            found.append((since, instant))
        count += change
    return [*found, (since, NEVER)] if count >= size else found


def pool_of(policy: Policy) -> str | None:
    """Give the pool of a task, where it has one with a size."""
    return policy.pool if policy.pool_size is not None else None

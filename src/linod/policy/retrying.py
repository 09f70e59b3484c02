"""Whether an ended attempt is followed by another, and after which wait."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from datetime import timedelta

from attrs import frozen

from linod.events import Outcome
from linod.specs import OnLost, Retry, Task

LOST_MAX = 3
"""So often a lost run is tried again (on_lost = "retry"), apart from the budget of retries."""
DELAY_MAX = timedelta(days=366)
"""What backoff may grow to where there is no max_delay: more would be never."""


@frozen(kw_only=True)
class Attempt:
    """The attempt that follows, after a wait."""

    delay: timedelta
    reason: str


def next_attempt(
    task: Task, outcomes: Sequence[Outcome], names: Collection[str], key: str
) -> Attempt | None:
    """Give the next attempt, if there is one.

    Args:
        task: The task as it is configured now.
        outcomes: Of the attempts of this series, those that never started left out, oldest first.
        names: Names of the exception that ended the last one, and of its bases.
        key: Names the occurrence: the jitter of a wait is a function of it.
    """
    last, retry = outcomes[-1], task.retry
    if last is Outcome.LOST:
        number = outcomes.count(Outcome.LOST)
        if task.on_lost is not OnLost.RETRY or number > LOST_MAX:
            return None
        return Attempt(delay=timedelta(0), reason=f"lost, try {number + 1} of {LOST_MAX + 1}")
    failures = sum(outcome in (Outcome.FAILED, Outcome.TIMED_OUT) for outcome in outcomes)
    if last not in (Outcome.FAILED, Outcome.TIMED_OUT) or failures >= retry.attempts:
        return None
    if retry.on and last is Outcome.FAILED and not set(retry.on) & set(names):
        return None
    reason = f"retry, attempt {failures + 1} of {retry.attempts}"
    return Attempt(delay=_delay(retry, failures, key), reason=reason)


def _delay(retry: Retry, failures: int, key: str) -> timedelta:
    most = retry.max_delay or DELAY_MAX
    seconds = min(
        retry.delay.total_seconds() * _power(retry.backoff, failures - 1), most.total_seconds()
    )
    digest = hashlib.blake2b(f"{key} {failures}".encode(), digest_size=4).digest()
    share = int.from_bytes(digest) / 2**32
    return timedelta(seconds=seconds) + (retry.jitter or timedelta(0)) * share


def _power(base: float, exponent: int) -> float:
    try:
        return float(base**exponent)
    except OverflowError:
        return DELAY_MAX.total_seconds()

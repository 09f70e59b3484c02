"""How long a simulated run takes and how it ends: a function of the seed and its occurrence.

A run has the same fate whatever else is in the configuration: two simulations that differ in one
policy differ in what that policy does, and in nothing else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from attrs import field, frozen

from linod.errors import LinodError
from linod.events import Outcome
from linod.specs import Task
from linod.store.interface import to_microseconds
from linod.units import format_duration

SHORTEST = timedelta(milliseconds=1)
"""What a process takes that does nothing; time goes on with every run."""
DEFAULT_LENGTH = timedelta(seconds=1)
FAILED = "a simulated failure"

_SHARES = 1 << 53
_MICROSECOND = timedelta(microseconds=1)


@frozen(kw_only=True)
class Fate:
    """What becomes of a run when nobody stops it."""

    length: timedelta
    outcome: Outcome = Outcome.SUCCEEDED
    reason: str = ""


class Origin(StrEnum):
    """Where it is known from how long runs take."""

    HISTORY = "history"
    GIVEN = "given"
    DEFAULT = "default"


class Lengths(Protocol):
    """How long the runs of a task take."""

    @property
    def origin(self) -> Origin:
        """Where that is known from."""

    @property
    def longest(self) -> timedelta | None:
        """No run takes longer; None where that is not known."""

    def draw(self, due: datetime, share: float) -> timedelta:
        """Give the length of one run; `share` is evenly spread from 0 to 1."""


@frozen
class Spread:
    """A length, and by which part of it runs are shorter or longer."""

    length: timedelta
    part: float = 0.0
    origin: Origin = Origin.GIVEN

    @property
    def longest(self) -> timedelta | None:
        return self.length * (1 + self.part)

    def draw(self, due: datetime, share: float) -> timedelta:  # noqa: ARG002
        if not self.part:
            return self.length
        return self.length * (1 + self.part * (2 * share - 1))


@frozen
class Observed:
    """The lengths of former runs, each as likely as the others."""

    lengths: tuple[timedelta, ...]

    @classmethod
    def of(cls, lengths: Sequence[timedelta]) -> Observed:
        """Take lengths in any order."""
        return cls(tuple(sorted(lengths)))

    @property
    def origin(self) -> Origin:
        return Origin.HISTORY

    @property
    def longest(self) -> timedelta | None:
        return self.lengths[-1]

    def draw(self, due: datetime, share: float) -> timedelta:  # noqa: ARG002
        return self.lengths[int(share * len(self.lengths))]


@frozen
class Called:
    """A function of the due; it is asked once per run."""

    function: Callable[[datetime], timedelta]
    origin: Origin = Origin.GIVEN

    @property
    def longest(self) -> timedelta | None:
        return None

    def draw(self, due: datetime, share: float) -> timedelta:  # noqa: ARG002
        return self.function(due)


@frozen(kw_only=True)
class Fates:
    """The fates of all runs; `failures` are the parts of a task's runs that fail."""

    seed: int = 0
    lengths: Mapping[str, Lengths] = field(factory=dict)
    default: Lengths = Spread(DEFAULT_LENGTH, origin=Origin.DEFAULT)
    failures: Mapping[str, float | Callable[[datetime], bool]] = field(factory=dict)

    def lengths_of(self, task: str) -> Lengths:
        """The lengths of a task's runs."""
        return self.lengths.get(task, self.default)

    def of(self, task: Task, due: datetime, attempt: int) -> Fate:
        """Give the fate of one attempt at an occurrence; a timeout ends it."""
        first, second = self._shares(task.name, due, attempt)
        length = self.lengths_of(task.name).draw(due, first)
        if not isinstance(length, timedelta):
            raise LinodError(f"durations: {task.name}: expected a timedelta, got {length!r}")
        length = max(SHORTEST, length)
        if task.timeout is not None and length > task.timeout:
            reason = f"after {format_duration(task.timeout)}"
            return Fate(length=task.timeout, outcome=Outcome.TIMED_OUT, reason=reason)
        if self._is_failing(task.name, due, second):
            return Fate(length=length, outcome=Outcome.FAILED, reason=FAILED)
        return Fate(length=length)

    def is_certain(self, task: Task) -> bool:
        """Tell whether all runs of a task succeed, each within a known time."""
        longest = self.lengths_of(task.name).longest
        if longest is None or self.failures.get(task.name):
            return False
        return task.timeout is None or longest <= task.timeout

    def _is_failing(self, task: str, due: datetime, share: float) -> bool:
        failing = self.failures.get(task, 0.0)
        return failing(due) if callable(failing) else share < failing

    def _shares(self, task: str, due: datetime, attempt: int) -> tuple[float, float]:
        text = f"{self.seed} {task} {to_microseconds(due)} {attempt}"
        digest = hashlib.blake2b(text.encode(), digest_size=16).digest()
        first, second = int.from_bytes(digest[:8]), int.from_bytes(digest[8:])
        return (first >> 11) / _SHARES, (second >> 11) / _SHARES

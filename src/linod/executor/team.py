"""The long-lived workers that may have the same runs, and the orders that wait for one of them.

Rules of this border:
- A member has the runs of one context only: what is set once in it fits them all.
- Orders are in the order of their runs, also those that were taken back.
- It says who may have an order, and forks and signals nobody.
"""

from __future__ import annotations

import math
import os
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from attrs import frozen

from linod.executor.calling import Planned, is_async
from linod.executor.kept import Phase
from linod.executor.member import Given, Member
from linod.executor.messages import TaskSpec

AT_ONCE = os.cpu_count() or 1
"""So many begin at the same time that all have a processor."""
_DEAF_MAX = 4
"""Where so many do not hear, the machine is at fault: more processes would not mend it."""
_DEAF_FOR_S = 0.5
"""One that does not hear for so long is replaced."""


@frozen
class Context:
    """What runs must share to be executed by one process."""

    task: str | None
    """Where it executes several at once: only runs of this task."""
    settings: tuple[Any, ...]

    @classmethod
    def of(cls, spec: TaskSpec, planned: Planned) -> Context:
        """Take it from a task and what is known of its procedure."""
        settings = (
            spec.directory,
            tuple(sorted(spec.env.items())),
            spec.nice,
            spec.umask,
            tuple(sorted(spec.limits.items())),
            spec.log_level,
            spec.log_keep,
            tuple(spec.secrets),
        )
        return cls(spec.name if is_async(planned) else None, settings)

    @property
    def is_async(self) -> bool:
        """Tell whether its process executes several runs at once."""
        return self.task is not None


class Team:
    """The members with one context, and the orders that none of them has yet."""

    def __init__(self, *, is_async: bool) -> None:
        self.is_async = is_async
        self.members: list[Member] = []
        self.waiting: deque[Given] = deque()
        self.hires_at = 0.0
        """No process could be forked: not before that is it tried again."""

    def given(self) -> Iterator[Given]:
        """Give all orders of which no run has begun."""
        for member in self.members:
            yield from member.given
        yield from self.waiting

    def put_back(self, orders: list[Given]) -> None:
        """Let orders wait again, behind those that were given before them."""
        if orders:
            queued = sorted([*orders, *self.waiting], key=lambda given: given.run.order.run)
            self.waiting = deque(queued)

    def take_back(self) -> None:
        """Let all orders wait again that were not read."""
        for member in self.members:
            self.put_back(member.take_back())

    def idle(self) -> list[Member]:
        """Give the members that could begin with a run at once."""
        return [each for each in self.members if not each.load and each.takes_orders()]

    def grows_at(self) -> float:
        """Say from when on another process may be forked."""
        deaf = [each.deaf_since for each in self.members if each.deaf_since is not None]
        if len(deaf) >= _DEAF_MAX:
            return math.inf
        return max([self.hires_at, *(since + _DEAF_FOR_S for since in deaf)])

    def choose(
        self, spec: TaskSpec, learned: int, now: float, is_stuck: Callable[[Member, float], bool]
    ) -> tuple[Member | None, bool]:
        """Choose who gets an order; where nobody can, say whether another is to be forked."""
        fitting = [member for member in self.members if _may_take(member, spec, learned)]
        if self.is_async:
            return (fitting[0], False) if fitting else (None, now >= self.grows_at())
        idle = [member for member in fitting if not member.load]
        if idle:
            # The one that was idle last is the warmest.
            return max(idle, key=lambda member: member.idle_since), False
        busy = [member for member in fitting if not is_stuck(member, now)]
        if len(busy) < AT_ONCE and now >= self.grows_at():
            return None, True
        least = min(busy, key=lambda member: member.load, default=None)
        return (least if least is not None and least.has_room() else None), False


def _may_take(member: Member, spec: TaskSpec, learned: int) -> bool:
    """Tell whether a member may have another run of a task, which keepers learned by then."""
    if member.born < learned or not member.may_take(spec):
        return False
    return member.is_async or not any(
        run.phase is not Phase.RUNNING for run in member.runs.values()
    )

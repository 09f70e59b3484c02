"""Which tasks are due, and when the next one is: found without looking at the others.

It keeps a heap of next dues; a settle costs the number of tasks that are due, not of all tasks.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from datetime import datetime

from attrs import define

from linod.planner import Planner
from linod.specs import Task, ZoneName


@define(kw_only=True, eq=False)
class Plan:
    """A task with its planner, and how far it is decided."""

    task: Task
    zone: ZoneName
    order: int
    """Place in the file: ties go in this order."""
    planner: Planner
    through: datetime
    reached: datetime
    next_due: datetime | None = None


class Agenda:
    """The plans of all tasks, and the order in which they are due."""

    def __init__(self, plans: Mapping[str, Plan]) -> None:
        self._plans = dict(plans)
        self._heap: list[tuple[datetime, int, str]] = [
            (plan.next_due, plan.order, name)
            for name, plan in self._plans.items()
            if plan.next_due is not None
        ]
        heapq.heapify(self._heap)

    def __contains__(self, name: str) -> bool:
        return name in self._plans

    def __getitem__(self, name: str) -> Plan:
        return self._plans[name]

    def get(self, name: str) -> Plan | None:
        """The plan of a task that is configured."""
        return self._plans.get(name)

    def __iter__(self) -> Iterator[Plan]:
        return iter(self._plans.values())

    @property
    def wake(self) -> datetime | None:
        """When something is due next."""
        return self._heap[0][0] if self._heap else None

    def take_due(self, now: datetime) -> list[Plan]:
        """Take out the plans that are due, in order of due and file; `put_back` each."""
        due = []
        while self._heap and self._heap[0][0] <= now:
            due.append(self._plans[heapq.heappop(self._heap)[2]])
        return due

    def put_back(self, plan: Plan, through: datetime) -> None:
        """Note how far a plan that was taken out is decided, and queue its next due."""
        plan.through, plan.reached = through, max(plan.reached, through)
        plan.next_due = plan.planner.next(through)
        if plan.next_due is not None:
            heapq.heappush(self._heap, (plan.next_due, plan.order, plan.task.name))

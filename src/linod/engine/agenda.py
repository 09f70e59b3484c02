"""Which tasks are due, and when the next one is: found without looking at the others.

It keeps a heap of next dues; a settle costs the number of tasks that are due, not of all tasks.
A chain is a plan like any other, under its own name.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from attrs import define

from linod.planner import Planner
from linod.recurrence.model import Event
from linod.specs import Chain, Task, ZoneName


@define(kw_only=True, eq=False)
class Plan:
    """A task or a chain with its planner, how far it is decided, and what it left behind."""

    task: Task
    """Of a chain, what it has in common with a task."""
    chain: Chain | None = None
    zone: ZoneName
    order: int
    """Place in the file: ties go in this order."""
    depth: int = 0
    """How many tasks it is behind in `after`: a settle goes upstream first."""
    planner: Planner
    through: datetime
    reached: datetime
    first_seen: datetime
    next_due: datetime | None = None
    failures: int = 0
    """So many occurrences in a row failed for good."""
    boot: str = ""
    """The boot in which `at boot` was decided last."""
    cool_until: timedelta | None = None
    """The time since boot until which it rests."""
    continues_at: timedelta | None = None
    """The time since boot at which it is due again, where it runs continuously."""
    continues_due: datetime | None = None
    """The due that it has then, if the clock is not set until then."""

    @property
    def name(self) -> str:
        """The name, which tasks and chains share."""
        return self.task.name

    def has(self, event: Event) -> bool:
        """Tell whether its recurrence holds one that comes from the engine."""
        return event in self.task.recurrence.parts

    @property
    def is_triggered(self) -> bool:
        """Tell whether it is due when what it names in `after` succeeded, and never else."""
        return bool(self.task.after) and self.task.recurrence.parts == (Event.MANUALLY,)

    @property
    def is_ordered(self) -> bool:
        """Tell whether each occurrence waits for those that it names in `after`."""
        return bool(self.task.after) and not self.is_triggered


class Agenda:
    """The plans of all tasks and chains, and the order in which they are due."""

    def __init__(self, plans: Mapping[str, Plan]) -> None:
        self._plans = dict(plans)
        self._heap: list[tuple[datetime, int, str]] = [
            (plan.next_due, plan.order, name)
            for name, plan in self._plans.items()
            if plan.next_due is not None
        ]
        heapq.heapify(self._heap)
        self._due: list[Plan] = []
        """Taken out of the heap, and not given to anybody yet."""
        self._dependents: dict[str, list[Plan]] = {}
        for plan in self._plans.values():
            for name in plan.task.after:
                self._dependents.setdefault(name, []).append(plan)

    def __contains__(self, name: str) -> bool:
        return name in self._plans

    def __getitem__(self, name: str) -> Plan:
        return self._plans[name]

    def get(self, name: str) -> Plan | None:
        """The plan of a task that is configured."""
        return self._plans.get(name)

    def __iter__(self) -> Iterator[Plan]:
        return iter(self._plans.values())

    def dependents(self, name: str) -> list[Plan]:
        """The plans that name this one in `after`."""
        return self._dependents.get(name, [])

    @property
    def wake(self) -> datetime | None:
        """When something is due next; in the past, where not all that is due was taken."""
        if self._due:
            return self._due[0].next_due
        return self._heap[0][0] if self._heap else None

    def due_by(self, instant: datetime, at_most: int) -> list[Plan]:
        """Some of the plans that are due by then, without looking at the others."""
        found: list[Plan] = []
        places = [0]
        while places and len(found) < at_most:
            place = places.pop()
            if place < len(self._heap) and self._heap[place][0] <= instant:
                found.append(self._plans[self._heap[place][2]])
                places += (2 * place + 1, 2 * place + 2)
        return found

    def take_due(self, now: datetime, at_most: int | None = None) -> list[Plan]:
        """Take out plans that are due: upstream first, then by priority, due and file.

        Put each back. Of more than `at_most` the others are due still, before what falls due later.
        """
        if self._heap and self._heap[0][0] <= now:
            while self._heap and self._heap[0][0] <= now:
                self._due.append(self._plans[heapq.heappop(self._heap)[2]])
            self._due.sort(key=lambda plan: (plan.depth, -plan.task.priority))
        taken = self._due[:at_most]
        del self._due[:at_most]
        return taken

    def put_back(self, plan: Plan, through: datetime) -> None:
        """Note how far a plan that was taken out is decided, and queue its next due."""
        plan.through, plan.reached = through, max(plan.reached, through)
        self.queue(plan)

    def queue(self, plan: Plan) -> None:
        """Queue the next due of a plan that is not queued."""
        plan.next_due = plan.planner.next(plan.through)
        if plan.next_due is not None:
            heapq.heappush(self._heap, (plan.next_due, plan.order, plan.name))

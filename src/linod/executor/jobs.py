"""What a keeper knows of tasks; each worker that it forks knows it, too."""

from __future__ import annotations

from collections.abc import Callable

from linod.executor.calling import Planned
from linod.executor.messages import TaskSpec
from linod.executor.team import Context
from linod.executor.worker import Job

Plans = Callable[[str], Planned]
"""Gives the plan of a procedure, by its path."""


class Jobs:
    """The tasks that a keeper has learned, by name."""

    def __init__(self, plans: Plans) -> None:
        self.specs: dict[str, TaskSpec] = {}
        self._plans = plans
        self._contexts: dict[str, Context] = {}
        self._keeping: set[str] = set()
        """Those whose records may have to be kept: a look at all tasks, for each fork, is dear."""

    def learn(self, spec: TaskSpec) -> bool:
        """Note a task, and import what it calls; False if it is known as it is."""
        if self.specs.get(spec.name) == spec:
            return False
        self.specs[spec.name] = spec
        self._contexts.pop(spec.name, None)
        self._keeping.discard(spec.name)
        if spec.log_keep:
            self._keeping.add(spec.name)
        self._plan(spec.procedure)
        self._plan(spec.only_if)
        return True

    def find(self, name: str) -> Job:
        """Say what is to be done for a task."""
        spec = self.specs[name]
        procedure, only_if = self._plan(spec.procedure), self._plan(spec.only_if)
        return Job(spec=spec, procedure=procedure, only_if=only_if)

    def context(self, spec: TaskSpec) -> Context:
        """Say what its runs share with others that one process may execute."""
        context = self._contexts.get(spec.name)
        if context is None:
            context = self._contexts[spec.name] = Context.of(spec, self._plan(spec.procedure))
        return context

    def is_keeping(self) -> bool:
        """Tell whether records of some of them may have to be kept."""
        return bool(self._keeping)

    def _plan(self, path: str | None) -> Planned:
        return None if path is None else self._plans(path)

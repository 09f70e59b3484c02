"""What a keeper does ahead of its runs: workers forked for what is expected, orders given early.

Rules of this border:
- An armed order is no run: it becomes one by its go, and is forgotten with its daemon.
- Whatever became of the worker that has an armed order, the go starts the run: with another one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from linod.executor import messages
from linod.executor.crew import Crew
from linod.executor.forking import Forked, Forking
from linod.executor.jobs import Jobs
from linod.executor.kept import KeptRun
from linod.executor.messages import order_of

_EXPECTED_FOR_S = 12.0
# In a turn; in between it is looked whether something happened.
_AT_ONCE = 8


class Preparing:
    """One per keeper."""

    def __init__(
        self,
        forking: Forking,
        crew: Crew,
        jobs: Jobs,
        clock: Callable[[], float],
    ) -> None:
        self._forking = forking
        self._crew = crew
        self._jobs = jobs
        self._clock = clock
        self._armed: dict[int, tuple[KeptRun, dict[str, Any]]] = {}

    def expect(self, names: Iterable[str], for_s: float = _EXPECTED_FOR_S) -> None:
        """Have workers forked for runs of these tasks, which are due soon."""
        known = self._jobs.specs
        specs = [known[name] for name in names if name in known]
        missing = self._crew.missing(self._jobs.context(spec) for spec in specs if spec.is_reused)
        wanted = [*(spec.name for spec in specs if not spec.is_reused), *[None] * missing]
        self._forking.expect(wanted, self._clock() + for_s)

    def is_needed(self) -> bool:
        """Tell whether workers are to be forked."""
        return bool(self._jobs.specs) and self._forking.needs_more(self._clock())

    def fork(self, has_happened: Callable[[], Any]) -> None:
        """Fork ahead until something happens: one after another, that costs less."""
        number = 0
        while number < _AT_ONCE and self.is_needed():
            self._forking.make_spare(self._clock())
            number += 1
            if has_happened():
                return
        if number:
            messages.rehearsal()  # a fork makes pages costly to write on both sides

    def arm(self, message: dict[str, Any]) -> None:
        """Take an order that holds from its go on; a worker that waits gets it at once."""
        order = order_of(message)
        run = KeptRun(order, self._jobs.specs[order.task])
        self._armed[order.run] = run, {**message, "do": "start"}
        if not run.spec.is_reused:
            self._forking.arm(order, message)

    def go(self, run: int) -> tuple[KeptRun, dict[str, Any], Forked | None]:
        """Have the worker that has an armed order begin; give the run, its order and the worker.

        None for the worker: the run has to be started like any other.
        """
        return *self._armed.pop(run), self._forking.go(run)

    def disarm(self) -> None:
        """Forget the armed orders: none of them holds."""
        self._armed.clear()
        self._forking.disarm()

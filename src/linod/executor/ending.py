"""How runs are ended that somebody wants to end: those that go on, and those that did not begin.

Rules of this border:
- A run that no worker has read ends at once. One that was read and has not said that it began is
  ended when it does; its worker is hurried.
- Whoever is placed when the keeper leaves is ended as well.
- Nobody is ended in the middle of a turn that hears: first all that was said is heard.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from linod.events import Outcome
from linod.executor.crew import Crew
from linod.executor.kept import KeptRun
from linod.executor.limiting import TERM_BEFORE_KILL_S, Limiting

DISMISSED = "its daemon ended before it"


class Ending:
    """One per keeper."""

    def __init__(
        self,
        runs: Mapping[int, KeptRun],
        crew: Crew,
        limiting: Limiting,
        tell_end: Callable[[KeptRun], None],
    ) -> None:
        """`tell_end` tells of a run that ended before it began."""
        self._runs = runs
        self._crew = crew
        self._limiting = limiting
        self._tell_end = tell_end
        self._is_leaving = False
        self._stops: dict[int, dict[str, Any]] = {}
        """For runs that a member has read and of which it has not said yet that they began."""
        self._begun: list[KeptRun] = []
        """Those that have begun now, and are to be ended when all is heard that was said."""

    @property
    def is_due(self) -> bool:
        """Tell whether `look` has something to do."""
        return bool(self._begun)

    def placed(self, run: KeptRun) -> None:
        """Take note of a run that begins."""
        if run.order.run in self._stops or self._is_leaving:
            self._begun.append(run)

    def stop(self, message: dict[str, Any]) -> None:
        """End a run, as a message of the daemon says."""
        number = message["run"]
        run = self.find(number)
        if run is None or run.order.lease != message["lease"]:
            return
        outcome, reason = Outcome(message["outcome"]), message["reason"]
        if number in self._runs:
            patience = 0.0 if message["is_forced"] else run.spec.kill_after_s
            self._limiting.end(run, outcome, reason, patience)
        elif self._crew.withdraw(number) is not None:
            run.wanted, run.ended = (outcome, reason), time.time()
            self._tell_end(run)
        elif number in self._runs:
            self.stop(message)  # it was heard while it was looked for that it has begun
        else:
            self._stops[number] = message
            self._crew.hurry(number)

    def stop_again(self) -> None:
        """Stop what waits again, since its member died before it began."""
        for number in self._stops.keys() - self._runs.keys():
            self.stop(self._stops.pop(number))

    def look(self) -> None:
        """End what was to be ended before it was known that it began."""
        begun, self._begun = self._begun, []
        for run in begun:
            stop = self._stops.pop(run.order.run, None)
            if run.order.run not in self._runs:
                continue
            if stop is not None:
                self.stop(stop)
            if self._is_leaving:
                self._dismiss(run)

    def leave(self) -> None:
        """End all runs, and those that are placed from now on."""
        self._is_leaving = True
        self._crew.withdraw_all()
        for run in list(self._runs.values()):
            self._dismiss(run)

    def find(self, number: int) -> KeptRun | None:
        """Find a run that goes on, or is queued."""
        run = self._runs.get(number)
        if run is None:
            run = next((each for each in self._crew.queued() if each.order.run == number), None)
        return run

    def _dismiss(self, run: KeptRun) -> None:
        self._limiting.end(run, Outcome.LOST, DISMISSED, TERM_BEFORE_KILL_S)

"""How runs end that do not end by themselves: TERM, then KILL, for the worker and all that is left.

A run goes through phases, RUNNING, TERMED, KILLED; `advance` is the one place that decides over
its life. A worker that ends by itself and leaves something behind goes the same way.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping

from linod.events import Outcome
from linod.executor.kept import KeptRun, Phase
from linod.executor.strays import Strays
from linod.executor.tree import Process

TERM_BEFORE_KILL_S = 1.2
"""For the runs of a keeper whose daemon is gone, and for strays of a run that has ended."""
_LOOK_AGAIN_S = 0.02
# What sleeps in the kernel cannot be killed; its run is reported all the same.
_GIVE_UP_S = 5.0


class Limiting:
    """Ends runs, at their limit or when told to."""

    def __init__(
        self, strays: Strays, runs: Mapping[int, KeptRun], clock: Callable[[], float]
    ) -> None:
        self._strays = strays
        self._runs = runs
        self._clock = clock

    def end(self, run: KeptRun, outcome: Outcome, reason: str, patience_s: float) -> None:
        """Begin to end a run, or hurry its end."""
        now = self._clock()
        if run.phase is Phase.RUNNING:
            run.wanted = (outcome, reason)
            self._term(run, self._strays.all_of(run, self._runs))
            run.phase = Phase.TERMED
            run.kill_at = now + patience_s
        elif run.phase is Phase.TERMED:
            run.kill_at = min(run.kill_at, now + patience_s)
        run.next_at = now if run.status is not None else run.kill_at

    def advance(self, run: KeptRun, now: float) -> bool:
        """Do what is due for a run; True if nothing of it lives any more."""
        if run.status is not None:
            return self._advance_dead(run, now)
        if run.phase is Phase.RUNNING:
            reason = run.placed(f"after {run.spec.timeout_s or 0.0:g} s")
            self.end(run, Outcome.TIMED_OUT, reason, run.spec.kill_after_s)
        else:
            self._kill(run, now)
        return False

    def _advance_dead(self, run: KeptRun, now: float) -> bool:
        left = self._strays.of(run, self._runs)
        if not left or (run.phase is Phase.KILLED and now > run.kill_at + _GIVE_UP_S):
            return True
        if run.phase is Phase.RUNNING:
            # A run that ended by itself left something behind.
            self._term(run, left)
            run.phase = Phase.TERMED
            run.kill_at = now + min(run.spec.kill_after_s, TERM_BEFORE_KILL_S)
            run.next_at = now + _LOOK_AGAIN_S
        elif now >= run.kill_at:
            self._kill(run, now)
        else:
            # A child that was forked while the others were signalled missed its TERM.
            self._term(run, left)
            run.next_at = now + _LOOK_AGAIN_S
        return False

    def _term(self, run: KeptRun, processes: list[Process]) -> None:
        """Send TERM to those that have not had it."""
        new = [each for each in processes if (each.pid, each.start) not in run.termed]
        run.termed.update((each.pid, each.start) for each in new)
        self._strays.signal(new, signal.SIGTERM)

    def _kill(self, run: KeptRun, now: float) -> None:
        run.phase = Phase.KILLED
        self._strays.signal(self._strays.all_of(run, self._runs), signal.SIGKILL)
        run.next_at = now + _LOOK_AGAIN_S

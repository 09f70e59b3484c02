"""How runs end that do not end by themselves: TERM, then KILL, for the worker and all that is left.

A run with a limit of memory is weighed a few times a second, unless the kernel does that for us.

A run goes through phases, RUNNING, TERMED, KILLED; `advance` is the one place that decides over
its life. A worker that ends by itself and leaves something behind goes the same way.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Mapping

from linod.events import Outcome
from linod.executor import groups
from linod.executor.kept import KeptRun, Phase
from linod.executor.messages import TaskSpec
from linod.executor.strays import Strays
from linod.executor.tree import Process
from linod.executor.weighing import MEMORY, excess, limit_of, weight

TERM_BEFORE_KILL_S = 1.2
"""For the runs of a keeper whose daemon is gone, and for strays of a run that has ended."""
_LOOK_AGAIN_S = 0.02
# What sleeps in the kernel cannot be killed; its run is reported all the same.
_GIVE_UP_S = 5.0
# Who takes a gigabyte a second is found out when it has 200 MB too much.
_WEIGH_S = 0.2


def clock() -> float:
    """Seconds on the clock of limits, which counts time asleep too where the system can tell."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()


class Limiting:
    """Ends runs, at their limit or when told to."""

    def __init__(
        self,
        strays: Strays,
        runs: Mapping[int, KeptRun],
        isolate: Callable[[KeptRun], None],
        clock: Callable[[], float],
    ) -> None:
        """`isolate` sees to it that the worker of a run goes on to no other one, if it does."""
        self._strays = strays
        self._isolate = isolate
        self._runs = runs
        self._clock = clock
        self._pid = os.getpid()
        self._groups: groups.Groups | None = None

    def learn(self, spec: TaskSpec) -> None:
        """Prepare for the runs of a task, before any worker of it is forked."""
        if MEMORY in spec.limits:
            self._groups = groups.prepare()

    def begin(self, run: KeptRun) -> None:
        """Plan when a new run has to be looked at."""
        now = self._clock()
        if run.spec.timeout_s is not None:
            run.times_out_at = now + run.spec.timeout_s
        self._plan(run, now + _WEIGH_S if MEMORY in run.spec.limits else None)

    def end(self, run: KeptRun, outcome: Outcome, reason: str, patience_s: float) -> None:
        """Begin to end a run, or hurry its end."""
        now = self._clock()
        if run.phase is Phase.RUNNING:
            run.wanted = (outcome, reason)
            if run.member is not None and run.member.is_async:
                run.member.cancel(run)
            else:
                self._isolate(run)
                self._term(run, self._strays.all_of(run, self._runs))
            run.phase = Phase.TERMED
            run.kill_at = now + patience_s
        elif run.phase is Phase.TERMED:
            run.kill_at = min(run.kill_at, now + patience_s)
        run.next_at = now if run.is_over else run.kill_at

    def advance(self, run: KeptRun, now: float) -> bool:
        """Do what is due for a run; True if nothing of it lives any more."""
        if run.is_over:
            return self._advance_dead(run, now)
        if run.phase is not Phase.RUNNING:
            self._kill(run, now)
        elif run.times_out_at is not None and now >= run.times_out_at:
            reason = run.placed(f"after {run.spec.timeout_s or 0.0:g} s")
            self.end(run, Outcome.TIMED_OUT, reason, run.spec.kill_after_s)
        else:
            self._weigh(run, now)
        return False

    def _plan(self, run: KeptRun, weigh_at: float | None) -> None:
        times = [at for at in (run.times_out_at, weigh_at) if at is not None]
        run.next_at = min(times, default=None)

    def _weigh(self, run: KeptRun, now: float) -> None:
        """End a run that has too much memory."""
        number = run.order.run
        is_alone = run.member is None
        if is_alone and self._groups is not None and self._groups.holds(self._pid, number, run.pid):
            self._plan(run, None)
            return
        limit = run.spec.limits[MEMORY]
        used = weight(self._strays.near(run, self._runs), limit)
        if used <= limit:
            self._plan(run, now + _WEIGH_S)
            return
        self._isolate(run)
        if run.is_over:
            return  # it was heard only now that it has ended
        run.wanted = (Outcome.FAILED, run.placed(excess(used, limit)))
        run.kill_at = now
        self._kill(run, now)

    def _leave_group(self, run: KeptRun) -> None:
        """Take the word of the kernel on how a run ended at its limit of memory."""
        if self._groups is None or MEMORY not in run.spec.limits:
            return
        if run.wanted is None and self._groups.has_struck(self._pid, run.order.run):
            run.wanted = (Outcome.FAILED, run.placed(limit_of(run.spec.limits[MEMORY])))
        self._groups.remove(self._pid, run.order.run)

    def _advance_dead(self, run: KeptRun, now: float) -> bool:
        left = self._strays.of(run, self._runs)
        if not left or (run.phase is Phase.KILLED and now > run.kill_at + _GIVE_UP_S):
            self._leave_group(run)
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
        self._isolate(run)
        if run.member is not None and not run.is_over:
            run.member.lose_others(run)
        self._strays.signal(self._strays.all_of(run, self._runs), signal.SIGKILL)
        run.next_at = now + _LOOK_AGAIN_S

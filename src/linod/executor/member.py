"""A long-lived worker of a keeper, and the orders that it has.

Rules of this border:
- What it has been given and did not read yet can be taken back, and is then given to another one.
  So an order is of one worker, whatever becomes of it.
- It reports the begin of a run before all else. What was read and not begun is one run at most, of
  async ones as many as it was given at once.
- Whether it hears is judged by what it says: any word will do.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from attrs import define

from linod.events import Outcome
from linod.executor import wire
from linod.executor.forking import Spare
from linod.executor.kept import KeptRun
from linod.executor.messages import TaskSpec
from linod.executor.orders import ASK, NO_ORDERS

DEPTH = 64
"""So many orders one has at most, of runs that it executes one after another."""
PATIENCE_S = 0.005
"""For so long orders wait behind a run."""
AWAKE_WITHIN_S = 0.05
"""And behind one that does not begin; twice as long each time that has not helped."""
_BOUNCES_MAX = 5
BORN_WITHIN_S = 1.0
"""So long its first order is left to a process that may just have been forked."""


@define(eq=False)
class Given:
    """An order, and the run that it is for."""

    run: KeptRun
    message: dict[str, Any]
    deaths: int = 0
    """So many members died when they were to begin with it."""
    bounces: int = 0
    """So many did not read it in time."""


class Member:
    """A long-lived worker, and our ends of its pipes."""

    def __init__(
        self,
        spare: Spare,
        born: int,
        on_begun: Callable[[KeptRun], None],
        clock: Callable[[], float],
        *,
        is_async: bool,
    ) -> None:
        self.pid = spare.pid
        self.pipes = spare.pipes
        self.ring = spare.ring
        self.is_async = is_async
        """Whether it executes several runs at once."""
        self.born = born
        """What was learned later it does not know."""
        self.given: deque[Given] = deque()
        """What it was given and has not begun, in its order."""
        self.runs: dict[int, KeptRun] = {}
        """What it has begun, until that is over."""
        self.speaking: KeptRun | None = None
        """The run that began last: what is printed past Python is taken for its.

        Before one has begun it is the first that it was given.
        """
        self.served = 0
        self.since = 0.0
        """When it was given an order with nothing to do, or its last run began or ended."""
        self.looked_at = 0.0
        """When something was taken back, or would have been."""
        self.idle_since = clock()
        self.deaf_since: float | None = None
        """When it was found that it does not hear; it is asked whether it does."""
        self.has_spoken = False
        """Whether it has said anything: until then it may be in the middle of its own begin."""
        self.is_leaving = False
        self.is_spent = False
        """It gets no more runs, and leaves when it has none."""
        self.is_dead = False
        self.ended_for: int | None = None
        """The run for which it was killed, with all others that it had."""
        self.kill_at: float | None = None
        self._inbox = spare.inbox
        self._on_begun = on_begun
        self._clock = clock
        self._reports = wire.LineBuffer(wire.LINE_MAX)
        self._lines = wire.LineBuffer(wire.LINE_MAX)

    @property
    def load(self) -> int:
        """How many runs it has."""
        return len(self.runs) + len(self.given)

    def descriptors(self) -> list[int]:
        """List our ends of its pipes."""
        return [*self.pipes.values(), *self._inbox.descriptors()]

    def has_room(self) -> bool:
        """Tell whether it may be given another order."""
        return self.is_async or self.load < DEPTH

    def may_take(self, spec: TaskSpec) -> bool:
        """Tell whether it may have another run of a task at all."""
        return self.takes_orders() and not self.is_spent and self.served < spec.max_runs

    def takes_orders(self) -> bool:
        """Tell whether it reads what it is given, as far as is known."""
        is_going = self.is_leaving or self.ended_for is not None
        return self.deaf_since is None and not is_going

    @property
    def is_executing(self) -> bool:
        """Tell whether it is busy with a run, or with what that left, as far as is known."""
        return any(not run.is_over or run.left_children for run in self.runs.values())

    def is_stuck(self, now: float) -> bool:
        """Tell whether it keeps those waiting that are behind its run, or does not hear."""
        stuck_at = self._stuck_at()
        return stuck_at is not None and now >= stuck_at

    def look_at(self) -> float | None:
        """Say when to take back what waits behind a run, where something does."""
        at = self._stuck_at() if self.given else None
        if at is None:
            return None
        # What it has read and does not begin it keeps for now.
        return at if self.looked_at < self.since else max(at, self.looked_at + AWAKE_WITHIN_S)

    def take(self, given: Given) -> bool:
        """Give it an order; False if it takes no more just now."""
        if not self._inbox.send(given.message):
            return False
        self.hired(given)
        return True

    def hired(self, given: Given) -> None:
        """Note that it has an order."""
        if not self.load:
            self.since = self._clock()
        self.given.append(given)
        self.speaking = self.speaking or given.run
        self.served += 1

    def take_back(self) -> list[Given]:
        """Take back what it has not read, in its order."""
        self.looked_at = self._clock()
        messages = self._inbox.take_back() if self.given else []
        for message in messages:
            if message["do"] in NO_ORDERS:
                self._inbox.send(message)
        numbers = {each["run"] for each in messages if each["do"] not in NO_ORDERS}
        back = [given for given in self.given if given.run.order.run in numbers]
        for given in back:
            self.given.remove(given)
        self.served -= len(back)
        if self.speaking in [given.run for given in back]:
            self.speaking = None
        return back

    def begin(self, given: Given) -> None:
        """Note that a run began."""
        run = given.run
        self.given.remove(given)
        self.runs[run.order.run] = run
        self.since = self._clock()
        self.speaking = run
        run.member = self
        run.keep_in(self.ring)
        run.pid = self.pid
        self._lose(run)
        self._on_begun(run)

    def cancel(self, run: KeptRun) -> None:
        """Have it end an async run."""
        self._inbox.send({"do": "cancel", "run": run.order.run})

    def lose_others(self, run: KeptRun) -> None:
        """Say of its other runs that they are lost, since it has to die for this one."""
        self.ended_for = run.order.run
        for other in self.runs.values():
            self._lose(other)

    def suspect(self, now: float, within_s: float) -> None:
        """Ask whether it hears; it is to say something within that time."""
        if self.deaf_since is None and not self.is_leaving:
            self.deaf_since = now
            self._inbox.send({"do": ASK})
            self.kill_at = now + within_s
        elif self.kill_at is not None:
            self.kill_at = min(self.kill_at, now + within_s)

    def reports(self, data: bytes) -> list[tuple[KeptRun, dict[str, Any]]]:
        """Return what it reports of its runs; user code may write anything here, but not much.

        An end is heard also where a run had said too much: nothing else tells that it is over.
        """
        found = []
        if data:  # it is empty at the end of the pipe
            self._hears()
        for line in self._reports.feed(data):
            message = wire.decode(line) or {}
            run = self._run(message.get("run"))
            if run is not None and ("end" in message or run.may_say(len(line))):
                found.append((run, message))
        return found

    def log_lines(self, data: bytes) -> list[tuple[KeptRun, bytes]]:
        """Return what its runs wrote to the log; each line begins with the number of the run."""
        parts = [line.partition(b" ") for line in self._lines.feed(data)]
        known = [
            (self.runs.get(int(number)), line) for number, _, line in parts if number.isdigit()
        ]
        return [(run, line + b"\n") for run, line in known if run is not None]

    def dismiss(self, now: float, within_s: float) -> None:
        """Let it read the end of its orders, and leave."""
        if not self.is_leaving:
            self.is_leaving = True
            self.deaf_since = None
            self.kill_at = now + within_s
            self._inbox.close()

    def close_orders(self) -> None:
        """Close our end of the pipe of its orders."""
        self._inbox.close()

    def _stuck_at(self) -> float | None:
        """Say from when on it keeps those waiting that are behind its run, or is deaf.

        Who has async runs keeps none of them waiting that go on; nobody knows of the others.
        """
        if self.is_executing:
            return None if self.is_async else self.since + PATIENCE_S
        if not self.has_spoken:
            return self.since + BORN_WITHIN_S
        # A machine that is slow is no reason to hand an order round for ever.
        bounces = min(self.given[0].bounces, _BOUNCES_MAX) if self.given else 0
        return self.since + AWAKE_WITHIN_S * (1 << bounces)

    def _hears(self) -> None:
        """Note that it says something."""
        self.has_spoken = True
        if self.deaf_since is not None:
            self.deaf_since = self.kill_at = None

    def _lose(self, run: KeptRun) -> None:
        """Say of a run that it is lost, where it goes on and the process dies for another one."""
        killer = self.ended_for
        if killer is None or run.order.run == killer or run.wanted is not None or run.has_left:
            return
        run.wanted = (Outcome.LOST, f"its process was ended for run {killer}")

    def _run(self, number: Any) -> KeptRun | None:
        """Find a run of which it speaks: one that it has read begins by that."""
        if not isinstance(number, int):
            return None
        given = next((each for each in self.given if each.run.order.run == number), None)
        if given is not None:
            self.begin(given)
        return self.runs.get(number)

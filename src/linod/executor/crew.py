"""The long-lived workers of a keeper: which one executes a run, and when one is replaced.

Rules of this border:
- A member has the runs of one context only: what is set once in it fits them all.
- One run at a time, but several async ones of the same task, in one loop.
- What is ordered while others have just begun waits a moment: most runs are short, and the member
  that has one is done with it sooner than another process is awake.
- A member that was forked before a task was learned, or learned anew, gets no run of it.
- Nobody is replaced in the middle of a run; one that is dismissed has a moment for its exit
  handlers.
"""

from __future__ import annotations

import os
import signal
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable
from typing import Any, Protocol

from attrs import frozen

from linod.events import Outcome
from linod.executor import tree, wire
from linod.executor.calling import Planned, is_async
from linod.executor.forking import Forking, Spare
from linod.executor.kept import KeptRun
from linod.executor.messages import TaskSpec
from linod.executor.weighing import MEMORY, weight

IDLE_S = 600.0
"""For so long a member waits for its next run."""
LEAVES_WITHIN_S = 1.2
PATIENCE_S = 0.003
"""For so long an order waits for a member that has just begun with another."""
_BEGIN_AT_ONCE = os.cpu_count() or 1
# What a run leaves behind in memory must not be the next one's end.
_MEMORY_SHARE = 0.5


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


@frozen
class Waiting:
    """An order that waits for a member to be done."""

    run: KeptRun
    message: dict[str, Any]
    context: Context
    until: float


class Member:
    """A long-lived worker, and our ends of its pipes."""

    def __init__(self, spare: Spare, context: Context, born: int) -> None:
        self.pid = spare.pid
        self.pipes = spare.pipes
        self.ring = spare.ring
        self.context = context
        self.born = born
        """What was learned later it does not know."""
        self.runs: dict[int, KeptRun] = {}
        self.speaking: KeptRun | None = None
        """The run that began last: what is printed past Python is taken for its."""
        self.served = 0
        self.began_at = 0.0
        self.idle_since = 0.0
        self.is_leaving = False
        self.is_dead = False
        self.kill_at: float | None = None
        self._orders = spare.orders
        self._reports = wire.LineBuffer(wire.LINE_MAX)
        self._lines = wire.LineBuffer(wire.LINE_MAX)
        os.set_blocking(spare.orders, False)

    @property
    def is_async(self) -> bool:
        """Tell whether it executes several runs at once."""
        return self.context.is_async

    def descriptors(self) -> list[int]:
        """List our ends of its pipes."""
        orders = [] if self._orders < 0 else [self._orders]
        return [*self.pipes.values(), *orders]

    def take(self, run: KeptRun, now: float) -> None:
        """Have the run, whose order it got."""
        self.runs[run.order.run] = run
        self.began_at = now
        self.speaking = run
        self.served += 1
        run.member = self
        run.keep_in(self.ring)
        run.pid = self.pid

    def order(self, message: dict[str, Any]) -> bool:
        """Give it an order; False if it does not read."""
        try:
            os.write(self._orders, wire.encode(message))
        except OSError:
            return False
        return True

    def cancel(self, run: KeptRun) -> None:
        """Have it end an async run."""
        self.order({"do": "cancel", "run": run.order.run})

    def lose_others(self, run: KeptRun) -> None:
        """Say of its other runs that they are lost, since it has to die for this one."""
        for other in self.runs.values():
            if other is not run and other.wanted is None and not other.has_left:
                reason = f"its process was ended for run {run.order.run}"
                other.wanted = (Outcome.LOST, reason)

    def reports(self, data: bytes) -> list[tuple[KeptRun, dict[str, Any]]]:
        """Return what it reports of its runs; user code may write anything here, but not much.

        An end is heard also where a run had said too much: nothing else tells that it is over.
        """
        found = []
        for line in self._reports.feed(data):
            message = wire.decode(line) or {}
            run = self._run(message.get("run"))
            if run is not None and ("end" in message or run.may_say(len(line))):
                found.append((run, message))
        return found

    def log_lines(self, data: bytes) -> list[tuple[KeptRun, bytes]]:
        """Return what its runs wrote to the log; each line begins with the number of the run."""
        parts = [line.partition(b" ") for line in self._lines.feed(data)]
        known = [(self._run(int(number)), line) for number, _, line in parts if number.isdigit()]
        return [(run, line + b"\n") for run, line in known if run is not None]

    def dismiss(self, now: float) -> None:
        """Let it read the end of its orders, and leave."""
        if not self.is_leaving:
            self.is_leaving = True
            self.kill_at = now + LEAVES_WITHIN_S
            self.close_orders()

    def close_orders(self) -> None:
        """Close our end of the pipe of its orders."""
        if self._orders >= 0:
            os.close(self._orders)
            self._orders = -1

    def _run(self, number: Any) -> KeptRun | None:
        return self.runs.get(number) if isinstance(number, int) else None


class Pipes(Protocol):
    """Who reads the pipes of members."""

    def begin(self, member: Member) -> None:
        """Read its pipes from now on."""

    def end(self, member: Member) -> None:
        """Read them no more."""


class Employer(Protocol):
    """Who is told what became of an order."""

    def placed(self, run: KeptRun) -> None:
        """A member has the run."""

    def refused(self, run: KeptRun, error: OSError) -> None:
        """No worker could be forked for it."""


class Crew:
    """All members."""

    def __init__(
        self, forking: Forking, pipes: Pipes, employer: Employer, clock: Callable[[], float]
    ) -> None:
        self._forking = forking
        self._pipes = pipes
        self._employer = employer
        self._clock = clock
        self._members: dict[int, Member] = {}
        self._waiting: deque[Waiting] = deque()
        self._learned: dict[str, int] = {}
        self._lessons = 0
        self._is_dismissed = False

    @property
    def pids(self) -> set[int]:
        """Those that live."""
        return set(self._members)

    def descriptors(self) -> list[int]:
        """List our ends of their pipes."""
        return [each for member in self._members.values() for each in member.descriptors()]

    def learn(self, spec: TaskSpec) -> None:
        """Note that those who are there do not know this task, or not as it is now."""
        self._lessons += 1
        self._learned[spec.name] = self._lessons

    @property
    def is_empty(self) -> bool:
        """Tell whether there is no member, and no order waits for one."""
        return not (self._members or self._waiting)

    def employ(self, run: KeptRun, message: dict[str, Any], context: Context) -> None:
        """Have a member execute a run, at once or in a moment."""
        now = self._clock()
        order = Waiting(run, message, context, now + PATIENCE_S)
        if context.is_async or (not self._waiting and self._may_begin(context, now)):
            self._place(order)
        else:
            self._waiting.append(order)

    def hurry(self, number: int) -> None:
        """Let a run begin that waits for a moment, where it does."""
        for order in tuple(self._waiting):
            if order.run.order.run == number:
                self._waiting.remove(order)
                self._place(order)

    def missing(self, wanted: Iterable[Context]) -> int:
        """Count the members that are wanted for a beginning and neither there nor idle."""
        idle = Counter(each.context for each in self._members.values() if _is_idle(each))
        counts = {
            context: count if context.is_async else min(count, _BEGIN_AT_ONCE)
            for context, count in Counter(wanted).items()
        }
        return sum((Counter(counts) - idle).values())

    def release(self, run: KeptRun, now: float) -> None:
        """Note that a run of a member has ended."""
        member = run.member
        assert member is not None, "it had a worker of its own"
        member.runs.pop(run.order.run, None)
        if member.runs:
            return
        member.idle_since = now
        if member.is_dead:
            self._forget(member)
        elif self._is_dismissed or _is_spent(member, run.spec):
            member.dismiss(now)
        else:
            self._give_next(member)

    def died(self, pid: int) -> None:
        """Take note of a dead child, where it was a member."""
        member = self._members.get(pid)
        if member is not None:
            member.is_dead = True
            del self._members[pid]
            if not member.runs:
                self._forget(member)

    def dismiss_all(self, now: float) -> None:
        """Let those leave that have no runs, and the others after their last one."""
        while self._waiting:
            self._place(self._waiting.popleft())
        self._is_dismissed = True
        for member in self._members.values():
            if not member.runs:
                member.dismiss(now)

    def next_at(self) -> float | None:
        """Say when somebody has waited for long enough, to live or to leave."""
        times = [_due_at(member) for member in self._members.values() if not member.runs]
        times += [self._waiting[0].until] if self._waiting else []
        return min(times, default=None)

    def advance(self, now: float) -> None:
        """Place what waited long enough, dismiss who was idle for long, end who does not leave."""
        if self._waiting and self._waiting[0].until <= now:
            # One in a turn: a fork takes its time, and meanwhile somebody may be done.
            self._place(self._waiting.popleft())
        for member in tuple(self._members.values()):
            if member.runs or now < _due_at(member):
                continue
            if member.is_leaving:
                os.kill(member.pid, signal.SIGKILL)
                member.kill_at = now + LEAVES_WITHIN_S
            else:
                member.dismiss(now)

    def _may_begin(self, context: Context, now: float) -> bool:
        """Say whether few enough have just begun: others are better off behind them."""
        begun = [
            member
            for member in self._members.values()
            if member.runs and member.context == context and now - member.began_at < PATIENCE_S
        ]
        return len(begun) < _BEGIN_AT_ONCE

    def _place(self, order: Waiting) -> None:
        run = order.run
        for member in self._fitting(order.context, run.spec):
            if self._give(member, order):
                return
        try:
            spare = self._forking.hire(order.message)
        except OSError as error:
            self._employer.refused(run, error)
            return
        member = Member(spare, order.context, self._lessons)
        self._members[member.pid] = member
        self._pipes.begin(member)
        self._take(member, run)

    def _give_next(self, member: Member) -> None:
        """Give what waits to a member that is done."""
        for order in tuple(self._waiting):
            if self._fits(member, order.context, order.run.spec):
                self._waiting.remove(order)
                if not self._give(member, order):
                    self._place(order)
                return

    def _give(self, member: Member, order: Waiting) -> bool:
        if not member.order(order.message):
            return False
        self._take(member, order.run)
        return True

    def _take(self, member: Member, run: KeptRun) -> None:
        member.take(run, self._clock())
        self._employer.placed(run)

    def _fits(self, member: Member, context: Context, spec: TaskSpec) -> bool:
        is_known = member.born >= self._learned.get(spec.name, 0)
        return is_known and member.context == context and not member.is_leaving

    def _fitting(self, context: Context, spec: TaskSpec) -> Collection[Member]:
        fitting = [each for each in self._members.values() if self._fits(each, context, spec)]
        if context.is_async:
            return [member for member in fitting if member.served < spec.max_runs]
        # The one that was idle last is the warmest.
        idle = [member for member in fitting if not member.runs]
        return sorted(idle, key=lambda member: -member.idle_since)

    def _forget(self, member: Member) -> None:
        member.close_orders()
        self._pipes.end(member)


def _is_idle(member: Member) -> bool:
    return not (member.runs or member.is_leaving)


def _due_at(member: Member) -> float:
    return member.idle_since + IDLE_S if member.kill_at is None else member.kill_at


def _is_spent(member: Member, spec: TaskSpec) -> bool:
    """Say whether a member has executed enough, or kept too much."""
    if member.served >= spec.max_runs:
        return True
    limit = spec.limits.get(MEMORY)
    if limit is None:
        return False
    own = tree.Process(member.pid, 0, 0, 0)
    return weight([own], int(limit * _MEMORY_SHARE)) > limit * _MEMORY_SHARE

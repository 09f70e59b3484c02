"""The long-lived workers of a keeper: which one executes a run, and when one is replaced.

Rules of this border:
- A member has the runs of one context only: what is set once in it fits them all.
- One run at a time, but several async ones of the same task, in one loop.
- Most runs are short: orders queue at as many members as there are cores, and none waits for a
  keeper between two runs. Behind a run that is not short nothing waits for longer than a moment:
  what the member has not read is taken back, and another one has it.
- A member that was forked before a task was learned, or learned anew, gets no run of it.
- Nobody is replaced in the middle of a run; one that is dismissed has a moment for its exit
  handlers.
"""

from __future__ import annotations

import os
import signal
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol

from attrs import frozen

from linod.executor import tree
from linod.executor.calling import Planned, is_async
from linod.executor.forking import Forking
from linod.executor.kept import KeptRun, Phase
from linod.executor.member import Given, Member
from linod.executor.messages import TaskSpec
from linod.executor.weighing import MEMORY, weight

IDLE_S = 600.0
"""For so long a member waits for its next run."""
LEAVES_WITHIN_S = 1.2
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


class Team:
    """The members with one context, and the orders that none of them has yet."""

    def __init__(self, *, is_async: bool) -> None:
        self.is_async = is_async
        self.members: list[Member] = []
        self.waiting: deque[Given] = deque()

    def given(self) -> Iterator[Given]:
        """Give all orders of which no run has begun."""
        for member in self.members:
            yield from member.given
        yield from self.waiting


class Pipes(Protocol):
    """Who reads the pipes of members."""

    def begin(self, member: Member) -> None:
        """Read its pipes from now on."""

    def hear(self, member: Member) -> None:
        """Take what it has reported until now."""

    def end(self, member: Member) -> None:
        """Read them no more."""


class Employer(Protocol):
    """Who is told what became of an order."""

    def placed(self, run: KeptRun) -> None:
        """The run has begun in a member, or was about to when that died."""

    def refused(self, run: KeptRun, error: OSError) -> None:
        """No worker could be forked for it."""

    def has_claim(self, run: KeptRun) -> bool:
        """Tell whether its run file is there."""


class Crew:
    """All members."""

    def __init__(
        self, forking: Forking, pipes: Pipes, employer: Employer, clock: Callable[[], float]
    ) -> None:
        self._forking = forking
        self._pipes = pipes
        self._employer = employer
        self._clock = clock
        self._teams: dict[Context, Team] = {}
        self._members: dict[int, tuple[Member, Team]] = {}
        self._learned: dict[str, int] = {}
        self._lessons = 0
        self._is_dismissed = False

    @property
    def pids(self) -> set[int]:
        """Those that live."""
        return set(self._members)

    def descriptors(self) -> list[int]:
        """List our ends of their pipes."""
        return [each for member, _ in self._members.values() for each in member.descriptors()]

    def learn(self, spec: TaskSpec) -> None:
        """Note that those who are there do not know this task, or not as it is now."""
        self._lessons += 1
        self._learned[spec.name] = self._lessons

    @property
    def is_empty(self) -> bool:
        """Tell whether there is no member, and no order waits for one."""
        return not self._members and not any(True for _ in self.queued())

    def queued(self) -> Iterator[KeptRun]:
        """Give the runs that were ordered and have not begun."""
        for team in self._teams.values():
            for given in team.given():
                yield given.run

    def employ(self, run: KeptRun, message: dict[str, Any], context: Context) -> None:
        """Have a member execute a run, as soon as one can."""
        team = self._teams.get(context)
        if team is None:
            team = self._teams[context] = Team(is_async=context.is_async)
        team.waiting.append(Given(run, message))
        if len(team.waiting) == 1:
            self._distribute(team)

    def withdraw(self, number: int) -> KeptRun | None:
        """Take an order back; None where it was read already, or never came here."""
        for team in self._teams.values():
            if any(given.run.order.run == number for given in team.given()):
                self._take_all_back(team)
                found = next((each for each in team.waiting if each.run.order.run == number), None)
                if found is not None:
                    team.waiting.remove(found)
                self._distribute(team)
                return None if found is None else found.run
        return None

    def withdraw_all(self) -> None:
        """Take all orders back that were not read; nobody executes them."""
        for team in self._teams.values():
            self._take_all_back(team)
            team.waiting.clear()

    def isolate(self, run: KeptRun) -> None:
        """See to it that its member goes on to no other run, and learn whether it has.

        Afterwards either the run is over, or its member executes it and nothing else.
        """
        if run.member is None or run.member.is_async or run.member.is_dead:
            return
        _put_back(self._members[run.member.pid][1], run.member.take_back())
        self._pipes.hear(run.member)

    def missing(self, wanted: Iterable[Context]) -> int:
        """Count the members that are wanted for a beginning and neither there nor idle."""
        missing = 0
        for context, count in Counter(wanted).items():
            team = self._teams.get(context)
            idle = sum(map(_is_idle, team.members)) if team is not None else 0
            most = count if context.is_async else min(count, _BEGIN_AT_ONCE)
            missing += max(0, most - idle)
        return missing

    def release(self, run: KeptRun, now: float) -> None:
        """Note that a run of a member has ended."""
        member = run.member
        assert member is not None, "it had a worker of its own"
        member.runs.pop(run.order.run, None)
        member.is_spent = member.is_spent or _is_spent(member, run.spec)
        if member.is_dead:
            if not member.runs:
                self._forget(member)
            return
        team = self._members[member.pid][1]
        if member.is_spent:
            _put_back(team, member.take_back())
        if not member.load:
            member.idle_since = now
            if self._is_dismissed or member.is_spent:
                member.dismiss(now, LEAVES_WITHIN_S)

    def died(self, pid: int) -> None:
        """Take note of a dead child, where it was a member."""
        member, team = self._members.pop(pid, (None, None))
        if member is None or team is None:
            return
        self._forking.forget(pid)
        back, member.is_dead = member.take_back(), True
        self._pipes.hear(member)
        team.members.remove(member)
        # It had read one more at most, of which it did not report anything.
        for given in tuple(member.given):
            if self._employer.has_claim(given.run):
                member.begin(given)
            else:
                back.append(given)
        member.given.clear()
        _put_back(team, back)
        if not member.runs:
            self._forget(member)

    def dismiss_all(self, now: float) -> None:
        """Let those leave that have no runs, and the others after their last one."""
        self._is_dismissed = True
        for member, _ in tuple(self._members.values()):
            if not member.load:
                member.dismiss(now, LEAVES_WITHIN_S)

    def next_at(self) -> float | None:
        """Say when somebody has waited for long enough, to go on, to live or to leave."""
        if any(map(self._is_short, self._teams.values())):
            return self._clock()
        times = (_due_at(member) for member, _ in self._members.values())
        return min((at for at in times if at is not None), default=None)

    def advance(self, now: float) -> None:
        """Give what waits to who has room, in each turn; take back what is stuck.

        Dismiss who was idle for long, end who does not leave.
        """
        for member, team in tuple(self._members.values()):
            at = _due_at(member)
            if at is None or now < at:
                continue
            if member.given:
                if self._is_stuck(member, now):
                    _put_back(team, member.take_back())
            elif member.is_leaving:
                os.kill(member.pid, signal.SIGKILL)
                member.kill_at = now + LEAVES_WITHIN_S
            else:
                member.dismiss(now, LEAVES_WITHIN_S)
        for team in self._teams.values():
            if team.waiting:
                self._distribute(team)

    # -- who has what -------------------------------------------------------------------------

    def _distribute(self, team: Team) -> None:
        """Give what waits, in its order; at most one process is forked, which takes its time."""
        may_fork = True
        while team.waiting:
            given = team.waiting[0]
            member, is_short = self._chosen(team, given.run.spec, self._is_stuck)
            if member is not None:
                if not member.take(given):
                    return
                team.waiting.popleft()
            elif is_short and may_fork:
                may_fork = False
                team.waiting.popleft()
                self._hire(team, given)
            else:
                return

    def _chosen(
        self, team: Team, spec: TaskSpec, is_stuck: Callable[[Member, float], bool]
    ) -> tuple[Member | None, bool]:
        """Choose who gets an order; where nobody can, say whether another is to be forked."""
        now, learned = self._clock(), self._learned.get(spec.name, 0)
        fitting = [member for member in team.members if _may_take(member, spec, learned)]
        if team.is_async:
            return (fitting[0], False) if fitting else (None, True)
        idle = [member for member in fitting if not member.load]
        if idle:
            # The one that was idle last is the warmest.
            return max(idle, key=lambda member: member.idle_since), False
        busy = [member for member in fitting if not is_stuck(member, now)]
        if len(busy) < _BEGIN_AT_ONCE:
            return None, True
        least = min(busy, key=lambda member: member.load)
        return (least if least.has_room() else None), False

    def _is_stuck(self, member: Member, now: float) -> bool:
        """Tell whether a member keeps others waiting, by what it has said until now."""
        if member.is_stuck(now):
            self._pipes.hear(member)
        return member.is_stuck(now)

    def _is_short(self, team: Team) -> bool:
        """Say whether something waits for a process that is to be forked; nobody is heard."""
        if not team.waiting:
            return False
        return self._chosen(team, team.waiting[0].run.spec, Member.is_stuck)[1]

    def _hire(self, team: Team, given: Given) -> None:
        learned = self._learned.get(given.run.spec.name, 0)
        for member in team.members:
            if _is_idle(member) and member.born < learned:
                # It knows fewer and fewer of the tasks; one that knows all of them takes its place.
                member.dismiss(self._clock(), LEAVES_WITHIN_S)
        try:
            spare = self._forking.hire(given.message)
        except OSError as error:
            self._employer.refused(given.run, error)
            return
        placed, clock = self._employer.placed, self._clock
        member = Member(spare, self._lessons, placed, clock, is_async=team.is_async)
        member.hired(given)
        self._members[member.pid] = member, team
        team.members.append(member)
        self._pipes.begin(member)

    def _take_all_back(self, team: Team) -> None:
        for member in team.members:
            _put_back(team, member.take_back())

    def _forget(self, member: Member) -> None:
        member.close_orders()
        self._pipes.end(member)


def _put_back(team: Team, orders: list[Given]) -> None:
    """Let orders wait again, behind those that were given before them."""
    if orders:
        queued = sorted([*orders, *team.waiting], key=lambda given: given.run.order.run)
        team.waiting = deque(queued)


def _may_take(member: Member, spec: TaskSpec, learned: int) -> bool:
    """Tell whether a member may have another run of a task, which keepers learned by then."""
    if member.born < learned or not member.may_take(spec):
        return False
    return member.is_async or not any(
        run.phase is not Phase.RUNNING for run in member.runs.values()
    )


def _is_idle(member: Member) -> bool:
    return not (member.load or member.is_leaving)


def _due_at(member: Member) -> float | None:
    """Say when a member has to be looked at."""
    if member.load:
        return member.look_at()
    return member.idle_since + IDLE_S if member.kill_at is None else member.kill_at


def _is_spent(member: Member, spec: TaskSpec) -> bool:
    """Say whether a member has executed enough, or kept too much."""
    if member.served - len(member.given) >= spec.max_runs:
        return True
    limit = spec.limits.get(MEMORY)
    if limit is None:
        return False
    own = tree.Process(member.pid, 0, 0, 0)
    return weight([own], int(limit * _MEMORY_SHARE)) > limit * _MEMORY_SHARE

"""The long-lived workers of a keeper: which one executes a run, and when one is replaced.

Rules of this border:
- One run at a time, but several async ones of the same task, in one loop.
- Most runs are short: orders queue at as many members as there are cores, and none waits for a
  keeper between two runs. Behind a run that is not short nothing waits for longer than a moment:
  what the member has not read is taken back, and another one has it.
- A member that was forked before a task was learned, or learned anew, gets no run of it.
- Nobody is replaced in the middle of a run; one that is dismissed has a moment for its exit
  handlers.
- One that does not hear gets nothing until it says that it does, and is ended where it does not;
  an order that some have died of fails with the last of them.
"""

from __future__ import annotations

import math
import os
import signal
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Any, Protocol

from linod.executor import tree
from linod.executor.forking import Forking
from linod.executor.kept import KeptRun
from linod.executor.member import Given, Member
from linod.executor.messages import TaskSpec
from linod.executor.team import AT_ONCE, Context, Team
from linod.executor.weighing import MEMORY, weight
from linod.executor.worker import SPACE_WITHIN_S

IDLE_S = 600.0
"""For so long a member waits for its next run."""
LEAVES_WITHIN_S = 1.2
DEATHS_MAX = 3
"""So many members may die of an order before they begin with it: then the run has failed."""
HEARS_WITHIN_S = 10.0
"""Who has not read for so long what it was given is ended."""
BEGINS_WITHIN_S = SPACE_WITHIN_S + 15.0
"""And who has read it and does not begin: it may wait for space for its run file."""
_HIRES_AGAIN_S = 1.0
# What a run leaves behind in memory must not be the next one's end.
_MEMORY_SHARE = 0.5


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
        self._dead: set[Member] = set()
        """Those with runs whose end is not told yet."""
        self._learned: dict[str, int] = {}
        self._lessons = 0
        self._is_dismissed = False

    @property
    def pids(self) -> set[int]:
        """Those that live."""
        return set(self._members)

    def descriptors(self) -> list[int]:
        """List our ends of their pipes."""
        living = (member for member, _ in self._members.values())
        return [each for member in chain(living, self._dead) for each in member.descriptors()]

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
                team.take_back()
                found = next((each for each in team.waiting if each.run.order.run == number), None)
                if found is not None:
                    team.waiting.remove(found)
                self._distribute(team)
                return None if found is None else found.run
        return None

    def hurry(self, number: int) -> None:
        """Have a member that has read an order begin with it, or end it."""
        for member, _ in tuple(self._members.values()):
            if _has(member, number):
                self._pipes.hear(member)  # what it said before it read this is no sign of it
            if _has(member, number) and not member.is_executing:
                member.suspect(self._clock(), LEAVES_WITHIN_S)

    def withdraw_all(self) -> None:
        """Take all orders back that were not read; nobody executes them."""
        for team in self._teams.values():
            team.take_back()
            team.waiting.clear()

    def isolate(self, run: KeptRun) -> None:
        """See to it that its member goes on to no other run, and learn whether it has.

        Afterwards either the run is over, or its member executes it and nothing else, but for
        async runs that have begun before.
        """
        if run.member is None or run.member.is_dead:
            return
        self._members[run.member.pid][1].put_back(run.member.take_back())
        self._pipes.hear(run.member)

    def missing(self, wanted: Iterable[Context]) -> int:
        """Count the members that are wanted for a beginning and neither there nor idle."""
        missing = 0
        for context, count in Counter(wanted).items():
            team = self._teams.get(context)
            idle = len(team.idle()) if team is not None else 0
            most = count if context.is_async else min(count, AT_ONCE)
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
            team.put_back(member.take_back())
        if not member.is_executing:
            member.since = now
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
        for other in self._teams.values():
            other.hires_at = 0.0  # what it had is free now
        back, member.is_dead = member.take_back(), True
        self._pipes.hear(member)
        team.members.remove(member)
        self._dead.add(member)
        # What it had read, and of which it did not report anything: mostly one order.
        for given in tuple(member.given):
            if self._employer.has_claim(given.run):
                member.begin(given)
        if not member.has_spoken:
            member.given.extend(back)  # it died even before it read the first of them
            back.clear()
        if member.given and not member.is_executing:
            self._dies_of(member, member.given[0])
        team.put_back([*back, *member.given])
        member.given.clear()
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
        now = self._clock()
        if any(map(self._is_short, self._teams.values())):
            return now
        times = [_due_at(member) for member, _ in self._members.values()]
        grow_at = (team.grows_at() for team in self._teams.values() if team.waiting)
        # Where one may grow already, what waits needs no other process: it waits for a word.
        times += [at for at in grow_at if now < at < math.inf]
        return min((at for at in times if at is not None), default=None)

    def advance(self, now: float) -> None:
        """Give what waits to who has room, in each turn; take back what is stuck.

        Dismiss who was idle for long, end who does not leave.
        """
        for member, team in tuple(self._members.values()):
            at = _due_at(member)
            if at is None or now < at:
                continue
            if member.kill_at is not None and now >= member.kill_at:
                self._kill(member, now)
            elif not member.given:
                member.dismiss(now, LEAVES_WITHIN_S)
            elif self._is_stuck(member, now):
                back = member.take_back()
                team.put_back(back)
                self._suspect(member, back, now)
        for team in self._teams.values():
            if team.waiting:
                self._distribute(team)

    # -- who has what -------------------------------------------------------------------------

    def _distribute(self, team: Team) -> None:
        """Give what waits, in its order; at most one process is forked, which takes its time."""
        may_fork = True
        while team.waiting:
            given = team.waiting[0]
            member, is_short = self._choose(team, self._is_stuck)
            if member is not None:
                if not member.take(given):
                    return
                team.waiting.popleft()
            elif is_short and may_fork:
                may_fork = False
                self._hire(team, team.waiting.popleft())
            else:
                return

    def _choose(
        self, team: Team, is_stuck: Callable[[Member, float], bool]
    ) -> tuple[Member | None, bool]:
        spec = team.waiting[0].run.spec
        return team.choose(spec, self._learned.get(spec.name, 0), self._clock(), is_stuck)

    def _is_stuck(self, member: Member, now: float) -> bool:
        """Tell whether a member keeps others waiting, by what it has said until now."""
        if member.is_stuck(now):
            self._pipes.hear(member)
        return member.is_stuck(now)

    def _is_short(self, team: Team) -> bool:
        """Say whether something waits for a process that is to be forked; nobody is heard."""
        return bool(team.waiting) and self._choose(team, Member.is_stuck)[1]

    def _hire(self, team: Team, given: Given) -> None:
        learned = self._learned.get(given.run.spec.name, 0)
        for member in team.idle():
            if member.born < learned:
                # It knows fewer and fewer of the tasks; one that knows all of them takes its place.
                member.dismiss(self._clock(), LEAVES_WITHIN_S)
        try:
            spare = self._forking.hire(given.message)
        except OSError as error:
            if not team.members:
                self._employer.refused(given.run, error)
                return
            team.put_back([given])
            team.hires_at = self._clock() + _HIRES_AGAIN_S
            return
        placed, clock = self._employer.placed, self._clock
        member = Member(spare, self._lessons, placed, clock, is_async=team.is_async)
        member.hired(given)
        self._members[member.pid] = member, team
        team.members.append(member)
        self._pipes.begin(member)

    def _kill(self, member: Member, now: float) -> None:
        """End one that did not leave, or does not hear, unless it has said meanwhile that it does.

        A run that it had read and not begun is then somebody else's.
        """
        self._pipes.hear(member)
        if member.kill_at is not None:
            os.kill(member.pid, signal.SIGKILL)
            member.kill_at = now + LEAVES_WITHIN_S

    def _suspect(self, member: Member, back: list[Given], now: float) -> None:
        """Give nothing to a member that does not hear, and end it where it goes on so."""
        if not member.is_executing:
            for given in back[:1]:
                given.bounces += 1
            within_s = BEGINS_WITHIN_S if member.given else HEARS_WITHIN_S
            member.suspect(now, within_s)

    def _dies_of(self, member: Member, given: Given) -> None:
        """Note that a member died when it was about to begin with an order."""
        given.deaths += 1
        if given.deaths >= DEATHS_MAX:
            member.begin(given)

    def _forget(self, member: Member) -> None:
        self._dead.discard(member)
        member.close_orders()
        self._pipes.end(member)


def _has(member: Member, number: int) -> bool:
    return any(given.run.order.run == number for given in member.given)


def _due_at(member: Member) -> float | None:
    """Say when a member has to be looked at."""
    if member.load:
        times = (member.look_at(), member.kill_at)
        return min((at for at in times if at is not None), default=None)
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

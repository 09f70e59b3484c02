"""How the decider may have gone through the dues of a task: the settles that explain its verdicts.

A settle decides all that is undecided at its instant. When settles were is not known, only when
they can have been: a due is settled no earlier than its moment and no later than its deadline, and
no later than the next due's moment unless that one is settled with it. So what lies in one outage
is settled at once, and only dues at its edges leave a choice. Of all ways to settle, the one is
taken that leaves the fewest verdicts unexplained.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from itertools import accumulate, pairwise

from attrs import frozen

from .clock import Clock
from .history import Policy
from .instants import SECOND, length
from .serving import Serving

LATE_MAX = 60 * SECOND
"""A single undecided occurrence of at most this age runs late."""
CAUGHT_UP_MAX = 1000
"""So many of the missed does `catch_up = "all"` run."""


@frozen
class Pending:
    """A due that waits for its settle; moment and deadline are lived."""

    due: int
    moment: int
    deadline: int
    is_chosen: bool
    """Its verdict is one of those that an occurrence gets which is chosen to run."""
    is_missed: bool


Policies = Callable[[int, int], Sequence[Policy]]


def segments(pending: Sequence[Pending]) -> list[Sequence[Pending]]:
    """Cut a row of dues where two neighbours cannot have been settled together."""
    cuts = [
        index + 1
        for index, (one, other) in enumerate(pairwise(pending))
        if other.moment > one.deadline
    ]
    return [
        pending[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(pending)], strict=True)
    ]


def chosen(
    segment: Sequence[Pending],
    following: int,
    policies: Policies,
    clock: Clock,
    serving: Serving,
) -> list[bool]:
    """Say of each due of a segment whether it was to be chosen to run; `following` is the
    moment of the next due behind it.
    """
    if len(segment) == 1 and _is_soon(segment[0], clock, serving):
        return [True]
    return _Explanation(segment, following, policies, clock, serving).wanted()


def _is_soon(pending: Pending, clock: Clock, serving: Serving) -> bool:
    """Tell whether a due was settled within a minute, whenever that was."""
    able = serving.able(pending.moment, pending.deadline)
    latest = (clock.shown(first) + last - first for first, last in able)
    return all(each - pending.due <= LATE_MAX for each in latest)


class _Explanation:
    def __init__(
        self,
        segment: Sequence[Pending],
        following: int,
        policies: Policies,
        clock: Clock,
        serving: Serving,
    ) -> None:
        self._segment = segment
        self._moments = [*(each.moment for each in segment), following]
        self._dues = [each.due for each in segment]
        self._policies = policies
        self._clock = clock
        self._serving = serving
        self._chosen = list(accumulate((each.is_chosen for each in segment), initial=0))
        self._missed = list(accumulate((each.is_missed for each in segment), initial=0))

    def wanted(self) -> list[bool]:
        """Choose the settles that leave the fewest verdicts unexplained."""
        size = len(self._segment)
        best: dict[int, tuple[int, int, int]] = {0: (0, 0, 0)}
        """By boundary: the cost up to it, the boundary before, how many of those were chosen."""
        begins = [0]
        for end in range(1, size + 1):
            # Two dues of one moment are in one settle.
            if end < size and self._moments[end] == self._moments[end - 1]:
                continue
            begins = [each for each in begins if self._may_join(each, end - 1)]
            ways = ((begin, *self._cheapest(begin, end)) for begin in begins)
            best[end] = min((best[begin][0] + cost, begin, number) for begin, cost, number in ways)
            begins.append(end)
        return self._walked(best)

    def _may_join(self, index: int, other: int) -> bool:
        """Tell whether a due may have been undecided still at the moment of a later one."""
        return self._moments[other] <= self._segment[index].deadline

    def _walked(self, best: dict[int, tuple[int, int, int]]) -> list[bool]:
        backwards: list[bool] = []
        end = len(self._segment)
        while end:
            _, begin, number = best[end]
            backwards += [True] * number + [False] * (end - begin - number)
            end = begin
        return backwards[::-1]

    def _cheapest(self, begin: int, end: int) -> tuple[int, int]:
        """Say how many verdicts one settle leaves unexplained at least, and how many it chose."""
        earliest = self._moments[end - 1]
        bound = min(self._segment[begin].deadline, self._moments[end] - 1)
        numbers = {
            number
            for able in self._serving.able(earliest, max(bound, earliest))
            for policy in self._policies(*able)
            for number in self._numbers(begin, end, policy, able)
        }
        return min((self._cost(begin, end - number, end), number) for number in numbers)

    def _cost(self, begin: int, first: int, end: int) -> int:
        missed = self._missed[first] - self._missed[begin]
        kept = self._chosen[end] - self._chosen[first]
        return (end - begin) - missed - kept

    def _numbers(
        self, begin: int, end: int, policy: Policy, settle: tuple[int, int]
    ) -> set[int] | range:
        """Say how many of the newest may be chosen, by a settle in a stretch without a step."""
        earliest = self._clock.shown(settle[0])
        latest = earliest + settle[1] - settle[0]
        newest = self._dues[end - 1]
        if end - begin > 1:
            return self._caught_up(begin, end, policy, (earliest, latest))
        numbers = {1} if earliest - newest <= LATE_MAX else set()
        if latest - newest > LATE_MAX:
            late = max(earliest, newest + LATE_MAX + 1)
            numbers |= set(self._caught_up(begin, end, policy, (late, latest)))
        return numbers

    def _caught_up(self, begin: int, end: int, policy: Policy, shown: tuple[int, int]) -> range:
        if policy.catch_up == "none":
            return range(1)
        most_allowed = 1 if policy.catch_up == "one" else CAUGHT_UP_MAX
        window = length(policy.catch_up_window)
        numbers = [
            min(end - bisect_left(self._dues, instant - window, begin, end), most_allowed)
            for instant in shown
        ]
        return range(min(numbers), max(numbers) + 1)

"""What happened to a task that allows a verdict, or demands one.

A fact is *possible* where it may have been so when the decision fell, and *sure* where it was so
whenever it fell: between the due's moment and its deadline. A verdict needs a possible fact; a
sure one forbids a run.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

from attrs import frozen

from . import windows
from .clock import Clock
from .dues import Dues
from .history import Hold, Policy, Verdict
from .instants import NEVER, Spans, length, ticks
from .serving import Serving
from .stays import NEVER_STARTED, Lane, Stay

SUCCESSES = ("succeeded", "warned")
FAILURES = ("failed", "timed_out", "lost")


@frozen
class Decided:
    """A due and when it can have been decided; moment and deadline are lived."""

    due: int
    moment: int
    deadline: int
    is_rough: bool = False
    """It may have been decided at any time between."""


@frozen
class Facts:
    """Verdicts that something allows, and those that something demands."""

    possible: frozenset[str]
    sure: frozenset[str]


NOTHING = Facts(frozenset(), frozenset())


class Circumstances:
    """What goes on around the decisions on one task."""

    def __init__(
        self,
        dues: Dues,
        lane: Lane,
        holds: Sequence[Hold],
        clock: Clock,
        serving: Serving,
        late_max: int,
    ) -> None:
        self._dues = dues
        self.lane = lane
        self._clock = clock
        self._serving = serving
        self._late_max = late_max
        name = dues.task.name
        self.holds = Spans(
            (ticks(hold.begin), ticks(hold.end) if hold.end else NEVER, hold)
            for hold in holds
            if hold.task in (None, name)
        )
        self._rests: dict[tuple[int, timedelta, timedelta], int] = {}
        """How much was left of a rest at the end of an outage, by policy."""
        self._is_plain = len(dues.task.versions) == 1 and dues.task.versions[0].policy.enabled

    def holding(self, decided: Decided) -> Facts:
        """Say which verdicts without a look at policies are possible, and which are sure."""
        if self._is_plain and not self.holds:
            return NOTHING
        found = [
            *self._held(decided),
            *self._switched_off(decided),
            *self._superseded(decided),
        ]
        sure = frozenset(verdict for verdict, is_sure in found if is_sure)
        return Facts(frozenset(verdict for verdict, _ in found), sure)

    def is_held(self, first: int, last: int) -> bool:
        """Tell whether nothing was to run in the whole of a stretch of lived time."""
        return any(
            begin < first and last < end for begin, end, _ in self.holds.touching(first, last)
        )

    def is_held_at_all(self, first: int, last: int) -> bool:
        """Tell whether anything held the task at any time in a stretch of lived time."""
        return self.holds.is_touching(first, last)

    def obstacles(self, decided: Decided) -> Facts:
        """Say what may keep an occurrence that was chosen from running, and what surely does."""
        policies = self._dues.policies(decided.moment, decided.deadline)
        found = [facts for each in policies for facts in self._obstacles(each, decided)]
        if not found:
            return NOTHING
        possible = frozenset[str]().union(*(facts.possible for facts in found))
        sure = frozenset[str]().union(*(facts.sure for facts in found))
        # Where policies differ, what one of them demands the other may not.
        return Facts(possible, sure if len(policies) == 1 else frozenset())

    # -- before any policy ------------------------------------------------------------------

    def _held(self, decided: Decided) -> Iterator[tuple[str, bool]]:
        # A clock that was set may have shown the due twice, or never.
        first, last = self._clock.first(decided.due), self._clock.last(decided.due)
        first, last = min(first, last), max(first, last)
        for begin, end, hold in self.holds.touching(first, last):
            yield hold.verdict, begin + self._late_max < first and last < end - self._late_max
        if decided.moment > first or decided.is_rough:
            # What an outage left undecided may be settled in a pause that began since.
            for _, _, hold in self.holds.touching(decided.moment, decided.deadline):
                yield hold.verdict, False

    def _switched_off(self, decided: Decided) -> Iterator[tuple[str, bool]]:
        first = min(self._clock.first(decided.due), decided.moment)
        are_enabled = [each.enabled for each in self._dues.policies(first, decided.deadline)]
        if not all(are_enabled):
            yield Verdict.SWITCHED_OFF, not any(are_enabled)

    def _superseded(self, decided: Decided) -> Iterator[tuple[str, bool]]:
        for end in self._dues.ends(decided.due):
            is_undecided = decided.moment >= end
            if (is_undecided or decided.deadline >= end) and self._serving.has_restarted(end):
                # A reload settles first; a daemon that begins with another rule does not.
                yield Verdict.SUPERSEDED, is_undecided

    # -- policies ---------------------------------------------------------------------------

    def _obstacles(self, policy: Policy, decided: Decided) -> Iterator[Facts]:
        yield from self._overlap(policy, decided)
        # A chain rests before it begins, it leaves nothing out.
        if (policy.cooldown_success or policy.cooldown_failure) and not policy.members:
            yield from self._cooldown(policy, decided)
        if policy.allowed:
            yield self._allowed(policy, decided)

    def _overlap(self, policy: Policy, decided: Decided) -> Iterator[Facts]:
        first, last, due = decided.moment, decided.deadline, decided.due
        possible = [stay for stay in self.lane.going_on(first, last) if stay.due != due]
        if not possible or policy.overlap == "replace":
            return
        is_sure = False
        if policy.overlap == "allow":
            limit = policy.max_running or NEVER
            is_possible = self.lane.most(first, last) >= limit
            if is_possible and policy.catch_up != "all":
                counted = [stay for stay in possible if _is_counted(stay, decided)]
                is_sure = len(counted) >= limit
        elif policy.overlap == "wait":
            is_possible = any(_may_wait(stay, first) for stay in possible)
            is_sure = any(
                _is_sure(stay, first, last) and self._is_ahead(stay, last) for stay in possible
            )
        else:
            is_possible, is_sure = True, any(_is_sure(stay, first, last) for stay in possible)
        yield _facts(Verdict.OVERLAP, is_possible=is_possible, is_sure=is_sure)

    def _is_ahead(self, stay: Stay, instant: int) -> bool:
        """Tell whether a stay took the one place to wait, up to an instant."""
        policies = self._dues.policies(stay.queued_first, stay.queued_last)
        if stay.row.attempt > 1 or stay.is_by_people or any(p.catch_up == "all" for p in policies):
            return False
        if stay.started is None:
            return stay.is_waiting
        return stay.begun is not None and stay.started > instant

    def _cooldown(self, policy: Policy, decided: Decided) -> Iterator[Facts]:
        longest = length(max(policy.cooldown_success, policy.cooldown_failure))
        ended = list(self.lane.ended(decided.moment - longest, decided.deadline))
        moved = NEVER if policy.allowed else length(policy.spread + policy.jitter)
        latest = max((stay.end_first for stay in ended), default=0)
        is_sure = bool(ended) and all(
            stay.end_last < decided.moment
            and stay.end_first + length(_rest(policy, stay)) > decided.deadline + moved
            and not self._is_doubtful(stay, decided)
            for stay in ended
            if stay.end_last >= latest  # it may have been the last one
        )
        is_possible = bool(ended) or self._rests_anew(policy, decided, longest)
        yield _facts(Verdict.COOLDOWN, is_possible=is_possible, is_sure=is_sure)

    def _is_doubtful(self, stay: Stay, decided: Decided) -> bool:
        """Tell whether a rest may have been read anew from a clock that had been set since."""
        span = (stay.end_first, decided.deadline)
        return (
            len(self._clock.shifts_within(*span)) > 1
            and len(self._serving.ends_of_outages(*span)) > 0
        )

    def _rests_anew(self, policy: Policy, decided: Decided, longest: int) -> bool:
        """Tell whether a rest went on by what the store has of an end, read after an outage.

        It is counted from what the clock shows then, and lasts no longer than it would have.
        """
        reads = self._serving.ends_of_outages(decided.moment - longest, decided.deadline)
        return len(self._clock.shifts) > 1 and any(
            read + self._rest_left(policy, read) > decided.moment for read in reads
        )

    def _rest_left(self, policy: Policy, read: int) -> int:
        key = (read, policy.cooldown_success, policy.cooldown_failure)
        if key not in self._rests:
            self._rests[key] = self._rest_at(policy, read)
        return self._rests[key]

    def _rest_at(self, policy: Policy, read: int) -> int:
        shown = self._clock.shown(read)
        return max(
            (
                min(rest, ticks(stay.row.ended) + rest - shown)
                for stay in self.lane.over_by(read)
                if stay.row.ended is not None and (rest := length(_rest(policy, stay)))
            ),
            default=0,
        )

    def _allowed(self, policy: Policy, decided: Decided) -> Facts:
        first = min(decided.due, self._clock.shown(decided.moment))
        last = self._clock.shown(decided.deadline) + length(policy.spread + policy.jitter)
        following = self._dues.following(decided.due, decided.moment)
        is_waiting = windows.opening(policy, last) < following
        return _facts(
            Verdict.OUTSIDE_ALLOWED,
            is_possible=not windows.is_inside(policy, first, last) and not is_waiting,
            is_sure=windows.is_outside(policy, first, last) and not is_waiting,
        )


def _is_sure(stay: Stay, first: int, last: int) -> bool:
    """Tell whether a stay was going on before an instant and after another."""
    return stay.queued_last < first and stay.end_first > last


def _is_counted(stay: Stay, decided: Decided) -> bool:
    """Tell whether a stay surely counted: many of a backfill do once, those of later dues never."""
    is_one = stay.row.trigger != "backfill" and stay.due < decided.due
    return is_one and _is_sure(stay, decided.moment, decided.deadline)


def _may_wait(stay: Stay, instant: int) -> bool:
    """Tell whether a stay may have waited still at an instant."""
    if stay.started is None:
        # What was given up to start and never did had waited until then.
        return stay.is_waiting or stay.row.reason == NEVER_STARTED
    return stay.started >= instant


def _rest(policy: Policy, ended: Stay) -> timedelta:
    if ended.row.state in SUCCESSES:
        return policy.cooldown_success
    return policy.cooldown_failure if ended.row.state in FAILURES else timedelta(0)


def _facts(verdict: str, *, is_possible: bool, is_sure: bool) -> Facts:
    kept = frozenset((verdict,))
    return Facts(kept if is_possible or is_sure else frozenset(), kept if is_sure else frozenset())

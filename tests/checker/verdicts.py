"""Whether each verdict is the one that the rules give, with a fact behind it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from attrs import frozen

from .clock import Clock
from .coverage import NONE, Coverage
from .dues import Dues
from .facts import Circumstances, Decided
from .findings import Found, Kind
from .history import DecisionRow, Policy, Verdict
from .instants import NEVER, length, ticks
from .serving import Serving
from .settles import Pending, chosen, segments

CHOSEN = (Verdict.ADMITTED, Verdict.OVERLAP, Verdict.COOLDOWN, Verdict.OUTSIDE_ALLOWED)
NEWEST_RUNS = "the newest one is caught up instead"
TOO_OLD = "older than catch_up_window"
NO_CATCH_UP = 'catch_up = "none"'
_RUN_NUMBER = re.compile(r"\brun (\d+)\b")
_RUNS_COUNTED = re.compile(r"(\d+) runs? (?:was|were) going on \(max_running")


@frozen
class Judged:
    """A due with what was decided on it and when that can have been."""

    at: Decided
    row: DecisionRow | None

    @property
    def verdict(self) -> str | None:
        """The verdict, if there is one."""
        return self.row.verdict if self.row else None


class Judge:
    """Judges the decisions on one task."""

    def __init__(
        self,
        dues: Dues,
        coverage: Coverage,
        circumstances: Circumstances,
        clock: Clock,
        serving: Serving,
    ) -> None:
        self._dues = dues
        self._name = dues.task.name
        self._coverage = coverage
        self._circumstances = circumstances
        self._clock = clock
        self._serving = serving
        self.found: list[Found] = []
        self.occurrences = 0
        self._lived: set[int] = set()
        self._open_since = serving.until + 1
        """When the first due came that needs no decision yet."""
        self.required: list[int] = []
        """Dues that had to run."""

    def judge(self, asked: set[int], lived: set[int], is_expected: Callable[[int], bool]) -> None:
        """Judge all dues: the plan passed over those that people asked for; some ran."""
        judged = list(self._judged(is_expected))
        self.occurrences = len(judged)
        self._lived = lived
        scheduled = [each for each in judged if each.at.due not in asked]
        open_ones = [each for each in scheduled if not self._is_held(each)]
        pending = [_pending(each) for each in open_ones]
        begin = 0
        for segment in segments(pending):
            end = begin + len(segment)
            following = pending[end].moment if end < len(pending) else self._open_since
            self._judge_segment(open_ones[begin:end], segment, following)
            begin = end

    def _judged(self, is_expected: Callable[[int], bool]) -> Iterator[Judged]:
        optional = set(self._dues.optional)
        for index, due in enumerate(self._dues.at):
            number = self._coverage.row_of[index]
            moment = self._serving.moment(due)
            is_optional = number == NONE and due in optional
            if moment is None or is_optional or due in self._dues.again:
                continue
            deadline = self._serving.deadline(due)
            if number == NONE and not is_expected(due):
                self._open_since = min(self._open_since, moment)
                continue
            until = self._serving.until if deadline is None else deadline
            row = None if number == NONE else self._coverage.rows[number]
            yield Judged(Decided(due, moment, max(until, moment)), row)

    # -- what was held ----------------------------------------------------------------------

    def _is_held(self, judged: Judged) -> bool:
        """Tell whether a due is decided without a look at policies; find what is wrong then."""
        if self._serving.again.is_touching(judged.at.due, judged.at.due):
            # It was decided once before, or now, and the row does not say when.
            return True
        facts, verdict = self._circumstances.holding(judged.at), judged.verdict
        if verdict in facts.possible:
            return True
        if not facts.sure:
            return False
        wanted = " or ".join(sorted(facts.sure))
        if verdict == Verdict.ADMITTED:
            self._find(Kind.PHANTOM, judged, f"admitted, though it was {wanted}")
        elif verdict is not None:
            self._find(Kind.UNJUSTIFIED, judged, f"decided {verdict}, though it was {wanted}")
        return True

    # -- what was open ----------------------------------------------------------------------

    def _judge_segment(
        self, judged: Sequence[Judged], segment: Sequence[Pending], following: int
    ) -> None:
        wanted = chosen(segment, following, self._dues.policies, self._clock, self._serving)
        newest = NEVER
        """The moment of the next one that was chosen to run."""
        for each, is_chosen in zip(reversed(judged), reversed(wanted), strict=True):
            if is_chosen:
                newest = each.at.moment if each.verdict in CHOSEN else newest
                self._judge_chosen(each)
            else:
                self._judge_missed(each, is_caught_up=newest <= each.at.deadline)

    def _judge_chosen(self, judged: Judged) -> None:
        obstacles, verdict = self._circumstances.obstacles(judged.at), judged.verdict
        if not obstacles.possible:
            self.required.append(judged.at.due)
        if verdict == Verdict.ADMITTED:
            if obstacles.sure:
                self._find(Kind.PHANTOM, judged, f"admitted in spite of {_words(obstacles.sure)}")
        elif verdict is None:
            if not obstacles.possible and self._is_silent(judged):
                self._find(Kind.MISSED, judged, "neither run nor decided, though it had to run")
        elif verdict in obstacles.possible:
            self._judge_reason(judged)
        elif self._is_one_of_more(judged):
            return
        elif obstacles.sure:
            wanted = _words(obstacles.sure)
            self._find(Kind.UNJUSTIFIED, judged, f"decided {verdict}, though it was {wanted}")
        else:
            self._find(Kind.MISSED, judged, f"decided {verdict}, though it had to run")

    def _is_one_of_more(self, judged: Judged) -> bool:
        """Tell whether a due was missed together with one whose time is unknown."""
        row = judged.row
        return (
            row is not None
            and row.verdict == Verdict.MISSED
            and any(ticks(row.due) <= each <= ticks(row.last) for each in self._dues.again)
        )

    def _is_silent(self, judged: Judged) -> bool:
        """Tell whether nothing came of a due, although there was time enough."""
        return judged.at.due not in self._lived

    def _judge_missed(self, judged: Judged, *, is_caught_up: bool) -> None:
        verdict = judged.verdict
        if verdict == Verdict.ADMITTED:
            self._find(Kind.PHANTOM, judged, "admitted, though it was missed")
        elif verdict == Verdict.MISSED:
            self._judge_reason(judged, is_caught_up=is_caught_up)
        elif verdict is not None:
            self._find(Kind.UNJUSTIFIED, judged, f"decided {verdict}, though it was missed")

    # -- reasons ----------------------------------------------------------------------------

    def _judge_reason(self, judged: Judged, *, is_caught_up: bool = False) -> None:
        row, fault = judged.row, None
        assert row is not None
        if row.verdict == Verdict.OVERLAP:
            fault = self._fault_of_overlap(row.reason, judged.at)
        elif row.verdict == Verdict.MISSED:
            fault = self._fault_of_missed(row.reason, judged.at, is_caught_up=is_caught_up)
        if fault:
            self._find(Kind.UNJUSTIFIED, judged, f'{row.verdict} because "{row.reason}": {fault}')

    def _fault_of_overlap(self, reason: str, at: Decided) -> str | None:
        counted = _RUNS_COUNTED.match(reason)
        if counted is not None:
            return self._fault_of_count(int(counted[1]), at)
        named = _RUN_NUMBER.search(reason)
        if named is None:
            # Where several go on, it is their number that counts.
            policies = self._dues.policies(at.moment, at.deadline)
            is_limit = any(each.overlap == "allow" for each in policies)
            return None if is_limit and reason else "no run is named"
        going_on = self._circumstances.lane.going_on(at.moment, at.deadline)
        if int(named[1]) not in {stay.row.id for stay in going_on}:
            return "that run was not going on"
        return None

    def _fault_of_count(self, number: int, at: Decided) -> str | None:
        # An edit may have lowered the limit, and what waits to be tried again counts too.
        limits = [each.max_running for each in self._dues.policies(at.moment, at.deadline)]
        is_reached = any(limit is not None and number >= limit for limit in limits)
        return None if is_reached else f"max_running is {limits[0]}"

    def _fault_of_missed(self, reason: str, at: Decided, *, is_caught_up: bool) -> str | None:
        policies = self._dues.policies(at.moment, at.deadline)
        if reason == NO_CATCH_UP and all(each.catch_up != "none" for each in policies):
            return "missed ones are caught up"
        if reason == TOO_OLD and not any(self._is_too_old(at, each) for each in policies):
            return "it was not"
        if reason == NEWEST_RUNS and not is_caught_up:
            return "no newer one was"
        return None

    def _is_too_old(self, at: Decided, policy: Policy) -> bool:
        able = self._serving.able(at.moment, at.deadline)
        shown = (self._clock.shown(first) + last - first for first, last in able)
        latest = max(shown, default=at.due)
        return latest - at.due > length(policy.catch_up_window)

    def _find(self, kind: Kind, judged: Judged, text: str) -> None:
        self.found.append((kind, self._name, judged.at.due, text))


def _pending(judged: Judged) -> Pending:
    return Pending(
        due=judged.at.due,
        moment=judged.at.moment,
        deadline=judged.at.deadline,
        is_chosen=judged.verdict in CHOSEN,
        is_missed=judged.verdict == Verdict.MISSED,
    )


def _words(verdicts: frozenset[str]) -> str:
    return " or ".join(sorted(verdicts))

"""Whether what was admitted was carried out: one run row, one start, further attempts in order."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby

from attrs import define

from .case import Case
from .facts import FAILURES, SUCCESSES
from .findings import Found, Kind
from .history import Verdict
from .instants import NEVER, length, ticks
from .stays import NEVER_STARTED, UNFINISHED, WAITING, Stay

LOST_MAX = 3
"""A lost run is tried again so many times."""
MISSED = "missed"
UPSTREAM_FAILED = "upstream failed"
ONLY_IF = "only_if"
_BLAMED = re.compile(r"\(run (\d+)\)$")


@define
class Line:
    """Attempts that follow each other within one budget."""

    failures: int = 0
    losses: int = 0

    def add(self, stay: Stay) -> None:
        """Count an end."""
        self.failures += stay.row.state in ("failed", "timed_out")
        self.losses += stay.row.state == "lost" and not is_never_started(stay)


class Attempts:
    """Judges the run rows of one task."""

    def __init__(self, case: Case, task: str) -> None:
        self._case = case
        self._task = task
        self._dues = case.dues[task]
        self._names = {task, case.chain_of.get(task, task)}
        """It and its chain: what ends the one ends the other."""
        self._deaths = sorted(ticks(death) for death in case.history.deaths)
        self._cancelled = [ticks(each.at) for each in case.history.cancelled if each.task == task]
        self.found: list[Found] = []

    def judge(self) -> None:
        """Judge each due with its attempts, and what was admitted without any."""
        stays = sorted(self._case.stays.get(self._task, ()), key=lambda s: (s.due, s.row.attempt))
        lived = set()
        for due, group in groupby(stays, key=lambda stay: stay.due):
            lived.add(due)
            self._judge_due(list(group))
        lived |= {stay.due for stay in self._case.lane(self._task)}
        coverage = self._case.coverages[self._task]
        for row in coverage.rows:
            if row.verdict == Verdict.ADMITTED and ticks(row.due) not in lived:
                self._find(Kind.MISSED, ticks(row.due), "admitted, but it has no run row")

    def _judge_due(self, stays: Sequence[Stay]) -> None:
        line = Line()
        for number, stay in enumerate(stays, 1):
            former = stays[number - 2] if number > 1 else None
            following = stays[number] if number < len(stays) else None
            if stay.row.attempt != number:
                self._find(Kind.PHANTOM, stay.due, f"attempt {stay.row.attempt} follows a gap")
            line = self._judge_order(line, former, stay)
            self._judge_origin(stay)
            self._judge_start(stay)
            line.add(stay)
            if following is None and self._must_go_on(line, stay):
                text = f"attempt {number} ended {_end_of(stay)}, and nothing followed"
                self._find(Kind.MISSED, stay.due, text)

    # -- one attempt after another ----------------------------------------------------------

    def _judge_order(self, line: Line, former: Stay | None, stay: Stay) -> Line:
        """Say in which line an attempt stands, and find it where it stands in none."""
        if former is None:
            return line
        is_asked = stay.is_by_people and not former.is_by_people
        if not is_asked and self._may_follow(line, former):
            return line
        is_another_chain = stay.row.chain != former.row.chain
        is_resumed = stay.row.trigger == "chain" and (
            is_another_chain or former.row.state not in SUCCESSES
        )
        if stay.is_by_people or is_resumed:
            return Line()
        text = f"attempt {stay.row.attempt}, though the one before ended {_end_of(former)}"
        self._find(Kind.DOUBLED, stay.due, text)
        return line

    def _may_follow(self, line: Line, former: Stay) -> bool:
        policies = self._dues.policies(former.end_first, former.end_last)
        return is_never_started(former) or any(
            line.failures < each.retry_attempts
            if former.row.state in ("failed", "timed_out")
            else former.row.state == "lost" and each.on_lost == "retry" and line.losses <= LOST_MAX
            for each in policies
        )

    def _must_go_on(self, line: Line, stay: Stay) -> bool:
        if stay.row.state not in FAILURES or self._is_given_up(stay):
            return False
        if is_never_started(stay):
            return not self._is_too_old(stay)
        policies = self._dues.policies(stay.end_first, stay.end_last)
        if stay.row.state == "lost":
            return all(each.on_lost == "retry" for each in policies) and line.losses <= LOST_MAX
        return all(line.failures < each.retry_attempts and each.is_retry_sure for each in policies)

    def _is_given_up(self, stay: Stay) -> bool:
        """Tell whether nothing of the task was wanted any more when an end was heard of."""
        noted = stay.begun.ended if stay.begun is not None else None
        first = stay.end_first
        learnt = self._case.serving.learnt(first if noted is None else ticks(noted))
        last = max(stay.end_last, NEVER if learnt is None else learnt)
        return (
            self._case.circumstances[self._task].is_held_at_all(first, last)
            or self._dues.is_changed(first, last)
            or self._dues.is_gone(last)
            or not all(each.enabled for each in self._dues.policies(first, last))
            or self._case.serving.is_draining(first, last)
            or self._was_asked_to_end(stay)
            or self._is_chain_ended(stay)
        )

    def _was_asked_to_end(self, stay: Stay) -> bool:
        """Tell whether it was to end before it did by itself: replaced, or ended by a person."""
        last = stay.end_last + self._case.late_max
        if any(stay.queued_first <= each <= last for each in self._cancelled):
            return True
        are_replaced = [
            each.overlap == "replace"
            for each in self._dues.policies(stay.queued_first, stay.end_last)
        ]
        others = self._case.circumstances[self._task].lane.going_on(
            stay.queued_first, stay.end_last
        )
        return any(are_replaced) and any(
            other.due != stay.due and self._may_replace(other, stay) for other in others
        )

    def _may_replace(self, other: Stay, stay: Stay) -> bool:
        """Tell whether another run was to begin in the stead of one, once its time had come."""
        if other.queued_last >= stay.queued_first:
            return True
        is_behind = other.started is None or other.started >= stay.end_first
        last = stay.end_last + self._case.late_max
        return is_behind and other.planned <= self._case.clock.reached(last)

    # -- where it comes from ----------------------------------------------------------------

    def _judge_origin(self, stay: Stay) -> None:
        """Find a run that no decision stands behind."""
        row = stay.row
        if row.trigger == "chain":
            chain = self._case.chain_of.get(self._task, "")
            is_decided = self._case.has_run(chain, row.due)
        elif stay.is_by_people:
            coverage = self._case.coverages[self._task]
            # A new rule may have dues between those of the old one, which were decided in one row.
            is_decided = coverage.row_at(stay.due) is not None or coverage.has_row_over(stay.due)
        else:
            is_decided = self._case.is_admitted(self._task, row.due)
        if not is_decided:
            self._find(Kind.PHANTOM, stay.due, f"run {row.id} has no decision that admitted it")

    # -- whether it began -------------------------------------------------------------------

    def _judge_start(self, stay: Stay) -> None:
        if stay.begun is None:
            fault = self._fault_without_start(stay) if stay.started is None else None
            if fault:
                self._find(Kind.MISSED, stay.due, f"run {stay.row.id} {fault}")
            return
        if stay.row.state == WAITING:
            self._find(Kind.PHANTOM, stay.due, f"run {stay.row.id} began, but its row waits")
        if is_never_started(stay):
            self._find(Kind.DOUBLED, stay.due, f"run {stay.row.id} began; its row says never")
        if stay.begun.run != stay.row.id:
            text = f"run {stay.begun.run} began, but the store knows run {stay.row.id}"
            self._find(Kind.PHANTOM, stay.due, text)
        if stay.begun.trigger not in (None, stay.row.trigger):
            text = f"run {stay.row.id} was told {stay.begun.trigger}, not {stay.row.trigger}"
            self._find(Kind.PHANTOM, stay.due, text)

    def _fault_without_start(self, stay: Stay) -> str | None:
        state = stay.row.state
        if state in UNFINISHED or is_never_started(stay):
            return None
        if state == "cancelled":
            return self._fault_of_drop(stay)
        if state in FAILURES and self._has_died(stay):
            return None
        return f"ended {state}, but it never began"

    def _has_died(self, stay: Stay) -> bool:
        """Tell whether what died around a run can have kept it from noting its start."""
        last = stay.end_last + self._case.late_max
        is_killed = any(stay.queued_first <= death <= last for death in self._deaths)
        is_lost = stay.row.state == "lost"
        return is_killed or (
            is_lost and self._case.serving.has_restart_within(stay.queued_first, last)
        )

    def _fault_of_drop(self, stay: Stay) -> str | None:
        """Say what is wrong with a run that was dropped while it waited."""
        reason = stay.row.reason
        if not reason:
            return "was cancelled without a reason"
        named = {MISSED: self._is_too_old, ONLY_IF: self._has_condition}
        is_upstream = reason.startswith(UPSTREAM_FAILED)
        judge = self._has_failed_upstream if is_upstream else named.get(reason, self._is_dropped)
        is_true = judge(stay)
        return None if is_true else f'was cancelled, "{reason}", which nothing bears out'

    def _is_dropped(self, stay: Stay) -> bool:
        first, last = stay.queued_first, stay.end_last
        policies = self._dues.policies(first, last)
        case = self._case
        return (
            case.circumstances[self._task].is_held_at_all(first, last)
            or self._is_chain_ended(stay)
            or self._dues.is_changed(first, last)
            or not all(each.enabled for each in policies)
            or any(
                each.task == self._task and first <= ticks(each.at) <= last + case.late_max
                for each in case.history.cancelled
            )
            or case.serving.is_draining(first, last)
            or self._is_replaced(stay)
            or any(each.allowed for each in policies)
            or self._has_left_out(stay)
        )

    def _is_replaced(self, stay: Stay) -> bool:
        """Tell whether a newer one was going on by the time that a run gave way."""
        policies = self._dues.policies(stay.queued_first, stay.end_last)
        if all(each.overlap != "replace" for each in policies):
            return False
        oldest = min(each.row.id for each in self._case.stays_at(self._task, stay.due))
        lane = self._case.circumstances[self._task].lane
        others = lane.going_on(stay.end_first, stay.end_last)
        return any(other.due != stay.due and other.row.id > oldest for other in others)

    def _has_left_out(self, stay: Stay) -> bool:
        """Tell whether a chain had a member that did not run under a due."""
        rows = (
            self._case.coverages[name].row_at(stay.due)
            for name in self._case.members[self._task]
            if name in self._case.coverages
        )
        return any(row is not None and row.verdict != Verdict.ADMITTED for row in rows)

    def _is_chain_ended(self, stay: Stay) -> bool:
        """Tell whether the chain of a member was ended as a whole."""
        chains = self._case.stays.get(self._case.chain_of.get(self._task, ""), ())
        return stay.row.trigger == "chain" and any(
            whole.row.id == stay.row.chain and whole.row.state in ("cancelled", *UNFINISHED)
            for whole in chains
        )

    def _is_too_old(self, stay: Stay) -> bool:
        """Tell whether a daemon that began then may have found a start too old."""
        last = stay.end_last
        windows = [each.catch_up_window for each in self._dues.policies(last, last)]
        age = self._case.clock.reached(last) - stay.planned
        has_restarted = self._case.serving.has_restart_within(self._waited_since(stay), last)
        return has_restarted and age > length(min(windows))

    def _waited_since(self, stay: Stay) -> int:
        """Say since when an attempt waited, with those before it that never started."""
        for former in reversed(self._case.stays_at(self._task, stay.due)):
            if former.row.attempt < stay.row.attempt:
                if not is_never_started(former):
                    break
                stay = former
        return stay.queued_first

    def _has_failed_upstream(self, stay: Stay) -> bool:
        """Tell whether the run that is blamed is one of those waited for, and did not succeed."""
        names = {
            name
            for each in self._dues.policies(stay.queued_first, stay.end_last)
            for name in each.after
        }
        named = _BLAMED.search(stay.row.reason)
        return named is not None and any(
            other.row.id == int(named[1]) and other.due <= stay.due
            for name in names
            for other in self._case.stays.get(name, ())
            if other.row.state not in (*SUCCESSES, *UNFINISHED)
        )

    def _has_condition(self, stay: Stay) -> bool:
        policies = self._dues.policies(stay.queued_first, stay.end_last)
        return any(each.has_condition for each in policies)

    def _find(self, kind: Kind, due: int, text: str) -> None:
        self.found.append((kind, self._task, due, text))


def is_never_started(stay: Stay) -> bool:
    """Tell whether the store says that an attempt was proven never to have begun."""
    return stay.row.state == "lost" and stay.row.reason == NEVER_STARTED


def _end_of(stay: Stay) -> str:
    return NEVER_STARTED if is_never_started(stay) else stay.row.state

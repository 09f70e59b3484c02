"""Whether chains kept their order: a step begins when the one before it succeeded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from .case import Case
from .facts import SUCCESSES
from .findings import Found, Kind
from .history import DecisionRow, Policy, Verdict
from .instants import NEVER, ticks
from .stays import UNFINISHED, Stay

ONLY_IF = "only_if"


def chained(case: Case) -> Iterator[Found]:
    """Judge every run of every chain, and the members that it left out."""
    for name in case.dues:
        if case.is_chain(name):
            for stay in case.stays.get(name, ()):
                yield from _of_run(case, name, stay)
    for row in case.history.decisions:
        if row.task in case.chain_of and row.verdict != Verdict.ADMITTED:
            yield from _left_out(case, row)
        elif row.verdict == Verdict.UPSTREAM_FAILED:
            yield Kind.UNJUSTIFIED, row.task, ticks(row.due), "it is in no chain"


def _of_run(case: Case, chain: str, whole: Stay) -> Iterator[Found]:
    # It ends on the definition with which it began; which that was is sure where there is one.
    policies = case.dues[chain].policies(whole.queued_first, min(whole.end_last, case.until))
    if whole.started is None or len({policy.steps for policy in policies}) != 1:
        return
    steps = [_members(case, step, whole) for step in policies[0].steps]
    for former, latter in pairwise(steps):
        for stay in latter:
            yield from _too_soon(former, stay, policies[0])
    for stay in (stay for step in steps for stay in step):
        if whole.end_last < stay.end_first and stay.row.state not in UNFINISHED:
            yield Kind.PHANTOM, chain, whole.due, f"it ended before run {stay.row.id} of its member"


def _members(case: Case, step: Sequence[str], whole: Stay) -> list[Stay]:
    """The runs of a step's members that belong to a run of the chain, first attempts first."""
    found = [
        stay for name in step for stay in case.stays.get(name, ()) if stay.row.chain == whole.row.id
    ]
    return sorted(found, key=lambda stay: stay.row.attempt)


def _too_soon(former: Sequence[Stay], stay: Stay, policy: Policy) -> Iterator[Found]:
    task, due = stay.row.task, stay.due
    if stay.started is None:
        return
    if any(stay.started < _end(other) for other in former):
        yield Kind.OVERLAPPING, task, due, "it began while the step before it went on"
    last = {other.row.task: other for other in former}
    unsatisfied = [other for other in last.values() if not _is_satisfied(other)]
    if unsatisfied and not policy.goes_on:
        blamed = unsatisfied[0].row
        yield Kind.PHANTOM, task, due, f"it began though {blamed.task} ended {blamed.state}"


def _end(stay: Stay) -> int:
    noted = stay.begun.ended if stay.begun is not None else None
    return min(ticks(noted) if noted is not None else NEVER, stay.end_first)


def _is_satisfied(stay: Stay) -> bool:
    row = stay.row
    return row.state in SUCCESSES or (row.state == "cancelled" and row.reason == ONLY_IF)


def _left_out(case: Case, row: DecisionRow) -> Iterator[Found]:
    """Find a member that was left out though nothing kept it from running."""
    task, due = row.task, ticks(row.due)
    wholes = [stay for stay in case.stays.get(case.chain_of[task], ()) if stay.due == due]
    if row.verdict == Verdict.UPSTREAM_FAILED:
        if all(stay.row.state in SUCCESSES for stay in wholes):
            yield Kind.MISSED, task, due, "left out of its chain, though nothing failed"
        return
    end = max((min(stay.end_last, case.until) for stay in wholes), default=case.until)
    policies = case.dues[task].policies(case.clock.first(due), end)
    is_held = case.circumstances[task].is_held_at_all(case.clock.first(due), end)
    if not is_held and all(policy.enabled for policy in policies):
        yield Kind.UNJUSTIFIED, task, due, f"decided {row.verdict}, though nothing held it"

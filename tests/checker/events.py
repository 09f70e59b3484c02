"""Decisions on dues that no schedule has, of events and of `after`.

Such a due is never missed nor caught up. It was decided when the event came, which is its due;
only what follows the run of another was decided later, and then it matters what was so meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator

from .case import Case
from .facts import Decided
from .findings import Found, Kind
from .history import DecisionRow, Verdict
from .instants import ticks


def judged(case: Case, task: str) -> Iterator[Found]:
    """Judge the rows of a task at dues that its schedules do not have."""
    if task in case.chain_of:
        return  # what a chain brought about is judged with the chain
    for row in case.coverages[task].foreign:
        decided = None if case.is_asked(row) else _decided(case, row)
        fault = _fault(case, row, decided) if decided else None
        if fault is not None:
            yield fault[0], task, ticks(row.due), fault[1]


def _fault(case: Case, row: DecisionRow, decided: Decided) -> tuple[Kind, str] | None:
    circumstances = case.circumstances[row.task]
    facts, obstacles = circumstances.holding(decided), circumstances.obstacles(decided)
    # An edit leaves nothing undecided that an event brought.
    possible = (facts.possible | obstacles.possible) - {Verdict.SUPERSEDED}
    is_held = circumstances.is_held(decided.moment, decided.deadline)
    held = facts.sure if is_held or not case.dues[row.task].is_triggered else frozenset()
    sure = sorted((held | obstacles.sure) - {Verdict.SUPERSEDED})
    if row.verdict == Verdict.ADMITTED:
        return (Kind.PHANTOM, f"admitted, though it was {' or '.join(sure)}") if sure else None
    if row.verdict in possible:
        return None
    return Kind.MISSED, f"decided {row.verdict}, though it had to run"


def _decided(case: Case, row: DecisionRow) -> Decided | None:
    """Say when such a row can have been written; None: never, as far as is known."""
    due = ticks(row.due)
    moment = case.serving.moment(due)
    if moment is None:
        return None
    queued = case.stays_at(row.task, due)
    if queued:
        return Decided(due, queued[0].queued_first, queued[0].queued_last)
    if case.dues[row.task].is_triggered:
        return Decided(due, moment, case.until, is_rough=True)
    return Decided(due, moment, max(case.serving.deadline(due) or case.until, moment))

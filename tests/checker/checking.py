"""Puts all judgements on a history together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta

from . import events
from .attempts import Attempts
from .case import Case
from .chains import chained
from .continuous import continued
from .findings import Counts, Finding, Found, Kind, Report, folded
from .history import Begun, History, RunRow
from .instants import NEVER, ticks
from .lived import lives
from .overlaps import overlapping
from .starts import Starts
from .verdicts import Judge

LATE_MAX = timedelta(seconds=1)
"""So late may a decision or a start come that nothing recorded delays."""


def check(history: History, *, late_max: timedelta = LATE_MAX) -> list[Finding]:
    """Find everything in a history that the definition does not allow."""
    return list(report(history, late_max=late_max).findings)


def report(history: History, *, late_max: timedelta = LATE_MAX) -> Report:
    """Check a history, and count what was looked at."""
    case = Case(history, late_max)
    found = [*_unknown(case), *_doubled(case)]
    counts = Counts(runs=len(history.begun))
    for task in case.dues:
        some, counted = _of_task(case, task)
        found += some
        counts += counted
    lived = lives(case)
    found += overlapping(case, lived)
    found += chained(case)
    found += continued(case)
    found += Starts(case, lived).judge()
    return Report(folded(found), counts)


def _of_task(case: Case, task: str) -> tuple[list[Found], Counts]:
    """Judge the decisions on a task, and the attempts at what it admitted."""
    dues, coverage = case.dues[task], case.coverages[task]
    lived = {stay.due for stay in case.lane(task) if stay.started is not None}
    judge = Judge(dues, coverage, case.circumstances[task], case.clock, case.serving)
    asked = {ticks(row.due) for row in coverage.rows if case.is_asked(row)}
    is_expected = _expectation(case, task)
    judge.judge(asked, lived, is_expected)
    attempts = Attempts(case, task)
    attempts.judge()
    undecided = [*coverage.undecided(is_expected), *_unheard(case, task)]
    occurrences, required = judge.occurrences, len(judge.required)
    counts = Counts(occurrences, required, occurrences - required, 0, coverage.decided())
    found = [*coverage.found, *undecided, *judge.found, *events.judged(case, task)]
    return [*found, *attempts.found], counts


def _expectation(case: Case, task: str) -> Callable[[int], bool]:
    """Say which dues are to be decided: the store says so, or there was time enough."""
    told, reached = case.history.through.get(task), case.coverages[task].reached(case.is_asked)
    through = max(-NEVER if told is None else ticks(told), -NEVER if reached is None else reached)
    settled = None if reached is None else case.serving.moment(reached)

    def is_expected(due: int) -> bool:
        if due <= through or case.serving.deadline(due) is not None:
            return True
        # A settle decides all that it finds, also what came behind the last that it decided.
        return settled is not None and case.serving.moment(due) == settled

    return is_expected


def _unheard(case: Case, task: str) -> Iterator[Found]:
    """Find what was asked for and left no trace."""
    for asked in case.history.asked or ():
        due = ticks(asked.due)
        if asked.task == task and case.coverages[task].row_at(due) is None:
            text = f"asked for ({asked.trigger}), but no decision covers it"
            yield Kind.UNDECIDED, task, due, text


def _unknown(case: Case) -> Iterator[Found]:
    """Find rows and runs of tasks that there never were, and runs that the store does not know."""
    named = {(each.task, each.due) for each in case.history.decisions}
    named |= {(each.task, each.due) for each in case.history.runs}
    for task, due in named:
        if task not in case.dues:
            yield Kind.PHANTOM, task, ticks(due), "there is no such task"
    rows = {(row.task, row.due, row.attempt) for row in case.history.runs}
    for begun in case.history.begun:
        if (begun.task, begun.due, begun.attempt) not in rows:
            text = f"attempt {begun.attempt} began, but the store has no row of it"
            yield Kind.PHANTOM, begun.task, ticks(begun.due), text


def _doubled(case: Case) -> Iterator[Found]:
    """Find attempts that began twice, or have two rows."""
    told: tuple[tuple[str, Sequence[Begun | RunRow]], ...] = (
        ("began twice", case.history.begun),
        ("has two rows", case.history.runs),
    )
    for what, attempts in told:
        seen: set[tuple[str, datetime, int]] = set()
        for each in attempts:
            key = (each.task, each.due, each.attempt)
            if key in seen:
                text = f"attempt {each.attempt} {what}"
                yield Kind.DOUBLED, each.task, ticks(each.due), text
            seen.add(key)

"""What goes on beside what: admission of a newcomer, and which of those that wait may start.

The series that catch_up = "all" makes and a backfill run one after another, and count as one run
to a newcomer.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from heapq import nsmallest
from typing import Protocol, TypeVar

from attrs import frozen

from linod.events import Outcome, State, Trigger, Verdict
from linod.policy.reasons import going_on
from linod.specs import CatchUp, Overlap, Task

CAUGHT_UP_EVERY = timedelta(seconds=0.1)
"""Between two starts of a caught-up series: at most ten a second."""


class Going(Protocol):
    """What is asked of an unfinished run."""

    @property
    def id(self) -> int:
        """Its number."""

    @property
    def origin(self) -> int:
        """The number of the first attempt of its series; 0 where it is that itself."""

    @property
    def state(self) -> State | Outcome:
        """waiting, starting or running."""

    @property
    def trigger(self) -> Trigger:
        """Why it exists."""

    @property
    def is_caught_up(self) -> bool:
        """One of those that were missed."""


_Run = TypeVar("_Run", bound=Going)


@frozen(kw_only=True)
class Admission:
    """Whether a newcomer gets a run."""

    verdict: Verdict = Verdict.ADMITTED
    reason: str = ""


_ADMITTED = Admission()
_ALWAYS = (Trigger.MANUAL, Trigger.BACKFILL, Trigger.CHAIN)
"""What a person or a chain wants waits instead of being dropped."""


def admission(task: Task, going: Sequence[Going], trigger: Trigger) -> Admission:
    """Decide whether a due occurrence gets a run, given the task's unfinished runs."""
    if trigger in _ALWAYS or not going:
        return _ADMITTED
    if task.overlap is Overlap.SKIP:
        return _overlap(f"run {_foremost(going).id} was going on")
    if task.overlap is Overlap.WAIT and (waiting := _newcomers(task, going)):
        return _overlap(f"run {waiting[0].id} was waiting already")
    if task.overlap is Overlap.ALLOW and _is_full(task, count := _count_of(task, going)):
        return _overlap(_full(task, count))
    return _ADMITTED


def startable(task: Task, going: Sequence[_Run], ready: Sequence[_Run]) -> list[_Run]:
    """Give those that may start now, in order; `ready` are the waiting ones whose time has come."""
    begun = [run for run in going if _is_begun(run)]
    if task.overlap is not Overlap.ALLOW and begun:
        return []
    if task.overlap is Overlap.ALLOW and task.max_running is not None:
        room = task.max_running - _count_of(task, begun)
        return _candidates(task, going, ready)[: max(0, room)]
    found = _candidates(task, going, ready)
    return found if task.overlap is Overlap.ALLOW else found[:1]


def to_stop(task: Task, going: Sequence[_Run], ready: Sequence[_Run]) -> list[_Run]:
    """Give those that have to end since a newer one replaces them: begun ones, and waiting ones."""
    if task.overlap is not Overlap.REPLACE:
        return []
    newest = max((run for run in ready if _may_replace(task, run)), key=_series, default=None)
    if newest is None:
        return []
    return [run for run in going if _is_replaced(run, newest)]


def why_behind(task: Task, behind: Sequence[Going], going: Sequence[Going]) -> dict[int, str]:
    """Say what runs wait for that are ready and no part of a series: another one, by its number."""
    first, count = nsmallest(2, going, key=_rank), _count_of(task, going) - 1
    if task.overlap is Overlap.ALLOW and _is_full(task, count):
        return dict.fromkeys((run.id for run in behind), _full(task, count))
    return {
        run.id: f"run {other.id} was going on"
        for run in behind
        for other in [each for each in first if each.id != run.id][:1]
    }


def _overlap(reason: str) -> Admission:
    return Admission(verdict=Verdict.OVERLAP, reason=reason)


def _is_begun(run: Going) -> bool:
    return run.state is not State.WAITING


def _series(run: Going) -> int:
    return run.origin or run.id


def _is_one_of_many(task: Task, run: Going) -> bool:
    is_series = run.is_caught_up and task.catch_up is CatchUp.ALL
    return is_series or run.trigger is Trigger.BACKFILL


def _foremost(going: Sequence[Going]) -> Going:
    return min(going, key=_rank)


def _rank(run: Going) -> tuple[bool, int]:
    return not _is_begun(run), _series(run)


def _newcomers(task: Task, going: Sequence[Going]) -> list[Going]:
    """Those that wait for an earlier one: a retry, or one of many, is the earlier one itself."""
    return [
        run
        for run in going
        if not _is_begun(run) and not run.origin and not _is_one_of_many(task, run)
    ]


def _count_of(task: Task, going: Sequence[Going]) -> int:
    many = {run.trigger for run in going if _is_one_of_many(task, run)}
    return sum(not _is_one_of_many(task, run) for run in going) + len(many)


def _is_full(task: Task, count: int) -> bool:
    return task.max_running is not None and count >= task.max_running


def _full(task: Task, count: int) -> str:
    return going_on(count, f"max_running = {task.max_running}")


def _candidates(task: Task, going: Sequence[_Run], ready: Sequence[_Run]) -> list[_Run]:
    """Of each lane the first one, if it is ready; what may run together has no order."""
    if len(going) == 1:
        return list(ready)  # alone in its lane: nearly always
    lanes = {run.id: _lane(task, run) for run in going}
    heads = {lanes[run.id]: _series(run) for run in sorted(going, key=_series, reverse=True)}
    free = [
        run for run in ready if (lane := lanes[run.id]) == _TOGETHER or heads[lane] == _series(run)
    ]
    return sorted(free, key=lambda run: (_RANKS.get(run.trigger, 1), _series(run)))


# A backfill has time: what is due meanwhile goes ahead of its next one.
_RANKS = {Trigger.MANUAL: 0, Trigger.BACKFILL: 2}


_TOGETHER = "together"


def _lane(task: Task, run: Going) -> str:
    if run.trigger is Trigger.BACKFILL:
        return "backfill"
    if _is_one_of_many(task, run):
        return "caught up" if task.overlap is Overlap.ALLOW else "schedule"
    if task.overlap is Overlap.ALLOW:
        return _TOGETHER
    return "manual" if run.trigger is Trigger.MANUAL else "schedule"


def _may_replace(task: Task, run: Going) -> bool:
    return run.state is State.WAITING and not run.origin and not _is_one_of_many(task, run)


def _is_replaced(run: Going, newest: Going) -> bool:
    """What a person asked for and did not begin is not lost; all else gives way."""
    is_asked = run.trigger in (Trigger.MANUAL, Trigger.BACKFILL)
    return _series(run) < _series(newest) and (_is_begun(run) or not is_asked)

"""What becomes of occurrences that nobody decided in time (design section 5, Missed)."""

from __future__ import annotations

from datetime import datetime, timedelta

from attrs import frozen

from linod.specs import CatchUp, Task

LATE_MAX = timedelta(seconds=60)
"""A single undecided occurrence of at most this age runs late; older ones are missed."""
CAUGHT_UP_MAX = 1000
"""So many of the newest are caught up where catch_up = "all": more would be a storm."""


@frozen
class Undecided:
    """The occurrences of a task that lie in the past and have no verdict."""

    first: datetime
    newest: datetime

    @property
    def is_single(self) -> bool:
        """Tell whether there is just one."""
        return self.first == self.newest


@frozen(kw_only=True)
class Choice:
    """Which of the undecided occurrences get runs: the newest ones, none before `since`."""

    at_most: int = 0
    since: datetime | None = None
    is_caught_up: bool = False


NOTHING = Choice()


def to_run(undecided: Undecided, task: Task, now: datetime) -> Choice:
    """Choose those that run, if any: a single one that is only late, or what is caught up."""
    newest = undecided.newest
    if undecided.is_single and now - newest <= LATE_MAX:
        return Choice(at_most=1, since=newest)
    since = now - task.catch_up_window
    if task.catch_up is CatchUp.NONE or newest < since:
        return NOTHING
    if task.catch_up is CatchUp.ONE:
        return Choice(at_most=1, since=newest, is_caught_up=True)
    return Choice(at_most=CAUGHT_UP_MAX, since=since, is_caught_up=True)


def why_missed(undecided: Undecided, task: Task, now: datetime) -> str:
    """Say why the occurrences that do not run are not caught up."""
    if task.catch_up is CatchUp.NONE:
        return 'catch_up = "none"'
    if now - undecided.newest > task.catch_up_window:
        return "older than catch_up_window"
    if task.catch_up is CatchUp.ONE:
        return "the newest one is caught up instead"
    return f"older than catch_up_window, or than the newest {CAUGHT_UP_MAX:,}"


def is_too_old(task: Task, planned: datetime, now: datetime) -> bool:
    """Tell whether a run that waited over a restart is too old to start."""
    return now - planned > task.catch_up_window

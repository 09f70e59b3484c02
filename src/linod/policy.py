"""What is decided, and why: values in, verdict out.

Rules of this border:
- Total functions over frozen values: no store, no clock, no memory of former calls.
- A reason is the sentence that history and status print; it names what a person can look up.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from attrs import frozen

from linod.events import Outcome, State, Trigger, Verdict
from linod.specs import CatchUp, Reference, Task

LATE_MAX = timedelta(seconds=60)
"""A single undecided occurrence of at most this age runs late; older ones are missed."""
ARGUMENTS_MAX = 1000
"""Characters of a run's arguments that the history keeps."""

NEVER_STARTED = "never started"
SWITCHED_OFF_TASK = "enabled = false"
SWITCHED_OFF = "linod is switched off"
REMOVED = "the task was removed"
TOO_OLD = "missed"


@frozen
class Undecided:
    """The occurrences of a task that lie in the past and have no verdict."""

    first: datetime
    newest: datetime

    @property
    def is_single(self) -> bool:
        """Tell whether there is just one."""
        return self.first == self.newest


def to_run(undecided: Undecided, task: Task, now: datetime) -> datetime | None:
    """Choose the one that runs, if any: a single one that is only late, or one caught up."""
    age = now - undecided.newest
    if undecided.is_single and age <= LATE_MAX:
        return undecided.newest
    if task.catch_up is CatchUp.NONE or age > task.catch_up_window:
        return None
    return undecided.newest


def why_missed(undecided: Undecided, task: Task, now: datetime) -> str:
    """Say why the occurrences that do not run are not caught up."""
    if task.catch_up is CatchUp.NONE:
        return 'catch_up = "none"'
    if now - undecided.newest > task.catch_up_window:
        return "older than catch_up_window"
    return "the newest one is caught up instead"


def refusal(
    task: Task, *, is_enabled: bool, trigger: Trigger = Trigger.SCHEDULE
) -> tuple[Verdict, str] | None:
    """Say why nothing of the task is decided to run now; a person may run one switched off."""
    if not is_enabled:
        return Verdict.SWITCHED_OFF, SWITCHED_OFF
    if not task.enabled and trigger is not Trigger.MANUAL:
        return Verdict.SWITCHED_OFF, SWITCHED_OFF_TASK
    return None


def admission(going_on: Sequence[int]) -> tuple[Verdict, str]:
    """Decide whether a due occurrence gets a run; `going_on` are the task's unfinished runs."""
    if going_on:
        return Verdict.OVERLAP, f"run {going_on[0]} was going on"
    return Verdict.ADMITTED, ""


def is_free_to_start(states: Sequence[State | Outcome]) -> bool:
    """Tell whether a run that waits may start, given the states of the task's unfinished runs."""
    return all(state is State.WAITING for state in states)


def is_too_old(task: Task, planned: datetime, now: datetime) -> bool:
    """Tell whether a run that waited over a restart is too old to start."""
    return now - planned > task.catch_up_window


def arguments_text(task: Task) -> str:
    """Write what a run is given, as one line for people; secrets are masked."""
    if task.command is not None:
        text = shlex.join(_shown(part) for part in task.command)
    elif task.shell is not None:
        text = _shown(task.shell)
    else:
        text = ", ".join(f"{name} = {_value(value)}" for name, value in task.arguments.items())
    return text if len(text) <= ARGUMENTS_MAX else text[: ARGUMENTS_MAX - 1] + "…"


def _value(value: Any) -> str:
    if isinstance(value, str):
        shown = _shown(value)
        return shown if shown is not value else repr(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_value(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_value, value)) + "]"
    return str(value)


def _shown(text: str) -> str:
    return "***" if isinstance(text, Reference) and text.is_secret else text

"""What the tests of policies share: tasks and unfinished runs as plain values."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from attrs import frozen

from linod.events import State, Trigger
from linod.specs import Task, TaskName

T = datetime(2026, 11, 21, 7, 0, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return T + timedelta(seconds=seconds)


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


def build_task(name: str = "mail", **keys: Any) -> Task:
    return Task(name=TaskName(name), shell="true", **keys)


@frozen(kw_only=True)
class Run:
    """An unfinished run, as overlap sees it."""

    id: int
    state: State = State.WAITING
    trigger: Trigger = Trigger.SCHEDULE
    origin: int = 0
    is_caught_up: bool = False


def waiting(id: int, trigger: Trigger = Trigger.SCHEDULE, **fields: Any) -> Run:
    return Run(id=id, trigger=trigger, **fields)


def running(id: int, trigger: Trigger = Trigger.SCHEDULE, **fields: Any) -> Run:
    return Run(id=id, trigger=trigger, state=State.RUNNING, **fields)

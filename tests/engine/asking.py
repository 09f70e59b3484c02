"""What people ask for, as short as the tests want it; instants are seconds after T."""

from __future__ import annotations

from typing import Any

from linod.events import (
    BackfillRequested,
    CancelRequested,
    ClockAccepted,
    DisableRequested,
    EnableRequested,
    ForgetRequested,
    PauseRequested,
    Requested,
    ResumeRequested,
    RunRequested,
)

from .building import at


def _who(seconds: float) -> dict[str, Any]:
    return {"request": 1, "by": "alice", "at": at(seconds)}


def run(seconds: float, task: str = "mail", due: float | None = None, **keys: Any) -> Requested:
    at_due = None if due is None else at(due)
    return RunRequested(task=task, due=at_due, **keys, **_who(seconds))


def cancel(seconds: float, task: str | None = None, run: int | None = None) -> Requested:
    return CancelRequested(task=task, run=run, **_who(seconds))


def pause(
    seconds: float, *tasks: str, until: float | None = None, reason: str = ""
) -> PauseRequested:
    """Without tasks: linod as a whole."""
    end = None if until is None else at(until)
    return PauseRequested(tasks=tasks, until=end, reason=reason, **_who(seconds))


def resume(seconds: float, *tasks: str) -> Requested:
    return ResumeRequested(tasks=tasks, **_who(seconds))


def disable(seconds: float, *tasks: str, reason: str = "") -> Requested:
    return DisableRequested(tasks=tasks, reason=reason, **_who(seconds))


def enable(seconds: float, *tasks: str) -> Requested:
    return EnableRequested(tasks=tasks, **_who(seconds))


def backfill(
    seconds: float, first: float, last: float, task: str = "mail", **keys: Any
) -> Requested:
    return BackfillRequested(task=task, first=at(first), last=at(last), **keys, **_who(seconds))


def forget(seconds: float, task: str = "mail") -> Requested:
    return ForgetRequested(task=task, **_who(seconds))


def accept_clock(seconds: float) -> Requested:
    return ClockAccepted(**_who(seconds))

"""Why nothing of a task is decided to run: switched off, paused, disabled."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

from attrs import frozen

from linod.events import Trigger, Verdict
from linod.policy.reasons import SWITCHED_OFF, SWITCHED_OFF_TASK
from linod.specs import Task

ALL = "*"
"""Stands for linod as a whole; no task has such a name."""

_ASKED_FOR = (Trigger.MANUAL, Trigger.BACKFILL)


class HoldKind(StrEnum):
    """How a task is held back by a person, or by its failures."""

    PAUSE = "pause"
    DISABLE = "disable"


@frozen(kw_only=True)
class Hold:
    """A pause or a disable of a task, or of all (task "*")."""

    task: str
    kind: HoldKind
    since: datetime
    until: datetime | None = None
    reason: str = ""
    by: str = ""

    @property
    def sentence(self) -> str:
        """Say who did it and why: 'paused by alice: "migration"'."""
        if not self.by:
            return f"disabled {self.reason}"
        done = "paused" if self.kind is HoldKind.PAUSE else "disabled"
        what = "all tasks " if self.task == ALL else ""
        return f"{what}{done} by {self.by}" + (f': "{self.reason}"' if self.reason else "")


def in_force(holds: Iterable[Hold], instant: datetime) -> Hold | None:
    """Of the holds on a task and on all, give the one that keeps what is due from running.

    That is a disable, else the pause that lasts longest. A pause holds what is due before its
    end; what is due at its end runs.
    """
    found = [hold for hold in holds if hold.until is None or instant < hold.until]
    return max(found, key=_strength, default=None)


def _strength(hold: Hold) -> tuple[bool, bool, datetime]:
    is_disable = hold.kind is HoldKind.DISABLE
    return is_disable, hold.until is None, hold.until or hold.since


@frozen(kw_only=True)
class Refusal:
    """The verdict on what is due meanwhile."""

    verdict: Verdict
    reason: str
    by: str = ""


def refusal(
    task: Task,
    hold: Hold | None,
    *,
    is_enabled: bool,
    trigger: Trigger = Trigger.SCHEDULE,
) -> Refusal | None:
    """Say why nothing of the task is decided to run now; a person may run one held back."""
    if not is_enabled:
        return Refusal(verdict=Verdict.SWITCHED_OFF, reason=SWITCHED_OFF)
    if trigger in _ASKED_FOR:
        return None
    if not task.enabled:
        return Refusal(verdict=Verdict.SWITCHED_OFF, reason=SWITCHED_OFF_TASK)
    if hold is None:
        return None
    verdict = Verdict.PAUSED if hold.kind is HoldKind.PAUSE else Verdict.DISABLED
    return Refusal(verdict=verdict, reason=hold.sentence, by=hold.by)

"""The question, and what was found of the one occurrence that answers it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from attrs import frozen

from linod.events import Outcome, State, Verdict
from linod.policy import Hold
from linod.specs import Task
from linod.why.rows import Action, Decision, Run


class NoVerdict(StrEnum):
    """What an instant is on which nothing was decided."""

    NOT_DUE = "not due"
    EXCLUDED = "excluded"
    NOT_YET = "not due yet"
    UNDECIDED = "undecided"
    CLOCK_AHEAD = "clock ahead"


@frozen(kw_only=True)
class Asked:
    """The task that a person asks about, as it is now."""

    name: str
    now: datetime
    zone: str
    task: Task | None = None
    """A chain in what makes it like a task; None: it was removed from the configuration."""
    rule: str = ""
    """Its recurrence in words."""
    chain: str = ""
    """The chain that it belongs to."""
    is_served: bool = True
    """Whether a daemon answers."""
    is_enabled: bool = True
    """Whether linod as a whole is switched on."""
    trouble: str = ""
    """What the daemon says is wrong with its store."""
    hold: Hold | None = None
    """What holds it back just now."""
    first_seen: datetime | None = None
    """When a daemon first saw it; None: none has."""
    through: datetime | None = None
    """So far its occurrences are decided."""
    traced: datetime | None = None
    """The last decision on any task."""


@frozen(kw_only=True)
class Finding:
    """What is known of one occurrence, or of an instant that is none."""

    what: Verdict | NoVerdict
    at: datetime | None = None
    """The due, or the instant that was asked about; None: a whole range, or nothing at all."""
    decision: Decision | None = None
    runs: Sequence[Run] = ()
    """All runs of the occurrence, first attempt first."""
    other: Run | None = None
    """The run that the verdict is about: the one that was going on, that ran before, …"""
    hold: Hold | None = None
    """The pause or disable of the verdict, or of an occurrence to come; None: it ended."""
    begun: Action | None = None
    """Who began that, and when."""
    ended: Action | None = None
    """Who ended that, and when."""
    before: datetime | None = None
    """The nearest instant before `at` at which it is due."""
    after: datetime | None = None
    is_first: bool = False
    """Nothing of the task was decided before it."""
    excluded_by: str = ""
    missing: Sequence[str] = ()
    """Tasks named in `after` without a new success."""
    of_chain: Finding | None = None
    """What became of the chain, where the task itself has no decision."""


SUCCESS = (Outcome.SUCCEEDED, Outcome.WARNED)
_GOING_WELL = (State.STARTING, State.RUNNING, *SUCCESS)


def series(runs: Sequence[Run]) -> list[list[Run]]:
    """Group runs of one occurrence: an attempt, then those that followed from it."""
    found: dict[int, list[Run]] = {}
    for run in runs:
        found.setdefault(run.series, []).append(run)
    return list(found.values())


def is_expected(run: Run) -> bool:
    """Tell whether this last attempt of a series is what a person expects of a schedule."""
    return run.state in _GOING_WELL

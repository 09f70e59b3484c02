"""What the checker is given: frozen values of its own, which any harness can fill.

Rules of this border:
- Nothing here comes from the program under test: words that the store holds are plain text.
- An instant is *lived* (steady: as if nobody had ever set the clock) or *written* (what the
  deciding clock showed). Without steps of the clock the two are the same. Each field says which.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time, timedelta
from enum import StrEnum

from attrs import field, frozen

from .oracle import Part


class Verdict(StrEnum):
    """What became of an occurrence, as the store says it."""

    ADMITTED = "admitted"
    OVERLAP = "overlap"
    MISSED = "missed"
    SUPERSEDED = "superseded"
    SWITCHED_OFF = "switched off"
    PAUSED = "paused"
    DISABLED = "disabled"
    OUTSIDE_ALLOWED = "outside allowed"
    COOLDOWN = "cooldown"
    UPSTREAM_FAILED = "upstream failed"


# -- what was configured ----------------------------------------------------------------------


@frozen(kw_only=True)
class Policy:
    """What a task says on its runs; the defaults are those of the design."""

    overlap: str = "skip"
    """skip, wait, allow or replace."""
    max_running: int | None = None
    """Of the task, for `allow`."""
    catch_up: str = "one"
    """one, all or none."""
    catch_up_window: timedelta = timedelta(days=1)
    retry_attempts: int = 1
    """The first counts."""
    is_retry_sure: bool = True
    """False where `on` names exceptions: then a retry may be left out."""
    on_lost: str = "fail"
    """fail or retry."""
    cooldown_success: timedelta = timedelta(0)
    cooldown_failure: timedelta = timedelta(0)
    spread: timedelta = timedelta(0)
    jitter: timedelta = timedelta(0)
    allowed: tuple[tuple[time, time], ...] = ()
    """Wall times between which runs may start; a last before its first passes midnight."""
    zone: str = "UTC"
    """Of `allowed`."""
    pool: str | None = None
    pool_size: int | None = None
    enabled: bool = True
    after: tuple[str, ...] = ()
    steps: tuple[tuple[str, ...], ...] = ()
    """The tasks of a chain; its own runs have no process, and go on while those of these do."""
    goes_on: bool = False
    """A chain: also after a member failed for good."""
    has_condition: bool = False
    """`only_if`: a run may end cancelled before the task notes that it began."""

    @property
    def members(self) -> tuple[str, ...]:
        """The tasks of a chain, in order."""
        return tuple(name for step in self.steps for name in step)


@frozen(kw_only=True)
class Version:
    """What a task was from an adoption on, up to the next one."""

    since: datetime
    """Lived; where it is known only roughly, the latest it can be: at most late_max late."""
    parts: tuple[Part, ...] | None
    """When it is due; () never by itself, None: the task was removed."""
    policy: Policy = Policy()


@frozen(kw_only=True)
class Task:
    """A task or a chain, with all that it ever was: at least one version, oldest first."""

    name: str
    versions: tuple[Version, ...]


# -- what happened ----------------------------------------------------------------------------


@frozen(kw_only=True)
class Begun:
    """A run as the task itself noted it down."""

    task: str
    due: datetime
    """Written."""
    attempt: int
    started: datetime
    """Lived."""
    ended: datetime | None
    """Lived; None: it was killed, or goes on."""
    run: int
    trigger: str | None = None


@frozen(kw_only=True)
class Outage:
    """A time in which the decider could not decide: it could at both ends, and not between."""

    begin: datetime
    """Lived."""
    end: datetime
    """Lived."""
    is_restart: bool = False
    """A daemon died or stopped at its beginning, and the next one began at its end."""
    looked: datetime | None = None
    """Lived: since when the next one may have looked at what waits, if not only at its end."""
    is_unsure: bool = False
    """What it tried between may have been decided: commits of which nobody heard."""


@frozen(kw_only=True)
class Adopted:
    """A daemon began with a configuration within an outage, and had decided nothing by its end."""

    at: datetime
    """Lived."""


@frozen(kw_only=True)
class Step:
    """Somebody set the deciding clock."""

    at: datetime
    """Lived."""
    by: timedelta


@frozen(kw_only=True)
class Hold:
    """A time in which nothing was to run: a pause, or a task that was disabled or switched off."""

    task: str | None
    """None: all of them."""
    verdict: str
    """paused, disabled or switched off."""
    begin: datetime
    """Lived."""
    end: datetime | None = None
    """Lived; None: it goes on."""


@frozen(kw_only=True)
class Drain:
    """A daemon was stopping: it decided nothing and started nothing."""

    begin: datetime
    """Lived."""
    end: datetime
    """Lived."""


@frozen(kw_only=True)
class Asked:
    """A due that is no occurrence of a schedule: of a person, an event, `after` or a chain."""

    task: str
    due: datetime
    """Written."""
    trigger: str


@frozen(kw_only=True)
class Accepted:
    """A person let the decider accept a clock that had stepped back: it decides from there."""

    at: datetime
    """Lived."""


@frozen(kw_only=True)
class Cancelled:
    """A person ended what was going on of a task."""

    task: str
    at: datetime
    """Lived."""


# -- what the store says ----------------------------------------------------------------------


@frozen(kw_only=True)
class DecisionRow:
    """What became of the `count` occurrences of a task from `due` to `last`; all written."""

    task: str
    due: datetime
    last: datetime
    count: int
    verdict: str
    reason: str = ""
    by: str = ""


@frozen(kw_only=True)
class RunRow:
    """One attempt; all instants are written."""

    id: int
    task: str
    due: datetime
    attempt: int
    trigger: str
    chain: int | None = None
    """The run of the chain to which it belongs."""
    state: str
    """waiting, starting, running, or its outcome."""
    queued: datetime
    planned: datetime
    started: datetime | None = None
    ended: datetime | None = None
    reason: str = ""
    by: str = ""


@frozen(kw_only=True)
class History:
    """All that is known of what a decider did from `begin` to `until`, both lived."""

    begin: datetime
    until: datetime
    tasks: tuple[Task, ...]
    begun: tuple[Begun, ...] = ()
    outages: tuple[Outage, ...] = ()
    adopted: tuple[Adopted, ...] = ()
    steps: tuple[Step, ...] = ()
    holds: tuple[Hold, ...] = ()
    drains: tuple[Drain, ...] = ()
    asked: tuple[Asked, ...] | None = None
    """All such dues; None: not known, then the trigger of the run row is believed."""
    accepted: tuple[Accepted, ...] = ()
    cancelled: tuple[Cancelled, ...] = ()
    deaths: tuple[datetime, ...] = ()
    """Lived: when workers or keepers were killed."""
    max_running: int | None = None
    """All pools together."""
    decisions: tuple[DecisionRow, ...] = ()
    runs: tuple[RunRow, ...] = ()
    through: Mapping[str, datetime] = field(factory=dict)
    """Per task, written: the store says that all up to here is decided."""

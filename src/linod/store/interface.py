"""What a store offers: rows as frozen values, a Reader for who looks, a Store for who decides.

Rules of this border:
- Every instant that goes in or comes out is an aware UTC datetime, kept to the microsecond.
- A run is named by its number `id`; what makes it unique is (task, due, attempt).
- An end is accepted once, by compare-and-set on (id, lease): the first terminal state wins.
- Every write happens inside `transaction()`, and is durable when that returns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from attrs import field, frozen

from linod.errors import LinodError
from linod.events import Outcome, State, Trigger, Verdict
from linod.policy import Hold, HoldKind, WarningKind

OUTCOMES_SHOWN = 10
"""How many of a task's last outcomes a summary holds: the strip that status shows."""
LOG_BYTES = 64 * 1024
"""The end of a run's log that is kept with it."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class StoreError(LinodError):
    """The store cannot be read or written now: locked, full, or its disk fails."""


class StoreLost(StoreError):  # noqa: N818 - it reads as what happened
    """The store was found damaged while it was in use."""


def to_microseconds(instant: datetime) -> int:
    """Turn an aware instant into microseconds since 1970 UTC, exactly."""
    return (instant - _EPOCH) // _MICROSECOND


def of_microseconds(microseconds: int) -> datetime:
    """Turn microseconds since 1970 UTC into an aware instant, exactly."""
    return _EPOCH + timedelta(microseconds=microseconds)


def _iso(instant: datetime | None) -> str | None:
    return None if instant is None else instant.isoformat().replace("+00:00", "Z")


@frozen(kw_only=True)
class DecisionRow:
    """What became of the `count` occurrences of a task from `due` to `last`.

    Only what is not admitted is ranged: for an admitted one `last` is `due` and `count` is 1.
    """

    task: str
    due: datetime
    last: datetime
    count: int
    verdict: Verdict
    reason: str = ""
    by: str = ""
    """Who asked for it, where a person did."""


@frozen(kw_only=True)
class RunRow:
    """One attempt at an admitted occurrence."""

    id: int
    task: str
    due: datetime
    attempt: int
    trigger: Trigger
    state: State | Outcome
    """waiting, starting, running, then its outcome."""
    queued: datetime
    """When it was decided."""
    planned: datetime
    """When it was to start; lateness counts from here."""
    started: datetime | None = None
    ended: datetime | None = None
    outcome: Outcome | None = None
    reason: str = ""
    """One line on its end."""
    detail: Mapping[str, Any] = field(factory=dict)
    """What history shows beside it: traceback, exit_status, signal, used, result."""
    arguments: str = ""
    """What it is given, as one line for people; secrets are masked."""
    by: str = ""
    """Who asked for it, where a person did."""
    lease: str = ""
    keeper: str = ""
    """The user whose keeper it was given to; empty: the daemon's own."""
    worker: str = ""
    """`pid:start time in clock ticks since boot`."""
    boot: str = ""
    """Boot id of the machine it started on."""
    is_chain: bool = False
    """It is the run of a chain: no process of its own, but those of its members."""
    parent: int | None = None
    """The run of the chain to which it belongs."""
    origin: int = 0
    """The number of the first attempt of its series; 0 where it is that itself."""
    is_caught_up: bool = False
    """Its occurrence was missed."""
    delay: timedelta | None = None
    """Where it waits a length of time and not for an instant: that length."""
    held: str = ""
    """What it waited for last, or waits for."""
    held_since: datetime | None = None
    pool: str = ""
    """The pool of which it takes a place while it runs."""

    @property
    def series(self) -> int:
        """The number of the first attempt of its series."""
        return self.origin or self.id

    @property
    def is_ended(self) -> bool:
        """Tell whether it has its outcome."""
        return self.outcome is not None

    @property
    def used(self) -> Mapping[str, float | int] | None:
        """What its worker and the children of that used; None where nobody counted it."""
        found: Mapping[str, float | int] | None = self.detail.get("used")
        return found

    @property
    def result(self) -> Any:
        """What its procedure returned, as JSON; None where that was nothing, or is not kept."""
        return self.detail.get("result")

    @property
    def took(self) -> timedelta | None:
        """How long it ran, or None while it runs or if it never started."""
        if self.started is None or self.ended is None:
            return None
        return self.ended - self.started

    def to_json(self) -> dict[str, Any]:
        """What the control socket and `--json` say of a run."""
        return {
            "run": self.id,
            "task": self.task,
            "due": _iso(self.due),
            "attempt": self.attempt,
            "trigger": self.trigger.value,
            "state": self.state.value,
            "queued": _iso(self.queued),
            "planned": _iso(self.planned),
            "started": _iso(self.started),
            "ended": _iso(self.ended),
            "reason": self.reason,
            "by": self.by,
            "chain": self.parent,
            "held": self.held,
            "held_since": _iso(self.held_since),
        }


@frozen(kw_only=True)
class CursorRow:
    """How far the occurrences of a task are decided, and what defines them."""

    task: str
    through: datetime
    """Every occurrence up to here, included, is decided."""
    reached: datetime
    """The latest `through` ever: below it a due may have a row already (the clock stepped)."""
    definition: str
    """Canonical text of what defines its instants; empty: the task was removed."""
    definition_hash: str
    first_seen: datetime
    failures: int = 0
    """So many occurrences in a row failed for good."""
    boot: str = ""
    """Boot id of the machine when `at boot` was decided last."""


@frozen(kw_only=True)
class WarningRow:
    """Something that people are told although nothing failed."""

    task: str
    at: datetime
    kind: WarningKind
    run: int | None = None
    text: str


@frozen(kw_only=True)
class ActionRow:
    """Something a person did."""

    at: datetime
    verb: str
    task: str
    """Empty: linod as a whole."""
    by: str
    text: str = ""


@frozen(kw_only=True)
class TaskSummary:
    """What status shows of a task's past."""

    task: str
    current: RunRow | None = None
    """The run that is going on: the oldest unfinished one that is not waiting, else any."""
    last: RunRow | None = None
    """The run that ended last."""
    outcomes: tuple[Outcome, ...] = ()
    """Of its last ten ended runs, oldest first."""


class Reader(Protocol):
    """Looks, and never writes. Lists come newest first unless said otherwise."""

    def close(self) -> None:
        """Let the file go."""

    def cursors(self) -> dict[str, CursorRow]:
        """The cursor of each task ever seen, by task."""

    def run(self, id: int) -> RunRow | None:
        """The run with this number."""

    def runs(
        self, task: str | None = None, *, limit: int = 50, before: int | None = None
    ) -> list[RunRow]:
        """Runs of a task or of all, newest first; `before` is a run number, to page on."""

    def attempts(self, task: str, due: datetime) -> list[RunRow]:
        """All runs of one occurrence, first attempt first."""

    def unfinished(self) -> list[RunRow]:
        """Runs without an outcome, oldest first."""

    def log_text(self, id: int) -> str:
        """The end of the run's log, at most 64 KiB; empty where nothing was kept."""

    def decisions(
        self, task: str | None = None, *, limit: int = 50, before: datetime | None = None
    ) -> list[DecisionRow]:
        """Decisions on a task (newest due first) or on all (newest `last` first).

        `before` is the due, or the `last`, of the row to go on after.
        """

    def decision_at(self, task: str, due: datetime) -> DecisionRow | None:
        """The decision on this due: a row of its own, else the range that holds it."""

    def decisions_between(self, task: str, first: datetime, last: datetime) -> list[DecisionRow]:
        """Decisions that touch [first, last], oldest first."""

    def summaries(self, tasks: Sequence[str] | None = None) -> dict[str, TaskSummary]:
        """The past of each task, or of those named, by task; fast for 10,000 tasks."""

    def meta(self) -> dict[str, str]:
        """Small facts about the store: who wrote it, when it was made."""

    def children(self, parent: int) -> list[RunRow]:
        """The runs of a chain's members, oldest first."""

    def last_end(self, task: str) -> RunRow | None:
        """The run of a task that ended last; not one that was cancelled or never started."""

    def newest_success(self, task: str, upto: datetime) -> RunRow | None:
        """The succeeded or warned run of a task with the newest due, not after `upto`."""

    def newest_admitted(self, task: str, upto: datetime) -> datetime | None:
        """The newest due, not after `upto`, of a task that was admitted."""

    def asked_dues(self, task: str, first: datetime, last: datetime) -> list[datetime]:
        """The dues in [first, last] that were not admitted and got runs all the same."""

    def lengths(self, task: str, limit: int) -> list[timedelta]:
        """How long the last runs took that succeeded or warned, newest first."""

    def holds(self) -> list[Hold]:
        """What is paused or disabled; a pause whose end is past may be among them."""

    def warnings(self, task: str | None = None, *, limit: int = 50) -> list[WarningRow]:
        """Warnings, newest first."""

    def has_warning(
        self, task: str, kind: WarningKind, run: int | None, first: datetime, last: datetime
    ) -> bool:
        """Tell whether there is such a warning of a time, both ends included."""

    def actions(self, task: str | None = None, *, limit: int = 50) -> list[ActionRow]:
        """What people did, newest first."""

    def actions_at(self, at: datetime, by: str) -> list[ActionRow]:
        """What a person did with the one request that has this instant."""


class Store(Reader, Protocol):
    """Reads and writes; the one in the daemon."""

    def transaction(self) -> AbstractContextManager[None]:
        """All or nothing: durable when it returns, undone when it raises."""

    def put_cursor(self, cursor: CursorRow) -> None:
        """Write the cursor of a task."""

    def move_cursor(self, task: str, through: datetime) -> None:
        """Set how far a task is decided; `reached` never goes back."""

    def add_decision(self, decision: DecisionRow) -> None:
        """Write a decision; its (task, due) must be free."""

    def grow_decision(self, decision: DecisionRow, last: datetime, count: int) -> None:
        """Stretch a range that is its task's newest decision to `last`, by `count` more."""

    def add_run(self, run: RunRow) -> RunRow:
        """Write a new run and return it with its number; its `id` is not looked at."""

    def next_attempt(self, task: str, due: datetime) -> int:
        """The next free attempt at an occurrence."""

    def lease_run(self, id: int, lease: str, keeper: str, boot: str, pool: str) -> bool:
        """Let a waiting run start; False if it does not wait any more."""

    def hold_run(self, id: int, held: str, since: datetime) -> None:
        """Note what a waiting run waits for."""

    def plan_run(self, id: int, planned: datetime) -> None:
        """Give a waiting run another planned start."""

    def begin_chain(self, id: int, started: datetime) -> None:
        """Let the waiting run of a chain begin."""

    def put_detail(self, id: int, detail: Mapping[str, Any]) -> None:
        """Write the detail of an unfinished run."""

    def mark_running(self, id: int, lease: str, worker: str, started: datetime) -> bool:
        """Record that the worker began; False if the lease is old or the run not starting."""

    def end_run(
        self,
        id: int,
        lease: str,
        outcome: Outcome,
        *,
        ended: datetime,
        started: datetime | None = None,
        worker: str = "",
        reason: str = "",
        detail: Mapping[str, Any] | None = None,
        log: str = "",
        known: RunRow | None = None,
    ) -> RunRow | None:
        """Record an end and return the row; None if the lease is old or it had ended before.

        A run that waits has the lease "". `started` and `worker` are recorded where they are given.
        `known` is the row until now, with these: it need not be read.
        """

    def put_meta(self, key: str, value: str) -> None:
        """Write one small fact."""

    def set_failures(self, task: str, failures: int) -> None:
        """Count the occurrences in a row that failed for good."""

    def set_boot(self, task: str, boot: str) -> None:
        """Note in which boot `at boot` was decided."""

    def put_hold(self, hold: Hold) -> None:
        """Pause or disable; the former hold of that kind is replaced."""

    def remove_hold(self, task: str, kind: HoldKind) -> None:
        """End a pause or a disable."""

    def add_warning(self, warning: WarningRow) -> None:
        """Write a warning; the same one again is nothing new."""

    def add_action(self, action: ActionRow) -> None:
        """Write what a person did; the same one again is nothing new."""

    def rename_task(self, old: str, new: str) -> None:
        """Give all rows of a task to another name, which must have none."""

    def forget_task(self, task: str) -> int:
        """Remove all rows of a task but what people did; return how many runs went."""

    def cut_decision(self, decision: DecisionRow, last: datetime, count: int) -> None:
        """Let a range end earlier: only where a person accepts that the clock was wrong."""

    def remove_decision(self, decision: DecisionRow) -> None:
        """Remove a range beyond now: only where a person accepts that the clock was wrong."""

    def prune(self, before: datetime, *, limit: int = 500) -> int:
        """Remove up to `limit` runs and decisions older than `before`; return how many went.

        Stay do: unfinished runs, the last failure of each task, the newest decision of each task.
        """

"""What the engine hears and what it wants done: frozen values, without behaviour.

Events are named in the past tense and come from the daemon's edges; effects are named in the
imperative and are carried out by the daemon, only after the transaction that decided them.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from attrs import field, frozen

from linod.specs import Task


class Trigger(StrEnum):
    """Why a run exists."""

    SCHEDULE = "schedule"
    EVENT = "event"
    AFTER = "after"
    CHAIN = "chain"
    MANUAL = "manual"
    BACKFILL = "backfill"


class State(StrEnum):
    """The state of a run that has no outcome yet; afterwards its state is its outcome."""

    WAITING = "waiting"
    STARTING = "starting"
    RUNNING = "running"


class Outcome(StrEnum):
    """How a run ended."""

    SUCCEEDED = "succeeded"
    WARNED = "warned"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    CANCELLED = "cancelled"
    LOST = "lost"


class Verdict(StrEnum):
    """What became of an occurrence."""

    ADMITTED = "admitted"
    OVERLAP = "overlap"
    MISSED = "missed"
    SUPERSEDED = "superseded"
    SWITCHED_OFF = "switched off"
    PAUSED = "paused"
    DISABLED = "disabled"
    OUTSIDE_ALLOWED = "outside allowed"


# -- events -----------------------------------------------------------------------------------


@frozen(kw_only=True)
class RunStarted:
    """The worker created its run file and is about to call the procedure."""

    run: int
    lease: str
    worker: str
    """`pid:start time in clock ticks since boot`, which names a process for good."""
    at: datetime


@frozen(kw_only=True)
class RunEnded:
    """The end of a run, reported by its keeper or read from its run file."""

    run: int
    lease: str
    outcome: Outcome
    reason: str = ""
    """One line: exception type and text, exit status, signal, "after 30 s", ..."""
    detail: dict[str, Any] = field(factory=dict)
    """What history shows beside it: traceback, exit_status, signal; JSON."""
    started: datetime | None = None
    ended: datetime | None = None
    log: str = ""
    """The run's own last 64 KiB of log lines."""


@frozen(kw_only=True)
class RunNeverStarted:
    """A run that a former daemon decided is proven never to have begun."""

    run: int
    lease: str


@frozen(kw_only=True)
class RunRequested:
    """A person asked for a run; `request` is echoed in the `Answer`."""

    request: int
    task: str
    by: str
    at: datetime
    """The instant of the request: its due. No two requests of one daemon have the same."""


@frozen(kw_only=True)
class CancelRequested:
    """A person asked to end a run, or all unfinished runs of a task."""

    request: int
    run: int | None
    task: str | None
    by: str


@frozen(kw_only=True)
class ServeStarted:
    """The daemon is ready: tasks with `at start` are due."""

    at: datetime


Event = RunStarted | RunEnded | RunNeverStarted | RunRequested | CancelRequested | ServeStarted


# -- effects ----------------------------------------------------------------------------------


@frozen(kw_only=True)
class StartRun:
    """Start a worker. The run row is committed, in state starting, with this lease."""

    run: int
    lease: str
    task: Task
    due: datetime
    attempt: int
    trigger: Trigger
    planned: datetime
    zone: str


@frozen(kw_only=True)
class StopRun:
    """End a run: TERM to the whole tree, KILL after `kill_after`; its outcome is `outcome`."""

    run: int
    lease: str
    outcome: Outcome
    reason: str
    is_forced: bool = False
    """KILL at once."""


@frozen(kw_only=True)
class TellStarted:
    """A run began (shown at DEBUG)."""

    run: int
    task: str
    due: datetime
    late_s: float


@frozen(kw_only=True)
class TellEnded:
    """A run ended: the one line on the terminal and in the log."""

    run: int
    task: str
    due: datetime
    attempt: int
    outcome: Outcome
    reason: str
    took_s: float | None
    late_s: float | None
    next_due: datetime | None
    zone: str


@frozen(kw_only=True)
class TellDecided:
    """Occurrences were decided without a run (overlap, missed, superseded, switched off)."""

    task: str
    first: datetime
    last: datetime
    count: int
    verdict: Verdict
    reason: str
    zone: str


@frozen(kw_only=True)
class Answer:
    """The reply to a request: the run's number, or why there is none."""

    request: int
    runs: tuple[int, ...] = ()
    refusal: str | None = None


Effect = StartRun | StopRun | TellStarted | TellEnded | TellDecided | Answer


@frozen(kw_only=True)
class Settlement:
    """What one settle leaves to do, and when the next one is due at the latest."""

    effects: tuple[Effect, ...] = ()
    wake: datetime | None = None

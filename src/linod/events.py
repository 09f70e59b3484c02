"""What the engine hears and what it wants done: frozen values, without behaviour.

Events are named in the past tense and come from the daemon's edges; effects are named in the
imperative and are carried out by the daemon, only after the transaction that decided them.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from attrs import field, frozen

from linod.specs import LogLevel, Task


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
    COOLDOWN = "cooldown"
    UPSTREAM_FAILED = "upstream failed"


ONLY_IF = "only_if"
"""The reason of a run that is cancelled since its `only_if` said no."""


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
    used: dict[str, float | int] = field(factory=dict)
    """What the worker and its children used, by the kernel's account: user_s, system_s, memory
    (bytes at most)."""
    log: str = ""
    """The run's own last 64 KiB of log lines."""
    worker: str = ""
    """As `RunStarted` has it: where its begin was not told before, that is told with it."""


@frozen(kw_only=True)
class RunNeverStarted:
    """A run that a former daemon decided is proven never to have begun."""

    run: int
    lease: str


@frozen(kw_only=True)
class Requested:
    """A person asked for something; `request` is echoed in the `Answer`."""

    request: int
    by: str
    at: datetime
    """The instant of the request. No two requests of one daemon have the same."""


@frozen(kw_only=True)
class RunRequested(Requested):
    """A person asked for a run of a task or a chain."""

    task: str
    due: datetime | None = None
    """Run an occurrence of the past again, or late; None: a new one, due now."""
    is_from_failed: bool = False
    """Of a chain: go on from what failed, under the same due."""


@frozen(kw_only=True)
class CancelRequested(Requested):
    """A person asked to end a run, or all unfinished runs of a task."""

    run: int | None
    task: str | None


@frozen(kw_only=True)
class PauseRequested(Requested):
    """A person paused tasks: what falls due meanwhile is decided so, what waits is dropped."""

    tasks: tuple[str, ...]
    """Empty: linod as a whole."""
    until: datetime | None = None
    reason: str = ""


@frozen(kw_only=True)
class ResumeRequested(Requested):
    """A person ended pauses."""

    tasks: tuple[str, ...]
    """Empty: the pause of linod as a whole."""


@frozen(kw_only=True)
class DisableRequested(Requested):
    """A person switched tasks off until they are enabled again."""

    tasks: tuple[str, ...]
    reason: str = ""


@frozen(kw_only=True)
class EnableRequested(Requested):
    """A person switched tasks on again."""

    tasks: tuple[str, ...]
    """Empty: all that were disabled by their failures."""


@frozen(kw_only=True)
class BackfillRequested(Requested):
    """A person asked for runs of all occurrences from `first` to `last`, both included."""

    task: str
    first: datetime
    last: datetime
    is_newest_first: bool = False
    is_again: bool = False
    """Those that succeeded, too."""


@frozen(kw_only=True)
class ForgetRequested(Requested):
    """A person asked to remove all that is stored of a task that is not configured."""

    task: str


@frozen(kw_only=True)
class ClockAccepted(Requested):
    """A person said that the clock, which was ahead, is right now."""


@frozen(kw_only=True)
class ServeStarted:
    """The daemon is ready: tasks with `at start` are due, unless it goes on for another."""

    at: datetime
    is_handed_over: bool = False


Event = RunStarted | RunEnded | RunNeverStarted | ServeStarted | Requested


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
    is_after_failure: bool = False
    """The task keeps records (`log_keep`), and failed last: they are logged at once this time."""
    slow_after: timedelta | None = None
    """From this length on the run is slow, and what the task keeps is logged."""


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
    attempts_max: int | None = None
    """So many attempts there are, where `attempt` counts up to them."""
    again: timedelta | None = None
    """After this wait it is tried again."""


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
class TellChanged:
    """Something changed that people should know: a pause, a disable, a warning."""

    level: LogLevel
    task: str
    text: str
    """The whole sentence but for the name of the task, which stands before it."""


@frozen(kw_only=True)
class Answer:
    """The reply to a request: what it came to, or why nothing was done."""

    request: int
    runs: tuple[int, ...] = ()
    """Numbers of the runs that were made or are being ended."""
    tasks: tuple[str, ...] = ()
    """Names of the tasks that were changed."""
    note: str = ""
    """One line on what a person might not expect."""
    refusal: str | None = None


Effect = StartRun | StopRun | TellStarted | TellEnded | TellDecided | TellChanged | Answer


@frozen(kw_only=True)
class Settlement:
    """What one settle leaves to do, and when the next one is due at the latest."""

    effects: tuple[Effect, ...] = ()
    wake: datetime | None = None

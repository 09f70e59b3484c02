"""What a user's module sees of linod: the mark on its procedures and the run that calls them.

Rules of this border:
- Importing it is cheap: no third-party package, nothing that reads a file.
- Decorating only marks: names and values of the keys are checked when linod describes the module.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, TypeVar, overload

from linod.errors import LinodError

if TYPE_CHECKING:
    from datetime import datetime

MARK = "__linod_procedure__"
"""The attribute that holds the keys given to the decorator."""

_Function = TypeVar("_Function", bound=Callable[..., Any])


class Run:
    """The run in which a procedure is called.

    A procedure receives it as its first parameter if that is annotated `linod.Run`, and anywhere
    else by `linod.current_run()`.
    """

    __slots__ = (
        *("attempt", "deadline", "due", "id", "key", "planned", "task", "trigger", "zone"),
        *("_is_asked", "_tell"),
    )

    id: int
    """Number of the run: LINOD_RUN_ID."""
    task: str
    """Name of the task: LINOD_TASK."""
    due: datetime
    """The instant at which it was due, in the task's zone: LINOD_DUE."""
    planned: datetime
    """When it was to start, in the task's zone; later than `due` for retries: LINOD_PLANNED."""
    attempt: int
    """From 1: LINOD_ATTEMPT."""
    trigger: str
    """Why it runs, "schedule" or "manual" for example: LINOD_TRIGGER."""
    key: str
    """The same for all attempts, for calls that must not count twice: LINOD_OCCURRENCE_KEY."""
    zone: str
    """Name of the task's time zone: LINOD_ZONE."""
    deadline: datetime | None
    """When its timeout ends it, in the task's zone; None where it has none: LINOD_DEADLINE."""

    def __init__(
        self,
        *,
        id: int,
        task: str,
        due: datetime,
        planned: datetime,
        attempt: int,
        trigger: str,
        key: str,
        zone: str,
        deadline: datetime | None = None,
        is_asked: Callable[[], bool] | None = None,
        tell: Callable[[float, float | None], None] | None = None,
    ) -> None:
        """Make a run, as linod does and as a test of a procedure may.

        Args:
            id: See the attributes, also for those that follow.
            is_asked: Says whether linod has asked it to end; None: nobody can.
            tell: Takes its progress; None: nobody does.
        """
        self.id = id
        self.task = task
        self.due = due
        self.planned = planned
        self.attempt = attempt
        self.trigger = trigger
        self.key = key
        self.zone = zone
        self.deadline = deadline
        self._is_asked = is_asked
        self._tell = tell

    @property
    def should_stop(self) -> bool:
        """Whether linod has asked the run to end, or its deadline has passed.

        linod asks with SIGTERM: at a timeout, when it is cancelled, when linod stops. A procedure
        dies of that, unless it has read this: from the first time on, in the main thread, SIGTERM
        only makes it true, and the procedure has `kill_after` to end by itself. The run ends
        timed out or cancelled all the same. Another thread, or a process that the procedure
        forked, reads what is known: have the main thread read it once before.
        """
        if self._is_asked is not None:
            return self._is_asked()
        if self.deadline is None:
            return False
        from datetime import UTC, datetime

        return datetime.now(UTC) >= self.deadline

    def progress(self, done: float, total: float | None = None) -> None:
        """Say how far the run is, for `linod status`; call it as often as you like.

        It is passed on at most ten times a second, and nowhere outside of a run of linod.

        Args:
            done: So much is done, from 0.
            total: Of so much, more than 0; None where nobody knows.

        Raises:
            ValueError: One of them is no such number.
        """
        done = _number("done", done, "from 0 on")
        if total is not None and not _number("total", total, "above 0"):
            raise ValueError("progress: total is 0: expected a number above 0")
        if self._tell is not None:
            self._tell(done, total)

    def __repr__(self) -> str:
        return f"<Run {self.id}: {self.key}, attempt {self.attempt}>"


_NUMBER_MAX = 2**63


def _number(name: str, value: float, expected: str) -> float:
    """Take a number of a progress as int or float: other kinds of numbers derive from these."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not 0 <= value < _NUMBER_MAX:
        raise ValueError(f"progress: {name} is {value!r:.40}: expected a number {expected}")
    return int(value) if isinstance(value, int) else float(value)


@overload
def procedure(function: _Function, /) -> _Function: ...
@overload
def procedure(**keys: Any) -> Callable[[_Function], _Function]: ...
def procedure(function: Any = None, /, **keys: Any) -> Any:
    """Mark a function as a procedure; a module named in `discover` makes a task of it.

    Takes every key of a task with the values of linod.toml (`recurrence="every hour"`), and
    `name` for a task name other than the function's. The function stays as it is.
    """
    if function is not None and not callable(function):
        raise LinodError(f"@linod.procedure takes keys by name: recurrence = {function!r}")
    if function is not None:
        return _mark(function, {})
    return lambda function: _mark(function, keys)


def current_run() -> Run | None:
    """Return the run that this code is part of, in any thread or async task; else None."""
    return _here.get() or _current


_current: Run | None = None
_here: ContextVar[Run | None] = ContextVar("linod_run", default=None)


def set_current_run(run: Run | None) -> None:
    """Say which run this process executes; called by the worker."""
    global _current  # a thread started by the run of a process has no context of its own
    _current = run


def set_run_here(run: Run) -> None:
    """Say which run this context is of, in a process that executes several."""
    _here.set(run)


def _mark(function: _Function, keys: dict[str, Any]) -> _Function:
    setattr(function, MARK, keys)
    return function

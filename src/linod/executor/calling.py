"""Calls user code in a worker and says how it ended: the edge between the two.

Rules of this border:
- Nothing that user code raises goes past `called` and `asked`.
- A process that user code forked and that comes back here ends, unseen: a run ends once, and a
  program is started once.
"""

from __future__ import annotations

import asyncio
import inspect
import os
import signal
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Any, NoReturn

from loguru import logger

from linod.events import ONLY_IF, Outcome
from linod.executor import returning
from linod.executor.binding import Plan, Unbindable, plan_of
from linod.executor.failing import failure
from linod.executor.resolve import Unresolved, one_line
from linod.run import Run

Planned = Plan | Unresolved | None
"""A procedure as the keeper knows it; None: its module is imported in the worker."""


_TRACEBACK_MAX = 32 * 1024
# A reason is cut where it is shown, behind the masks: half a secret would not be known by them.
_UNMASKED_MAX = 4096
_IMPORT_WITHIN_S = 60


class Failed(Exception):  # noqa: N818 - it reads as what happened
    """A run failed, in words that need no traceback."""

    def __init__(self, reason: str, error: BaseException, **detail: Any) -> None:
        super().__init__(reason)
        self.error = error
        """What `retry.on` is compared with."""
        self.detail = detail


class NotCalled(Failed):
    """Nothing of a procedure has run."""


def is_async(planned: Planned) -> bool:
    """Tell whether a procedure is known to be called in a loop."""
    return isinstance(planned, Plan) and planned.is_async


def called(path: str, planned: Planned, arguments: dict[str, Any], run: Run) -> dict[str, Any]:
    """Call a procedure; return how it ended."""
    try:
        result = _result(path, planned, arguments, run)
    except BaseException as error:  # noqa: BLE001 - the edge to user code
        return _ended_by(error)
    return _ended_with(result)


async def called_in_loop(
    path: str, planned: Planned, arguments: dict[str, Any], run: Run
) -> dict[str, Any]:
    """Call a procedure in the loop that runs already; return how it ended."""
    try:
        result = await _result_in_loop(path, planned, arguments, run)
    except BaseException as error:  # noqa: BLE001 - the edge to user code
        return _ended_by(error)
    return _ended_with(result)


def asked(path: str, planned: Planned, run: Run) -> dict[str, Any] | None:
    """Call the procedure of only_if; return how it ended the run, None where that goes on."""
    try:
        result = _result(path, planned, {}, run)
    except BaseException as error:  # noqa: BLE001 - the edge to user code
        return _unanswered(error)
    return _answered(result)


async def asked_in_loop(path: str, planned: Planned, run: Run) -> dict[str, Any] | None:
    """Ask only_if in the loop that runs already."""
    try:
        result = await _result_in_loop(path, planned, {}, run)
    except BaseException as error:  # noqa: BLE001 - the edge to user code
        return _unanswered(error)
    return _answered(result)


def _ended_with(result: Any) -> dict[str, Any]:
    return {"outcome": str(Outcome.SUCCEEDED), "reason": "", "detail": _kept(result)}


def _ended_by(error: BaseException) -> dict[str, Any]:
    if isinstance(error, Warning):
        reason = one_line(error, _UNMASKED_MAX)
        _log(logger.warning, reason)
        return failure(reason, error, traceback=traceback_of(error)) | {
            "outcome": str(Outcome.WARNED)
        }
    return _ended_with(None) if _is_success(error) else _failed(error)


def _answered(result: Any) -> dict[str, Any] | None:
    try:
        is_wanted = bool(result)
    except BaseException as error:  # noqa: BLE001 - the edge to user code
        return _unanswered(error)
    if is_wanted:
        return None
    return {"outcome": str(Outcome.CANCELLED), "reason": ONLY_IF, "detail": {}}


def _unanswered(error: BaseException) -> dict[str, Any]:
    if _is_success(error):
        return failure(f"{ONLY_IF}: it exited without an answer", error)
    return _failed(error, f"{ONLY_IF}: ")


def _result(path: str, planned: Planned, arguments: dict[str, Any], run: Run) -> Any:
    plan = _plan(path, planned)
    positional, named = _bound(plan, arguments, run)
    with _in_this_process():
        result = plan.function(*positional, **named)
        if inspect.isawaitable(result):
            result = asyncio.run(_awaited(result))
    return _no_generator(path, result)


async def _result_in_loop(path: str, planned: Planned, arguments: dict[str, Any], run: Run) -> Any:
    plan = _plan(path, planned)
    positional, named = _bound(plan, arguments, run)
    with _in_this_process():
        result = plan.function(*positional, **named)
        if inspect.isawaitable(result):
            result = await result
    return _no_generator(path, result)


@contextmanager
def _in_this_process() -> Iterator[None]:
    """End a process that user code forked and that comes back here, unseen."""
    pid = os.getpid()
    try:
        yield
    finally:
        if os.getpid() != pid:
            os._exit(0)


def _no_generator(path: str, result: Any) -> Any:
    if inspect.isgenerator(result) or inspect.isasyncgen(result):
        reason = f"{path} returned a generator: nothing of it has run"
        raise NotCalled(reason, TypeError(reason))
    return result


def _plan(path: str, planned: Planned) -> Plan:
    try:
        plan = planned or within_limit(lambda: plan_of(path))
    except Unresolved as error:
        plan = error
    if isinstance(plan, Unresolved):
        raise NotCalled(plan.message, plan.origin, traceback="\n".join(plan.notes))
    return plan


def within_limit(plan: Callable[[], Plan]) -> Plan:
    """Import what the keeper would not, but not for ever."""

    def give_up(_number: int, _frame: Any) -> NoReturn:
        raise TimeoutError(f"it was still being imported after {_IMPORT_WITHIN_S} s")

    former = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(_IMPORT_WITHIN_S)
    try:
        return plan()
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, former)


def _bound(plan: Plan, arguments: dict[str, Any], run: Run) -> tuple[list[Any], dict[str, Any]]:
    try:
        return plan.bind(arguments, run.due, run)
    except Unbindable as error:
        raise NotCalled(f"{plan.described.signature}: {error}", error) from None


async def _awaited(result: Any) -> Any:
    return await result


def _kept(result: Any) -> dict[str, Any]:
    """Give what is kept of a result; say why it is not, to who asks for DEBUG."""
    if result is None:
        return {}
    try:
        return {returning.RESULT: returning.kept(result)}
    except returning.Unkept as error:
        why = str(error)
    except BaseException as error:  # noqa: BLE001 - a thread of user code may be changing it
        why = one_line(error)
    _log(logger.debug, f"its result is not stored: {why}")
    return {}


# -- what user code raises --------------------------------------------------------------------


def _is_success(error: BaseException) -> bool:
    """Tell an exit that means well: without a status, or with 0."""
    if not isinstance(error, SystemExit):
        return False
    return error.code is None or (error.code == 0 and isinstance(error.code, int))


def _failed(error: BaseException, place: str = "") -> dict[str, Any]:
    """Say how user code failed, and log what it raised."""
    if isinstance(error, Failed):
        return failure(f"{place}{error}", error.error, **error.detail)
    if isinstance(error, SystemExit):
        return _exited(error, place)
    error.__traceback__ = _user_frames(error)
    reason = place + one_line(error, _UNMASKED_MAX)
    _log(logger.opt(exception=error).error, reason)
    return failure(reason, error, traceback=traceback_of(error))


def _exited(error: SystemExit, place: str) -> dict[str, Any]:
    if not isinstance(error.code, int):
        return failure(place + one_line(error, _UNMASKED_MAX), error)
    status = int(error.code)
    return failure(f"{place}exit status {status}", error, exit_status=status)


def _log(write: Callable[[str, str], None], text: str) -> None:
    with suppress(Exception):  # what user classes do when they are shown
        write("{}", text)


def traceback_of(error: BaseException) -> str:
    """Write the traceback from the first frame of user code on, at most 32 KiB of its end.

    It is cut at a line, for half a secret would not be known as one.
    """
    try:
        text = "".join(traceback.format_exception(error))
    except Exception:  # noqa: BLE001 - what user classes do when they are shown
        text = one_line(error)
    return text if len(text) <= _TRACEBACK_MAX else text[-_TRACEBACK_MAX:].partition("\n")[2]


def _user_frames(error: BaseException) -> TracebackType | None:
    """Return the traceback from the first frame of user code on."""
    frames = error.__traceback__
    while frames is not None and frames.tb_frame.f_code.co_filename == __file__:
        frames = frames.tb_next
    return frames

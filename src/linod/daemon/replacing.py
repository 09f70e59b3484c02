"""Waits for the end of a daemon, and ends the one that serves a directory, to take its place."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from math import inf
from pathlib import Path

from linod.control.client import Client
from linod.daemon.locking import holder
from linod.errors import DaemonUnreachable, LinodError

GRACE_S = 30.0
"""Beyond stop_timeout: from TERM to KILL, and the last write to a slow disk."""
LISTENS_WITHIN_S = 10.0
"""A daemon that has just taken the lock opens its store before it listens."""
_POLL_S = 0.05


class NotReplaced(LinodError):  # noqa: N818 - it reads as what happened
    """The daemon that is to be replaced goes on."""


def wait_until_gone(directory: Path, pid: int, stop_timeout: timedelta | None) -> bool:
    """Wait until a daemon that was told to stop holds no lock; False where that takes too long.

    Without a stop_timeout, since a run of it may finish, nothing takes too long.
    """
    # Another pid: a supervisor may have started the next daemon by now.
    limit_s = inf if stop_timeout is None else stop_timeout.total_seconds() + GRACE_S
    return _until(lambda: holder(directory) != pid, limit_s)


def end_daemon(directory: Path, stop_timeout: timedelta, tell: Callable[[str], None]) -> None:
    """End the daemon that serves a directory, if one does."""
    if holder(directory) is None:
        return
    pid = _stop(directory)
    if pid is None:
        return
    tell(f"pid {pid} is stopping: waiting for its runs to end")
    if not wait_until_gone(directory, pid, stop_timeout):
        raise NotReplaced(f"pid {pid} was told to stop, but is still there: kill {pid}")


def _stop(directory: Path) -> int | None:
    """Tell the daemon to stop and give its pid; None where it has ended by itself."""
    found: list[int] = []

    def is_told() -> bool:
        try:
            found.append(int(Client(directory).request("stop")["pid"]))
        except DaemonUnreachable:
            return holder(directory) is None
        return True

    if not _until(is_told, LISTENS_WITHIN_S):
        pid = holder(directory)
        raise NotReplaced(f"the daemon (pid {pid}) at {directory} does not answer: kill {pid}")
    return found[0] if found else None


def _until(condition: Callable[[], bool], limit_s: float) -> bool:
    deadline = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_S)
    return True

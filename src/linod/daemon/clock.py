"""The daemon's clock: the present, and an alarm that goes off at an instant of it.

The alarm is a timerfd on the real clock (timerfd_create(2)): exact to some microseconds, never
early, and woken when somebody sets the clock. Elsewhere the event loop's timer has to do.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from linod.store.interface import of_microseconds, to_microseconds

SLEEP_MAX = timedelta(seconds=30)
"""Without a wish for more, the alarm goes off this often: a bug above must not last."""

_TICK = timedelta(microseconds=1)
_JUST_NOW = timedelta(milliseconds=10)
_REALTIME = 0
_ABSOLUTE_CANCELLED_ON_SET = 1 | 2
_FAR = datetime(9999, 1, 1, tzinfo=UTC)
_LIBC = ctypes.CDLL(None)


def now() -> datetime:
    """The present; cut to the microsecond, so that it is never ahead of the clock."""
    return of_microseconds(time.time_ns() // 1000)


def elapsed() -> timedelta:
    """The time since boot, suspends included: nobody can set it."""
    boottime = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    return timedelta(microseconds=time.clock_gettime_ns(boottime) // 1000)


def distinct(present: datetime, last: datetime) -> datetime:
    """Give the present, or a tick after the last instant that was given out, if that was just now.

    Where the clock was set back since, the present counts: a request must not lie ahead.
    """
    is_just_now = timedelta(0) <= last - present < _JUST_NOW
    return last + _TICK if is_just_now else present


def offset() -> timedelta:
    """How far the real clock is ahead of the time since boot: it changes when that is set."""
    return timedelta(microseconds=time.time_ns() // 1000) - elapsed()


class Alarm:
    """Calls back on the event loop when its instant has come, or the clock was set."""

    def __init__(self, ring: Callable[[], None]) -> None:
        self._ring = ring
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._fd = _timerfd()
        if self._fd is not None:
            self._loop.add_reader(self._fd, self._rang)

    def set(self, when: datetime | None) -> None:
        """Go off at `when`, or in half a minute at the latest."""
        present = now()
        at = min(when or _FAR, present + SLEEP_MAX)
        if self._fd is not None and _set(self._fd, to_microseconds(at)):
            return
        self._cancel()
        # The loop's timer may round to the past; a millisecond late is better than early.
        delay = max(0.0, (at - present).total_seconds()) + 0.001
        self._timer = self._loop.call_later(delay, self._ring)

    def close(self) -> None:
        """Go off no more."""
        self._cancel()
        if self._fd is not None:
            self._loop.remove_reader(self._fd)
            os.close(self._fd)
            self._fd = None

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _rang(self) -> None:
        assert self._fd is not None
        # Cancelled (ECANCELED) it was when the clock was set: that is worth a look too.
        with suppress(OSError):
            os.read(self._fd, 8)
        self._ring()


class _Timespec(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


class _Itimerspec(ctypes.Structure):
    _fields_ = (("interval", _Timespec), ("value", _Timespec))


def _timerfd() -> int | None:
    if not sys.platform.startswith("linux") or ctypes.sizeof(ctypes.c_long) < 8:
        return None
    fd: int = _LIBC.timerfd_create(_REALTIME, os.O_NONBLOCK | os.O_CLOEXEC)
    return fd if fd >= 0 else None


def _set(fd: int, microseconds: int) -> bool:
    seconds, rest = divmod(microseconds, 1_000_000)
    # A value of zero would switch it off: 1970 is in the past anyway.
    spec = _Itimerspec(_Timespec(0, 0), _Timespec(max(seconds, 1), rest * 1000))
    result: int = _LIBC.timerfd_settime(fd, _ABSOLUTE_CANCELLED_ON_SET, ctypes.byref(spec), None)
    return result == 0

"""Sees whatever a daemon leaves: the processes below this one, and what they hold."""

from __future__ import annotations

import ctypes
import os
import time
from contextlib import suppress

from linod.executor import tree

_PR_SET_CHILD_SUBREAPER = 36
_TICKS = os.sysconf("SC_CLK_TCK")


def adopt() -> None:
    """Become the parent of whatever below loses its own, prctl(2)."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def living(since: int = 0, until: int | None = None) -> dict[int, tree.Process]:
    """Return what lives below this process and was started then, in ticks since boot."""
    table = tree.processes()
    found = {pid: table[pid] for pid in tree.descendants([os.getpid()], table)}
    end = ticks() + 1 if until is None else until
    return {pid: each for pid, each in found.items() if since <= each.start < end}


def ticks() -> int:
    """Return the present in ticks since boot, as start times of processes are."""
    return int(time.clock_gettime(time.CLOCK_BOOTTIME) * _TICKS)


def reap() -> int:
    """Wait for the dead children that nobody else waits for; return how many there were."""
    count = 0
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG) != (0, 0):
            count += 1
    return count


def descriptors(pid: int) -> int:
    """Count the open files of a process; 0 if it is gone."""
    with suppress(OSError):
        return len(os.listdir(f"/proc/{pid}/fd"))
    return 0


def zombies(pid: int) -> int:
    """Count the dead children that a process has not waited for."""
    living = tree.processes()
    return sum(child not in living for child in tree.children(pid) or ())


def memory_kb(pid: int, field: str = "VmRSS") -> int:
    """Return what /proc/PID/status says; 0 if it is gone."""
    with suppress(OSError), open(f"/proc/{pid}/status") as file:
        return next((int(line.split()[1]) for line in file if line.startswith(f"{field}:")), 0)
    return 0

"""Finds and ends every process of a run, whatever it did to get away.

A run's processes are those of the worker's session, the descendants of those by parent, and what
carries the run in its environment or, where it was forked without exec, holds the run's mark: a
file of no content that is known by its name. A process is named by pid and start time, so a reused
pid is never signalled. Without /proc (macOS) only the worker's process group is known.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import cache
from hashlib import blake2s
from pathlib import Path
from typing import NamedTuple

_PROC = Path("/proc")
_ENVIRON_MAX = 256 * 1024
_STATUS_MAX = 4096
_DIGITS = 16
_START = 19
"""Where it says when the process started, in ticks."""
# Killed processes are gone within milliseconds; what sleeps in the kernel (state D) may stay.
_GONE_WAIT_S = 2.0


class Process(NamedTuple):
    """One living process, as /proc/PID/stat shows it."""

    pid: int
    parent: int
    session: int
    start: int
    """Start time in clock ticks since boot."""


def boot_id() -> str:
    """Return what tells this boot of the machine from others."""
    try:
        return (_PROC / "sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return "unknown"


def start_time(pid: int) -> int:
    """Return when a process started, in ticks since boot; 0 if it is gone."""
    fields = _fields(pid)
    return int(fields[_START]) if fields else 0


def is_alive(pid: int, start: int) -> bool:
    """Say whether that very process lives; without /proc the pid has to do."""
    if _PROC.joinpath("self").exists():
        return pid > 0 and start_time(pid) == start
    with suppress(OSError):
        os.kill(pid, 0)
        return True
    return False


def user_of(pid: int) -> int | None:
    """Return the real uid of a process; None if it is gone.

    The owner of /proc/PID is root's where privileges were dropped, proc(5); its status is not.
    """
    try:
        with open(f"/proc/{pid}/status", "rb") as file:
            lines = file.read(_STATUS_MAX).split(b"\n")
    except OSError:
        return None
    return next((int(line.split()[1]) for line in lines if line.startswith(b"Uid:")), None)


def processes() -> dict[int, Process]:
    """Return all living processes by pid; zombies are dead."""
    try:
        names = os.listdir(_PROC)
    except OSError:
        return {}
    found = (_read(int(name)) for name in names if name.isdigit())
    return {process.pid: process for process in found if process}


def children(pid: int) -> list[int] | None:
    """Return the children of a process by the kernel's lists; None where it keeps none."""
    folder = f"/proc/{pid}/task"
    found: list[int] = []
    try:
        for thread in os.listdir(folder):
            with suppress(ProcessLookupError), open(f"{folder}/{thread}/children") as file:
                found += map(int, file.read().split())
    except OSError:
        return None
    return found


def below(roots: Iterable[int]) -> dict[int, Process]:
    """Return the living processes among `roots` and below, without a look at all others."""
    found: dict[int, Process] = {}
    queue = list(roots)
    while queue:
        pid = queue.pop()
        process = None if pid in found else _read(pid)
        if process is not None:
            found[pid] = process
            queue += children(pid) or ()
    return found


def descendants(roots: Iterable[int], table: dict[int, Process]) -> set[int]:
    """Return the living processes below `roots`, without these."""
    children: dict[int, list[int]] = {}
    for process in table.values():
        children.setdefault(process.parent, []).append(process.pid)
    found: set[int] = set()
    queue = list(roots)
    while queue:
        below = [pid for pid in children.get(queue.pop(), ()) if pid not in found]
        found.update(below)
        queue += below
    return found


def of_session(session: int, table: dict[int, Process]) -> set[int]:
    """Return the living processes of a session and all that descends from them."""
    members = {process.pid for process in table.values() if process.session == session}
    return members | descendants([*members, session], table)


def marks(pid: int) -> dict[str, str]:
    """Return the LINOD_ variables that a process was started with; none if unreadable."""
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            data = file.read(_ENVIRON_MAX)
    except OSError:
        return {}
    pairs = (entry.partition(b"=") for entry in data.split(b"\0") if entry.startswith(b"LINOD_"))
    return {
        name.decode("ascii", "replace"): value.decode("utf-8", "replace")
        for name, _, value in pairs
    }


def mark(run: int, directory: str) -> int | None:
    """Open the mark of a run: what forks without exec inherits it. None where there are none."""
    try:
        return os.memfd_create(f"{_mark_of(directory)}{run}", os.MFD_CLOEXEC)
    except (AttributeError, OSError):
        return None


def runs_held(pid: int, directory: str) -> set[str]:
    """Return the runs of which a process holds the marks."""
    folder = f"/proc/{pid}/fd"
    try:
        links = [os.readlink(f"{folder}/{name}") for name in os.listdir(folder)]
    except OSError:
        return set()
    start = f"/memfd:{_mark_of(directory)}"
    return {link[len(start) :].partition(" ")[0] for link in links if link.startswith(start)}


@cache
def _mark_of(directory: str) -> str:
    # A name has 249 bytes at most, a path may have more.
    return f"linod-run-{blake2s(os.fsencode(directory)).hexdigest()[:_DIGITS]}-"


def runs_of(pid: int, directory: str) -> Iterator[str]:
    """Give the runs of this directory that a process names, or whose marks it holds."""
    named = marks(pid)
    if named.get("LINOD_DIRECTORY") == directory and "LINOD_RUN_ID" in named:
        yield named["LINOD_RUN_ID"]
    yield from runs_held(pid, directory)


def of_run(run: int, directory: str, table: dict[int, Process]) -> set[int]:
    """Return the living processes that name this run of this directory, or hold its mark."""
    others = (pid for pid in table if pid != os.getpid())
    return {pid for pid in others if str(run) in runs_of(pid, directory)}


def living_runs(directory: str) -> set[str]:
    """Return the runs of this directory that any living process names or holds."""
    return {run for pid in processes() for run in runs_of(pid, directory)}


def send(number: signal.Signals, process: Process) -> None:
    """Signal that very process, if it still lives."""
    if not hasattr(os, "pidfd_open"):
        with suppress(OSError):
            os.kill(process.pid, number)
        return
    try:
        handle = os.pidfd_open(process.pid)
    except OSError:
        return
    try:
        if start_time(process.pid) == process.start:
            with suppress(OSError):
                signal.pidfd_send_signal(handle, number)
    finally:
        os.close(handle)


def kill_all(find: Callable[[dict[int, Process]], set[int]]) -> set[int]:
    """KILL what `find` names until nothing is left; return what would not die.

    It blocks for at most two seconds; a keeper, which must not wait, goes through `processes`
    and `send` by itself.
    """
    limit = time.monotonic() + _GONE_WAIT_S
    while True:
        table = processes()
        left = find(table)
        if not left or time.monotonic() > limit:
            return left
        for pid in left:
            send(signal.SIGKILL, table[pid])
        time.sleep(0.005)


def _read(pid: int) -> Process | None:
    fields = _fields(pid)
    if fields is None:
        return None
    return Process(pid, int(fields[1]), int(fields[3]), int(fields[_START]))


def _fields(pid: int) -> list[bytes] | None:
    """Return what /proc/PID/stat has behind the name of the program; None where it is dead."""
    try:
        file = os.open(f"/proc/{pid}/stat", os.O_RDONLY | os.O_CLOEXEC)
        try:
            data = os.read(file, 1024)
        finally:
            os.close(file)
    except OSError:
        return None
    # The name of the program may hold spaces and parentheses; the last ")" ends it.
    fields = data[data.rindex(b")") + 2 :].split()
    return None if fields[0] in (b"Z", b"X") else fields

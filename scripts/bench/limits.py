"""What nothing that keeps linod's promises can undercut here: a timer, a commit, a wake, a fork.

    python limits.py NAME COUNT REPEATS FOLDER

Prints one line of JSON for each repeat: how late each of COUNT was, in nanoseconds, lowest first.
What it forks is a process of the size of linod's keeper: it has imported the same modules.
NAME is also `bare`: then COUNT seconds of one fork and two commits after the other are counted.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sqlite3
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import linod.executor.keeper  # noqa: F401 - for its size alone

PAUSE_S = 0.02
"""Between two measurements: what is measured is not busy before it."""
LIMIT_S = 120.0
_STAMP = struct.Struct("q")


def measure(name: str, count: int, repeats: int, folder: Path) -> list[list[float]]:
    """Measure in a process of its own; milliseconds, lowest first, for each repeat."""
    arguments = [name, str(count), str(repeats), str(folder)]
    command = [sys.executable, __file__, *arguments]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, timeout=LIMIT_S)
    return [[value / 1e6 for value in json.loads(line)] for line in ran.stdout.splitlines()]


def bare_rate(seconds: int, folder: Path) -> float:
    """Return how many times a second a process forks with a commit before and after."""
    command = [sys.executable, __file__, "bare", str(seconds), "1", str(folder)]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, timeout=LIMIT_S)
    return float(json.loads(ran.stdout)[0])


def _timer(count: int, _folder: Path) -> list[int]:
    """asyncio's call_at."""

    async def wait() -> list[int]:
        loop = asyncio.get_running_loop()
        due = loop.time() + PAUSE_S
        late: list[int] = []
        done = loop.create_future()

        def fire() -> None:
            late.append(int((time.monotonic() - due) * 1e9))
            if len(late) == count:
                done.set_result(None)

        for _ in range(count):
            loop.call_at(due, fire)
        await done
        return late

    return asyncio.run(wait())


def _commit(count: int, folder: Path) -> list[int]:
    """COUNT rows in one transaction, which survives a power cut."""
    with Journal(folder) as journal:
        journal.commit(count)
        time.sleep(PAUSE_S)
        began = time.monotonic_ns()
        journal.commit(count)
        return [time.monotonic_ns() - began]


def _wake(count: int, _folder: Path) -> list[int]:
    """Processes that wait, each at a pipe of its own."""
    reading, writing = os.pipe()
    starts: list[int] = []
    for _ in range(count):
        theirs, ours = os.pipe()
        if os.fork() == 0:
            os.close(ours)
            for each in starts:
                os.close(each)
            os.read(theirs, 1)
            _stamp(writing)
        os.close(theirs)
        starts.append(ours)
    time.sleep(PAUSE_S)
    began = time.monotonic_ns()
    for each in starts:
        os.write(each, b"1")
    late = _stamps(reading, count, began)
    for each in (reading, writing, *starts):
        os.close(each)
    return late


def _fork(count: int, _folder: Path) -> list[int]:
    """One after the other, as fast as they are forked."""
    reading, writing = os.pipe()
    time.sleep(PAUSE_S)
    began = time.monotonic_ns()
    for _ in range(count):
        if os.fork() == 0:
            _stamp(writing)
    late = _stamps(reading, count, began)
    os.close(reading)
    os.close(writing)
    return late


def _bare(seconds: int, folder: Path) -> list[float]:
    with Journal(folder) as journal:
        count, began = 0, time.monotonic()
        while time.monotonic() - began < seconds:
            journal.commit(1)
            pid = os.fork()
            if pid == 0:
                os._exit(0)
            os.waitpid(pid, 0)
            journal.commit(1)
            count += 1
        return [count / (time.monotonic() - began)]


class Journal:
    """A store of one table, with the settings of linod's."""

    def __init__(self, folder: Path) -> None:
        self._connection = sqlite3.connect(folder / "limits.db", isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.execute("CREATE TABLE IF NOT EXISTS row (at INTEGER, text TEXT)")

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def commit(self, count: int) -> None:
        """Write so many rows durably."""
        rows = [(time.time_ns(), "x" * 100)] * count
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.executemany("INSERT INTO row VALUES (?, ?)", rows)
        self._connection.execute("COMMIT")


def _stamp(descriptor: int) -> None:
    """Tell in a child when it came here, and end."""
    os.write(descriptor, _STAMP.pack(time.monotonic_ns()))
    os._exit(0)


def _stamps(descriptor: int, count: int, began: int) -> list[int]:
    """Read when each child came there, and wait for their ends."""
    data = b""
    while len(data) < count * _STAMP.size:
        data += os.read(descriptor, 1 << 16)
    for _ in range(count):
        os.wait()
    return [at - began for (at,) in _STAMP.iter_unpack(data)]


MEASURES: dict[str, Callable[[int, Path], list[int]]] = {
    "timer": _timer,
    "commit": _commit,
    "wake": _wake,
    "fork": _fork,
}


def main(name: str, count: int, repeats: int, folder: Path) -> None:
    """Measure one, and print."""
    gc.collect()
    gc.freeze()
    for _ in range(repeats):
        late = _bare(count, folder) if name == "bare" else sorted(MEASURES[name](count, folder))
        print(json.dumps(late), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))

"""Starts and stops a daemon again and again, and counts all that could be left of it."""

from __future__ import annotations

import os
import time
from pathlib import Path

from . import orphans
from .building import POLL_S, Daemon, until

TASKS = """import_path = ["."]

[tasks.begun]
procedure = "called.note"
recurrence = "at start"

[tasks.often]
procedure = "called.note"
recurrence = "every second"

[tasks.program]
shell = "echo x >> notes"
recurrence = "at start"
"""
CALLED = """
def note():
    with open("notes", "a") as file:
        file.write("x\\n")
"""
AT_START = 2 * 2
"""Bytes that the tasks note at each start; the one of each second may have come before."""
GONE_WITHIN_S = 1.0


class Cycling:
    """One folder, in which a daemon starts, runs something, and stops."""

    def __init__(self, folder: Path) -> None:
        (folder / "called.py").write_text(CALLED)
        self._daemon = Daemon(folder, TASKS)
        self._files = orphans.descriptors(os.getpid())
        self.starting_s: list[float] = []
        """From each start until the tasks had run that run at a start."""
        self.stopping_s: list[float] = []
        """From each SIGTERM to the end."""
        self.orphans = 0
        """So many had lost their parents when they died."""

    def step(self) -> list[str]:
        """Start, wait for the first runs, stop; return what is left."""
        notes = self._notes()
        began = time.monotonic()
        process = self._daemon.start(is_awaited=False)
        until(lambda: self._notes() >= notes + AT_START, "the runs at the start")
        self.starting_s.append(time.monotonic() - began)
        began = time.monotonic()
        code = self._daemon.stop()
        self.stopping_s.append(time.monotonic() - began)
        assert process.returncode == 0, f"exit code {code}: {self._daemon.terminal()[-3000:]}"
        return self.left()

    def left(self) -> list[str]:
        """Say what is there of a daemon that is gone.

        What dies with its keeper or its daemon has the time that the kernel takes to end it; an
        init waits for it, as this process does.
        """
        limit = time.monotonic() + GONE_WITHIN_S
        while orphans.living() and time.monotonic() < limit:
            time.sleep(POLL_S)
        directory = self._daemon.directory
        found = [f"process {pid}" for pid in orphans.living()]
        self.orphans += orphans.reap()
        found += [str(path) for path in (directory / "runs").glob("*/*")]
        found += [str(path) for path in (directory / "keepers").glob("*")]
        found += [str(path) for path in directory.rglob("*") if path.is_socket()]
        more = orphans.descriptors(os.getpid()) - self._files
        return found + ([f"{more} open files of the starter"] if more > 0 else [])

    def end(self) -> None:
        """Leave no daemon."""
        self._daemon.end()

    def _notes(self) -> int:
        path = self._daemon.folder / "notes"
        return path.stat().st_size if path.exists() else 0

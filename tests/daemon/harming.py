"""Hostile procedures beside a normal load: how late the others begin, and what is left behind."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from attrs import evolve, frozen

from linod.store import open_reader
from linod.store.interface import RunRow

from . import hostile, orphans
from .building import Daemon

TIMEOUT_S, KILL_AFTER_S = 4, 1
ENDED_WITHIN_S = 30.0
GONE_WITHIN_S = 10.0
POLL_S = 0.1
"""The scene must not disturb what it measures."""
SETTLING_S = 2.0
LOAD = """
[tasks.load{number:02}]
procedure = "hostile.note"
recurrence = "every second"
overlap = "allow"
max_running = 16
"""
HARM = """
[tasks.{name}]
procedure = "hostile.{name}"
timeout = "{timeout} seconds"
kill_after = "{kill_after} seconds"
{limits}
"""


@frozen(kw_only=True)
class Window:
    """Some seconds."""

    name: str
    """Of the hostile procedure; empty: there was none."""
    lags: list[float]
    """Seconds from due to the first line of the others, shortest first."""
    expected: int
    """So many of the others were due."""
    run: RunRow | None = None
    left: tuple[str, ...] = ()
    """What was still there long after it ended."""


class Harming:
    """A daemon with a load, on which hostile procedures are let loose one by one."""

    def __init__(self, folder: Path, load: int, names: tuple[str, ...] = hostile.HOSTILE) -> None:
        shutil.copy(hostile.__file__, folder / "hostile.py")
        self.daemon = Daemon(folder, 'import_path = ["."]\n' + _tables(load, names))
        self._load = load
        self._files = {"daemon": 0, "keeper": 0}
        """The most files that each had open without harm."""

    def start(self) -> None:
        """Start the daemon, and let the load begin."""
        self.daemon.start()
        assert _until((self.daemon.folder / "notes").exists, ENDED_WITHIN_S)
        time.sleep(SETTLING_S)

    def calm(self, seconds: float) -> Window:
        """Let nothing happen for so long."""
        begin = time.time()
        end = begin + seconds
        while time.time() < end:
            for name, count in self._open().items():
                self._files[name] = max(self._files[name], count)
            time.sleep(POLL_S)
        return self._window("", begin, end)

    def harm(self, name: str, seconds: float) -> Window:
        """Let one loose, and look for so long at least, until it has ended."""
        begin, since = time.time(), orphans.ticks()
        number = self.daemon.client.request("run", task=name)["run"]
        time.sleep(seconds)
        assert _until(lambda: self._is_over(number), ENDED_WITHIN_S), f"{name} does not end"
        end, until = time.time(), orphans.ticks()
        left = self._left(number, since, until)
        window = self._window(name, begin, end)
        return evolve(window, run=self._run(number), left=left)

    def stop(self) -> list[str]:
        """Stop the daemon; return what is left of it all."""
        code = self.daemon.stop()
        wrong = [f"exit code {code}"] if code else []
        _until(lambda: not orphans.living(), GONE_WITHIN_S)
        wrong += [f"process {pid}: {_command(pid)}" for pid in orphans.living()]
        folders = (self.daemon.directory / "runs").glob("*")
        wrong += [f"run file {name}" for folder in folders for name in os.listdir(folder)]
        wrong += [f"keeper {pid}" for pid in self.daemon.keepers()]
        orphans.reap()
        return wrong

    def _left(self, number: int, since: int, until: int) -> tuple[str, ...]:
        """Wait for all of it to go; say what did not."""
        _until(lambda: not self._remains(number, since, until), GONE_WITHIN_S)
        return tuple(self._remains(number, since, until))

    def _remains(self, number: int, since: int, until: int) -> list[str]:
        keepers = self.daemon.keepers()
        # Workers of the load that were started then have ended long since, also those that waited.
        found = [
            f"process {pid}: {_command(pid)}"
            for pid in orphans.living(since, until)
            if pid not in keepers
        ]
        for folder in (self.daemon.directory / "runs").glob("*"):
            found += [f"run file {number}"] if (folder / str(number)).exists() else []
        for name, count in self._open().items():
            more = count - self._files[name]
            found += [f"{more} more files of the {name}"] if more > 0 else []
        return found

    def _open(self) -> dict[str, int]:
        keepers = map(orphans.descriptors, self.daemon.keepers())
        return {
            "daemon": orphans.descriptors(self.daemon.process.pid),
            "keeper": max(keepers, default=0),
        }

    def _is_over(self, number: int) -> bool:
        run = self._run(number)
        return run is not None and run.is_ended

    def _run(self, number: int) -> RunRow | None:
        reader = open_reader(self.daemon.directory / "linod.db")
        try:
            return reader.run(number)
        finally:
            reader.close()

    def _window(self, name: str, begin: float, end: float) -> Window:
        """Read who was late of those due then; they have had their time to come."""
        seconds = range(int(begin) + 1, int(end))
        expected = len(seconds) * self._load
        _until(lambda: len(self._lags(seconds)) >= expected, GONE_WITHIN_S)
        return Window(name=name, lags=self._lags(seconds), expected=expected)

    def _lags(self, seconds: range) -> list[float]:
        lines = (self.daemon.folder / "notes").read_text().splitlines()
        pairs = [(float(due), float(lag)) for due, lag in map(str.split, lines)]
        return sorted(lag for due, lag in pairs if int(due) in seconds)


def _tables(load: int, names: tuple[str, ...]) -> str:
    others = "".join(LOAD.format(number=number) for number in range(load))
    return others + "".join(
        HARM.format(
            name=name,
            timeout=TIMEOUT_S,
            kill_after=KILL_AFTER_S,
            limits=hostile.LIMITS.get(name, ""),
        )
        for name in names
    )


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()[:60]
    except OSError:
        return "gone"


def _until(condition: Callable[[], object], limit_s: float) -> bool:
    limit = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > limit:
            return False
        time.sleep(POLL_S)
    return True

"""Real daemons as processes of their own, and what their tasks wrote themselves."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from linod.control.client import Client
from linod.errors import LinodError
from linod.executor import register
from linod.store import open_reader
from linod.store.interface import RunRow

LIMIT_S = 30.0
POLL_S = 0.02

WITNESS = 'echo "$LINOD_OCCURRENCE_KEY $LINOD_RUN_ID" >> witness'
"""A task that says for itself that it was started: one write(2) to a file opened O_APPEND."""


def until(condition: Callable[[], object], what: str = "the condition") -> None:
    """Poll for a condition, and give up at a limit."""
    limit = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < limit, f"{what} did not come about within {LIMIT_S} s"
        time.sleep(POLL_S)


class Daemon:
    """`linod serve` on a folder."""

    def __init__(self, folder: Path, toml: str, **environ: str) -> None:
        self.folder = folder
        self.directory = folder / "var"
        self.client = Client(self.directory)
        self._environ = environ
        self._processes: list[subprocess.Popen[str]] = []
        self.write(toml)

    def write(self, toml: str) -> None:
        (self.folder / "linod.toml").write_text('[linod]\ntimezone = "UTC"\n' + toml)

    def start(
        self,
        *options: str,
        is_awaited: bool = True,
        output: int | None = None,
        closed: Iterable[int] = (),
    ) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "linod", "serve", *options],
            cwd=self.folder,
            env={**os.environ, **self._environ},
            stdout=(self.folder / "terminal").open("a") if output is None else output,
            stderr=subprocess.STDOUT,
            preexec_fn=lambda: [os.close(number) for number in closed],
            text=True,
            start_new_session=True,
        )
        self._processes.append(process)
        if is_awaited:
            until(self.is_ready, f"the daemon's readiness: {self.terminal()}")
        return process

    @property
    def process(self) -> subprocess.Popen[str]:
        return self._processes[-1]

    def is_ready(self) -> bool:
        assert self.process.poll() is None, self.terminal()
        with suppress(LinodError):
            status = self.client.request("status")
            return status["pid"] == self.process.pid and len(status["tasks"]) > 0
        return False

    def kill(self) -> None:
        """kill -9 of the daemon alone."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(LIMIT_S)

    def end(self) -> None:
        for process in self._processes:
            until(lambda process=process: _is_ended(process), "the daemon's end")  # type: ignore[misc]
        # They outlive a daemon that was killed.
        register.end_keepers(register.former_keepers(self.directory))

    def terminal(self) -> str:
        path = self.folder / "terminal"
        return path.read_text() if path.exists() else ""

    def witness(self) -> list[str]:
        path = self.folder / "witness"
        return path.read_text().splitlines() if path.exists() else []

    def runs(self) -> list[RunRow]:
        """All runs, oldest first."""
        reader = open_reader(self.directory / "linod.db")
        try:
            return list(reversed(reader.runs(limit=10_000)))
        finally:
            reader.close()

    def unfinished(self) -> list[RunRow]:
        return [run for run in self.runs() if not run.is_ended]

    def keepers(self) -> list[int]:
        folder = self.directory / "keepers"
        names = os.listdir(folder) if folder.is_dir() else []
        return [int(name) for name in names if name.isdigit()]


def _is_ended(process: subprocess.Popen[str]) -> bool:
    # The second signal ends what runs; two that come at once the kernel makes one.
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    return process.poll() is not None


Building = Callable[..., Daemon]


@pytest.fixture
def build_daemon(tmp_path: Path) -> Iterator[Building]:
    daemons: list[Daemon] = []

    def build(toml: str, **environ: str) -> Daemon:
        daemons.append(Daemon(tmp_path, toml, **environ))
        return daemons[-1]

    yield build
    for daemon in daemons:
        daemon.end()

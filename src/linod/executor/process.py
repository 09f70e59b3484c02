"""The process of a keeper, whether this daemon started it or a former one did."""

from __future__ import annotations

import signal
import subprocess
from contextlib import suppress
from typing import Protocol

from linod.executor import tree


class KeeperProcess(Protocol):
    """What a daemon knows and does of the process of a keeper."""

    pid: int

    def is_gone(self) -> bool:
        """Say whether it has ended; one of ours is reaped then."""

    def kill(self) -> None:
        """End it at once; its workers die with it."""

    def how_it_ended(self) -> str:
        """Say how it ended: "exit status 3", "SIGSEGV"."""


class Child:
    """A keeper that this daemon started."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self.pid = process.pid

    def is_gone(self) -> bool:
        """Say whether it has ended; then it is reaped."""
        return self._process.poll() is not None

    def kill(self) -> None:
        """End it at once; its workers die with it."""
        if self._process.returncode is None:
            self._process.kill()

    def how_it_ended(self) -> str:
        """Say how it ended: "exit status 3", "SIGSEGV"."""
        status = self._process.returncode
        if status is None or status >= 0:
            return f"exit status {status}"
        with suppress(ValueError):
            return signal.Signals(-status).name
        return f"signal {-status}"


class Inherited:
    """A keeper that a former daemon started; somebody else reaps it."""

    def __init__(self, pid: int, start: int) -> None:
        self.pid = pid
        self._start = start

    def is_gone(self) -> bool:
        """Say whether it has ended."""
        return not tree.is_alive(self.pid, self._start)

    def kill(self) -> None:
        """End it at once; its workers die with it."""
        tree.send(signal.SIGKILL, tree.Process(self.pid, 0, 0, self._start))

    def how_it_ended(self) -> str:
        """Say that only its parent learns that."""
        return "an end that nobody saw"

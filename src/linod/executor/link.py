"""The daemon's end of one keeper: starts it, talks to it, notices its end and reaps it."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from attrs import evolve

from linod.executor import messages, runfiles
from linod.executor.messages import KeeperKey, Settings
from linod.executor.wire import LINE_MAX, Channel
from linod.specs import Task

READY_WITHIN_S = 60.0
"""From its start to the first import: setup may wait for a database."""
IMPORT_WITHIN_S = 20.0
"""For one module, as at check: then it is imported after the fork, where nobody else waits."""
# A keeper whose channel is closed ends its runs within two seconds.
_GONE_WITHIN_S = 3.0
_POLL_S = 0.02


class Link:
    """One keeper process, from its start until it is reaped."""

    def __init__(
        self,
        key: KeeperKey,
        settings: Settings,
        directory: Path,
        on_message: Callable[[Link, dict[str, Any]], None],
        on_gone: Callable[[Link], None],
        *,
        import_within_s: float = IMPORT_WITHIN_S,
    ) -> None:
        self.key = key
        self.settings = settings
        self.runs: set[int] = set()
        self.started: set[int] = set()
        """Those of its runs whose start was reported."""
        self.is_ready = False
        self.is_gone = False
        self.importing: str | None = None
        """The module that the keeper imports at this moment."""
        self.reason: str | None = None
        """Why it cannot serve, in its own words."""
        self.detail: dict[str, Any] = {}
        """What names the exception that keeps it from serving."""
        self.is_late = False
        """It ends so that the next one imports some modules only after the fork."""
        self._known: dict[str, Task] = {}
        self._queue: list[dict[str, Any]] = []
        self._on_message = on_message
        self._on_gone = on_gone
        self._import_within_s = import_within_s
        self._loop = asyncio.get_running_loop()
        self._is_writing = False
        self._directory = directory
        self._spawn(directory)
        self._limit = self._loop.call_later(READY_WITHIN_S, self._too_slow)

    def send(self, message: dict[str, Any]) -> None:
        """Send now, or as soon as the keeper is ready."""
        if not self.is_ready:
            self._queue.append(message)
            return
        self._channel.send(message)
        self._watch_writing()

    def teach(self, task: Task) -> None:
        """Send the task's spec where the keeper does not have it."""
        if self._known.get(task.name) is not task:
            self._known[task.name] = task
            self.send(messages.TaskSpec.of(task).to_json())

    def start(self, task: Task, message: dict[str, Any]) -> None:
        """Order a start."""
        self.teach(task)
        self.runs.add(message["run"])
        self.send(message)

    def has_folder(self) -> bool:
        """Say whether the folder in which it makes run files is still the one that is read."""
        return runfiles.is_current(self._directory, self.key.user, self._folder)

    def withdraw(self, run: int) -> bool:
        """Take back an order that waits for the keeper; False if it was sent."""
        is_waiting = any(message.get("run") == run for message in self._queue)
        if is_waiting:
            self._queue = [message for message in self._queue if message.get("run") != run]
            self.runs.discard(run)
        return is_waiting

    def close(self) -> None:
        """Let the keeper read EOF: it ends what runs, then itself."""
        if self.is_gone:
            return
        self._limit.cancel()
        self._forget_channel()
        # One that still imports reads nothing, and has no runs to end.
        self._loop.call_later(_GONE_WITHIN_S if self.is_ready else 0, self.kill)
        self._reap()

    def kill(self) -> None:
        """End the keeper at once; its workers die with it."""
        if self._process.returncode is None:
            self._process.kill()

    def _spawn(self, directory: Path) -> None:
        ours, theirs = socket.socketpair()
        folder = runfiles.prepare(directory, self.key.user)
        self._folder = runfiles.identity(os.fstat(folder))
        try:
            self._process = subprocess.Popen(
                [*program(), "serve", str(theirs.fileno()), str(folder)],
                stdin=subprocess.DEVNULL,
                stdout=2,
                pass_fds=(theirs.fileno(), folder),
                start_new_session=True,
                env=self.key.environ(os.environ),
                cwd=self.settings.folder,
            )
        finally:
            os.close(folder)
            theirs.close()
        self.pid = self._process.pid
        try:
            self._record = runfiles.record_keeper(directory, self.pid)
        except OSError:
            # The next daemon could not find it.
            ours.close()
            self.kill()
            self._process.wait()
            raise
        self._pidfd = os.pidfd_open(self.pid) if hasattr(os, "pidfd_open") else None
        self._channel = Channel(ours, LINE_MAX)
        self._channel.send(messages.hello(self.settings))
        self._loop.add_reader(ours.fileno(), self._read)
        if self._pidfd is not None:
            # A process forked by a module at import may hold the channel open.
            self._loop.add_reader(self._pidfd, self._died)
        self._watch_writing()

    def _read(self) -> None:
        for message in self._channel.receive():
            self._hear(message)
        if self._channel.is_closed and not self.is_gone:
            self._forget_channel()
            self._loop.call_later(_GONE_WITHIN_S, self.kill)
            self._reap()

    def _hear(self, message: dict[str, Any]) -> None:
        try:
            self._take(message)
        except runfiles.MALFORMED:
            # It is not the keeper that speaks: user code found its channel.
            self.kill()

    def _take(self, message: dict[str, Any]) -> None:
        kind = message.get("is")
        if kind == "importing":
            self._importing(str(message.get("module")))
        elif kind == "unusable":
            self.reason = str(message.get("reason"))
            self.detail = runfiles.detail_of(message.get("detail"))
        elif kind == "late":
            self.is_late = True
            self.settings = evolve(self.settings, late=[str(name) for name in message["modules"]])
        elif kind == "ready":
            self._ready()
        self._on_message(self, message)

    def _importing(self, module: str) -> None:
        self.importing = module
        if not self.is_ready:
            self._limit.cancel()
            self._limit = self._loop.call_later(self._import_within_s, self.kill)

    def _ready(self) -> None:
        self._limit.cancel()
        self.is_ready = True
        self.importing = None
        queue, self._queue = self._queue, []
        for message in queue:
            self.send(message)

    def _died(self) -> None:
        # What it said last is still in the channel.
        while not self._channel.is_closed and (messages := self._channel.receive()):
            for message in messages:
                self._hear(message)
        self._forget_channel()
        self._reap()

    def _too_slow(self) -> None:
        self.reason = f"its setup was not done within {READY_WITHIN_S:.0f} s"
        self.kill()

    def _forget_channel(self) -> None:
        self._is_writing = False
        if self._channel.fileno() >= 0:
            self._loop.remove_reader(self._channel.fileno())
            self._loop.remove_writer(self._channel.fileno())
            self._channel.close()
        if self._pidfd is not None:
            self._loop.remove_reader(self._pidfd)
            os.close(self._pidfd)
            self._pidfd = None

    def _reap(self) -> None:
        if self.is_gone:
            return
        if self._process.poll() is None:
            self._loop.call_later(_POLL_S, self._reap)
            return
        self._limit.cancel()
        self.is_gone = True
        self._record.unlink(missing_ok=True)
        self._on_gone(self)

    def how_it_ended(self) -> str:
        """Say how the process ended: "exit status 3", "SIGSEGV"."""
        status = self._process.returncode
        if status is None or status >= 0:
            return f"exit status {status}"
        with suppress(ValueError):
            return signal.Signals(-status).name
        return f"signal {-status}"

    def _watch_writing(self) -> None:
        is_needed = self._channel.waiting > 0
        if is_needed == self._is_writing:
            return
        self._is_writing = is_needed
        if is_needed:
            self._loop.add_writer(self._channel.fileno(), self._write)
        else:
            self._loop.remove_writer(self._channel.fileno())

    def _write(self) -> None:
        self._channel.flush()
        self._watch_writing()


def program() -> tuple[str, ...]:
    """Return the command of a keeper: `-P`, so that nothing in its directory shadows linod."""
    return (sys.executable, "-P", "-m", "linod.executor.keeper")

"""The daemon's end of one keeper: starts it or takes it over, talks to it, notices its end."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from attrs import evolve, frozen

from linod.executor import messages, priority, register, runfiles
from linod.executor.early import program
from linod.executor.messages import KeeperKey, Settings
from linod.executor.process import Child, Inherited, KeeperProcess
from linod.executor.progress import Progress
from linod.executor.register import Former
from linod.executor.takeover import Kept
from linod.executor.wire import LINE_MAX, Channel
from linod.specs import Task

READY_WITHIN_S = 60.0
"""From its start to the first import: setup may wait for a database."""
IMPORT_WITHIN_S = 20.0
"""For one module, as at check: then it is imported after the fork, where nobody else waits."""
# A keeper whose channel is closed ends its runs within two seconds.
_GONE_WITHIN_S = 3.0
_POLL_S = 0.02


@frozen
class Listening:
    """Whom a link tells what."""

    on_message: Callable[[Link, dict[str, Any]], None]
    on_gone: Callable[[Link], None]


class Link:
    """One keeper process, from its start or takeover until it is gone."""

    def __init__(
        self, process: KeeperProcess, channel: Channel, record: Former, listening: Listening
    ) -> None:
        self.pid = process.pid
        self.runs: set[int] = set()
        self.started: set[int] = set()
        """Those of its runs whose start was reported."""
        self.progress: dict[int, Progress] = {}
        """Of those of its runs that say how far they are."""
        self.is_ready = False
        self.is_gone = False
        self._known: dict[str, Task] = {}
        self._queue: list[dict[str, Any]] = []
        self._process = process
        self._channel = channel
        self._record = record
        self._listening = listening
        self._loop = asyncio.get_running_loop()
        self._is_writing = False
        self._are_more_due = False
        self._pidfd = _pidfd_of(self.pid)

    def send(self, message: dict[str, Any]) -> None:
        """Send now, or as soon as the keeper is ready."""
        if not self.is_ready:
            self._queue.append(message)
            return
        self._channel.send(message)
        self._watch_writing()

    def listen(self, messages: Sequence[dict[str, Any]] = ()) -> None:
        """Hear these, then what it says; not before its runs are known."""
        for message in messages:
            self._hear(message)
        if self._channel.fileno() < 0:
            return  # it was let go because of them: that was its last run
        self._loop.add_reader(self._channel.fileno(), self._read)
        if self._pidfd is not None:
            # A process forked by a module at import may hold the channel open.
            self._loop.add_reader(self._pidfd, self._died)

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

    def arm(self, task: Task, message: dict[str, Any]) -> None:
        """Order a start that may not come."""
        self.teach(task)
        self.send(message)

    def say_more(self, *, are_due: bool) -> None:
        """Say whether others follow at once on those that are started next."""
        if are_due != self._are_more_due:
            self._are_more_due = are_due
            self.send({"do": "more", "are_due": are_due})

    def go(self, runs: Sequence[int]) -> None:
        """Have what is armed start."""
        self.runs.update(runs)
        self.send(messages.go(runs))

    def withdraw(self, run: int) -> bool:
        """Take back an order that waits for the keeper; False if it was sent."""
        is_waiting = any(message.get("run") == run for message in self._queue)
        if is_waiting:
            self._queue = [message for message in self._queue if message.get("run") != run]
            self.runs.discard(run)
        return is_waiting

    def dismiss(self) -> None:
        """Tell the keeper to leave: it ends what runs, then itself."""
        if self.is_gone:
            return
        if self.is_ready:
            self._channel.send({"do": "leave"})
        self._forget_channel()
        # One that still imports reads nothing, and has no runs to end.
        self._loop.call_later(_GONE_WITHIN_S if self.is_ready else 0, self.kill)
        self._reap()

    def detach(self) -> None:
        """Leave the keeper alone with its runs: the next daemon takes it over."""
        self.is_gone = True
        self._forget_channel()

    def kill(self) -> None:
        """End the keeper at once; its workers die with it."""
        if not self.is_gone:
            self._process.kill()

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
        self._listening.on_message(self, message)

    def _died(self) -> None:
        # What it said last is still in the channel.
        for message in self._channel.receive_last():
            self._hear(message)
        self._forget_channel()
        self._reap()

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
        if not self._process.is_gone():
            self._loop.call_later(_POLL_S, self._reap)
            return
        self.is_gone = True
        self._record.remove()
        self._listening.on_gone(self)

    def how_it_ended(self) -> str:
        """Say how the process ended: "exit status 3", "SIGSEGV"."""
        return self._process.how_it_ended()

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


class Own(Link):
    """A keeper that starts runs for this daemon."""

    def __init__(
        self,
        key: KeeperKey,
        settings: Settings,
        directory: Path,
        listening: Listening,
        *,
        import_within_s: float = IMPORT_WITHIN_S,
        kept: Kept | None = None,
    ) -> None:
        """`kept` is one of a daemon that crashed, which is as this one would be."""
        self.key = key
        self.settings = settings
        self.importing: str | None = None
        """The module that the keeper imports at this moment."""
        self.reason: str | None = None
        """Why it cannot serve, in its own words."""
        self.detail: dict[str, Any] = {}
        """What names the exception that keeps it from serving."""
        self.is_late = False
        """It ends so that the next one imports some modules only after the fork."""
        self._path = runfiles.path_of(directory, key.user)
        self._import_within_s = import_within_s
        self._limit: asyncio.TimerHandle | None = None
        if kept is not None:
            assert kept.folder is not None, "only one that says what it is can be taken as it is"
            self._folder = kept.folder
            process = Inherited(kept.former.pid, kept.former.start)
            super().__init__(process, kept.channel, kept.former, listening)
            self.is_ready = True
            return
        folder = runfiles.prepare(directory, key.user)
        try:
            self._folder = runfiles.identity(os.fstat(folder))
            child, channel, record = _spawn(key, settings, directory, folder)
        finally:
            os.close(folder)
        super().__init__(child, channel, record, listening)
        self.listen()
        self._limit = self._loop.call_later(READY_WITHIN_S, self._too_slow)
        self._channel.send(messages.hello(settings))
        self._watch_writing()

    def has_folder(self) -> bool:
        """Say whether the folder in which it makes run files is still the one that is read."""
        return runfiles.is_current(self._path, self._folder)

    def dismiss(self) -> None:
        """Tell the keeper to leave: it ends what runs, then itself."""
        self._stop_limit()
        super().dismiss()

    def _stop_limit(self) -> None:
        if self._limit is not None:
            self._limit.cancel()

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
        super()._take(message)

    def _importing(self, module: str) -> None:
        self.importing = module
        if not self.is_ready:
            self._stop_limit()
            self._limit = self._loop.call_later(self._import_within_s, self.kill)

    def _ready(self) -> None:
        self._stop_limit()
        self.is_ready = True
        self.importing = None
        queue, self._queue = self._queue, []
        for message in queue:
            self.send(message)

    def _too_slow(self) -> None:
        self.reason = f"its setup was not done within {READY_WITHIN_S:.0f} s"
        self.kill()

    def _reap(self) -> None:
        if not self.is_gone and self._process.is_gone():
            self._stop_limit()
        super()._reap()


class TakenOver(Link):
    """A keeper that a former daemon started: it goes on with its runs, and gets no others."""

    def __init__(self, kept: Kept, listening: Listening) -> None:
        process = Inherited(kept.former.pid, kept.former.start)
        super().__init__(process, kept.channel, kept.former, listening)
        self.is_ready = True
        self.send({"do": "retire"})


def _spawn(
    key: KeeperKey, settings: Settings, directory: Path, folder: int
) -> tuple[Child, Channel, Former]:
    """Start the process of a keeper and record it; raises OSError."""
    ours, theirs = socket.socketpair()
    try:
        seat = register.make_seat(directory)
    except OSError:
        ours.close()
        theirs.close()
        raise
    descriptors = (theirs.fileno(), folder, seat.bound.fileno())
    try:
        process = subprocess.Popen(
            [*program(), "serve", *map(str, descriptors)],
            stdin=subprocess.DEVNULL,
            stdout=None if settings.logs_to_stdout else 2,
            pass_fds=descriptors,
            start_new_session=True,
            env=key.environ(os.environ),
            cwd=settings.folder,
        )
    except OSError:
        ours.close()
        seat.remove()
        raise
    finally:
        seat.close()
        theirs.close()
    try:
        record = register.record(directory, process.pid, seat)
    except OSError:
        # The next daemon could not find it.
        ours.close()
        seat.remove()
        process.kill()
        process.wait()
        raise
    priority.go_first(process.pid)
    return Child(process), Channel(ours, LINE_MAX), record


def _pidfd_of(pid: int) -> int | None:
    try:
        return os.pidfd_open(pid) if hasattr(os, "pidfd_open") else None
    except OSError:
        return None  # it is gone; its channel says so

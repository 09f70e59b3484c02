"""The keeper: `python -m linod.executor.keeper serve SOCKET FOLDER SEAT`; how check looks at code.

It is one program for describing, binding and running procedures, so that `check` sees what a run
will see. Order at start: drop privileges, import linod whole, put import_path first, run setup,
import the procedures, freeze the collector, fork.

Rules of this border:
- A module that cannot be imported fails its own runs only. One that ends, hangs or crashes the
  keeper, or starts threads, is imported after the fork; the daemon starts the next keeper so.
- TERM, INT and HUP are ignored: a keeper lives as long as its daemon wants it, and where that is
  gone as long as it has runs, and a minute more; the next daemon finds it at its seat.
"""

from __future__ import annotations

import asyncio  # noqa: F401 - warm for `async def` procedures
import fcntl
import gc
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from typing import Any
from zoneinfo import ZoneInfo

from attrs import evolve

from linod.errors import LinodError
from linod.executor import (
    around,
    management,
    messages,
    privileges,
    rehearsing,
    resolve,
    tree,
    wire,
    worker,
)
from linod.executor.binding import Plan
from linod.executor.calling import Planned
from linod.executor.containing import FILE_SIZE
from linod.executor.door import Door
from linod.executor.failing import failure
from linod.executor.keeping import Keeping
from linod.executor.kept import KeptRun
from linod.executor.messages import Settings, module_of
from linod.executor.resolve import Unresolved
from linod.inspection import ProblemKind
from linod.log import replace_streams, start_log, write_kept, write_lines, write_output
from linod.log.lines import Masks
from linod.log.plan import LogPlan
from linod.specs import LogLevel

_PYTHON_IGNORES = {signal.SIGPIPE, signal.SIGXFSZ}


def serve(descriptor: int, folder: int, seat: int) -> int:
    """Keep runs for the daemon at the other end of the socket, and for those that follow it."""
    _heed_signals()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    connection = socket.socket(fileno=descriptor)
    for each in (descriptor, folder, seat):
        os.set_inheritable(each, False)
    owner = os.geteuid()
    settings = messages.settings_of(_first_message(connection))
    connection.setblocking(True)
    channel = wire.Channel(connection, wire.REQUEST_MAX)
    try:
        if settings.user is not None:
            # As that user it may send its log, by modules which only we may be able to read.
            import_module("linod.log.sending")
        privileges.drop(settings.user, settings.group, settings.nice)
        speech = KeeperSpeech(settings)
        library = Library(settings, channel)
        library.prepare()
    except LinodError as error:
        end = failure(str(error), error.__cause__ or error)
        end = worker.masked_end(end, Masks(settings.secrets))
        channel.send({"is": "unusable", **end})
        return 1
    if library.threaded:
        channel.send({"is": "late", "modules": [*settings.late, *library.threaded]})
        return 0
    privileges.adopt_orphans()
    rehearsing.warm(settings.directory, tree.boot_id())
    gc.collect()
    gc.freeze()
    door = Door(socket.socket(fileno=seat), owner)
    door.open()
    channel.send({"is": "ready"})
    Keeping(channel, settings, folder, speech, library.plan, door).run()
    return 0


def _heed_signals() -> None:
    """Undo what the starter of the daemon ignores, nohup for example: runs would inherit it."""
    for number in signal.valid_signals() - _PYTHON_IGNORES:
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)


class Library:
    """The procedures of a keeper, imported and planned."""

    def __init__(self, settings: Settings, channel: wire.Channel) -> None:
        self._settings = settings
        self._channel = channel
        self._plans: dict[str, Planned] = {}
        self._zones: list[ZoneInfo] = []
        self.threaded: list[str] = []
        """Modules that started threads when they were imported."""

    def prepare(self) -> None:
        """Run setup, then import all procedures; raise LinodError if setup fails."""
        open_import_path(self._settings.import_path)
        if self._settings.django is not None:
            guarded(lambda: management.set_up(str(self._settings.django)))
            management.warm()
        for path in self._settings.setup:
            set_up(path)
        for name in self._settings.zones:
            # ZoneInfo remembers what somebody holds: workers find it there.
            with suppress(Exception):
                self._zones.append(ZoneInfo(name))
        for path in self._settings.procedures:
            with self._watching_threads(module_of(path)):
                self.plan(path)
        for name in self._settings.commands if self._settings.django is not None else ():
            with suppress(Unresolved):
                self._warm(name)
        around.after()

    @contextmanager
    def _watching_threads(self, module: str) -> Iterator[None]:
        before = thread_count()
        yield
        if thread_count() > before and module not in self._settings.late:
            self.threaded.append(module)

    def _warm(self, name: str) -> None:
        """Import a management command; the worker tells why that is not possible."""
        module = management.module_of_command(name)
        if module not in self._settings.late:
            self._channel.send({"is": "importing", "module": module})
            with self._watching_threads(module), suppress(Unresolved):
                guarded(lambda: management.imported(name))

    def plan(self, path: str) -> Planned:
        """Return the plan of a procedure, why there is none, or None: to be made after the fork."""
        if module_of(path) in self._settings.late:
            return None
        if path not in self._plans:
            self._channel.send({"is": "importing", "module": module_of(path)})
            self._plans[path] = guarded(lambda: planned(path))
            around.after()
        return self._plans[path]


class KeeperSpeech:
    """The log, as a keeper writes to it."""

    def __init__(self, settings: Settings) -> None:
        # 1 and 2 of a worker are pipes to us: stdout and console go on under other numbers.
        console = fcntl.fcntl(2, fcntl.F_DUPFD_CLOEXEC, 3)
        out = fcntl.fcntl(1, fcntl.F_DUPFD_CLOEXEC, 3) if settings.logs_to_stdout else console
        os.dup2(2, 1)  # what a module prints at import is no line of the log
        self.plan = evolve(LogPlan.of_json(settings.log_plan), out=out, fd=console)
        self._level = None if settings.log_level is None else LogLevel(settings.log_level)
        self._keep = None if settings.log_keep is None else LogLevel(settings.log_keep)
        self.mask(settings.secrets)
        replace_streams()

    def mask(self, secrets: list[str]) -> None:
        """Mask these values from now on."""
        start_log(self.plan, program="keeper", level=self._level, secrets=secrets, keep=self._keep)

    def write(self, run: KeptRun, level: LogLevel, text: str) -> bytes:
        """Write the output of a run; return the lines as written."""
        return write_output(
            text,
            level,
            run.spec.name,
            run.order.run,
            task_level=run.level,
            kept_level=run.kept_level,
            keep=run.flight.add,
        )

    def kept(self, run: KeptRun, why: str) -> None:
        """Write what was kept of a run, where there is something."""
        kept = run.flight.take()
        if kept.lines or kept.lost:
            write_kept(kept.lines, kept.told(why), run.spec.name, run.order.run)

    def lines(self, run: KeptRun, data: bytes) -> list[bytes]:
        """Return the lines of a worker's log; write them where it may not do that itself."""
        lines = run.log_lines(data)
        if FILE_SIZE in run.spec.limits:
            write_lines(lines)
        return lines


def open_import_path(folders: list[str]) -> None:
    """Put the import path first, in its order."""
    sys.path[:0] = [folder for folder in folders if folder not in sys.path]


def set_up(path: str) -> None:
    """Call a callable of `setup`; raise LinodError with what it raised."""
    try:
        guarded(guarded(lambda: resolve.resolve(path)))
    except Unresolved as error:
        raise LinodError(f"setup failed: {error.message}") from error.origin
    except BaseException as error:
        raise LinodError(f"setup failed: {path}: {resolve.one_line(error)}") from error


def planned(path: str) -> Plan | Unresolved:
    """Plan a procedure, or say why that is not possible."""
    try:
        return Plan(path, resolve.resolve(path))
    except Unresolved as error:
        return error
    except Exception as error:  # noqa: BLE001 - signatures and annotations are user code
        return _unreadable(path, error)


def _unreadable(path: str, error: Exception) -> Unresolved:
    unresolved = Unresolved(
        ProblemKind.UNSUITABLE,
        f"{path} has a signature that cannot be read: {resolve.one_line(error)}",
        subject=path,
        notes=resolve.last_lines(error),
    )
    unresolved.__cause__ = error
    return unresolved


def guarded(call: Callable[[], Any]) -> Any:
    """Call; a process that user code forked and that comes back here ends, unseen."""
    pid = os.getpid()
    try:
        return call()
    finally:
        if os.getpid() != pid:
            os._exit(0)


def thread_count() -> int:
    """Count the threads of this process, those of C libraries too."""
    try:
        return len(os.listdir("/proc/self/task"))
    except OSError:
        import threading

        return threading.active_count()


def _first_message(connection: socket.socket) -> dict[str, Any]:
    """Read the hello, byte for byte up to its end: what follows is for the loop."""
    connection.setblocking(True)
    data = bytearray()
    while not data.endswith(b"\n"):
        peeked = connection.recv(1 << 20, socket.MSG_PEEK)
        if not peeked:
            os._exit(0)  # the daemon is gone already
        end = peeked.find(b"\n") + 1
        data += connection.recv(end or len(peeked))
    message = wire.decode(bytes(data))
    assert message is not None, "the daemon speaks first"
    return message


def main(arguments: list[str]) -> int:
    """Run as one of the two programs."""
    mode, *descriptors = arguments
    if mode == "serve":
        return serve(*map(int, descriptors))
    from linod.executor.describe import describe

    return describe(*map(int, descriptors))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""One child that looks at user code: its process, and what it says until it is done or dead."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import time
from contextlib import suppress
from typing import IO, Any

from attrs import frozen

from linod.executor import tree, wire
from linod.executor.early import EarlyChild
from linod.inspection import ProblemKind

# Of the time that is left: numpy and Django on a cold disk take seconds, a loop takes for ever;
# so those that hang leave time for the others, however many they are.
_SHARE_OF_ONE = 3
_RESULT_MAX = 256 * 1024 * 1024
_LINE_MAX = 4 * 1024 * 1024
_STDERR_MAX = 4096
_FAULT_MAX = 16 * 1024
_NOTES_MAX = 8
_POLL_S = 0.05
_SAYS_WITHIN_S = 1.0


@frozen
class Death:
    """How a child ended before it was done."""

    module: str | None
    kind: ProblemKind
    how: str
    notes: tuple[str, ...]


class Child:
    """One child: its process, and what it says until it is done or dead."""

    def __init__(self, request: dict[str, Any], child: EarlyChild) -> None:
        """Ask it."""
        self.found: list[dict[str, Any]] = []
        self._importing: str | None = None
        self._since = time.monotonic()
        self._is_done = False
        self._status: int | None = None
        self._unusable: str | None = None
        self._stderr = bytearray()
        self._buffer = wire.LineBuffer(_LINE_MAX)
        self._taken = 0
        self._child = child
        child.ask(wire.encode(request))

    def listen(self, limit: float) -> Death | None:
        """Take what the child says; return how it died if it was not done."""
        try:
            return self._listen((limit - time.monotonic()) / _SHARE_OF_ONE, limit)
        finally:
            self._clear()

    def _listen(self, module_s: float, limit: float) -> Death | None:
        stderr = self._child.process.stderr
        assert stderr is not None
        with selectors.DefaultSelector() as selector:
            for stream in (self._child.result, stderr.fileno()):
                os.set_blocking(stream, False)
                selector.register(stream, selectors.EVENT_READ)
            while not self._is_done and self._status is None:
                for key, _ in selector.select(_POLL_S):
                    if not self._read(key.fd):
                        selector.unregister(key.fd)
                if self._child.process.poll() is not None:
                    self._read_rest(stderr)
                    break
                now = time.monotonic()
                if now > limit:
                    how = "the time for all modules is up"
                    return Death(None, ProblemKind.IMPORT_TIMED_OUT, how, ())
                is_hung = self._importing is not None and now - self._since > module_s
                if is_hung or self._taken > _RESULT_MAX:
                    return self._hung(now - self._since)
            return None if self._is_done else self._death()

    def _read(self, descriptor: int) -> bool:
        """Take what a pipe has; False at its end."""
        try:
            data = os.read(descriptor, wire.READ_MAX)
        except BlockingIOError:
            return True
        if descriptor == self._child.result:
            self._take(data)
        else:
            self._stderr = (self._stderr + data)[-_STDERR_MAX:]
        return bool(data)

    def _read_rest(self, stderr: IO[bytes]) -> None:
        for descriptor in (self._child.result, stderr.fileno()):
            before = -1
            while before != self._taken and self._read(descriptor):
                before = self._taken

    def _take(self, data: bytes) -> None:
        self._taken += len(data)
        for line in self._buffer.feed(data):
            message = wire.decode(line) or {}
            if "importing" in message:
                self._importing = str(message["importing"])
                self._since = time.monotonic()
            elif type(message.get("status")) is int:
                self._status = message["status"]
            elif "unusable" in message:
                self._unusable = str(message["unusable"])
            elif "done" in message:
                self._is_done = True
            else:
                self.found.append(message)

    def _hung(self, after_s: float) -> Death:
        self._ask_where()
        how = f"was still being imported after {after_s:.0f} s"
        return Death(self._importing, ProblemKind.IMPORT_TIMED_OUT, how, self._notes())

    def _ask_where(self) -> None:
        """Let the inner process say where it is; busy ones may get no processor for a while."""
        table = tree.processes()
        for pid in tree.descendants([self._child.process.pid], table):
            if table[pid].parent == self._child.process.pid:
                tree.send(signal.SIGUSR1, table[pid])
        limit = time.monotonic() + _SAYS_WITHIN_S
        fault = self._child.fault.fileno()
        while not os.fstat(fault).st_size and time.monotonic() < limit:
            time.sleep(_POLL_S)
        time.sleep(_POLL_S)  # for the rest of it

    def _death(self) -> Death:
        status = self._status
        if self._importing is None:
            how = self._unusable or f"the child ended ({_how(self._child.process.returncode or 0)})"
            return Death(None, ProblemKind.IMPORT_CRASHED, how, self._notes())
        if status is None:
            how = f"killed the process that waits for it ({_how(self._child.process.returncode)})"
            return Death(self._importing, ProblemKind.IMPORT_CRASHED, how, self._notes())
        kind = ProblemKind.IMPORT_CRASHED if status < 0 else ProblemKind.IMPORT_EXITED
        verb = "crashes" if status < 0 else "ends the process"
        how = f"{verb} when it is imported: {_how(status)}"
        return Death(self._importing, kind, how, self._notes())

    def _notes(self) -> tuple[str, ...]:
        """The last lines: of the fault, innermost frame first, or else of stderr."""
        self._child.fault.seek(0)
        fault = self._child.fault.read(_FAULT_MAX).decode("utf-8", "replace").splitlines()
        lines = [line for line in fault if line.strip() and not _is_noise(line)]
        if not lines:
            lines = bytes(self._stderr).decode("utf-8", "replace").splitlines()[-_NOTES_MAX:]
        return tuple(line[:300] for line in lines[:_NOTES_MAX])

    def _clear(self) -> None:
        """End all of the child's tree."""
        pid = self._child.process.pid
        with suppress(OSError):
            os.killpg(pid, signal.SIGSTOP)
        tree.kill_all(lambda table: tree.of_session(pid, table) - _zombie(self._child.process))
        self._child.close()


def _zombie(process: subprocess.Popen[bytes]) -> set[int]:
    return {process.pid} if process.poll() is not None else set()


def _is_noise(line: str) -> bool:
    ours = os.path.dirname(__file__)
    return "<frozen importlib" in line or ours in line or line.startswith("Extension modules")


def _how(status: int) -> str:
    if status >= 0:
        return f"exit status {status}"
    try:
        return signal.Signals(-status).name
    except ValueError:
        return f"signal {-status}"

"""The sink of a process that may not write the log: records go to the log server.

Rules of this border:
- When `write` returned, the record is in the spool (spool.py); nobody waits for the server.
- Records are sent as `JsonLines` writes them, and the server makes the line of the log. A text
  line that somebody else wrote, a worker for its keeper, is read back into a record.
- A child of a fork begins a stream of its own, with the first record that it writes.
- Where not even a spool can be had, lines go to the console, and the first one says why.
"""

from __future__ import annotations

import atexit
import os
import re
import secrets
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from linod.errors import KeyRefused
from linod.log.frames import FrameError, Hello
from linod.log.lines import NAME_MAX, JsonLines, Origin, Record, missing_here, unescape
from linod.log.link import SOCKET_NAME, SPOOL_NAME, Target
from linod.log.orphans import deliver_orphans, orphans
from linod.log.outbox import CLOSE_WITHIN_S, Outbox
from linod.log.plan import LEVEL_NUMBERS, LogPlan
from linod.log.secrecy import address_of, is_loopback, read_token
from linod.log.sink import ConsoleSink
from linod.log.spool import open_folder
from linod.specs import LogLevel

_OPEN_PAUSE_S = 1.0
_NESTED_MAX = 1_000
_OTHER_LEVEL = LEVEL_NUMBERS[LogLevel.WARNING]
"""Of a level that loguru does not have, for the choice of what is dropped."""
_LEVEL = re.compile(rb'"level":"([^"\\]*)"')
_NUMBERS = {str(name).encode(): number for name, number in LEVEL_NUMBERS.items()}
_LINE = re.compile(r"(\S+ \S+) (\S+) +(\S+) (\S+): ", re.ASCII)
_WHO = re.compile(r"(?P<task>\S+)#(?P<run>\d+)|(?P<program>\S+)\[(?P<pid>\d+)\]")
_WHERE = re.compile(r"(.+):([^:]+):(\d+)")


class SendingSink:
    """Records on their way to the log server."""

    is_sending = True

    def __init__(self, target: Target, program: str, console_fd: int) -> None:
        self._target = target
        self._program = program[:NAME_MAX]
        self._console = ConsoleSink(console_fd)
        self._lock = threading.RLock()
        self._nested: deque[bytes] = deque(maxlen=_NESTED_MAX)
        self._is_writing = False
        self._folder = -1
        self._outbox: Outbox | None = None
        self._retry_at_s = 0.0
        self._told: set[str] = set()
        self._has_looked = False
        self.lost = 0
        self.reason = ""

    def open(self) -> None:
        """Do nothing: a process that has nothing to say has no spool."""

    def write(self, line: bytes) -> bool:
        """Take a record, as JSON or as a text line; false, and counted, if it was not kept."""
        with self._lock:
            if self._is_writing:  # a signal handler logs while its own thread does
                self._nested.append(line)
                return True
            self._is_writing = True
            try:
                is_written = self._write(line)
                while self._nested:
                    self._write(self._nested.popleft())
            finally:
                self._is_writing = False
            return is_written

    def _write(self, line: bytes) -> bool:
        if self._outbox is None and not self._open():
            return self._console.write(line)
        assert self._outbox is not None
        body = line.rstrip(b"\n") if line.startswith(b"{") else _as_json(line)
        try:
            self._outbox.add(body, _level_of(body))
        except OSError as error:
            self.lost += 1
            self.reason = error.strerror or str(error)
            return False
        return True

    def _open(self) -> bool:
        """Begin a stream; false while there is no place for its spool."""
        if time.monotonic() < self._retry_at_s:
            return False
        hello = Hello(
            secrets.token_hex(16),
            self._program,
            os.getpid(),
            "" if self._target.is_here else socket.gethostname(),
            self._target.token,
        )
        try:
            if self._folder < 0:
                self._folder = open_folder(self._target.spool)
            self._outbox = Outbox(
                self._target, self._folder, hello, _notice(self._program), self.tell_console
            )
        except OSError as error:
            self._retry_at_s = time.monotonic() + _OPEN_PAUSE_S
            self._forget_folder()
            reason = error.strerror or str(error)
            self.tell_console(f"has no spool for this user: {reason}; its lines come here")
            return False
        atexit.register(self._close_at_exit, os.getpid())
        self._look_for_orphans(hello.stream)
        return True

    def _look_for_orphans(self, own: str) -> None:
        """Deliver what dead processes of this user left, where the server cannot see it."""
        if self._has_looked or _is_swept(self._target):
            return
        self._has_looked = True
        if set(orphans(self._folder)) - {own}:
            with suppress(RuntimeError):  # at the end of the interpreter
                threading.Thread(target=self._deliver_orphans, daemon=True).start()

    def _deliver_orphans(self) -> None:
        with suppress(OSError, FrameError):  # the next process tries again
            deliver_orphans(self._target, self._folder, _notice(self._program))

    # -- the end, and forks ---------------------------------------------------------------------

    def close(self, within_s: float = CLOSE_WITHIN_S) -> None:
        """End the stream; what is not acknowledged in time waits in the spool for others."""
        with self._lock:
            outbox, self._outbox = self._outbox, None
        if outbox is not None:
            outbox.close(within_s)

    def _close_at_exit(self, pid: int) -> None:
        if pid == os.getpid():
            self.close()

    def reset_after_fork(self) -> None:
        """Let go of what a child shares with its parent: its stream, a held lock, losses."""
        self._lock = threading.RLock()
        self._console.reset_after_fork()
        self._nested.clear()
        self._is_writing = False
        self.lost = 0
        if self._outbox is not None:
            self._outbox.let_go()
            self._outbox = None

    def _forget_folder(self) -> None:
        if self._folder >= 0:
            with suppress(OSError):
                os.close(self._folder)
            self._folder = -1

    def tell_console(self, text: str) -> None:
        """Say on the console what the log itself cannot say, once."""
        if text not in self._told:
            self._told.add(text)
            where = self._target.socket or f"{self._target.host}:{self._target.port}"
            line = f"linod: log server {str(where)!r} {text}\n"
            self._console.write(line.encode("utf-8", "backslashreplace"))


def target_of(plan: LogPlan) -> Target:
    """Read where a plan sends records; KeyRefused for what is no such place."""
    assert plan.server is not None
    assert plan.spool is not None
    scheme, _, rest = plan.server.rpartition("://")
    if scheme in ("", "unix") and rest.startswith("/"):
        return Target(socket=Path(rest), spool=plan.spool)
    if scheme not in ("tls", "tcp"):
        raise KeyRefused(
            "log",
            "server",
            f'"{plan.server}" is no log server: expected "tls://host:port" or '
            '"unix:///path/log.sock"',
        )
    host, port = address_of(rest, "server")
    if scheme == "tcp" and not is_loopback(host):
        raise KeyRefused("log", "server", f'{host} is another machine: use "tls://{rest}"')
    keys = {name: Path(path) for name, path in plan.keys.items()}
    shown = keys.get("certificate"), keys.get("certificate_key")
    return Target(
        host=host,
        port=port,
        is_plain=scheme == "tcp",
        authority=keys.get("authority"),
        certificate=(shown[0], shown[1]) if shown[0] and shown[1] else None,
        token=read_token(keys["token_file"]) if "token_file" in keys else "",
        spool=plan.spool,
    )


def sink_to(plan: LogPlan, program: str) -> SendingSink:
    """Give the sink of a process whose records all go to a log server."""
    target = target_of(plan)
    with suppress(OSError):  # the sink says why it has no spool
        os.makedirs(target.spool, 0o711, exist_ok=True)
    return SendingSink(target, program, plan.fd)


def sink_of(plan: LogPlan, program: str) -> SendingSink | None:
    """Give the sink of a process that may not write the log; None: no server takes its records."""
    assert plan.path is not None
    spool = plan.path.with_name(SPOOL_NAME)
    if not os.access(spool, os.X_OK, effective_ids=True):
        return None
    target = Target(socket=plan.path.with_name(SOCKET_NAME), spool=spool)
    return SendingSink(target, program, plan.fd)


def _is_swept(target: Target) -> bool:
    """Tell whether the server looks into the spools itself: it is root's, and they are beside it.

    A volume of a container is beside no server.
    """
    if target.socket is None:
        return False
    try:
        there = os.stat(target.socket.with_name(SPOOL_NAME))
        return there.st_uid == 0 and os.path.samestat(there, os.stat(target.spool))
    except OSError:
        return False


def _notice(program: str) -> Callable[[int], bytes]:
    """Make records that say how many are missing."""
    return lambda count: missing(count, Origin(program, os.getpid()))


def missing(count: int, origin: Origin) -> bytes:
    """Make the record that stands for records which cannot be delivered."""
    text = missing_here(count, "the spool had no room for more, or was damaged")
    record = Record(time.time(), LogLevel.WARNING, "linod.log", text)
    return JsonLines(UTC).line(record, origin).rstrip(b"\n")


# -- lines as records ---------------------------------------------------------------------------


def _level_of(body: bytes) -> int:
    match = _LEVEL.search(body, 0, 2 * NAME_MAX)
    return _NUMBERS.get(match[1], _OTHER_LEVEL) if match else _OTHER_LEVEL


def _as_json(line: bytes) -> bytes:
    """Read a text line of the log back into a record; whatever is none becomes a message."""
    text = line.decode("utf-8", "replace").rstrip("\n")
    match = _LINE.match(text)
    who = _WHO.fullmatch(match[3]) if match else None
    if match is None or who is None:
        record = Record(time.time(), LogLevel.INFO, "linod.log", text)
        return JsonLines(UTC).line(record, Origin("worker", os.getpid())).rstrip(b"\n")
    place = _WHERE.fullmatch(match[4])
    record = Record(
        _instant(match[1]),
        match[2],
        unescape(place[1] if place else match[4]),
        unescape(text[match.end() :]),
        unescape(place[2]) if place else "",
        int(place[3]) if place else 0,
    )
    task, run = who["task"], who["run"]
    pid = int(who["pid"] or os.getpid())
    origin = Origin(who["program"] or "worker", pid, task, int(run) if run else None)
    return JsonLines(UTC).line(record, origin).rstrip(b"\n")


def _instant(text: str) -> float:
    try:
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError):
        return time.time()

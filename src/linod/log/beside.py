"""The sinks beside the file: stdout, stderr, and systemd's journal.

Rules of this border:
- Each writes a record on its own, in a format of its own; trouble of one is no trouble of the
  others. What it loses is counted, told once by who asks, and told in itself once it takes again.
- The journal is spoken to as systemd.io/JOURNAL_NATIVE_PROTOCOL says: a datagram of fields, or
  where that is too large, the descriptor of a sealed memfd.
- No lock of threads where a signal handler may log; a reader that takes nothing is not waited for
  longer than a console (sink.py).
"""

from __future__ import annotations

import array
import errno
import fcntl
import os
import socket
import struct
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from linod.log.lines import JsonLines, Masks, Origin, Record, TextLines, escape, missing_here
from linod.log.plan import LEVEL_NUMBERS, LogPlan
from linod.log.sink import CONSOLE_WAIT_S, ConsoleSink, raised, takes
from linod.specs import LogFormat, SinkName

_LINES: dict[LogFormat, type[TextLines] | type[JsonLines]] = {
    LogFormat.TEXT: TextLines,
    LogFormat.JSON: JsonLines,
}
# syslog(3): 7 debug, 6 info, 5 notice, 4 warning, 3 err, 2 crit.
_PRIORITIES = ((50, 2), (40, 3), (30, 4), (25, 5), (20, 6))
_DEBUG = 7
# What the journal takes of one field is its own affair; a message has the bound of a line.
_MESSAGE_MAX = 256 * 1024


def lines_of(form: LogFormat, zone: str, secrets: Sequence[str]) -> TextLines | JsonLines:
    """Give the writer of lines of a format."""
    return _LINES[form](_zone(zone), secrets)


def severity(record: Record) -> int:
    """Give the number of a record's level."""
    return record.number or LEVEL_NUMBERS.get(record.level, LEVEL_NUMBERS["INFO"])


def outlets(
    plan: LogPlan, secrets: Sequence[str], former: tuple[Outlet, ...] | None
) -> tuple[Outlet, ...]:
    """Make the outlets of a plan; a connection to the journal that is open goes on."""
    journals = [each for each in former or () if isinstance(each, Journal)]
    made: list[Outlet] = []
    for sink in plan.beside:
        if sink.name is not SinkName.JOURNALD:
            fd = plan.out if sink.name is SinkName.STDOUT else plan.fd
            lines = lines_of(sink.format or plan.format, plan.zone, secrets)
            made.append(Stream(str(sink.name), fd, lines))
        elif journals and journals[0].path == plan.journal:
            journals[0].mask = Masks(secrets)
            made.append(journals[0])
        else:
            made.append(Journal(plan.journal, secrets))
    return tuple(made)


class Outlet:
    """One sink beside the file."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._lost = 0
        self._reason = ""

    def write(self, record: Record, origin: Origin) -> str:
        """Write a record; where that fails, count it, and the first time say why."""
        try:
            self._put(record, origin)
        except OSError as error:
            self._lost += 1
            self._reason = error.strerror or str(error)
            return self._reason if self._lost == 1 else ""
        if self._lost:
            self._tell_losses(record, origin)
        return ""

    def reset_after_fork(self) -> None:
        """Leave the losses of the parent to it."""
        self._lost = 0

    def _put(self, record: Record, origin: Origin) -> None:
        raise NotImplementedError

    def _tell_losses(self, record: Record, origin: Origin) -> None:
        lost, self._lost = self._lost, 0
        text = missing_here(lost, self._reason)
        try:
            self._put(Record(record.at, "WARNING", "linod.log", text), origin)
        except OSError:
            self._lost += lost


class Stream(Outlet):
    """stdout or stderr of the daemon, or of a process that connected itself."""

    def __init__(self, name: str, fd: int, lines: TextLines | JsonLines) -> None:
        super().__init__(name)
        self._console = ConsoleSink(fd)
        self._lines = lines

    def reset_after_fork(self) -> None:
        """Let go of a lock that another thread of the parent may have held."""
        super().reset_after_fork()
        self._console.reset_after_fork()

    def _put(self, record: Record, origin: Origin) -> None:
        if not self._console.write(self._lines.line(record, origin)):
            raise OSError(errno.EIO, self._console.reason)


class Journal(Outlet):
    """systemd's journal."""

    def __init__(self, path: str, secrets: Sequence[str]) -> None:
        super().__init__("journald")
        self.path = path
        self.mask = Masks(secrets)
        self._socket: socket.socket | None = None
        self._wait_s = CONSOLE_WAIT_S

    def _put(self, record: Record, origin: Origin) -> None:
        data = b"".join(_field(*each) for each in self._fields(record, origin))
        try:
            self._send(data)
        except OSError as error:
            # journald was started anew, or all descriptors were closed.
            if error.errno not in (errno.ECONNREFUSED, errno.ENOTCONN, errno.EBADF, errno.ENOTSOCK):
                raise
            self._let_go()
            self._send(data)

    def _fields(self, record: Record, origin: Origin) -> Iterator[tuple[str, str]]:
        message = record.message
        if record.exception is not None:
            message = f"{message}\n{record.exception.traceback}"
        text = "\n".join(escape(line) for line in self.mask(message).split("\n"))
        yield "MESSAGE", text[:_MESSAGE_MAX]
        yield "PRIORITY", str(_priority(severity(record)))
        yield "SYSLOG_IDENTIFIER", escape(origin.task or origin.program)
        yield "LINOD_LOGGER", escape(record.logger)
        if record.function:
            yield "CODE_FUNC", escape(record.function)
            yield "CODE_LINE", str(record.line)
        if origin.task is not None:
            yield "LINOD_TASK", escape(origin.task)
        if origin.run is not None:
            yield "LINOD_RUN", str(origin.run)

    def _send(self, data: bytes) -> None:
        """Send; wait for a journal that is busy, once, and not at all while it stays so."""
        opened = self._opened()
        try:
            _deliver(opened, data)
        except BlockingIOError:
            wait_s, self._wait_s = self._wait_s, 0.0
            if not takes(opened.fileno(), wait_s):
                raise
            _deliver(opened, data)
        self._wait_s = CONSOLE_WAIT_S

    def _opened(self) -> socket.socket:
        if self._socket is None:
            made = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
            with made:
                made.connect(self.path)
                self._socket = socket.socket(fileno=raised(made.fileno()))
                if self._socket.fileno() == made.fileno():
                    made.detach()
            self._socket.setblocking(False)
        return self._socket

    def _let_go(self) -> None:
        opened, self._socket = self._socket, None
        if opened is not None:
            with suppress(OSError):
                opened.close()


class NoSink:
    """In place of the file, where `[log] to` does not name it."""

    is_sending = False
    lost = 0
    reason = ""

    def open(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""

    def write(self, _line: bytes) -> bool:
        """Do nothing: the sinks beside write the record."""
        return True

    def tell_console(self, text: str) -> None:
        """Do nothing."""

    def reset_after_fork(self) -> None:
        """Do nothing."""


def _priority(number: int) -> int:
    return next((priority for least, priority in _PRIORITIES if number >= least), _DEBUG)


def _field(name: str, value: str) -> bytes:
    """Write one field; a value of several lines has its length before it."""
    data = value.encode("utf-8", "backslashreplace")
    if b"\n" not in data:
        return b"%s=%s\n" % (name.encode(), data)
    return b"%s\n%s%s\n" % (name.encode(), struct.pack("<Q", len(data)), data)


def _deliver(opened: socket.socket, data: bytes) -> None:
    try:
        opened.send(data)
    except OSError as error:
        if error.errno not in (errno.EMSGSIZE, errno.ENOBUFS):
            raise
        _send_sealed(opened, data)


def _send_sealed(opened: socket.socket, data: bytes) -> None:
    """Hand over a descriptor of memory that nobody can change any more."""
    fd = os.memfd_create("linod", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        with open(fd, "wb", buffering=0, closefd=False) as memory:
            memory.write(data)
        seals = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SEAL
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, seals)
        descriptors = array.array("i", [fd])
        opened.sendmsg([], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, descriptors)])
    finally:
        os.close(fd)


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # removed while the daemon runs
        return ZoneInfo("UTC")

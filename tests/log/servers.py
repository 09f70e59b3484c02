"""Log servers and senders as processes of their own."""

from __future__ import annotations

import json
import os
import signal
import socket
from contextlib import contextmanager
from datetime import UTC

from linod.log.access import Access
from linod.log.frames import Decoder, Frame, Hello, Kind, encode, write_hello
from linod.log.lines import JsonLines, Origin, Record
from linod.log.link import Target
from linod.log.plan import LogPlan
from linod.log.sending import SendingSink
from linod.log.server import LogServer

from .processes import fork, until, wait

NOBODY = 65534
STREAM = "ab" * 16


class Serving:
    """A log server that can be killed and begun again."""

    def __init__(self, directory, **access):
        self.path = directory / "linod.log"
        self.socket = directory / "log.sock"
        self.spool = directory / "spool" / str(os.geteuid())
        self.target = Target(socket=self.socket, spool=directory / "spool")
        self._access = Access(**{"own": os.geteuid(), **access})
        self.pid = 0

    def begin(self):
        """Begin, and wait until it listens."""
        self.pid = fork(self._serve)
        until(self.answers)

    def _serve(self):
        server = LogServer(LogPlan(path=self.path), self._access)
        server.heed_signals()
        server.open()
        server.run()

    def answers(self):
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.connect(str(self.socket))
        except OSError:
            return False
        return True

    def end(self, number=signal.SIGKILL):
        """End it, and give its status."""
        os.kill(self.pid, number)
        pid, self.pid = self.pid, 0
        return wait(pid)

    def sink(self):
        return SendingSink(self.target, "prog", 2)

    def messages(self):
        """Give the messages in the log, in order; of what is just being written, whole lines."""
        if not self.path.exists():
            return []
        lines = self.path.read_text().rpartition("\n")[0].splitlines()
        return [line.split(": ", 1)[1] for line in lines if line.strip()]

    def spools(self):
        return sorted(self.spool.iterdir()) if self.spool.exists() else []


@contextmanager
def serving(directory, **access):
    """Serve until the end of the block."""
    server = Serving(directory, **access)
    server.begin()
    try:
        yield server
    finally:
        if server.pid:
            server.end()


def line_of(message, level="INFO", origin=None):
    """Write a record as its process does."""
    record = Record(1_795_237_801.1234, level, "shop", message)
    return JsonLines(UTC).line(record, origin or Origin("prog", os.getpid()))


def frame_of(number, message="hi", **values):
    """Make the frame of a record."""
    body = {**json.loads(line_of(message)), **values}
    return encode(Frame(Kind.RECORD, json.dumps(body).encode(), number, 20))


HELLO = encode(write_hello(Hello(STREAM, "prog", 7)))


class Raw:
    """A connection that says what it is told to."""

    def __init__(self, server):
        self.connection = socket.socket(socket.AF_UNIX)
        self.connection.connect(str(server.socket))
        self.connection.settimeout(20)
        self._decoder = Decoder()

    def send(self, *parts):
        for part in parts:
            self.connection.sendall(part)

    def frames(self):
        """Give frames until the server closes."""
        while True:
            try:
                data = self.connection.recv(65536)
            except ConnectionResetError:
                return
            if not data:
                return
            self._decoder.feed(data)
            yield from self._decoder.frames()

    def acked(self, number):
        """Wait for an acknowledgement; false if the server closes before."""
        return any(frame.kind is Kind.ACK and frame.number == number for frame in self.frames())

    def refusal(self):
        """Give why the server closed."""
        last = [frame for frame in self.frames() if frame.kind is Kind.REFUSED]
        return last[-1].body.decode() if last else None

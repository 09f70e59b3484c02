"""One connection of a sender to the log server: a Unix socket here, TLS to another host.

Nothing waits here but `wait` and the TLS handshake; every end of a connection is an OSError.
"""

from __future__ import annotations

import os
import select
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

from attrs import frozen

from linod.log.frames import Decoder, Frame
from linod.log.sink import moved
from linod.sockets import address

SOCKET_NAME = "log.sock"
SPOOL_NAME = "spool"
"""Both beside the log."""
CONNECT_WITHIN_S = 10.0
_READ = 64 * 1024
_KEEPALIVE = {"TCP_KEEPIDLE": 30, "TCP_KEEPINTVL": 10, "TCP_KEEPCNT": 3}
"""Seconds and a count: a host that is gone is noticed within a minute."""


@frozen(kw_only=True)
class Target:
    """Where a process sends its records, and where it keeps them until they have arrived."""

    socket: Path | None = None
    """A Unix socket of this machine, or one that a container is given."""
    host: str = ""
    port: int = 0
    is_plain: bool = False
    """Without TLS, which is for loopback."""
    authority: Path | None = None
    """Certificates to trust; None: those of the system."""
    certificate: tuple[Path, Path] | None = None
    """To show, with its key."""
    token: str = ""
    spool: Path
    """The folder that has one folder per user."""

    @property
    def is_here(self) -> bool:
        """Tell whether connecting and sending never wait."""
        return self.socket is not None


class Link:
    """A connection that does not block."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._decoder = Decoder()

    def send(self, data: bytes) -> int:
        """Send what the kernel takes at once; give how many bytes that are."""
        try:
            return self._connection.send(data, 0 if self._is_tls else socket.MSG_NOSIGNAL)
        except (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError):
            return 0

    def take(self) -> Iterator[Frame]:
        """Give the frames that are here; raise FrameError or OSError where it is over."""
        while True:
            try:
                data = self._connection.recv(_READ)
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                return
            if not data:
                raise ConnectionResetError("the log server closed")
            self._decoder.feed(data)
            yield from self._decoder.frames()

    def wait(self, within_s: float, *, to_send: bool, wake: int = -1) -> None:
        """Wait until there is something to read, perhaps to send, or `wake` is readable."""
        poll = select.poll()
        poll.register(self._connection, select.POLLIN | (select.POLLOUT if to_send else 0))
        if wake >= 0:
            poll.register(wake, select.POLLIN)
        poll.poll(within_s * 1000)

    def close(self) -> None:
        """Close; no other process that has the descriptor by fork is harmed."""
        self._connection.close()

    @property
    def _is_tls(self) -> bool:
        return isinstance(self._connection, ssl.SSLSocket)


def connect(target: Target) -> Link:
    """Connect; OSError where nobody listens, or who does is not whom it should be."""
    return Link(_here(target.socket) if target.socket is not None else _there(target))


def _here(path: Path) -> socket.socket:
    connection = _high(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
    try:
        connection.setblocking(False)  # a full queue of a stopped server is an error at once
        folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            connection.connect(address(path, folder))
        finally:
            os.close(folder)
    except BaseException:
        connection.close()
        raise
    return connection


def _there(target: Target) -> socket.socket:
    raw = _high(socket.create_connection((target.host, target.port), CONNECT_WITHIN_S))
    try:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in _KEEPALIVE.items():
            if hasattr(socket, name):
                raw.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
        secured = (
            raw
            if target.is_plain
            else _context(target).wrap_socket(raw, server_hostname=target.host)
        )
    except BaseException:
        raw.close()
        raise
    secured.setblocking(False)
    return secured


def _context(target: Target) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=target.authority)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if target.certificate is not None:
        context.load_cert_chain(*target.certificate)
    return context


def _high(connection: socket.socket) -> socket.socket:
    """Give a socket a number that code which closes low ones leaves alone."""
    timeout = connection.gettimeout()
    high = socket.socket(fileno=moved(connection.detach()))
    high.settimeout(timeout)
    return high

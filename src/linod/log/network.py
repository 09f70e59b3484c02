"""Other hosts: where the log server listens for them, by TLS, and how it knows them.

Rules of this border:
- Nothing listens beyond loopback without TLS, and nothing anywhere without a token or certificates
  of the senders. A key or a token that others on this machine can read is none.
- Everything is looked at before the server begins: what is wrong is one line and exit code 78.
- A handshake is a part of the loop, and bounded like a connection that says nothing.
"""

from __future__ import annotations

import hmac
import socket
import ssl
from collections.abc import Iterator
from typing import Any

from attrs import frozen

from linod.errors import KeyRefused
from linod.log.access import origin_of_host
from linod.log.frames import Frame, FrameError, Hello, Reason
from linod.log.lines import Origin
from linod.log.peers import Peer
from linod.log.secrecy import address_of, is_loopback, read_token, refuse_open, why
from linod.specs import Config, Log

_BACKLOG = 128


@frozen(kw_only=True)
class Network:
    """Where to listen, and whom to let in."""

    host: str
    port: int
    token: str = ""
    context: ssl.SSLContext | None = None
    """None: without TLS, which is for loopback."""
    has_authority: bool = False
    """Senders show certificates."""

    @classmethod
    def of(cls, config: Config) -> Network | None:
        """Read `[log] listen` and what belongs to it; KeyRefused for what is not safe."""
        log = config.log
        if log is None or log.listen is None:
            return None
        host, port = address_of(log.listen, "listen")
        if log.certificate is None and not is_loopback(host):
            raise KeyRefused(
                "log",
                "listen",
                f"{host} is not of this machine alone, so it needs TLS: set certificate and "
                "certificate_key",
            )
        token = "" if log.token_file is None else read_token(log.token_file)
        has_authority = log.authority is not None and log.certificate is not None
        if not token and not has_authority:
            raise KeyRefused(
                "log",
                "listen",
                "anybody could send: set token_file, or authority with a certificate",
            )
        context = _context(log)
        return cls(host=host, port=port, token=token, context=context, has_authority=has_authority)

    def listen(self) -> socket.socket:
        """Listen; KeyRefused where the address is not to be had."""
        try:
            family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
            listener = socket.create_server((self.host, self.port), family=family, backlog=_BACKLOG)
        except OSError as error:
            text = f"{self.host}:{self.port}: {error.strerror or error}"
            raise KeyRefused("log", "listen", text) from None
        listener.setblocking(False)
        return listener

    def peer(self, connection: socket.socket) -> Peer:
        """Make the peer of a connection that was accepted."""
        if self.context is None:
            return HostPeer(connection, self.token)
        secured = self.context.wrap_socket(
            connection, server_side=True, do_handshake_on_connect=False
        )
        return HostPeer(secured, self.token)


class HostPeer(Peer):
    """A sender of another host."""

    def __init__(self, connection: socket.socket, token: str) -> None:
        super().__init__(connection, "other hosts")
        self._token = token
        self._is_shaken = not isinstance(connection, ssl.SSLSocket)

    def frames(self) -> Iterator[Frame]:
        """Shake hands first; then as any other."""
        if not self._is_shaken:
            assert isinstance(self.connection, ssl.SSLSocket)
            try:
                self.connection.do_handshake()
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                return
            self._is_shaken = True
        yield from super().frames()

    def greet(self, frame: Frame) -> Hello:
        """Take the first frame, with the token."""
        hello = super().greet(frame)
        given = hello.token.encode("utf-8", "surrogatepass")
        if self._token and not hmac.compare_digest(given, self._token.encode()):
            raise FrameError(Reason.TOKEN)
        return hello

    def origin(self, claimed: Origin) -> Origin:
        """Name the host: by its certificate where it has one, else as it says."""
        assert self.hello is not None
        return origin_of_host(self._certified() or self.hello.host, claimed)

    def _certified(self) -> str:
        if not isinstance(self.connection, ssl.SSLSocket):
            return ""
        certificate: dict[str, Any] = self.connection.getpeercert() or {}
        names = dict(pair for part in certificate.get("subject", ()) for pair in part)
        return str(names.get("commonName", ""))


def _context(log: Log) -> ssl.SSLContext | None:
    if log.certificate is None:
        return None
    if log.certificate_key is None:
        raise KeyRefused("log", "certificate", "certificate_key is missing")
    refuse_open(log.certificate_key, "certificate_key")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(log.certificate, log.certificate_key)
    except (OSError, ValueError) as error:
        raise KeyRefused("log", "certificate", f"{log.certificate}: {why(error)}") from error
    if log.authority is not None:
        try:
            context.load_verify_locations(log.authority)
        except (OSError, ValueError) as error:
            raise KeyRefused("log", "authority", f"{log.authority}: {why(error)}") from error
        context.verify_mode = ssl.CERT_REQUIRED
    return context

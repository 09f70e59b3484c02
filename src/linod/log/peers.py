"""One peer of the log server: its connection, who it is, and what of it is unfinished."""

from __future__ import annotations

import socket
import ssl
import struct
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress

from linod.log.access import Access
from linod.log.frames import (
    BODY_MAX,
    HELLO_MAX,
    Decoder,
    Frame,
    FrameError,
    Hello,
    Kind,
    Reason,
    encode,
    read_hello,
)
from linod.log.lines import Origin
from linod.log.written import Stream

READ = 64 * 1024
"""Bytes that a peer may have read before the others have their turn."""
_CREDENTIALS = struct.Struct("3i")
_PEER_GROUPS = 59
"""SO_PEERGROUPS of Linux, which Python does not name; in bytes of gid_t."""
_REASONS_MAX = 1_000


class Peer:
    """A sender, as far as it is known."""

    is_admitted = True

    def __init__(self, connection: socket.socket, whose: str) -> None:
        self.connection = connection
        self.whose = whose
        self.since_s = time.monotonic()
        self.hello: Hello | None = None
        self.acked = -1
        """What it was told last."""
        self._decoder = Decoder(HELLO_MAX)
        self._unsent = b""

    @property
    def stream(self) -> Stream:
        """Whose stream it is, and which."""
        assert self.hello is not None, "a peer without a hello has no stream"
        return self.whose, self.hello.stream

    @property
    def unfinished(self) -> int:
        """Bytes of a frame whose end has not come."""
        return len(self._decoder)

    def frames(self) -> Iterator[Frame]:
        """Read once and give whole frames; OSError at the end, FrameError for anything wrong."""
        try:
            data = self.connection.recv(READ)
            while isinstance(self.connection, ssl.SSLSocket) and self.connection.pending():
                data += self.connection.recv(READ)  # the rest of a TLS record: no selector sees it
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return
        if not data:
            raise ConnectionResetError("it closed")
        self._decoder.feed(data)
        yield from self._decoder.frames()

    def greet(self, frame: Frame) -> Hello:
        """Take the first frame."""
        if frame.kind is not Kind.HELLO:
            raise FrameError(Reason.ORDER)
        self.hello = read_hello(frame.body)
        self._decoder.allow(BODY_MAX)
        return self.hello

    def acknowledge(self, number: int) -> bool:
        """Say that all up to a number is in the log; False where the peer takes nothing now."""
        if not self._send_rest():
            return False
        if number != self.acked:
            self.acked = number
            self._unsent = encode(Frame(Kind.ACK, b"", number))
        return self._send_rest()

    def _send_rest(self) -> bool:
        """Send what is left of an acknowledgement, which is all that is ever kept for a peer."""
        while self._unsent:
            try:
                count = self.connection.send(self._unsent)
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                return False
            self._unsent = self._unsent[count:]
        return True

    def origin(self, claimed: Origin) -> Origin:
        """Give as whom a record of this peer is written."""
        raise NotImplementedError

    def refuse(self, reason: str) -> None:
        """Say why, if it listens; the caller closes."""
        with suppress(OSError):
            self.connection.send(encode(Frame(Kind.REFUSED, reason.encode())))


class LocalPeer(Peer):
    """A process of this machine, known by the word of the kernel."""

    def __init__(self, connection: socket.socket, access: Access) -> None:
        self._pid, self._uid, groups = credentials(connection)
        super().__init__(connection, f"uid {self._uid}")
        self._access = access
        self.is_admitted = access.admits(self._uid, groups)

    def origin(self, claimed: Origin) -> Origin:
        """Leave of a claim what this user may say."""
        assert self.hello is not None
        return self._access.origin(self._uid, self._pid, self.hello, claimed)


class Refusals:
    """Counts what was refused, until it is told."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    @property
    def is_any(self) -> bool:
        """Tell whether there is something to tell."""
        return bool(self._counts)

    def note(self, peer: Peer, reason: str) -> None:
        """Count a refusal."""
        key = f"{peer.whose}: {reason}"
        if key in self._counts or len(self._counts) < _REASONS_MAX:
            self._counts[key] += 1

    def take(self) -> list[str]:
        """Give a sentence for each kind, and forget them."""
        counts, self._counts = self._counts, Counter()
        return [
            f"a sender was refused, {key}" + (f", {count:,} times" if count > 1 else "")
            for key, count in counts.items()
        ]


def credentials(connection: socket.socket) -> tuple[int, int, set[int]]:
    """Ask the kernel for pid, uid and groups of who connected, unix(7)."""
    packed = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    pid, uid, gid = _CREDENTIALS.unpack(packed)
    groups = {gid}
    with suppress(OSError):  # before Linux 4.13 there is only the first one
        data = connection.getsockopt(socket.SOL_SOCKET, _PEER_GROUPS, 4 * 256)
        groups |= set(struct.unpack(f"{len(data) // 4}I", data))
    return pid, uid, groups

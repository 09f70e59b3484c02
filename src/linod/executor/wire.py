"""JSON lines between daemon, keeper and worker: one object per line, bounded, never pickle.

Rules of this border:
- What a peer sends is untrusted: a line that is too long, or no JSON object, is dropped.
- Dates in the arguments of a task travel as tagged objects (`pack`, `unpack`); instants elsewhere
  travel as seconds since 1970.
- Nothing here blocks: `send` keeps what the socket does not take, `flush` goes on later.
"""

from __future__ import annotations

import json
import socket
from datetime import date, datetime, time
from typing import Any

LINE_MAX = 256 * 1024
"""Bytes of one line from a worker or a keeper."""
REQUEST_MAX = 64 * 1024 * 1024
"""Bytes of one line from the daemon: a task's arguments come from files of at most 16 MiB."""
READ_MAX = 64 * 1024
"""Bytes taken in one turn, so that no peer stalls the others."""
_LAST_MAX = 4 * 1024 * 1024
"""Bytes that a socket holds at most, on machines that are set up for much."""

# json.dumps makes an encoder each time, and json.loads guesses what the bytes are.
_read = json.JSONDecoder().decode
_write = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_TAG = "$"
_TYPES: dict[str, type[date] | type[datetime] | type[time]] = {
    "datetime": datetime,
    "date": date,
    "time": time,
}


def pack(value: Any) -> Any:
    """Make a TOML value fit for JSON: dates become `{"$": "date", "v": "2026-01-01"}`."""
    if isinstance(value, datetime):
        return {_TAG: "datetime", "v": value.isoformat()}
    if isinstance(value, date | time):
        return {_TAG: type(value).__name__, "v": value.isoformat()}
    if isinstance(value, dict):
        items = {str(key): pack(item) for key, item in value.items()}
        return {_TAG: "dict", "v": items} if _TAG in items else items
    if isinstance(value, list | tuple):
        return [pack(item) for item in value]
    return value


def unpack(value: Any) -> Any:
    """Undo `pack`."""
    if isinstance(value, list):
        return [unpack(item) for item in value]
    if not isinstance(value, dict):
        return value
    tag = value.get(_TAG)
    if tag is None:
        return {key: unpack(item) for key, item in value.items()}
    if tag == "dict":
        return {key: unpack(item) for key, item in value["v"].items()}
    return _TYPES[tag].fromisoformat(value["v"])


def encode(message: dict[str, Any]) -> bytes:
    """Write one line; lone surrogates become question marks."""
    return _write(message).encode("utf-8", "replace") + b"\n"


def decode(line: bytes) -> dict[str, Any] | None:
    """Read one line; None if it is no JSON object."""
    try:
        message = _read(line.decode("utf-8", "surrogatepass"))
    except (ValueError, RecursionError):
        return None
    return message if isinstance(message, dict) else None


class LineBuffer:
    """Cuts a stream of bytes into lines of at most `line_max` bytes; drops longer ones."""

    def __init__(self, line_max: int) -> None:
        self.line_max = line_max
        self._rest = bytearray()
        self._is_skipping = False

    def feed(self, data: bytes) -> list[bytes]:
        """Return the lines that `data` completes."""
        if b"\n" not in data:
            self._keep(data)
            return []
        first, *others = data.split(b"\n")
        self._keep(first)
        lines = [] if self._is_skipping else [bytes(self._rest)]
        self._rest.clear()
        self._is_skipping = False
        self._keep(others.pop())
        return lines + [line for line in others if len(line) <= self.line_max]

    def _keep(self, data: bytes) -> None:
        if self._is_skipping:
            return
        self._rest += data
        if len(self._rest) > self.line_max:
            self._rest.clear()
            self._is_skipping = True


class Channel:
    """One end of the socketpair between daemon and keeper."""

    def __init__(self, connection: socket.socket, line_max: int) -> None:
        connection.setblocking(False)
        self._connection = connection
        self._buffer = LineBuffer(line_max)
        self._outbox = bytearray()
        self.is_closed = False

    def fileno(self) -> int:
        """Return the descriptor, for selectors."""
        return self._connection.fileno()

    @property
    def waiting(self) -> int:
        """Bytes that the peer has not taken yet."""
        return len(self._outbox)

    def send(self, message: dict[str, Any]) -> None:
        """Queue a message and send what the peer takes at once."""
        self.put(encode(message))
        self.flush()

    def put(self, line: bytes) -> None:
        """Queue a line for the next `flush`: many together cost less than one after another."""
        self._outbox += line

    def flush(self) -> None:
        """Send what the peer takes."""
        try:
            while self._outbox:
                sent = self._connection.send(bytes(self._outbox[: 1 << 18]))
                del self._outbox[:sent]
        except BlockingIOError:
            return
        except OSError:
            # The reader learns of the end of the peer; what waits for it is moot.
            self._outbox.clear()

    def receive(self) -> list[dict[str, Any]]:
        """Take what has come; afterwards `is_closed` says whether the peer is gone."""
        try:
            data = self._connection.recv(READ_MAX)
        except BlockingIOError:
            return []
        except OSError:
            data = b""
        if not data:
            self.is_closed = True
            return []
        messages = (decode(line) for line in self._buffer.feed(data))
        return [message for message in messages if message is not None]

    def receive_last(self) -> list[dict[str, Any]]:
        """Take what is left of a peer that has died; another process may go on in its name."""
        messages = []
        for _ in range(_LAST_MAX // READ_MAX):
            if not self.is_closed:
                messages += self.receive()
        return messages

    def close(self) -> None:
        """Close this end; the peer reads EOF."""
        self._connection.close()

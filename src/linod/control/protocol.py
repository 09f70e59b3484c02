"""The limits and the lines of the control socket, shared by its server and its client."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from linod import sockets
from linod.errors import LinodError

SOCKET_NAME = "linod.sock"
REQUEST_BYTES = 64 * 1024
"""A request line; no verb needs a hundredth of it."""
ANSWER_BYTES = 64 * 1024 * 1024
"""An answer line: status of 100,000 tasks takes about 50 MB."""
CONNECTIONS = 64
"""At once; one more is told so and closed."""
REQUEST_TIMEOUT_S = 5.0
"""From connect to the end of the request line: a peer that says nothing holds no place."""


class ProtocolError(LinodError):
    """A line on the control socket is not what it should be."""


def encode(message: dict[str, Any]) -> bytes:
    """Write a message as one line."""
    return json.dumps(message, ensure_ascii=True, separators=(",", ":")).encode("ascii") + b"\n"


def decode(line: bytes) -> dict[str, Any]:
    """Read one line; whatever it holds, the only error is a ProtocolError."""
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        raise ProtocolError("a request is one JSON object on one line") from None
    if not isinstance(message, dict):
        raise ProtocolError("a request is one JSON object on one line")
    return message


def address(directory: Path, directory_fd: int) -> str:
    """The address of the socket; where its path is too long for the kernel, through the fd."""
    return sockets.address(directory / SOCKET_NAME, directory_fd)

"""Addresses of Unix sockets, and who is at their other end."""

from __future__ import annotations

import os
import socket
import struct
from pathlib import Path

PATH_BYTES = 107
"""sun_path of unix(7) has 108, one for the NUL."""


def address(path: Path, folder: int) -> str:
    """The address of a socket; where its path is too long, through a descriptor of its folder."""
    text = os.fspath(path)
    if len(os.fsencode(text)) <= PATH_BYTES:
        return text
    return f"/proc/self/fd/{folder}/{path.name}"


def peer_uid(connection: socket.socket) -> int | None:
    """Who connected, by the word of the kernel (unix(7), SO_PEERCRED); None: it does not tell."""
    if not hasattr(socket, "SO_PEERCRED"):
        return None
    size = struct.calcsize("3i")
    packed = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
    uid: int = struct.unpack("3i", packed)[1]
    return uid

"""Listens on the control socket: one request per connection, bounded in every way.

Rules of this border:
- Who may connect is decided by the file's mode (0600) and the kernel; who did is recorded.
- Whatever a peer sends, it gets one line back or is closed; nothing it does stops the others.
"""

from __future__ import annotations

import asyncio
import os
import pwd
import socket
import stat
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from linod.advice import refusal
from linod.control import protocol
from linod.errors import ConfigurationError, LinodError
from linod.sockets import peer_uid

WRITE_TIMEOUT_S = 5.0
"""A peer that takes nothing for this long is closed."""
_BACKLOG = 128


class Peer(Protocol):
    """Who asks, as the answering side sees it."""

    by: str
    """The user's name, or `uid N`."""

    async def send(self, message: dict[str, Any]) -> None:
        """Send a line before the answer; raises ConnectionError when the peer is gone."""

    async def gone(self) -> None:
        """Wait until the peer has closed."""


Answering = Callable[[dict[str, Any], Peer], Awaitable[dict[str, Any]]]


class Server:
    """The listening end; `answering` is called for each request and may raise LinodError."""

    def __init__(self, directory: Path, answering: Answering) -> None:
        self._path = directory / protocol.SOCKET_NAME
        self._answering = answering
        self._server: asyncio.Server | None = None
        self._inode = 0
        self._connections: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Listen; a socket left by a daemon that died is replaced."""
        listening = self._bind()
        self._inode = self._path.stat().st_ino
        self._server = await asyncio.start_unix_server(
            self._connected, sock=listening, limit=protocol.REQUEST_BYTES
        )

    async def close(self) -> None:
        """Listen no more, close every connection, remove the socket if it is still ours."""
        if self._server is None:
            return
        self._server.close()
        for connection in tuple(self._connections):
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        with suppress(OSError):
            if self._path.stat().st_ino == self._inode:
                self._path.unlink()

    def _bind(self) -> socket.socket:
        directory = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        mask = os.umask(0o177)
        try:
            self._remove_stale(directory)
            listening.bind(protocol.address(self._path.parent, directory))
            listening.listen(_BACKLOG)
        except OSError as error:
            listening.close()
            raise refusal(f"the control socket {self._path} cannot be made", error) from None
        finally:
            os.umask(mask)
            os.close(directory)
        return listening

    def _remove_stale(self, directory: int) -> None:
        # Whoever calls holds the lock on the directory: a socket that is there is nobody's.
        with suppress(FileNotFoundError):
            found = os.stat(protocol.SOCKET_NAME, dir_fd=directory, follow_symlinks=False)
            if not stat.S_ISSOCK(found.st_mode):
                raise ConfigurationError(f"{self._path} is no socket: move it away")
            os.unlink(protocol.SOCKET_NAME, dir_fd=directory)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        is_full = len(self._connections) >= protocol.CONNECTIONS
        self._connections.add(task)
        try:
            connection = _Connection(reader, writer)
            answer = _error("too many connections") if is_full else await self._answer(connection)
            if answer is not None:
                await connection.send(answer)
        except (ConnectionError, TimeoutError, asyncio.CancelledError):
            writer.transport.abort()
        finally:
            self._connections.discard(task)
            writer.close()

    async def _answer(self, connection: _Connection) -> dict[str, Any] | None:
        try:
            request = await connection.request()
            return None if request is None else await self._answering(request, connection)
        except LinodError as error:
            return _error(str(error), error.exit_code)


class _Connection:
    """One peer."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.by = _user_of(writer.get_extra_info("socket"))

    async def request(self) -> dict[str, Any] | None:
        """The peer's line; None where it came and left."""
        try:
            async with asyncio.timeout(protocol.REQUEST_TIMEOUT_S):
                line = await self._reader.readline()
        except TimeoutError:
            raise protocol.ProtocolError("no request within 5 s") from None
        except ValueError:
            raise protocol.ProtocolError("a request has at most 64 KiB") from None
        return protocol.decode(line) if line.strip() else None

    async def send(self, message: dict[str, Any]) -> None:
        self._writer.write(protocol.encode(message))
        async with asyncio.timeout(WRITE_TIMEOUT_S):
            await self._writer.drain()

    async def gone(self) -> None:
        with suppress(ConnectionError):
            while await self._reader.read(4096):
                pass


def _error(text: str, exit_code: int = 1) -> dict[str, Any]:
    return {"ok": False, "error": text.replace("\n", " "), "exit": exit_code}


def _user_of(connection: socket.socket) -> str:
    """Name who connected."""
    uid = peer_uid(connection)
    if uid is None:
        return ""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"

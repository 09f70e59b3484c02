"""Asks the daemon over its control socket; synchronous, for the command line."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from linod.control import protocol
from linod.errors import DaemonUnreachable, LinodError

ANSWER_TIMEOUT_S = 30.0
"""A daemon answers status at once; a reload imports procedures and may take longer."""


class Refused(LinodError):  # noqa: N818 - it reads as what happened
    """The daemon answered that it does not; `answer` is all it said."""

    def __init__(self, answer: dict[str, Any]) -> None:
        super().__init__(str(answer.get("error", "refused")))
        self.answer = answer
        self.exit_code = int(answer.get("exit", 1))


class Client:
    """One per daemon; each request is a connection of its own."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def request(
        self, verb: str, *, timeout_s: float = ANSWER_TIMEOUT_S, **fields: Any
    ) -> dict[str, Any]:
        """Ask once and return the answer; raise Refused, or DaemonUnreachable."""
        with self._connected(timeout_s) as connection:
            connection.sendall(protocol.encode({"verb": verb, **fields}))
            with connection.makefile("rb") as lines:
                return _checked(self._read(lines))

    def follow(self, run: int) -> Iterator[dict[str, Any]]:
        """Yield `{"line": …}` or `{"member": …}` as they come, at last `{"ended": …}`."""
        with self._connected(None) as connection:
            connection.sendall(protocol.encode({"verb": "follow", "run": run}))
            with connection.makefile("rb") as lines:
                while True:
                    message = self._read(lines)
                    if "ok" in message:
                        yield _checked(message)
                        return
                    yield message

    def is_answering(self) -> bool:
        """Tell whether a daemon listens."""
        try:
            with self._connected(1.0):
                return True
        except DaemonUnreachable:
            return False

    @contextmanager
    def _connected(self, timeout_s: float | None) -> Iterator[socket.socket]:
        try:
            directory = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as error:
            raise self._unreachable(error) from None
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                connection.settimeout(timeout_s)
                try:
                    connection.connect(protocol.address(self._directory, directory))
                    yield connection
                except OSError as error:
                    raise self._unreachable(error) from None
        finally:
            os.close(directory)

    def _read(self, lines: Any) -> dict[str, Any]:
        line = lines.readline(protocol.ANSWER_BYTES)
        if not line.endswith(b"\n"):
            raise DaemonUnreachable("the daemon ended before it answered")
        return protocol.decode(line)

    def _unreachable(self, error: OSError) -> DaemonUnreachable:
        path = self._directory / protocol.SOCKET_NAME
        if isinstance(error, TimeoutError):
            return DaemonUnreachable(f"the daemon at {path} does not answer")
        if isinstance(error, PermissionError):
            return DaemonUnreachable(f"{path} belongs to another user: {error.strerror}")
        return DaemonUnreachable(f"no daemon answers at {path} (linod serve starts one)")


def _checked(answer: dict[str, Any]) -> dict[str, Any]:
    if not answer.get("ok"):
        raise Refused(answer)
    return answer

"""The orders of a worker: messages, of which each is read as a whole, one after another.

What was not read yet can be taken back: then it is somebody else's, for sure.
"""

from __future__ import annotations

import socket
import sys
from contextlib import suppress
from typing import Any

from linod.executor import wire

ASK = "ask"
"""Whether it hears, to be answered at once with anything."""
NO_ORDERS = frozenset(("cancel", ASK))
"""What is said to a worker beside its orders, and stays its own when they are taken back."""
# Elsewhere there is no such kind that tells of its end; there an empty message does.
_KIND = socket.SOCK_SEQPACKET if sys.platform.startswith("linux") else socket.SOCK_DGRAM


class Inbox:
    """Both ends, as a keeper has them; the worker goes on with a copy of the reading one."""

    def __init__(self) -> None:
        self._writing, self._reading = socket.socketpair(socket.AF_UNIX, _KIND)
        self._writing.setblocking(False)

    @property
    def reading(self) -> int:
        """The end that the worker reads."""
        return self._reading.fileno()

    @property
    def writing(self) -> int:
        """The end that is no business of the worker."""
        return self._writing.fileno()

    def descriptors(self) -> list[int]:
        """List what is open."""
        ends = (self._writing.fileno(), self._reading.fileno())
        return [each for each in ends if each >= 0]

    def send(self, message: dict[str, Any]) -> bool:
        """Give a message; False where there is no room, or nobody any more."""
        try:
            self._writing.send(wire.encode(message))
        except OSError:
            return False
        return True

    def take_back(self) -> list[dict[str, Any]]:
        """Take back what is not read.

        The worker may read one of these messages meanwhile, and not the first of them.
        """
        back = []
        with suppress(OSError):  # nothing there, or closed
            while data := self._reading.recv(wire.READ_MAX, socket.MSG_DONTWAIT):
                message = wire.decode(data)
                assert message is not None, "we wrote it"
                back.append(message)
        return back

    def close(self) -> None:
        """Let the worker read its end, behind what is there."""
        if _KIND is socket.SOCK_DGRAM:
            with suppress(OSError):
                self._writing.send(b"")
        self._writing.close()
        self._reading.close()


class Orders:
    """The reading end, in the worker."""

    def __init__(self, descriptor: int) -> None:
        self._socket = socket.socket(fileno=descriptor)
        self.is_over = False
        """Nothing will come any more."""

    def fileno(self) -> int:
        """Return the descriptor, for loops."""
        return self._socket.fileno()

    def next(self) -> dict[str, Any] | None:
        """Wait for the next message; None at the end."""
        return self._take(0)

    def read(self) -> list[dict[str, Any]]:
        """Return what is there, without waiting."""
        found = []
        with suppress(BlockingIOError):
            while (message := self._take(socket.MSG_DONTWAIT)) is not None:
                found.append(message)
        return found

    def close(self) -> None:
        """Take no more."""
        self._socket.close()

    def _take(self, flags: int) -> dict[str, Any] | None:
        while not self.is_over:
            data = self._socket.recv(wire.READ_MAX, flags)
            self.is_over = not data
            message = wire.decode(data)
            if message is not None:
                return message
        return None

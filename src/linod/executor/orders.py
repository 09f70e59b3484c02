"""The pipe on which a worker gets its orders: one of them, or one after another."""

from __future__ import annotations

import os
from collections import deque
from typing import Any

from linod.executor import wire


class Orders:
    """The reading end."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self.is_over = False
        """Nothing will come any more."""
        self._buffer = wire.LineBuffer(wire.REQUEST_MAX)
        self._messages: deque[dict[str, Any]] = deque()

    def next(self) -> dict[str, Any] | None:
        """Wait for the next message; None at the end."""
        while not self._messages and not self.is_over:
            self._read()
        return self._messages.popleft() if self._messages else None

    def read(self) -> list[dict[str, Any]]:
        """Return what is there; it waits only where there is nothing to read."""
        self._read()
        return self.rest()

    def rest(self) -> list[dict[str, Any]]:
        """Return what came together with the message that was waited for."""
        found = list(self._messages)
        self._messages.clear()
        return found

    def _read(self) -> None:
        data = os.read(self.descriptor, wire.READ_MAX)
        self.is_over = not data
        messages = map(wire.decode, self._buffer.feed(data))
        self._messages += [message for message in messages if message is not None]

"""Where the next daemon knocks at a keeper."""

from __future__ import annotations

import socket

from linod.sockets import peer_uid

_BACKLOG = 4


class Door:
    """A listening socket that lets the newest caller of its owner, or of root, wait."""

    def __init__(self, seat: socket.socket, owner: int) -> None:
        self._seat = seat
        self._owner = owner
        self._caller: socket.socket | None = None

    def fileno(self) -> int:
        """Return the descriptor, for selectors."""
        return self._seat.fileno()

    def descriptors(self) -> list[int]:
        """Return what no worker may inherit."""
        return [each.fileno() for each in (self._seat, self._caller) if each is not None]

    def open(self) -> None:
        """Listen: from now on there may be runs to take over."""
        self._seat.setblocking(False)
        self._seat.listen(_BACKLOG)

    def answer(self) -> None:
        """Let a caller in, who waits until the former daemon is heard to its end."""
        try:
            caller, _ = self._seat.accept()
        except OSError:
            return
        if peer_uid(caller) not in (None, 0, self._owner):
            caller.close()
            return
        if self._caller is not None:
            self._caller.close()
        self._caller = caller

    def take(self) -> socket.socket | None:
        """Give who waits, once."""
        caller, self._caller = self._caller, None
        return caller

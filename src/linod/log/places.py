"""Where the log server is found: its socket beside the log, and the folders of the spools.

Rules of this border:
- A lock on the folder of the spools keeps a second server out; who holds it may remove a socket
  that is there.
- `spool/UID` belongs to that user (0700). The server makes it as root for users of tasks; members
  of the group make it themselves, in a folder where nobody can remove what others have (sticky).
- What somebody removes is made again; where another server has come meanwhile, that is the end.
"""

from __future__ import annotations

import fcntl
import os
import socket
import stat
from contextlib import suppress
from pathlib import Path

from linod.errors import ConfigurationError, LinodError
from linod.log.access import Access
from linod.log.link import SOCKET_NAME, SPOOL_NAME
from linod.log.sink import DIRECTORY_MODE
from linod.sockets import address

_BACKLOG = 512
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Places:
    """Made by the server, mended while it serves."""

    listener: socket.socket

    def __init__(self, path: Path, access: Access) -> None:
        self.directory = path.parent
        self._access = access
        self._spool = self.directory / SPOOL_NAME
        self._socket = self.directory / SOCKET_NAME
        self._lock = -1
        self._bound: os.stat_result | None = None

    def open(self) -> None:
        """Make all there is to make; LinodError where another server is here, or OSError."""
        self.prepare()
        self._take_lock()
        self._bind()

    def mend(self) -> bool:
        """Make again what went away; true where there is a new listener."""
        self.prepare()
        if not _is_same(self._spool, os.fstat(self._lock)):
            self._take_lock()
        if self._bound is not None and _is_same(self._socket, self._bound):
            return False
        self.listener.close()
        self._bind()
        return True

    def folders(self) -> list[tuple[int, Path]]:
        """List the folders of spools that this process may read, with their users."""
        if self._access.own != 0:
            return [(self._access.own, self._spool / str(self._access.own))]
        with suppress(OSError):
            names = [name for name in os.listdir(self._spool) if name.isascii() and name.isdigit()]
            return [(int(name), self._spool / name) for name in names]
        return []

    def close(self) -> None:
        """Listen no more; the socket goes if it is still ours."""
        if self._bound is not None and _is_same(self._socket, self._bound):
            with suppress(OSError):
                self._socket.unlink()
        self.listener.close()
        os.close(self._lock)

    def prepare(self) -> None:
        """Make the folders, or make them again; OSError if that fails."""
        os.makedirs(self.directory, DIRECTORY_MODE, exist_ok=True)
        _allow(self.directory, self._access.passage, self._access.group)
        with suppress(FileExistsError):
            os.mkdir(self._spool, 0o700)
        _allow(self._spool, self._spool_mode(), self._access.group)
        for uid in self._access.tasks:
            _give(self._spool, uid)

    def _spool_mode(self) -> int:
        others = 0o001 if self._access.tasks else 0
        return (0o1730 if self._access.group is not None else 0o700) | others

    def _take_lock(self) -> None:
        if self._lock >= 0:
            os.close(self._lock)
        self._lock = os.open(self._spool, _DIRECTORY)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LinodError(f"another log server writes {self.directory} already") from None

    def _bind(self) -> None:
        """Listen under the mode that decides who may connect; before that nobody may."""
        with suppress(FileNotFoundError):
            if not stat.S_ISSOCK(os.lstat(self._socket).st_mode):
                raise ConfigurationError(f"{self._socket} is no socket: move it away")
            os.unlink(self._socket)
        folder = os.open(self.directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        mask = os.umask(0o177)
        try:
            listener.bind(address(self._socket, folder))
            if self._access.group is not None:
                os.chown(SOCKET_NAME, -1, self._access.group, dir_fd=folder)
            os.chmod(SOCKET_NAME, self._access.mode, dir_fd=folder)
            listener.listen(_BACKLOG)
        except BaseException:
            listener.close()
            raise
        finally:
            os.umask(mask)
            os.close(folder)
        self.listener, self._bound = listener, os.lstat(self._socket)


def _is_same(path: Path, state: os.stat_result) -> bool:
    try:
        return os.path.samestat(os.lstat(path), state)
    except OSError:
        return False


def _allow(folder: Path, mode: int, group: int | None) -> None:
    """Add to the mode of a folder, and give it to a group; nothing that is there is taken away."""
    state = os.stat(folder)
    if group is not None and state.st_gid != group:
        os.chown(folder, -1, group)
    if stat.S_IMODE(state.st_mode) | mode != stat.S_IMODE(state.st_mode):
        os.chmod(folder, stat.S_IMODE(state.st_mode) | mode)


def _give(spool: Path, uid: int) -> None:
    """Make the folder of a user."""
    base = os.open(spool, _DIRECTORY)
    try:
        with suppress(FileExistsError):
            os.mkdir(str(uid), 0o700, dir_fd=base)
        folder = os.open(str(uid), _DIRECTORY, dir_fd=base)
        try:
            if os.fstat(folder).st_uid != uid:
                os.fchown(folder, uid, -1)
                os.fchmod(folder, 0o700)
        finally:
            os.close(folder)
    finally:
        os.close(base)

"""The keepers of a directory: how a daemon records those it starts, and finds a former one's.

Rules of this border:
- A keeper is named by a file `keepers/PID`: pid, process start time, boot id, name of its socket.
- The daemon binds the socket `keepers/NAME.sock` before it starts the keeper, for that may become
  another user who cannot; the keeper listens as soon as it can take orders. One that does not
  listen has never had an order.
- The folder belongs to the daemon's user alone (0700).
"""

from __future__ import annotations

import json
import os
import secrets
import socket
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from attrs import field, frozen

from linod import sockets
from linod.executor import tree
from linod.executor.runfiles import FOLDERS

SOCKET_SUFFIX = ".sock"
_NAME_BYTES = 8


@frozen(kw_only=True)
class Former:
    """A keeper that a former daemon started, as its record says."""

    pid: int
    start: int
    record: Path
    socket: Path | None = None

    def is_alive(self) -> bool:
        """Say whether that very process lives."""
        return tree.is_alive(self.pid, self.start)

    def among(self, table: dict[int, tree.Process]) -> set[int]:
        """Find that very process among those that live."""
        is_there = self.pid in table and table[self.pid].start == self.start
        return {self.pid} if is_there else set()

    def remove(self) -> None:
        """Forget it: it is gone."""
        for path in (self.record, self.socket):
            if path is not None:
                with suppress(OSError):
                    path.unlink()


@frozen
class Seat:
    """A bound socket, at which nobody listens yet."""

    bound: socket.socket = field(eq=False)
    path: Path

    def close(self) -> None:
        """Close it here; the keeper has it."""
        self.bound.close()

    def remove(self) -> None:
        """Remove its name."""
        with suppress(OSError):
            self.path.unlink()


def make_seat(directory: Path) -> Seat:
    """Bind the socket of a keeper that is about to start; raises OSError."""
    folder = _folder(directory)
    path = folder / f"{secrets.token_hex(_NAME_BYTES)}{SOCKET_SUFFIX}"
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        bound.bind(sockets.address(path, descriptor))
    except OSError:
        bound.close()
        raise
    finally:
        os.close(descriptor)
    return Seat(bound, path)


def record(directory: Path, pid: int, seat: Seat) -> Former:
    """Name a keeper for the next daemon; raises OSError."""
    start = tree.start_time(pid)
    file = _folder(directory) / str(pid)
    file.write_text(json.dumps([pid, start, tree.boot_id(), seat.path.name]) + "\n")
    return Former(pid=pid, start=start, record=file, socket=seat.path)


def connect(former: Former) -> socket.socket:
    """Connect to a keeper; ConnectionRefusedError where it cannot take orders yet, or OSError."""
    if former.socket is None:
        raise FileNotFoundError(former.record)
    descriptor = os.open(former.socket.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.setblocking(False)
        connection.connect(sockets.address(former.socket, descriptor))
    except OSError:
        connection.close()
        raise
    finally:
        os.close(descriptor)
    return connection


def former_keepers(directory: Path) -> list[Former]:
    """Read the records that are there, those of dead keepers too; sweep other leavings."""
    folder = directory / "keepers"
    names = sorted(os.listdir(folder)) if folder.is_dir() else []
    found = [_read(folder, name) for name in names if not name.endswith(SOCKET_SUFFIX)]
    known = {former.socket.name for former in found if former.socket is not None}
    for name in names:
        if name.endswith(SOCKET_SUFFIX) and name not in known:
            # Its daemon died between bind and record; the keeper has read no word and ends.
            with suppress(OSError):
                (folder / name).unlink()
    return found


def end_keepers(keepers: Iterable[Former]) -> None:
    """Kill keepers, as far as they live, and remove their records.

    Their workers die with them; what those left is ended run by run (`runfiles.recover`).
    """
    for former in keepers:
        if former.is_alive():
            tree.kill_all(former.among)
        former.remove()


def _folder(directory: Path) -> Path:
    folder = directory / "keepers"
    folder.mkdir(mode=FOLDERS["keepers"], parents=True, exist_ok=True)
    return folder


def _read(folder: Path, name: str) -> Former:
    """Read a record; of another boot or unreadable, no process has its pid and start time."""
    pid = start = 0
    path = None
    with suppress(OSError, ValueError, TypeError):
        pid, start, boot, called = json.loads((folder / name).read_text())
        path = folder / Path(str(called)).name
        if boot != tree.boot_id():
            pid = start = 0
    return Former(pid=int(pid), start=int(start), record=folder / name, socket=path)

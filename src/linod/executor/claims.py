"""A run file: how a worker claims a run with it, and what is written there and read.

Rules of this border:
- Who creates `runs/UID/ID` has the run. It is created with O_EXCL, or as one more name of the
  keeper's book, which is as exclusive: a name is given once. Who comes second knows of the first.
- A book is one file for many runs: a new file for each of them takes some file systems longer
  than all else that a run needs. Each line begins with the number of its run.
- The first line of a run is pid, process start time and boot id, as a JSON array. A later one may
  be its end.
- Everything is opened by dirfd, without following links; nothing is ever renamed into place.
"""

from __future__ import annotations

import errno
import json
import os
import stat
from contextlib import suppress
from typing import Any

from linod.executor import wire

NO_SPACE = frozenset((errno.ENOSPC, errno.EDQUOT))
BOOK_RUNS = 256
"""So many runs are given to one book, mostly."""
BOOK_BYTES = 1024 * 1024
"""A run whose book is larger than this gets a file of its own."""
_READ_MAX = 64 * 1024 * 1024
"""Bytes: a book may grow while runs go on that were in it before, by their results and logs."""
_BOOK = "book-"
_APPENDING = os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC
_CREATING = os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | _APPENDING


class Books:
    """The book of a keeper or of a worker that lives on, and the next one when it is full.

    Those that are full keep their own name for a while: a worker that waits can give a book no
    name of a run when the book has none at all.
    """

    def __init__(self, folder: int, owner: str, kept: int = 1) -> None:
        """Begin with none.

        Args:
            folder: Descriptor of `runs/UID`.
            owner: Pid of the keeper, or `owner_of` a worker of it.
            kept: So many have their own name, the newest among them.
        """
        self._folder = folder
        self._owner = owner
        self._kept = kept
        self._names: set[str] = set()
        self._count = 0
        self._left = 0
        self._file: int | None = None

    def next(self) -> int | None:
        """Give the book of the next run; None where there is none: it gets a file of its own."""
        if self._left == 0 or self._is_large():
            self._begin()
        self._left -= 1
        return self._file

    def close(self) -> None:
        """Take the names of the books away: each goes with the last of its runs."""
        self._finish()
        for name in tuple(self._names):
            self._forget(name)

    def _begin(self) -> None:
        self._finish()
        self._left = BOOK_RUNS
        name = _name(self._owner, self._count % self._kept)
        self._count += 1
        self._forget(name)
        # Where there is no space, or something of that name, runs have files of their own.
        with suppress(OSError):
            self._file = os.open(name, _CREATING, 0o600, dir_fd=self._folder)
            self._names.add(name)

    def _is_large(self) -> bool:
        return self._file is not None and os.fstat(self._file).st_size > BOOK_BYTES

    def _finish(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _forget(self, name: str) -> None:
        if name in self._names:
            self._names.remove(name)
            with suppress(OSError):
                os.unlink(name, dir_fd=self._folder)


def owner_of(keeper: int, worker: int) -> str:
    """Name a worker as the owner of books: its keeper first, whose death they do not survive."""
    return f"{keeper}-{worker}"


def forget_worker(folder: int, keeper: int, worker: int) -> None:
    """Take away the name that the book of a dead worker may have left."""
    with suppress(OSError):
        os.unlink(_name(owner_of(keeper, worker), 0), dir_fd=folder)


def keeper_of(name: str) -> int | None:
    """Return the pid of the keeper whose book it is, or its worker's; None where it is no book."""
    pid = name.removeprefix(_BOOK).partition("-")[0]
    return int(pid) if name.startswith(_BOOK) and pid.isdecimal() else None


def enter(folder: int, run: int, book: int, first: list[Any]) -> bool:
    """Claim a run in a book; False where that is not possible, FileExistsError as in `create`."""
    name = str(run)
    try:
        if os.fstat(book).st_size > BOOK_BYTES:
            return False
        os.link(f"/proc/self/fd/{book}", name, dst_dir_fd=folder, follow_symlinks=True)
    except FileExistsError:
        raise
    except OSError:
        return False
    try:
        _write_first(book, run, first)
    except OSError:
        os.unlink(name, dir_fd=folder)
        return False
    return True


def create(folder: int, run: int, first: list[Any]) -> int:
    """Claim a run with a file of its own; FileExistsError means that somebody else has it.

    Where there is no space for its line there is no file either: one without a line would say
    that the run began.
    """
    file = os.open(str(run), _CREATING, 0o600, dir_fd=folder)
    try:
        _write_first(file, run, first)
    except OSError:
        os.unlink(str(run), dir_fd=folder)
        os.close(file)
        raise
    return file


def line(run: int, text: bytes) -> bytes:
    """Write a line to be appended for a run; what was cut off before it spoils nothing."""
    return b"\n%d %b" % (run, text)


def exists(folder: int, run: int) -> bool:
    """Tell whether somebody has claimed a run."""
    try:
        os.stat(str(run), dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    except OSError:
        pass  # who knows
    return True


def append(folder: int, run: int, end: dict[str, Any]) -> None:
    """Append the end of a run to its file."""
    with suppress(OSError):
        file = os.open(str(run), os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW, dir_fd=folder)
        try:
            os.write(file, line(run, wire.encode(end)))
        finally:
            os.close(file)


def read(folder: int, run: int) -> list[Any]:
    """Return the lines of a run, without those that are no JSON; none where it has no file."""
    try:
        file = os.open(str(run), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    except OSError:
        return []
    with open(file, "rb") as stream:
        # The folder is the user's, who may have put anything in the file's place.
        is_file = stat.S_ISREG(os.fstat(file).st_mode)
        data = stream.read(_READ_MAX) if is_file else b""
    mark = b"%d " % run
    lines = []
    for each in data.split(b"\n"):
        if each.startswith(mark):
            with suppress(ValueError, RecursionError):
                lines.append(json.loads(each[len(mark) :]))
    return lines


def _name(owner: str, number: int) -> str:
    return f"{_BOOK}{owner}-{number}"


def _write_first(file: int, run: int, first: list[Any]) -> None:
    text = b"\n%d %b\n" % (run, json.dumps(first).encode())
    if os.write(file, text) < len(text):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

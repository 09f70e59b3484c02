"""Follow a log while it is written: over renames, rotations and truncation, from whoever does it.

Rules of this border:
- It asks for nothing but the files: no lock is held, and nobody is told.
- A renamed file is read on until no writer holds it (see sink.py): a writer that had looked at the
  name just before the rename writes one more line there.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from linod.log.blocks import unpacked
from linod.log.reading import Current, is_packed, open_current, open_past
from linod.log.rotation import rotated

_READ_MAX = 4 * 1024 * 1024
# Renamed files that are still held; a program that never logs again holds one for ever.
_HELD_MAX = 16


class Follower:
    """Gives what is new in a log each time it is asked."""

    def __init__(self, path: Path, current: Current | None) -> None:
        self._path = path
        self._files: list[_Followed] = [] if current is None else [_Followed(*current)]
        self._former = _newest(path) if current is None else ""

    def new(self) -> Iterator[bytes]:
        """Give what was written since, in blocks of whole lines."""
        yield from self._take()
        if self._is_renamed():
            yield from self._take_next()
        self._let_go()

    def _take(self) -> Iterator[bytes]:
        for file in self._files:
            yield from file.new()

    def _is_renamed(self) -> bool:
        try:
            status = os.lstat(self._path)
        except OSError:
            return False
        return not self._files or not self._files[-1].is_of(status)

    def _take_next(self) -> Iterator[bytes]:
        """Go on to what was begun since, also where more than one file was."""
        current = open_current(self._path)
        following = None if current is None else _Followed(current.fd, 0)
        for path in self._between(following):
            yield from self._take_past(path, following)
        if following is not None:
            self._files.append(following)
            yield from following.new()

    def _between(self, following: _Followed | None) -> list[Path]:
        """List what was rotated after the file that was the newest until now, and before the next.

        The time when a file was last written does not tell: a writer may have been held up.
        """
        first = _stem(self._files[-1].name) if self._files else self._former
        last = self._path.name if following is None else following.name
        is_last = last == self._path.name or not last
        if self._files and not first:
            return []
        between = {
            stem: path
            for path in rotated(self._path)
            if first < (stem := _stem(path.name)) and (is_last or stem < _stem(last))
        }
        return [between[stem] for stem in sorted(between)]

    def _take_past(self, path: Path, following: _Followed | None) -> Iterator[bytes]:
        fd = open_past(path)
        if fd < 0:
            return
        known = [*self._files, *([] if following is None else [following])]
        if any(file.is_of(os.fstat(fd)) for file in known):
            os.close(fd)
        elif is_packed(fd):
            yield from unpacked(fd)
            os.close(fd)
        else:
            self._files.append(_Followed(fd, 0))
            yield from self._files[-1].new()

    def _let_go(self) -> None:
        """Close renamed files that no writer holds, when they are read."""
        for file in self._files[:-1]:
            if len(self._files) > _HELD_MAX or file.is_free():
                self._files.remove(file)
                file.close()


def _stem(name: str) -> str:
    """Take off what packing adds; names of rotated files are in the order of their rotation."""
    return name.removesuffix(".gz").removesuffix(".log")


def _newest(path: Path) -> str:
    try:
        return max((_stem(each.name) for each in rotated(path)), default="")
    except OSError:  # no directory yet
        return ""


class _Followed:
    """An open file, and how far it is read."""

    def __init__(self, fd: int, position: int) -> None:
        self._fd = fd
        self._position = position
        self._is_free = False

    @property
    def name(self) -> str:
        """What it is called now, or was when it was removed; empty where that cannot be known."""
        try:
            path = os.readlink(f"/proc/self/fd/{self._fd}")
        except OSError:
            return ""
        return os.path.basename(path).removesuffix(" (deleted)")

    def is_of(self, status: os.stat_result) -> bool:
        """Tell whether it is this file."""
        return os.path.samestat(os.fstat(self._fd), status)

    def new(self) -> Iterator[bytes]:
        """Give what was written since; from the beginning, where it was cut off by hand."""
        if os.fstat(self._fd).st_size < self._position:
            self._position = 0
        while data := os.pread(self._fd, _READ_MAX, self._position):
            cut = data.rfind(b"\n") + 1
            if not cut and len(data) < _READ_MAX:
                return
            # What is larger than any line of linod's need not be waited for.
            self._position += cut or len(data)
            yield data[:cut] or data + b"\n"

    def is_free(self) -> bool:
        """Say whether no writer holds it, and nothing was written since it was read."""
        if not self._is_free:
            try:
                fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                fcntl.flock(self._fd, fcntl.LOCK_UN)
            except BlockingIOError:
                return False
            except OSError:  # a file system without locks
                pass
            self._is_free = True
            return False  # one more look
        return True

    def close(self) -> None:
        """Let it go."""
        os.close(self._fd)

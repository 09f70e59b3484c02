"""Read a log back: the rotated files, packed or not, and the one that is being written.

Rules of this border:
- The files are those whose names `rotation` gives, oldest first, whatever happens to them while
  they are read: one that was packed meanwhile is read packed, one that was removed is left out.
- A file whose times cannot fit is not opened.
"""

from __future__ import annotations

import os
import zlib
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from math import inf
from pathlib import Path
from typing import NamedTuple

from linod.log.blocks import ahead, backwards, forwards, place, unpacked
from linod.log.entries import head_of
from linod.log.rotation import rotated
from linod.log.scanning import PACKING, WORTH, Piece, cut, processors, scan
from linod.log.search import Search

Tell = Callable[[Path, str], None]
# A file that ends this long before what is asked for was written by a clock that went right.
_CLOCK_STEP_S = 2 * 3600.0
# With more files than this the usual limit of open ones is near.
_SCANNED_MAX = 500


class Current(NamedTuple):
    """The file that is being written, as far as it was there when the reading began."""

    fd: int
    size: int


class _File(NamedTuple):
    """A file of the past."""

    path: Path
    written: float
    """When it was last written, in seconds since 1970."""
    weight: int
    """About how many bytes are to be searched."""


class LogReader:
    """One look at a log.

    `tell` hears of files that cannot be read. Where a clock was set back, times are not in order
    (`is_in_order`), and files are read whole. From `much` bytes on several processes search.
    """

    def __init__(
        self,
        path: Path,
        search: Search,
        current: Current | None,
        tell: Tell,
        *,
        is_in_order: bool = True,
        much: int = WORTH,
    ) -> None:
        self._path = path
        self._search = search
        self._current = current
        self._tell = tell
        self._is_in_order = is_in_order
        self._much = much
        self._files = past_files(path, current)
        self._is_over = False

    @property
    def is_empty(self) -> bool:
        """Tell whether there is no file at all."""
        return self._current is None and not self._files

    def lines(self) -> Iterator[list[bytes]]:
        """Give what is wanted, oldest first, in bundles."""
        files = self._wanted_files()
        if self._is_much(files):
            yield from self._scanned(files)
            return
        opened = ((path, fd) for path, *_ in files if (fd := self._opened(path)) >= 0)
        for blocks in ahead(self._of_past(path, fd) for path, fd in opened):
            yield from self._found(blocks)
            if self._is_over:
                return
        if self._current is not None:
            yield from self._found(self._of_file(*self._current))

    def _is_much(self, files: Sequence[_File]) -> bool:
        """Say whether there is much to search for little, so that several processes help."""
        if self._search.wanted.until < inf or not self._search.is_selective:
            return False
        size = sum(file.weight for file in files)
        size += 0 if self._current is None else self._current.size
        return size >= self._much and processors() > 1 and len(files) <= _SCANNED_MAX

    def _scanned(self, files: Sequence[_File]) -> Iterator[list[bytes]]:
        """Give what is wanted, found by several processes."""
        pieces: list[Piece] = []
        opened: dict[int, Path] = {}
        try:
            for path, *_ in files:
                fd = self._opened(path)
                if fd >= 0:
                    opened[fd] = path
                    size = os.fstat(fd).st_size
                    pieces += [Piece(fd, 0, size, True)] if is_packed(fd) else self._cut(fd, size)
            if self._current is not None:
                pieces += self._cut(*self._current)
            for found in scan(self._search, pieces):
                if found.lines:
                    yield found.lines
                if found.trouble:
                    self._tell(opened.get(found.piece.fd, self._path), found.trouble)
        finally:
            for fd in opened:
                os.close(fd)

    def _cut(self, fd: int, size: int) -> Iterator[Piece]:
        return cut(fd, size, self._start(fd, size))

    def last(self, count: int) -> list[bytes]:
        """Give the last lines of what is wanted, oldest first."""
        found: list[bytes] = []
        if self._current is not None:
            found = self._last_of(backwards(*self._current), count)
        for path, *_ in reversed(self._wanted_files()):
            if len(found) >= count:
                break
            fd = self._opened(path)
            if fd >= 0:
                found = self._last_in(path, fd, count - len(found)) + found
        return found

    def _wanted_files(self) -> list[_File]:
        since = self._search.wanted.since - _CLOCK_STEP_S if self._is_in_order else -inf
        return [file for file in self._files if file.written >= since]

    def _opened(self, path: Path) -> int:
        try:
            return open_past(path)
        except OSError as error:
            self._tell(path, error.strerror or str(error))
            return -1

    def _of_past(self, path: Path, fd: int) -> Iterator[bytes]:
        """Read a file of the past, from where it matters on, and close it."""
        try:
            if is_packed(fd):
                yield from unpacked(fd)
            else:
                yield from self._of_file(fd, os.fstat(fd).st_size)
        except (OSError, EOFError, zlib.error) as error:
            self._tell(path, getattr(error, "strerror", None) or str(error))
        finally:
            os.close(fd)

    def _of_file(self, fd: int, size: int) -> Iterator[bytes]:
        return forwards(fd, self._start(fd, size), size)

    def _start(self, fd: int, size: int) -> int:
        """Say from where on a file matters."""
        since = self._search.wanted.since
        return place(fd, size, since) if since > -inf and self._is_in_order else 0

    def _found(self, blocks: Iterator[bytes]) -> Iterator[list[bytes]]:
        search = self._search
        for block in blocks:
            if search is self._search and self._is_later(block):
                self._is_over = search.wanted.is_over and self._is_in_order
                if self._is_over:
                    return
                search = search.of_kept()
            if lines := search.lines(block):
                yield lines

    def _is_later(self, block: bytes) -> bool:
        """Say whether all that is asked for was before this: only what was kept may follow."""
        until = self._search.wanted.until
        if until == inf:
            return False
        head = head_of(block[: block.find(b"\n") + 1])
        return head is not None and not head.is_kept and head.at > until + _CLOCK_STEP_S

    def _last_in(self, path: Path, fd: int, count: int) -> list[bytes]:
        if is_packed(fd):
            last: deque[bytes] = deque(maxlen=count)
            for lines in self._found(self._of_past(path, fd)):
                last.extend(lines)
            return [*last]
        try:
            return self._last_of(backwards(fd, os.fstat(fd).st_size), count)
        finally:
            os.close(fd)

    def _last_of(self, blocks: Iterator[bytes], count: int) -> list[bytes]:
        found: list[bytes] = []
        for block in blocks:
            found = self._search.lines(block) + found
            if len(found) >= count:
                return found[-count:]
        return found


def open_current(path: Path) -> Current | None:
    """Open the file that is being written, as far as it is there now; None where there is none.

    OSError where it may not be read.
    """
    with suppress(FileNotFoundError):
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        return Current(fd, os.fstat(fd).st_size)
    return None


def open_past(path: Path) -> int:
    """Open a file of the past, or what it has been packed to; -1 where it is gone."""
    for each in (path, path.with_name(f"{path.name}.gz")):
        with suppress(FileNotFoundError):
            return os.open(each, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    return -1


def past_files(path: Path, current: Current | None) -> list[_File]:
    """List the rotated files, oldest first, without one that was the current one just now."""
    known = None if current is None else os.fstat(current.fd)
    found: dict[str, _File] = {}
    with suppress(FileNotFoundError):
        for each in rotated(path):
            with suppress(FileNotFoundError):  # packed or removed since
                status = each.lstat()
                if known is None or not os.path.samestat(status, known):
                    # While a file is packed, it is there in both forms.
                    weight = status.st_size * (PACKING if each.suffix == ".gz" else 1)
                    file = _File(each, status.st_mtime, weight)
                    found.setdefault(each.name.removesuffix(".gz"), file)
    return [*found.values()]


def is_packed(fd: int) -> bool:
    """Tell whether a file is of gzip's."""
    return os.pread(fd, 2, 0) == b"\x1f\x8b"

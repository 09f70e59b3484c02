"""The spool of a process that cannot write the log: its records until the server has them.

Rules of this border:
- One file per process and stream, `FOLDER/STREAM`, in a folder of its user (0700), opened by
  dirfd without following links: a hello, then records as they go over the socket, appended by one
  write(2) each. When `append` returned, a death of this process or of the server loses nothing.
- Whoever holds the exclusive flock(2) of the file is the one who reads it for delivery: its process
  while that lives, then whoever comes first. A file is made, and made anew, under a name that ends
  in `.part`, locked before it gets its own name: nobody finds one that is half done.
- What is acknowledged goes: the file is cut when all is, made anew when it is long. It is never
  longer than SPOOL_MAX. Then records are dropped, the lowest level first, the oldest first, and a
  record in their place has their numbers and says how many they are.
- A caller holds the lock of threads; nothing here does.
"""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
import stat
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from linod.log.frames import Finder, Frame, Kind, encode
from linod.log.sink import moved

SPOOL_MAX = 64 * 1024 * 1024
"""Bytes: of one process, hours of a busy one, and no disk is full of it."""
PART = ".part"
FOLDERS_MODE = 0o711
_CUT_AT = 1024 * 1024
_ANEW_AT = 8 * 1024 * 1024
_MARK_EVERY = 64
_LOOK_EVERY = 64
_COPY = 1024 * 1024
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC

Notice = Callable[[int], bytes]
"""Makes the body of the record that says how many are missing."""


class Spool:
    """The records of this process that the server has not acknowledged."""

    def __init__(
        self, folder: int, stream: str, hello: bytes, notice: Notice, size_max: int = SPOOL_MAX
    ) -> None:
        self._folder = folder
        self._name = stream
        self._hello = hello
        self._notice = notice
        self._size_max = size_max
        self._anew_at = min(_ANEW_AT, size_max // 8)
        self._marks: deque[tuple[int, int]] = deque()
        """Number of a record and where it ends, of some."""
        self._refused = -1
        """Up to this level nothing is taken until there is room again."""
        self._skipped = 0
        """Records since the last one in the file that were not taken."""
        self.number = 0
        """Of the last record."""
        self.acked = 0
        """Up to this number the server has all."""
        self.sent = len(hello)
        """Bytes of the file that went over the connection."""
        self.generation = 0
        """Changes when `sent` and the numbers of what follows it mean nothing any more."""
        self._fd, self.end = -1, 0
        self._make([hello])

    # -- one record -----------------------------------------------------------------------------

    def append(self, body: bytes, level: int) -> bytes:
        """Append a record and give its frame, empty where it was dropped; OSError if it failed."""
        if level <= self._refused or not self._has_room(len(body), level):
            self.number += 1
            self._skipped += 1
            return b""
        data = self._notice_before() + encode(Frame(Kind.RECORD, body, self.number + 1, level))
        self._write(data)
        self._skipped = 0
        self.number += 1
        if self.number % _MARK_EVERY == 0:
            self._marks.append((self.number, self.end))
        return data

    def _notice_before(self) -> bytes:
        """Say what was not taken since the last record."""
        if not self._skipped:
            return b""
        return encode(_missing(self._notice, self.number - self._skipped + 1, self.number))

    def _write(self, data: bytes) -> None:
        count = os.write(self._fd, data)
        if count < len(data):
            os.ftruncate(self._fd, self.end)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        is_cut = os.lseek(self._fd, 0, os.SEEK_CUR) != self.end + count
        is_looked_at = self.number % _LOOK_EVERY == 0
        if is_cut:  # by somebody else: what was in it is gone
            self._start_anew([self._hello, data])
        elif is_looked_at and not self._is_named():
            self.end += count
            self._copy_tail(len(self._hello))
        else:
            self.end += count

    def _is_named(self) -> bool:
        try:
            found = os.stat(self._name, dir_fd=self._folder, follow_symlinks=False)
        except OSError:
            return False
        return os.path.samestat(found, os.fstat(self._fd))

    # -- what the server has --------------------------------------------------------------------

    def acknowledge(self, number: int) -> None:
        """Let go of the records up to this number."""
        self.acked = max(self.acked, min(number, self.number))
        while len(self._marks) > 1 and self._marks[1][0] <= self.acked:
            self._marks.popleft()
        if self.is_delivered and self.end > _CUT_AT:
            os.ftruncate(self._fd, len(self._hello))
            self.end = self.sent = len(self._hello)
            self._marks.clear()
            self._refused = -1
        elif self._marks and self._marks[0][0] <= self.acked and self._marks[0][1] > self._anew_at:
            with suppress(OSError):  # without space for it, the file goes on
                self._copy_tail(self._marks[0][1])
                self._refused = -1

    @property
    def is_delivered(self) -> bool:
        """Tell whether the server has all that is in the file."""
        return self.acked >= self.number - self._skipped

    @property
    def has_skipped(self) -> bool:
        """Tell whether records were not taken and nothing in the file says so yet."""
        return self._skipped > 0

    def settle(self) -> None:
        """Say what was not taken, now that there is room; OSError if that failed."""
        if self._skipped:
            self._write(self._notice_before())
            self._skipped = 0

    def start_after(self, number: int) -> int:
        """Give where to look for what follows a number."""
        places = [end for marked, end in self._marks if marked <= number]
        return places[-1] if places else len(self._hello)

    def read(self, start: int, size: int) -> bytes:
        """Read what is at `start`."""
        return os.pread(self._fd, min(size, self.end - start), start)

    def view(self, start: int) -> Iterator[tuple[int, int, Frame]]:
        """Give what is in the file from `start` on, as it is now; see `frames_of`."""
        return frames_of(self._fd, start)

    # -- room -----------------------------------------------------------------------------------

    def _has_room(self, size: int, level: int) -> bool:
        if self.end + size + _COPY // 2 <= self._size_max:
            return True
        room = self._size_max // 4  # at once, since all that is kept is written anew
        lower = self._sizes(level)
        if not lower:
            self._refused = level
            return False
        self._drop(lower, room)
        if sum(lower.values()) < room // 4:  # the next one would have us write it all again
            self._refused = level
        return True

    def _sizes(self, level: int) -> Counter[int]:
        """Add up the bytes per level of what may be dropped for a record of this level."""
        sizes: Counter[int] = Counter()
        for start, end, frame in self.view(len(self._hello)):
            if self._may_go(frame) and frame.level <= level:
                sizes[frame.level] += end - start
        return sizes

    def _may_go(self, frame: Frame) -> bool:
        return frame.kind is Kind.RECORD and frame.number > self.acked and not frame.skipped

    def _drop(self, sizes: Counter[int], room: int) -> None:
        """Write all anew but what has to go: whole levels, and of one the oldest.

        A higher level has to only where the lower ones do not make a quarter of the room.
        """
        rest: dict[int, int] = {}
        for level in sorted(sizes):
            if sum(rest.values()) < room // 4:
                rest[level] = min(sizes[level], room - sum(rest.values()))
        marks: deque[tuple[int, int]] = deque()
        self._start_anew(self._marked(self._without(rest), marks))
        self._marks = marks

    def _marked(self, frames: Iterator[Frame], marks: deque[tuple[int, int]]) -> Iterator[bytes]:
        """Give the file of some frames, and mark where some of them end."""
        yield self._hello
        place = len(self._hello)
        for count, frame in enumerate(frames, 1):
            data = encode(frame)
            place += len(data)
            if count % _MARK_EVERY == 0:
                marks.append((frame.number, place))
            yield data

    def _without(self, rest: dict[int, int]) -> Iterator[Frame]:
        first = last = 0
        for start, end, frame in self.view(len(self._hello)):
            if frame.number <= self.acked:
                continue
            if self._may_go(frame) and rest.get(frame.level, 0) > 0:
                rest[frame.level] -= end - start
                first, last = first or frame.number, frame.number
                continue
            if frame.skipped:  # a record that says so already: both become one
                first, last = first or frame.number - frame.skipped, frame.number
                continue
            if first:
                yield _missing(self._notice, first, last)
                first = 0
            yield frame
        if first:
            yield _missing(self._notice, first, last)

    # -- the file -------------------------------------------------------------------------------

    def _start_anew(self, parts: Iterator[bytes] | list[bytes]) -> None:
        self._make(parts)
        self.generation += 1
        self.sent = len(self._hello)
        self._marks.clear()

    def _copy_tail(self, start: int) -> None:
        """Write all from `start` on anew; what was sent stays sent."""
        gone = start - len(self._hello)
        self._make(self._tail(start, self.end))
        self.sent = max(len(self._hello), self.sent - gone)
        self._marks = deque((number, end - gone) for number, end in self._marks if end > start)

    def _tail(self, start: int, end: int) -> Iterator[bytes]:
        yield self._hello
        for place in range(start, end, _COPY):
            yield os.pread(self._fd, min(_COPY, end - place), place)

    def _make(self, parts: Iterator[bytes] | list[bytes]) -> None:
        part = f"{self._name}.{secrets.token_hex(4)}{PART}"
        fd = moved(os.open(part, _NEW, 0o600, dir_fd=self._folder))
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            for data in parts:
                if os.write(fd, data) < len(data):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.rename(part, self._name, src_dir_fd=self._folder, dst_dir_fd=self._folder)
        except BaseException:
            os.close(fd)
            with suppress(OSError):
                os.unlink(part, dir_fd=self._folder)
            raise
        self.close()
        self._fd, self.end = fd, os.fstat(fd).st_size

    def remove(self) -> None:
        """Remove the file, if it has the name still; what it holds is acknowledged."""
        if self._is_named():
            os.unlink(self._name, dir_fd=self._folder)
        self.close()

    def close(self) -> None:
        """Let go of the file: who takes the lock then delivers it."""
        if self._fd >= 0:
            with suppress(OSError):  # closed already by code that closes all
                os.close(self._fd)
            self._fd = -1


def _missing(notice: Notice, first: int, last: int) -> Frame:
    """Make the record that stands for those from `first` to `last`."""
    return Frame(Kind.RECORD, notice(last - first + 1), last, 255, last - first)


def filled(frame: Frame, last: int, notice: Notice) -> Iterator[Frame]:
    """Give what follows the number `last`: the frame, and before it a record for a gap."""
    before = frame.number - frame.skipped - 1
    if before > last:
        yield _missing(notice, last + 1, before)
    elif before < last:  # some of what it stands for had arrived before they were dropped
        frame = _missing(notice, last + 1, frame.number)
    yield frame


# -- the folder, and what others left in it -----------------------------------------------------


def open_folder(parent: Path) -> int:
    """Open the folder of this user, made where it is missing; OSError if it is not only ours."""
    base = os.open(parent, _DIRECTORY | os.O_PATH)  # to pass through, not to read
    name = str(os.geteuid())
    try:
        with suppress(FileExistsError, PermissionError):
            os.mkdir(name, mode=0o700, dir_fd=base)
        folder = os.open(name, _DIRECTORY, dir_fd=base)
    finally:
        os.close(base)
    state = os.fstat(folder)
    if state.st_uid != os.geteuid() or stat.S_IMODE(state.st_mode) & 0o077:
        os.close(folder)
        raise PermissionError(errno.EPERM, f"the folder {parent / name} is not this user's alone")
    return moved(folder)


def take_orphan(folder: int, name: str) -> int:
    """Open and lock a spool whose process is dead; -1: it is none, or not to be had."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        fd = os.open(name, flags, dir_fd=folder)
    except OSError:
        return -1
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        found = os.stat(name, dir_fd=folder, follow_symlinks=False)
        if stat.S_ISREG(found.st_mode) and os.path.samestat(found, os.fstat(fd)):
            return fd
    except OSError:
        pass
    os.close(fd)
    return -1


def frames_of(fd: int, start: int = 0) -> Iterator[tuple[int, int, Frame]]:
    """Give where each frame of a file begins and ends, and the frame.

    It is read, not mapped: who cuts a file that is mapped ends who reads it, by SIGBUS. Behind
    what a spool may have at most, nothing is read.
    """
    finder = Finder(start)
    for place in range(start, SPOOL_MAX + _COPY, _COPY):
        data = os.pread(fd, _COPY, place)
        yield from finder.find(data, is_last=len(data) < _COPY)
        if len(data) < _COPY:
            return

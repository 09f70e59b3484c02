"""Where lines go: a file that all processes append to, or the console.

Rules of this border:
- One line is one write(2), appended; nothing is kept in memory, so a record whose call returned
  is in the file.
- A writer holds a shared flock(2) from the moment it sees that the file still has its name until
  its line is written. Whoever renamed the file and then got the exclusive lock once knows that no
  line will come any more: a later writer sees the rename and opens the new file. An idle writer
  and a dead one hold nothing; a reader that holds the lock delays a rotation, never a writer.
- The lock belongs to the open file description, which fork(2) shares: a child opens its own.
- Trouble with the log never raises into the code that logs: it is counted, and told by whoever
  asks (`lost`, `reason`).
"""

from __future__ import annotations

import errno
import fcntl
import os
import select
import stat
import threading
import time
from contextlib import suppress
from pathlib import Path

FILE_MODE = 0o640
DIRECTORY_MODE = 0o750
# The owner of the exclusive lock renames nothing while it waits for nobody; it needs microseconds.
_LOCK_TRIES = 50
_LOCK_PAUSE_S = 0.001
# More renames than this between two looks at the name are not a rotation.
_OPEN_TRIES = 10
# A file that cannot be opened is tried again once a second; until then lines go to the console.
_REOPEN_PAUSE_S = 1.0
# A console that takes nothing for this long (a stopped pager behind a full pipe) loses the line.
_CONSOLE_WAIT_S = 5.0
_FLAGS = (
    os.O_WRONLY
    | os.O_APPEND
    | os.O_CREAT
    | os.O_CLOEXEC
    | os.O_NOFOLLOW
    | os.O_NONBLOCK  # opening a FIFO without a reader must not hang
    | os.O_NOCTTY
)


class FileSink:
    """linod.log, shared with other processes."""

    def __init__(self, path: Path, console_fd: int) -> None:
        self._path = str(path)
        self._console = ConsoleSink(console_fd)
        self._file: AppendedFile | None = None
        self._retry_at_s = 0.0
        self._lock = threading.RLock()
        self._is_busy = False
        self.lost = 0
        self.reason = ""

    def open(self) -> None:
        """Open the file before it is needed, while descriptors are left."""
        with self._lock:
            self._opened()

    def write(self, line: bytes) -> bool:
        """Append a line; false, and counted, if it could not be written whole."""
        with self._lock:
            if self._is_busy:
                return self._write_apart(line)
            self._is_busy = True
            try:
                return self._write(line)
            finally:
                self._is_busy = False

    def reset_after_fork(self) -> None:
        """Let go of what a child shares with its parent: the description, and a held lock."""
        self._lock = threading.RLock()
        self._is_busy = False
        self.lost = 0
        self._console.reset_after_fork()
        if self._file is not None:
            self._file.close()
            self._file = None

    def _write(self, line: bytes) -> bool:
        try:
            for _ in range(_OPEN_TRIES):
                file = self._opened()
                if file is None:
                    return self._console.write(line)
                if file.append(line):
                    return True
                self._file = None
                file.close()
            raise OSError(errno.EBUSY, "it is renamed again and again")
        except OSError as error:
            self._lose(error)
            return False

    def _write_apart(self, line: bytes) -> bool:
        """Write from a signal handler or `__del__` that interrupted a write of its own thread."""
        try:
            file = AppendedFile(self._path)
            try:
                return file.append(line)
            finally:
                file.close()
        except OSError as error:
            self._lose(error)
            return False

    def _opened(self) -> AppendedFile | None:
        if self._file is None and time.monotonic() >= self._retry_at_s:
            try:
                self._file = AppendedFile(self._path)
            except OSError as error:
                self._retry_at_s = time.monotonic() + _REOPEN_PAUSE_S
                self._tell_console(error)
        return self._file

    def _tell_console(self, error: OSError) -> None:
        reason = error.strerror or str(error)
        if reason != self.reason:
            self.reason = reason
            text = f"linod: log {self._path!r} cannot be opened: {reason}; its lines come here\n"
            self._console.write(text.encode("utf-8", "backslashreplace"))

    def _lose(self, error: OSError) -> None:
        self.lost += 1
        self.reason = error.strerror or str(error)


class AppendedFile:
    """One open file description of the log."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._fd = _open(path)
        status = os.fstat(self._fd)
        if not stat.S_ISREG(status.st_mode):
            os.close(self._fd)
            raise OSError(errno.EINVAL, "it is not a regular file")
        self._identity = _identity(status)

    def append(self, line: bytes) -> bool:
        """Write a line whole; false if the file was renamed or removed, OSError if it is full."""
        fd = self._fd
        is_locked = _lock_shared(fd)
        try:
            if not self._is_current() or (not is_locked and not self._wait_for_lock()):
                return False
            count = os.write(fd, line)
            if count == len(line):
                return True
            self._take_back(count)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        finally:
            _unlock(fd)

    def close(self) -> None:
        """Close this description, unless someone else has done so and has its number now."""
        if self._is_ours():
            os.close(self._fd)

    def _is_current(self) -> bool:
        try:
            return _identity(os.lstat(self._path)) == self._identity and self._is_ours()
        except OSError:
            return False

    def _is_ours(self) -> bool:
        """Say whether the descriptor is still the log: code that closes all may reuse it."""
        try:
            return _identity(os.fstat(self._fd)) == self._identity
        except OSError:
            return False

    def _wait_for_lock(self) -> bool:
        """Wait for one who mends or rotates; a foreign lock on the file must not stop the log."""
        for _ in range(_LOCK_TRIES):
            time.sleep(_LOCK_PAUSE_S)
            if _lock_shared(self._fd):
                break
        return self._is_current()

    def _take_back(self, count: int) -> None:
        """Leave no torn line where only the beginning found room."""
        end = os.lseek(self._fd, 0, os.SEEK_CUR)
        _lock_alone(self._fd)
        if os.fstat(self._fd).st_size == end:
            os.ftruncate(self._fd, end - count)
            return
        # Someone has appended behind the piece. It becomes a short line of its own: overwriting
        # needs no room, but a description without O_APPEND.
        other = os.open(f"/proc/self/fd/{self._fd}", os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.pwrite(other, b"\n", end - 1)
        finally:
            os.close(other)


class ConsoleSink:
    """An open descriptor: a terminal, a pipe or a file of somebody else."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._lock = threading.RLock()
        self.lost = 0
        self.reason = ""

    def open(self) -> None:
        """Do nothing: it is open."""

    def write(self, line: bytes) -> bool:
        """Write a line, in one write where the kernel takes it; false, and counted, if it fails."""
        with self._lock:
            try:
                _write_all(self._fd, line)
            except OSError as error:
                self.lost += 1
                self.reason = error.strerror or str(error)
                return False
            return True

    def reset_after_fork(self) -> None:
        """Let go of a lock that another thread of the parent may have held."""
        self._lock = threading.RLock()
        self.lost = 0


def _open(path: str) -> int:
    try:
        return os.open(path, _FLAGS, FILE_MODE)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(path), DIRECTORY_MODE, exist_ok=True)
        return os.open(path, _FLAGS, FILE_MODE)


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_ino, status.st_dev


def _lock_shared(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return True
    return True


def _unlock(fd: int) -> None:
    with suppress(OSError):
        fcntl.flock(fd, fcntl.LOCK_UN)


def _lock_alone(fd: int) -> None:
    for _ in range(_LOCK_TRIES):
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(_LOCK_PAUSE_S)
        else:
            return


def _write_all(fd: int, line: bytes) -> None:
    while line:
        try:
            line = line[os.write(fd, line) :]
        except BlockingIOError:
            _, ready, _ = select.select([], [fd], [], _CONSOLE_WAIT_S)
            if not ready:
                raise

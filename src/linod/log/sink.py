"""Where lines go: a file that all processes append to, or the console.

Rules of this border:
- One line is one write(2), appended; nothing is kept in memory, so a record whose call returned
  is in the file.
- Before each line a writer looks whether its file still has the name. It holds a shared flock(2)
  on its open file description, so whoever renamed the file and then gets the exclusive lock knows
  that no line will come any more. A dead writer holds nothing, an idle one the file of its last
  line. A reader that holds the lock delays a compression, never a writer.
- The lock belongs to the description, which fork(2) shares: a child lets go and opens its own.
- The descriptor keeps its number when the file changes (dup2), and writing takes no lock of
  threads: a signal handler or `__del__` may log while its own thread is writing.
- Trouble never raises into the code that logs: it is counted, and told by whoever asks (`lost`,
  `reason`).
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
# Code that closes all descriptors and opens files of its own gets low numbers; with a high one the
# log never finds itself writing into a foreign file.
_DESCRIPTOR_MIN = 200
# More renames than this between two looks at the name are no rotation.
_OPEN_TRIES = 10
# A file that cannot be opened is tried again once a second; until then lines go to the console.
_REOPEN_PAUSE_S = 1.0
# A console that takes nothing for this long (Ctrl-S, a stopped pager behind a full pipe) loses the
# line; so do those after it, at once, until it takes one: a keeper must not wait for a reader.
CONSOLE_WAIT_S = 1.0
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

    is_sending = False

    def __init__(self, path: Path, console_fd: int) -> None:
        self._path = str(path)
        self._name = os.fsencode(path)
        self._console = ConsoleSink(console_fd)
        self._fd = -1
        self._inode = self._device = -1
        self._retry_at_s = 0.0
        self._unopened = ""
        self._lock = threading.RLock()
        self.lost = 0
        self.reason = ""

    def open(self) -> None:
        """Open the file, or the new one after a rename, before there is a line for it."""
        if not self._is_current():
            self._reopen()

    def write(self, line: bytes) -> bool:
        """Append a line; false, and counted, if it could not be written whole."""
        try:
            status = os.lstat(self._name)
            if status[stat.ST_INO] == self._inode and status[stat.ST_DEV] == self._device:
                count = os.write(self._fd, line)
                if count == len(line):
                    return True
                self._take_back(count)
        except OSError:  # below it is tried once more, and told
            pass
        return self._write_anew(line)

    def _write_anew(self, line: bytes) -> bool:
        try:
            for _ in range(_OPEN_TRIES):
                if self._is_current() and self._append(line):
                    return True
                if not self._reopen():
                    return self._console.write(line)
            raise OSError(errno.EBUSY, "it is renamed again and again")
        except OSError as error:
            self._lose(error)
            return False

    def reset_after_fork(self) -> None:
        """Let go of what a child shares with its parent: the description, a held lock, losses."""
        self._lock = threading.RLock()
        self._console.reset_after_fork()
        self.lost = 0
        self._forget()

    def close(self) -> None:
        """Do nothing: what was written is out."""

    def _is_current(self) -> bool:
        try:
            status = os.lstat(self._name)
        except OSError:
            return False
        return status.st_ino == self._inode and status.st_dev == self._device

    def _reopen(self) -> bool:
        """Open the file that has the name now; false while that cannot be done."""
        with self._lock:
            if time.monotonic() < self._retry_at_s:
                return False
            try:
                self._take(open_log(self._path))
            except OSError as error:
                self._retry_at_s = time.monotonic() + _REOPEN_PAUSE_S
                self._forget()
                self._tell_unopened(error)
                return False
            self._unopened = ""
            return True

    def _take(self, fd: int) -> None:
        """Make a description the one behind our number, which other threads may be using."""
        try:
            if self._fd < 0:
                self._fd = raised(fd)
            else:
                os.dup2(fd, self._fd, inheritable=False)
        finally:
            if fd != self._fd:
                os.close(fd)
        status = os.fstat(self._fd)
        self._inode, self._device = status.st_ino, status.st_dev

    def _forget(self) -> None:
        self._inode = self._device = -1
        if self._fd >= 0:
            with suppress(OSError):  # closed already by code that closes all
                os.close(self._fd)
            self._fd = -1

    def _append(self, line: bytes) -> bool:
        try:
            count = os.write(self._fd, line)
        except OSError as error:
            if error.errno != errno.EBADF:
                raise
            self._inode = -1  # code that closes all descriptors has closed it
            return False
        if count < len(line):
            self._take_back(count)
        return True

    def _take_back(self, count: int) -> None:
        """Blank the beginning of a line for whose end there was no room.

        It cannot be cut off, because others may have appended behind it; overwriting needs no
        room, but a description without O_APPEND.
        """
        end = os.lseek(self._fd, 0, os.SEEK_CUR)
        fd = os.open(f"/proc/self/fd/{self._fd}", os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.pwrite(fd, b" " * (count - 1) + b"\n", end - count)
        finally:
            os.close(fd)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def tell_console(self, text: str) -> None:
        """Say on the console what the log itself cannot say."""
        line = f"linod: log {self._path!r} {text}\n"
        self._console.write(line.encode("utf-8", "backslashreplace"))

    def _tell_unopened(self, error: OSError) -> None:
        reason = error.strerror or str(error)
        if reason != self._unopened:
            self._unopened = reason
            self.tell_console(f"cannot be opened: {reason}; its lines come here")

    def _lose(self, error: OSError) -> None:
        with self._lock:
            self.lost += 1
            self.reason = error.strerror or str(error)


class ConsoleSink:
    """An open descriptor: a terminal, a pipe or a file of somebody else."""

    is_sending = False

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._own = -1
        self._wait_s = CONSOLE_WAIT_S
        self._is_torn = False
        self._lock = threading.RLock()
        self.lost = 0
        self.reason = ""

    def open(self) -> None:
        """Do nothing: it is open."""

    def write(self, line: bytes) -> bool:
        """Write a line, at once where the kernel takes it; false, and counted, if it fails."""
        with self._lock:
            try:
                self._write_all(b"\n" + line if self._is_torn else line)
            except OSError as error:
                self.lost += 1
                self.reason = error.strerror or str(error)
                return False
            return True

    def _write_all(self, line: bytes) -> None:
        if self._own < 0:
            self._own = _unblocked(self._fd)
        rest = line
        while rest:
            if not takes(self._own, self._wait_s):
                self._wait_s = 0.0
                self._is_torn = self._is_torn or len(rest) < len(line)
                raise BlockingIOError(errno.EAGAIN, "its reader takes nothing")
            with suppress(BlockingIOError):  # somebody else was quicker
                rest = rest[os.write(self._own, rest) :]
        self._wait_s = CONSOLE_WAIT_S
        self._is_torn = False

    def close(self) -> None:
        """Do nothing: what was written is out."""

    def tell_console(self, text: str) -> None:
        """Do nothing: who reads the console sees that it is silent."""

    def reset_after_fork(self) -> None:
        """Let go of a lock that another thread of the parent may have held."""
        self._lock = threading.RLock()
        self.lost = 0


def open_log(path: str) -> int:
    """Open a log for appending, made with its directory where missing, and hold its lock."""
    reason = OSError(errno.EBUSY, "it is renamed again and again")
    for _ in range(_OPEN_TRIES):
        try:
            fd = _opened(path)
        except (FileNotFoundError, FileExistsError) as error:
            reason = error  # its directory was moved away in between, or can never be
            continue
        try:
            status = os.fstat(fd)
            if not stat.S_ISREG(status.st_mode):
                raise OSError(errno.EINVAL, "it is not a regular file")
            _lock_shared(fd)
            if os.path.samestat(status, os.lstat(path)):
                return fd
        except FileNotFoundError:  # renamed in between
            pass
        except BaseException:
            os.close(fd)
            raise
        os.close(fd)
    raise reason


def is_forbidden(path: Path) -> bool:
    """Tell whether a log is not this process's to write, so that the log server has to."""
    try:
        os.close(open_log(str(path)))
    except OSError as error:
        return error.errno in (errno.EACCES, errno.EPERM, errno.EROFS)
    return False


_file_mode: int | None = None


def keep_mode() -> None:
    """Go on making files as until now, whatever umask this process gets."""
    global _file_mode  # the umask belongs to the process, too
    mask = os.umask(0o077)
    os.umask(mask)
    _file_mode = FILE_MODE & ~mask


def _opened(path: str) -> int:
    try:
        return os.open(path, _FLAGS & ~os.O_CREAT)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(path), DIRECTORY_MODE, exist_ok=True)
    try:
        fd = os.open(path, _FLAGS | os.O_EXCL, FILE_MODE)
    except FileExistsError:  # made in between
        return os.open(path, _FLAGS, FILE_MODE)
    if _file_mode is not None:
        os.fchmod(fd, _file_mode)
    return fd


def _lock_shared(fd: int) -> None:
    """Take the writers' lock; a reader's exclusive lock or a file system without any is let be."""
    with suppress(OSError):
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)


def raised(fd: int) -> int:
    """Give a description a high number, where the limit allows one."""
    try:
        return fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, _DESCRIPTOR_MIN)
    except OSError:
        return fd


def _unblocked(fd: int) -> int:
    """Open a pipe or a terminal once more, not to block: the flag is the description's.

    That of others who write to it stays as it is; where it is not ours to open, we take theirs.
    """
    mode = os.fstat(fd).st_mode
    if not (stat.S_ISFIFO(mode) or stat.S_ISCHR(mode)):
        return fd
    flags = os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
    try:
        return moved(os.open(f"/proc/self/fd/{fd}", flags))
    except OSError:
        return fd


def moved(fd: int) -> int:
    """Give an open file a high number, where the limit allows one."""
    high = raised(fd)
    if high != fd:
        os.close(fd)
    return high


def takes(fd: int, within_s: float) -> bool:
    poll = select.poll()
    poll.register(fd, select.POLLOUT)
    return bool(poll.poll(within_s * 1000))

"""One daemon per directory and per store, by a lock of the kernel that dies with its process."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import time
from collections.abc import Sequence
from pathlib import Path

from linod.advice import refusal
from linod.errors import ConfigurationError, LinodError

LOCK_NAME = "linod.lock"
_POLL_S = 0.005


class AlreadyServed(LinodError):  # noqa: N818 - it reads as what happened
    """Another daemon holds the lock."""


class Lock:
    """The locks of one daemon; its children do not inherit them (O_CLOEXEC)."""

    def __init__(self) -> None:
        self._files: list[int] = []
        self._watched: dict[Path, tuple[int, int]] = {}

    def take(self, directory: Path, store: Path, within_s: float = 0.0) -> None:
        """Lock the directory, and the store where it lives elsewhere; wait so long for it."""
        limit = time.monotonic() + within_s
        paths = [directory / LOCK_NAME]
        if store.parent.resolve() != directory.resolve():
            paths.append(store.with_name(store.name + ".lock"))
        for path in paths:
            while time.monotonic() < limit and _is_held(path):
                time.sleep(_POLL_S)
            self._take(path)

    def watch(self, path: Path) -> None:
        """Count another file without which a second daemon, or a loss, could come unseen."""
        self._watched[path] = _identity(os.stat(path))

    def lost(self) -> Path | None:
        """Name a file that was removed or replaced: it keeps nobody out any more."""
        for path, identity in self._watched.items():
            try:
                if _identity(os.stat(path)) != identity:
                    return path
            except FileNotFoundError:
                return path
            except OSError:
                continue  # nobody can tell just now
        return None

    def release(self) -> None:
        """Let another daemon begin."""
        for file in self._files:
            os.close(file)
        self._files = []

    def _take(self, path: Path) -> None:
        try:
            file = _open(path)
        except OSError as error:
            raise refusal(f"the lock {path} cannot be made", error) from None
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(file, 20, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(file)
            raise AlreadyServed(
                f"another daemon (pid {holder}) serves {path.parent} already"
            ) from None
        self._files.append(file)
        self._watched[path] = _identity(os.fstat(file))
        try:
            os.pwrite(file, f"{os.getpid()}\n".encode(), 0)
            os.ftruncate(file, len(f"{os.getpid()}\n"))
        except OSError as error:
            raise refusal(f"the lock {path} cannot be written", error) from None


def _open(path: Path) -> int:
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    file = os.open(path, flags, 0o600)
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise OSError(errno.EINVAL, "not a file")
    return file


def holder(directory: Path) -> int | None:
    """Ask the kernel who holds the lock of a directory; None: nobody, 0: it cannot be read.

    The lock goes whatever becomes of the pid: it tells better than the pid that a daemon is gone.
    """
    return _holder(directory / LOCK_NAME)


def _is_held(path: Path) -> bool:
    return _holder(path) is not None


def _holder(path: Path) -> int | None:
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        text = os.pread(file, 20, 0).strip()
        return int(text) if text.isdigit() else 0
    finally:
        os.close(file)
    return None


def _identity(state: os.stat_result) -> tuple[int, int]:
    return state.st_dev, state.st_ino


def make_directories(directories: Sequence[Path], mode: int = 0o700) -> None:
    """Make what is missing; refuse what we cannot write, others own or all can write."""
    for directory in directories:
        try:
            directory.mkdir(mode=mode, parents=True, exist_ok=True)
            state = directory.stat()
        except OSError as error:
            raise refusal(f"the directory {directory} cannot be made", error) from None
        if state.st_uid not in (0, os.geteuid()):
            raise ConfigurationError(
                f"{directory} belongs to user {state.st_uid}, who could forge what linod does"
            )
        if state.st_mode & 0o002:
            raise ConfigurationError(
                f"everybody may write into {directory}, and so could forge what linod does: "
                f"chmod o-w {directory}"
            )
        if not os.access(directory, os.R_OK | os.W_OK | os.X_OK):
            raise ConfigurationError(
                f"this user cannot write into {directory}: chown or chmod it, or name another "
                "place in [linod]"
            )

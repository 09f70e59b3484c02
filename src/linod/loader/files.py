"""Read configuration files: bounded, never hanging, and only those that nobody else can change.

Rules of this border:
- Only regular files are read; a FIFO or a device is refused without waiting for it.
- A file that others than its user can write is theirs: refused as root, else said.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from linod.loader.refusal import Refused


def read_bounded(path: Path, size_max: int) -> bytes:
    """Read a regular file of at most `size_max` bytes."""
    try:
        _refuse_irregular(os.stat(path).st_mode)
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    except OSError as error:
        raise Refused("L001", _why_unreadable(path, error)) from None
    except Refused:
        raise
    except ValueError:
        raise Refused("L001", "the name of the file holds a NUL") from None
    with os.fdopen(descriptor, "rb") as file:
        _refuse_irregular(os.fstat(descriptor).st_mode)
        try:
            data = file.read(size_max + 1)
        except OSError as error:
            raise Refused("L001", _why_unreadable(path, error)) from None
    if len(data) > size_max:
        raise Refused("L003", f"larger than {_megabytes(size_max)}")
    return data


def _megabytes(size: int) -> str:
    return f"{size // 1024**2} MiB" if size >= 1024**2 else f"{size // 1024} KiB"


_IRREGULAR = (
    (stat.S_ISDIR, "a directory"),
    (stat.S_ISFIFO, "a FIFO"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def _refuse_irregular(mode: int) -> None:
    for is_kind, name in _IRREGULAR:
        if is_kind(mode):
            raise Refused("L001", f"{name}, not a file")


def _why_unreadable(path: Path, error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        if path.is_symlink():
            return f"a link to {os.readlink(path)}, which does not exist"
        return f"{path.name} does not exist"
    if isinstance(error, PermissionError):
        return "may not be read by this user"
    return f"cannot be read: {error.strerror}"


_MARKS = (
    (b"\xff\xfe\x00\x00", "UTF-32"),
    (b"\x00\x00\xfe\xff", "UTF-32"),
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
)


def decode(data: bytes) -> str:
    """Decode UTF-8, with words of its own for each way in which a file is not."""
    for mark, name in _MARKS:
        if data.startswith(mark):
            raise Refused("L002", f"written in {name}", help="save it as UTF-8")
    if data.startswith(b"\xef\xbb\xbf"):
        advice = 'save it as "UTF-8", not "UTF-8 with BOM"'
        raise Refused("L002", "begins with a byte order mark", help=advice)
    if b"\0" in data:
        line = data.count(b"\n", 0, data.index(b"\0")) + 1
        advice = "it is not text, or is written in UTF-16: save it as UTF-8"
        raise Refused("L002", f"holds a NUL byte in line {line}", help=advice)
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        found = f"byte 0x{data[error.start]:02x} in line {line} is not UTF-8"
        raise Refused("L002", found, help="save it as UTF-8 (is it Latin-1?)") from None


def distrust(path: Path, uid: int, gid: int) -> str | None:
    """Say who else can change the file, or a directory above it; None: nobody.

    As cron does with a crontab. A directory with the sticky bit (/tmp) protects what its owner
    put there; the group of root, and the user's own, are not others.
    """
    resolved = Path(os.path.realpath(path))
    for place in (resolved, *resolved.parents, *path.absolute().parents):
        try:
            state = place.stat()
        except OSError:
            continue
        if (reason := distrust_one(state, uid, gid)) is not None:
            kind = f"the directory {place}" if stat.S_ISDIR(state.st_mode) else "the file"
            return f"{kind} {reason}"
    return None


def distrust_one(
    state: os.stat_result, uid: int, gid: int, is_sticky_enough: bool = True
) -> str | None:
    """Say who else can change one file or directory, whatever is above it."""
    mode = state.st_mode
    is_sticky_directory = is_sticky_enough and stat.S_ISDIR(mode) and bool(mode & stat.S_ISVTX)
    if state.st_uid not in (0, uid):
        return f"belongs to user {state.st_uid}" if uid == 0 else None
    if is_sticky_directory:
        return None
    if mode & stat.S_IWOTH:
        return "can be written by everyone"
    if mode & stat.S_IWGRP and state.st_gid not in (0, gid):
        return f"can be written by group {state.st_gid}"
    return None


State = tuple[int, int, int, int]
"""What tells a file from what it was before: device, inode, size and time of the last write."""


def state_of(path: Path) -> State | None:
    """Look at a file; None where there is none."""
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns

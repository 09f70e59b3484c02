"""Begin a new log file when it is time, compress the old ones, remove those that are too old.

Rules of this border:
- Done by one process, once a second, from a thread of its own; a lock on the directory keeps a
  second one out. Time is an argument.
- A file is renamed, never copied: writers see it before their next line and open the new one.
- A renamed file is touched only after its exclusive lock was got once (see sink.py): then no line
  can come any more. Until then it waits for the next look.
- Compressed data gets its name when it is whole and on disk; what a crash leaves has another name
  and is made again.
- Only names that linod gives are removed, and never the newest one, whatever the clock says; a
  clock that jumped ahead is believed only after an hour.
- While a large file is compressed, the next one may still begin.
"""

from __future__ import annotations

import fcntl
import gzip
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from pathlib import Path
from zoneinfo import ZoneInfo

from linod.log.plan import LogPlan, Rotation, parse_rotation
from linod.log.recorder import current
from linod.log.sink import FILE_MODE

# How often old files are looked for; a rotation asks at once.
_TIDY_EVERY = timedelta(minutes=1)
# A clock that is set wrong at boot is right again once the network is there.
_DOUBT_S = 3600.0
# A file that begins later than now was begun by a clock that was wrong, if it is by more than this.
_AHEAD_MAX = timedelta(minutes=1)
_CHUNK = 1024 * 1024
_TIME = re.compile(rb"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d(?::\d\d)?)")
_FIRST_BYTES = 80


class Rotator:
    """Keeps the directory of one log."""

    def __init__(self, plan: LogPlan, elapsed_s: Callable[[], float] = time.monotonic) -> None:
        self._plan = plan
        self._rotation = parse_rotation(plan.rotation)
        self._zone = ZoneInfo(plan.zone)
        self._tidied: datetime | None = None
        self._elapsed_s = elapsed_s
        self._belief = _Belief()

    def rotate_if_due(self, now: datetime) -> None:
        """Rotate, compress and remove what is due; OSError where the disk does not let it."""
        path = self._plan.path
        if path is None or not path.parent.is_dir():
            return
        with _locked(path.parent) as is_ours:
            if not is_ours:
                return
            is_rotated = self._rotation is not None and self._rotate(path, self._rotation, now)
            if is_rotated or self._is_time_to_tidy(now):
                self._tidied = now
                self._tidy(path, now)

    def _rotate(self, path: Path, rotation: Rotation, now: datetime) -> bool:
        if not is_due(path, rotation, now, self._zone):
            return False
        os.rename(path, self._free_name(path, now))
        with suppress(FileExistsError):  # a writer was faster
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, FILE_MODE))
        recorder = current()
        if recorder is not None:  # this process lets go of the old file without a line to write
            recorder.sink.open()
        return True

    def _free_name(self, path: Path, now: datetime) -> Path:
        stem = f"{path.stem}.{now.astimezone(self._zone):%Y-%m-%d_%H-%M-%S_%f}"
        name, number = path.with_name(f"{stem}.log"), 0
        while name.exists() or name.with_name(f"{name.name}.gz").exists():
            number += 1
            name = path.with_name(f"{stem}_{number}.log")
        return name

    def _is_time_to_tidy(self, now: datetime) -> bool:
        return self._tidied is None or abs(now - self._tidied) >= _TIDY_EVERY

    def _tidy(self, path: Path, now: datetime) -> None:
        for leftover in path.parent.glob(f".{path.stem}.*.log.gz.part"):
            leftover.unlink(missing_ok=True)
        files = rotated(path)  # once: there may be a million
        expired = set(self._expired(files, now))
        for file in expired:
            if file.suffix == ".gz" or _is_free(file):
                file.unlink(missing_ok=True)
        if self._plan.compression != "gz":
            return
        began_s = self._elapsed_s()

        def rotate_meanwhile() -> None:
            later = now + timedelta(seconds=self._elapsed_s() - began_s)
            if self._rotation is not None:
                self._rotate(path, self._rotation, later)

        for file in files:
            if file.suffix == ".log" and file not in expired:
                _compress(file, rotate_meanwhile)

    def _expired(self, files: list[Path], now: datetime) -> list[Path]:
        if self._plan.retention is None or not files:
            return []
        newest = datetime.fromtimestamp(files[-1].lstat().st_mtime, UTC)
        believed = self._belief.of(now, self._elapsed_s(), newest)
        oldest = (believed - self._plan.retention).timestamp()
        # They are sorted by that time, so the first that is young enough ends the search.
        return list(takewhile(lambda file: file.lstat().st_mtime < oldest, files[:-1]))


class _Belief:
    """What time it is at least surely not later than: a wrong clock must not remove all files."""

    def __init__(self) -> None:
        self._at: datetime | None = None
        self._read_s = 0.0
        self._doubted_s: float | None = None

    def of(self, now: datetime, elapsed_s: float, newest: datetime) -> datetime:
        """Give the clock's time, or what is known to have passed since the newest file.

        Args:
            now: What the clock says.
            elapsed_s: Of a clock that nobody sets.
            newest: When the newest file got its last line.
        """
        known = newest if self._at is None else max(newest, self._at)
        known += timedelta(seconds=0.0 if self._at is None else elapsed_s - self._read_s)
        self._read_s = elapsed_s
        if self._doubted_s is None:
            self._doubted_s = elapsed_s
        is_near = now - known <= timedelta(seconds=_DOUBT_S)
        if is_near or elapsed_s - self._doubted_s >= _DOUBT_S:
            self._at, self._doubted_s = now, None
            return now
        self._at = known
        return known


def is_due(path: Path, rotation: Rotation, now: datetime, zone: ZoneInfo) -> bool:
    """Say whether a new file is to begin."""
    try:
        size = path.lstat().st_size
    except FileNotFoundError:
        return False
    if size == 0:
        return False
    if rotation.size is not None:
        return size >= rotation.size
    began = _began(path)
    if began > now + _AHEAD_MAX:
        return True
    if rotation.age is not None:
        return now - began >= rotation.age
    return began < _boundary(rotation, now, zone) <= now


def rotated(path: Path) -> list[Path]:
    """List the rotated files of a log, the newest last."""
    name = re.compile(
        rf"{re.escape(path.stem)}\.\d{{4}}-\d\d-\d\d_\d\d-\d\d-\d\d_\d{{6}}(_\d+)?\.log(\.gz)?"
    )
    found = []
    with os.scandir(path.parent) as entries:
        for entry in entries:
            # One that is compressed or removed meanwhile is not there any more.
            with suppress(FileNotFoundError):
                if name.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                    found.append((entry.stat(follow_symlinks=False).st_mtime_ns, entry.name))
    return [path.with_name(name) for _, name in sorted(found)]


def _began(path: Path) -> datetime:
    """Read when a file began from its first line: Linux does not tell when a file was made."""
    with open(path, "rb") as file:
        match = _TIME.search(file.read(_FIRST_BYTES))
        status = os.fstat(file.fileno())
    if match is not None:
        with suppress(ValueError):
            return datetime.fromisoformat(match[0].decode())
    return datetime.fromtimestamp(status.st_mtime, ZoneInfo("UTC"))


def _boundary(rotation: Rotation, now: datetime, zone: ZoneInfo) -> datetime:
    """Give the last time of day at or before now; in a gap its hour counts from before the gap."""
    assert rotation.at is not None
    local = now.astimezone(zone)
    at = datetime.combine(local.date(), rotation.at, zone)
    if at.timestamp() > now.timestamp():
        at = datetime.combine(local.date() - timedelta(days=1), rotation.at, zone)
    return at.astimezone(ZoneInfo("UTC"))


def _is_free(file: Path) -> bool:
    """Say whether no writer holds a renamed file; once true, it stays so."""
    with open(file, "rb") as opened:
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def _compress(file: Path, between: Callable[[], None]) -> None:
    """Replace a file by its compressed form, if no writer holds it; `between` two chunks, call."""
    if not _is_free(file):
        return
    part = file.with_name(f".{file.name}.gz.part")
    status = file.stat()
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
    fd = os.open(part, flags, status.st_mode & 0o777)
    try:
        with open(file, "rb") as source, os.fdopen(fd, "wb") as target:
            with gzip.GzipFile(file.name, "wb", fileobj=target, mtime=status.st_mtime) as packed:
                while chunk := source.read(_CHUNK):
                    packed.write(chunk)
                    between()
            target.flush()
            os.fsync(target.fileno())
        os.utime(part, ns=(status.st_atime_ns, status.st_mtime_ns))
        os.rename(part, file.with_name(f"{file.name}.gz"))
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    _sync_directory(file.parent)
    file.unlink(missing_ok=True)


@contextmanager
def _locked(directory: Path) -> Iterator[bool]:
    """Hold the lock that keeps a second rotator out of a directory, if it is to be had."""
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(fd)


def _sync_directory(directory: Path) -> None:
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)

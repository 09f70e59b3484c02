"""What the log server has written: the last number of each stream, safe from its own death.

Rules of this border:
- Lines go to the log in batches, in this order: 1. an entry in the journal (the lines, the file and
  its size, and the numbers that the streams have then), 2. the lines, by one write(2), to the log,
  3. the acknowledgements. No step begins before the one before it has ended.
- So a server that is killed before 1 has ended has written nothing; the senders send again. Killed
  later, the last entry says what was to be in the log. The next server looks whether it is
  (mending.py), appends what is missing, and then all numbers of the journal are true. A record that
  comes again is passed over by its number: none is missing, none is doubled.
- A batch that could not be appended is tried again, whole, and nothing else enters the journal
  before it is in the log.
- The journal is never synced: it guards against the death of a process, not of the machine, as the
  log itself.
- A stream belongs to who sends it (`uid`, or TLS): nobody reaches the numbers of others.
"""

from __future__ import annotations

import errno
import json
import os
import struct
import time
import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from linod.log.mending import HEAD, Doubt, missing_lines
from linod.log.sink import FileSink, moved

JOURNAL = ".log-server"
"""Beside the log, 0600."""
STREAMS_MAX = 10_000
"""Of one sender's identity; those not heard of for longest are forgotten. A stream that ends well
is forgotten at once, so these are processes that live, or whose spool nobody delivered."""
_JOURNAL_MAX = 8 * 1024 * 1024
_ENTRY = struct.Struct(">4sII")
_MAGIC = b"LWJ1"
_FLAGS = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK

Stream = tuple[str, str]
"""Whose it is, and its id."""


class LogFile(FileSink):
    """The log, for who would rather wait than write elsewhere."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, 2)
        self._error = OSError(errno.EIO, os.strerror(errno.EIO))
        self._head = b""

    def prepare(self) -> Doubt:
        """Open the file that has the name now, and say where a batch would go; or OSError."""
        self._retry_at_s = 0.0
        if not self._is_current():
            if not self._reopen():
                raise self._error
            self._head = b""
        status = os.fstat(self._fd)
        if len(self._head) < HEAD:
            self._head = self._first_bytes()[: status.st_size]
        return Doubt(b"", status.st_dev, status.st_ino, status.st_size, self._head, time.time_ns())

    def follow(self) -> None:
        """Let go of a file that was renamed, so that it can be compressed."""
        if self._fd >= 0 and not self._is_current():
            self.prepare()

    def _first_bytes(self) -> bytes:
        with open(f"/proc/self/fd/{self._fd}", "rb", buffering=0) as file:
            return file.read(HEAD) or b""

    def append(self, lines: bytes) -> None:
        """Append to the file that was prepared, though it may be renamed: our lock holds it."""
        if not self._append(lines):
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))

    def _tell_unopened(self, error: OSError) -> None:
        self._error = error


class Written:
    """The journal, and the log behind it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._journal = path.with_name(JOURNAL)
        self._file = LogFile(path)
        self._numbers: dict[Stream, int] = {}
        """The stream that was heard of last comes last."""
        self._counts: dict[str, int] = {}
        self._batch: tuple[bytes, Mapping[Stream, int]] | None = None
        self._fd = -1
        self._size = 0

    def open(self) -> None:
        """Read what a former server left, and finish what it began; OSError if that fails."""
        os.makedirs(self._journal.parent, 0o750, exist_ok=True)
        self.close()
        self._fd = moved(os.open(self._journal, _FLAGS, 0o600))
        doubt, self._size = None, 0
        for values, lines, end in _entries(self._fd):
            doubt, self._size = _doubt_of(values, lines) if lines else None, end
            for whose, stream, number in values["numbers"]:
                self._note((whose, stream), number)
            for whose, stream in values.get("ended", ()):
                self._forget((whose, stream))
        os.ftruncate(self._fd, self._size)
        if doubt is not None:
            self._finish(doubt)
        self._begin_anew()

    def _finish(self, doubt: Doubt) -> None:
        """Append what is missing; should this be killed too, the next one finds it the same way."""
        rest = missing_lines(self.path, doubt)
        if not rest:
            return
        place = self._file.prepare()
        if (place.device, place.inode) != (doubt.device, doubt.inode):
            self._enter({"numbers": []}, rest, place)
        self._file.append(rest)

    # -- numbers --------------------------------------------------------------------------------

    def last(self, stream: Stream) -> int | None:
        """Give the last number of a stream that was taken; None: the stream is not known."""
        if self._batch is not None and stream in self._batch[1]:
            return self._batch[1][stream]
        return self._numbers.get(stream)

    def in_log(self, stream: Stream) -> int:
        """Give the last number of a stream that is in the log; 0: none that is known of."""
        return self._numbers.get(stream, 0)

    def end(self, stream: Stream) -> None:
        """Forget a stream that has ended; without space for that, later."""
        if self._batch is None and stream in self._numbers:
            with suppress(OSError):
                self._enter({"numbers": [], "ended": [stream]}, b"", None)
            self._forget(stream)

    def _note(self, stream: Stream, number: int) -> None:
        whose = stream[0]
        if self._numbers.pop(stream, None) is None:
            self._counts[whose] = self._counts.get(whose, 0) + 1
        self._numbers[stream] = number
        if self._counts[whose] > STREAMS_MAX:
            self._forget(next(found for found in self._numbers if found[0] == whose))

    def _forget(self, stream: Stream) -> None:
        if self._numbers.pop(stream, None) is not None:
            self._counts[stream[0]] -= 1

    # -- lines ----------------------------------------------------------------------------------

    @property
    def is_behind(self) -> bool:
        """Tell whether there is a batch that could not be written yet."""
        return self._batch is not None

    def write(self, lines: bytes, numbers: Mapping[Stream, int]) -> None:
        """Write lines, and with them the numbers; OSError: try again by `retry`."""
        self.take(lines, numbers)
        self.retry()

    def take(self, lines: bytes, numbers: Mapping[Stream, int]) -> None:
        """Take the next batch."""
        assert self._batch is None, "a batch is waiting"
        self._batch = lines, numbers

    def retry(self) -> None:
        """Write the batch that is waiting; OSError if that failed again."""
        if self._batch is None:
            return
        self.enter()
        self.append()

    def enter(self) -> None:
        """Step 1: enter the batch into the journal."""
        assert self._batch is not None
        lines, numbers = self._batch
        entered = [[*stream, number] for stream, number in numbers.items()]
        self._enter({"numbers": entered}, lines, self._file.prepare())

    def append(self) -> None:
        """Step 2: append the batch to the log."""
        assert self._batch is not None
        lines, numbers = self._batch
        self._file.append(lines)
        self._batch = None
        for stream, number in numbers.items():
            self._note(stream, number)
        if self._size > _JOURNAL_MAX:
            with suppress(OSError):  # the old one goes on
                self._begin_anew()

    # -- the journal ----------------------------------------------------------------------------

    def look(self) -> None:
        """Make the journal anew where it was removed, let go of a renamed log; or OSError."""
        if self._batch is None and not self._is_named():
            self._begin_anew()
        self._file.follow()

    def _is_named(self) -> bool:
        try:
            return os.path.samestat(os.lstat(self._journal), os.fstat(self._fd))
        except OSError:
            return False

    def _begin_anew(self) -> None:
        """Begin a journal with all numbers; it gets its name when it is whole."""
        os.makedirs(self._journal.parent, 0o750, exist_ok=True)
        part = self._journal.with_name(f"{JOURNAL}.part")
        with suppress(FileNotFoundError):
            os.unlink(part)
        fd = moved(os.open(part, _FLAGS | os.O_EXCL, 0o600))
        try:
            numbers = [[*stream, number] for stream, number in self._numbers.items()]
            size = _append(fd, _packed({"numbers": numbers}, b""), 0)
            os.rename(part, self._journal)
        except BaseException:
            os.close(fd)
            raise
        self.close()
        self._fd, self._size = fd, size

    def _enter(self, values: dict[str, Any], lines: bytes, place: Doubt | None) -> None:
        if place is not None:
            values["file"] = [place.device, place.inode, place.size, place.head.hex(), place.at]
        self._size = _append(self._fd, _packed(values, lines), self._size)

    def close(self) -> None:
        """Close the journal."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def _append(fd: int, data: bytes, size: int) -> int:
    """Append an entry whole, or not at all; give the size of the journal then."""
    count = os.write(fd, data)
    if count < len(data):
        os.ftruncate(fd, size)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    return size + count


def _packed(values: dict[str, Any], lines: bytes) -> bytes:
    payload = json.dumps(values, separators=(",", ":")).encode() + b"\n" + lines
    return _ENTRY.pack(_MAGIC, len(payload), zlib.crc32(payload)) + payload


def _entries(fd: int) -> Iterator[tuple[dict[str, Any], bytes, int]]:
    """Read entries and where they end, up to the first that is not whole: it was being written."""
    with open(fd, "rb", closefd=False) as file:
        file.seek(0)
        while len(head := file.read(_ENTRY.size)) == _ENTRY.size:
            magic, size, crc = _ENTRY.unpack(head)
            payload = file.read(size) if magic == _MAGIC else b""
            if len(payload) < size or zlib.crc32(payload) != crc or magic != _MAGIC:
                return
            text, _, lines = payload.partition(b"\n")
            yield json.loads(text), lines, file.tell()


def _doubt_of(values: dict[str, Any], lines: bytes) -> Doubt:
    device, inode, size, head, at = values["file"]
    return Doubt(lines, device, inode, size, bytes.fromhex(head), at)

"""Find out what of a batch a log server that was killed had appended, and append the rest.

Rules of this border:
- A batch was to be one write(2) to the end of a file that other processes append to. A process that
  is killed in write(2) may leave a part: the kernel looks between two pages. So what is there, from
  the size on that the file had before, is all of the batch, nothing, or a beginning of it that ends
  anywhere; others may have appended behind.
- A beginning that ends within a line is overwritten by blanks, as FileSink does where a disk is
  full, and the rest is appended. This can itself be killed at any point and done again.
- A file that was compressed meanwhile cannot be mended; what is whole in it counts.
"""

from __future__ import annotations

import gzip
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from linod.log.rotation import rotated

SEARCH_MAX = 64 * 1024 * 1024
"""Bytes behind the place where a batch was to begin; others appended less between two calls."""
HEAD = 200
"""Bytes by which a file is known once it is compressed."""
_LINE_BEGINS = re.compile(rb'\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.|\{"ts":"')


class Doubt(NamedTuple):
    """A batch that may be in a file, and where."""

    lines: bytes
    device: int
    inode: int
    size: int
    """Of the file, before."""
    head: bytes
    """The first bytes of the file, before; fewer than HEAD where it had fewer."""
    at: int
    """When, in nanoseconds since 1970."""


class Part(NamedTuple):
    """A beginning of some lines that was found."""

    start: int
    whole: int
    """Bytes of whole lines."""
    torn: int
    """Bytes behind these that belong to a line without its end."""


def missing_lines(path: Path, doubt: Doubt) -> bytes:
    """Give the lines of a batch that are in no file of the log, once what is torn is blanked."""
    for file in _files(path, doubt):
        with suppress(OSError, EOFError):
            return _missing_in(file, doubt)
    return doubt.lines


def _files(path: Path, doubt: Doubt) -> list[Path]:
    """List the file, or those that it may have become by compression."""
    with suppress(OSError):
        files = [path, *rotated(path)]
        for file in files:
            state = _state(file)
            if state is not None and (state.st_dev, state.st_ino) == (doubt.device, doubt.inode):
                return [file]
        return [file for file in files if _may_be(file, doubt)]
    return []


def _state(file: Path) -> os.stat_result | None:
    try:
        return file.lstat()
    except OSError:
        return None


def _may_be(file: Path, doubt: Doubt) -> bool:
    """Tell whether a compressed file is the one, by its time and how it begins."""
    state = _state(file)
    if file.suffix != ".gz" or state is None or state.st_mtime_ns < doubt.at - 1_000_000_000:
        return False
    with suppress(OSError, EOFError), gzip.open(file) as opened:
        return opened.read(len(doubt.head)) == doubt.head
    return False


def _missing_in(file: Path, doubt: Doubt) -> bytes:
    is_packed = file.suffix == ".gz"
    with gzip.open(file) if is_packed else open(file, "r+b", buffering=0) as opened:
        opened.seek(doubt.size)
        data = opened.read(SEARCH_MAX)
        rest, start = doubt.lines, 0
        while rest and (part := find(data, start, rest)) is not None:
            if part.torn and not is_packed:
                _blank(opened, doubt.size + part.start + part.whole, part.torn)
            rest = rest[part.whole :]
            start = part.start + part.whole + part.torn
    return rest


def find(data: bytes, start: int, lines: bytes) -> Part | None:
    """Find a beginning of `lines` in `data`, which begins with a line at `start`."""
    whole = _find_line(data, start, lines)
    if whole >= 0:
        return Part(whole, len(lines), 0)
    first = lines[: lines.index(b"\n") + 1]
    place = _find_line(data, start, first)
    if place >= 0:
        return _extended(data, place, lines)
    for place in _line_starts(data, start):
        if torn := _torn(data, place, first):
            return Part(place, 0, torn)
    return None


def _find_line(data: bytes, start: int, lines: bytes) -> int:
    """Find lines that begin where a line begins; -1: they are not there."""
    place = data.find(lines, start)
    while place > start and data[place - 1 : place] != b"\n":
        place = data.find(lines, place + 1)
    return place


def _extended(data: bytes, place: int, lines: bytes) -> Part:
    """Measure what is there of lines whose first one is there."""
    whole = 0
    while whole < len(lines):
        end = lines.index(b"\n", whole) + 1
        line = lines[whole:end]
        if data[place + whole : place + end] != line:
            return Part(place, whole, _torn(data, place + whole, line))
        whole = end
    return Part(place, whole, 0)


def _torn(data: bytes, place: int, line: bytes) -> int:
    """Measure a beginning of `line` behind which the file ends or another line begins."""
    size = _common(data[place : place + len(line)], line)
    if 0 < size == len(data) - place:
        return size
    for end in range(size, 0, -1):
        if _LINE_BEGINS.match(data, place + end):
            return end
    return 0


def _common(first: bytes, second: bytes) -> int:
    """Count the bytes at the beginning that are the same."""
    pairs = enumerate(zip(first, second, strict=False))
    return next((at for at, (one, other) in pairs if one != other), min(len(first), len(second)))


def _line_starts(data: bytes, start: int) -> Iterator[int]:
    while 0 <= start < len(data):
        yield start
        start = data.find(b"\n", start) + 1 or len(data)


def _blank(opened: Any, place: int, size: int) -> None:
    """Overwrite a piece of a line by a line of blanks.

    What looks torn at the end may be the line of another process that is just being written, and
    begins as ours does. Writing waits for that one, by the kernel's lock on the file: so the piece
    is written again as it is, and then looked at once more.
    """
    opened.seek(place)
    piece = opened.read(size)
    os.pwrite(opened.fileno(), piece, place)
    behind = os.pread(opened.fileno(), 32, place + size)
    if not behind or _LINE_BEGINS.match(behind):
        os.pwrite(opened.fileno(), b" " * (size - 1) + b"\n", place)

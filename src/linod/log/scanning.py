"""Search much of a log with several processes: in one, Python's lock lets no two threads search.

Rules of this border:
- What is found comes in the order of the pieces, whoever was first to find it.
- The pieces are of files that were open before: what happens to their names does not matter.
- A process that nobody reads from any more ends when it has something to say, or nothing left.
"""

from __future__ import annotations

import os
import signal
import struct
import zlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import BinaryIO, NamedTuple

from linod.log.blocks import forwards, unpacked
from linod.log.search import Search

WORTH = 128 * 1024 * 1024
"""Bytes from which on several processes are quicker than one."""
PIECE = 32 * 1024 * 1024
_PROCESSES_MAX = 8
PACKING = 10
"""A packed file becomes about so many times as large."""
# What a process writes: kind and length, then lines, or why the rest of a piece cannot be read.
_LENGTH = struct.Struct(">BQ")
_LINES, _END = 0, 1


class Piece(NamedTuple):
    """Whole lines of an open file, [start, end); a packed file is one piece."""

    fd: int
    start: int
    end: int
    is_packed: bool = False


class Found(NamedTuple):
    """Some of what a piece has of what is wanted, or why the rest of it cannot be read."""

    piece: Piece
    lines: list[bytes]
    trouble: str = ""


def processors() -> int:
    """Say how many processes can search at once."""
    try:
        count = len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS
        count = os.cpu_count() or 1
    return min(_PROCESSES_MAX, count)


def cut(fd: int, end: int, start: int = 0, size: int = PIECE) -> Iterator[Piece]:
    """Cut an open file into pieces of about this size, at the ends of lines."""
    while start < end:
        position = min(start + size, end)
        cutting = _after_line(fd, position, end) if position < end else end
        yield Piece(fd, start, cutting)
        start = cutting


def _after_line(fd: int, position: int, end: int, look: int = 64 * 1024) -> int:
    """Give the place behind the line that is at a place, or behind the last one."""
    while position < end and (data := os.pread(fd, min(look, end - position), position)):
        if found := data.find(b"\n") + 1:
            return position + found
        position += len(data)
    return end


def scan(search: Search, pieces: Sequence[Piece]) -> Iterator[Found]:
    """Search pieces, as many at once as there are processors."""
    count = min(processors(), len(pieces))
    workers: list[tuple[int, BinaryIO]] = []
    try:
        for number in range(count):
            workers.append(_begun(search, pieces[number::count], workers))
        for number, piece in enumerate(pieces):
            yield from _received(workers[number % count][1], piece)
    finally:
        for _, results in workers:
            results.close()
        for pid, _ in workers:
            os.waitpid(pid, 0)


def _begun(
    search: Search, pieces: Sequence[Piece], others: Sequence[tuple[int, BinaryIO]]
) -> tuple[int, BinaryIO]:
    """Begin a process that searches these pieces; give its pid and what it writes."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            for each in (reading, *(results.fileno() for _, results in others)):
                os.close(each)  # who writes is to notice that nobody reads any more
            with suppress(BrokenPipeError), open(writing, "wb") as results:
                for piece in pieces:
                    _send(search, piece, results)
            status = 0
        finally:
            os._exit(status)
    os.close(writing)
    return pid, open(reading, "rb")


def _send(search: Search, piece: Piece, results: BinaryIO) -> None:
    """Write what each block of a piece has, and at its end why that is not all."""
    trouble = ""
    try:
        blocks = unpacked(piece.fd) if piece.is_packed else forwards(*piece[:3])
        for block in blocks:
            if lines := search.lines(block):
                found = b"".join(lines)
                results.write(_LENGTH.pack(_LINES, len(found)) + found)
                results.flush()
    except BrokenPipeError:
        raise
    except (OSError, EOFError, zlib.error) as error:
        trouble = getattr(error, "strerror", None) or str(error)
    why = trouble.encode()
    results.write(_LENGTH.pack(_END, len(why)) + why)
    results.flush()


def _received(results: BinaryIO, piece: Piece) -> Iterator[Found]:
    while len(head := results.read(_LENGTH.size)) == _LENGTH.size:
        kind, length = _LENGTH.unpack(head)
        data = results.read(length)
        if kind == _END:
            if data:
                yield Found(piece, [], data.decode())
            return
        yield Found(piece, [line + b"\n" for line in data.split(b"\n")[:-1]])
    yield Found(piece, [], "who read it has died")

"""The bytes of one log file as large blocks of whole lines: forwards, backwards, unpacked.

Rules of this border:
- A block begins a line and ends with a newline; what has none at the end of a file gets one.
- Files are read while others write, rename, compress and remove them.
"""

from __future__ import annotations

import os
import zlib
from collections import deque
from collections.abc import Iterable, Iterator
from queue import Queue
from threading import Thread

from linod.log.entries import head_of

BLOCK = 4 * 1024 * 1024
"""Bytes of a block; a longer line makes a larger one."""
_PACKED_CHUNK = 256 * 1024
# Decompression takes longer than the search, and does without Python's lock.
_AHEAD_FILES = 2
_AHEAD_BLOCKS = 4
_GZIP = 16 + zlib.MAX_WBITS
# Several writers append as they come: within a look of this size the newest time counts.
_LOOK = 64 * 1024
_SHUFFLED_S = 60.0


def forwards(fd: int, start: int, end: int, size: int = BLOCK) -> Iterator[bytes]:
    """Read [start, end) of an open file."""
    length = size
    while start < end and (data := os.pread(fd, min(length, end - start), start)):
        # What is cut is read again: that is cheaper than to join it.
        cut = data.rfind(b"\n") + 1
        if not cut and start + len(data) < end:
            length *= 2
            continue
        start += cut or len(data)
        length = size
        yield data[:cut] if cut else data + b"\n"


def backwards(fd: int, end: int, size: int = BLOCK) -> Iterator[bytes]:
    """Read an open file from its end; the lines of a block are in their order."""
    rest = b"" if end == 0 or os.pread(fd, 1, end - 1) == b"\n" else b"\n"
    while end > 0:
        start = max(0, end - size)
        data = os.pread(fd, end - start, start) + rest
        end = start
        cut = data.find(b"\n") + 1 if start else 0
        rest = data[:cut]
        if data[cut:]:
            yield data[cut:]


def unpacked(fd: int, size: int = BLOCK) -> Iterator[bytes]:
    """Read an open gzip file; zlib.error and EOFError where it is damaged."""
    rest = b""
    for data in _inflated(fd, size):
        cut = data.rfind(b"\n") + 1
        if cut:
            yield rest + data[:cut]
            rest = data[cut:]
        else:
            rest += data
    if rest:
        yield rest + b"\n"


def _inflated(fd: int, size: int) -> Iterator[bytes]:
    position, unused = 0, b""
    packed, is_whole = zlib.decompressobj(_GZIP), True
    parts: list[bytes] = []
    while data := unused or os.pread(fd, _PACKED_CHUNK, position):
        position += 0 if unused else len(data)
        parts.append(packed.decompress(data))
        unused, is_whole = packed.unused_data, packed.eof
        if is_whole:  # another member may follow
            packed = zlib.decompressobj(_GZIP)
        if sum(map(len, parts)) >= size:
            yield b"".join(parts)
            parts = []
    yield b"".join(parts)
    if not is_whole:
        raise EOFError("its end is missing")


def ahead(files: Iterable[Iterator[bytes]]) -> Iterator[Iterator[bytes]]:
    """Read files in their order, each in a thread, one or two before they are asked for."""
    begun: deque[Iterator[bytes]] = deque()
    for file in files:
        begun.append(_begun(file))
        if len(begun) >= _AHEAD_FILES:
            yield begun.popleft()
    yield from begun


_Item = bytes | Exception | None


def _begun(blocks: Iterator[bytes]) -> Iterator[bytes]:
    queue: Queue[_Item] = Queue(_AHEAD_BLOCKS)

    def fill() -> None:
        try:
            for block in blocks:
                queue.put(block)
            queue.put(None)
        except Exception as error:  # noqa: BLE001 - it is raised again where the blocks are taken
            queue.put(error)

    # Who stops reading leaves it behind; it ends with the process.
    Thread(target=fill, daemon=True).start()

    def taken() -> Iterator[bytes]:
        while (item := queue.get()) is not None:
            if isinstance(item, Exception):
                raise item
            yield item

    return taken()


def place(fd: int, size: int, at: float) -> int:
    """Find where lines of this time and later begin, in an open file of so many bytes.

    What was kept in memory stands behind what is newer and does not count. A minute earlier is
    taken, for writers that were held up.
    """
    low, high = 0, size
    while high - low > _LOOK:
        middle = (low + high) // 2
        newest = _newest(fd, middle, high)
        if newest is None or newest >= at - _SHUFFLED_S:
            high = middle
        else:
            low = middle
    return _line_start(fd, low)


def _newest(fd: int, start: int, end: int) -> float | None:
    """Give the newest time of the first lines behind a place that have one of their own."""
    while start < end and (data := os.pread(fd, _LOOK, start)):
        _, *lines, rest = data.split(b"\n")
        heads = [head for line in lines if (head := head_of(line)) is not None]
        times = [head.at for head in heads if not head.is_kept]
        if times:
            return max(times)
        # The first part of a look is no line; from a newline on, it is nothing.
        start += len(data) - len(rest) - 1 if lines else len(data)
    return None


def _line_start(fd: int, position: int) -> int:
    """Give the place of the first line that begins at or before a place."""
    while position > 0:
        start = max(0, position - _LOOK)
        found = os.pread(fd, position - start, start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        position = start
    return 0

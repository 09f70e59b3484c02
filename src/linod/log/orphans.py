"""Deliver what processes left in their spools that are dead; see spool.py for who may read one."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import suppress

from linod.log.frames import Frame, FrameError, Hello, Kind, encode, read_hello, write_hello
from linod.log.link import Link, Target, connect
from linod.log.outbox import send_all, welcomed
from linod.log.spool import PART, Notice, filled, frames_of, take_orphan

_ACKNOWLEDGED_WITHIN_S = 60.0
_PART_AFTER_NS = 60_000_000_000


def deliver_orphans(target: Target, folder: int, notice: Notice) -> None:
    """Send all that is left in a folder; OSError or FrameError where that cannot be done now."""
    for name in orphans(folder):
        fd = take_orphan(folder, name)
        if fd < 0:
            continue
        try:
            frames = frames_of(fd)
            hello = hello_of(frames)
            if hello is None or hello.stream != name:  # nobody could say whose it is
                os.unlink(name, dir_fd=folder)
            else:
                _deliver(target, (folder, name), hello, frames, notice)
        finally:
            os.close(fd)


def orphans(folder: int) -> list[str]:
    """List what may be a spool, the oldest first; what goes away meanwhile is left out.

    Of a process that was killed while it made its spool anew there is a `.part`: a copy.
    """
    found = []
    for name in os.listdir(folder):
        with suppress(OSError):
            state = os.stat(name, dir_fd=folder, follow_symlinks=False)
            found.append((state.st_mtime_ns, name))
    long_ago = time.time_ns() - _PART_AFTER_NS
    return [name for at, name in sorted(found) if not name.endswith(PART) or at < long_ago]


def hello_of(frames: Iterator[tuple[int, int, Frame]]) -> Hello | None:
    """Read whose spool it is; None: it is none, and nothing in it can be delivered."""
    for _, _, frame in frames:
        with suppress(FrameError):
            return read_hello(frame.body) if frame.kind is Kind.HELLO else None
    return None


def _deliver(
    target: Target,
    place: tuple[int, str],
    hello: Hello,
    frames: Iterator[tuple[int, int, Frame]],
    notice: Notice,
) -> None:
    link = connect(target)
    try:
        send_all(link, encode(write_hello(hello._replace(token=target.token, is_left=True))))
        last = acked = welcomed(link)
        for _, _, frame in frames:
            if frame.kind is Kind.RECORD and frame.number > last:
                send_all(link, b"".join(map(encode, filled(frame, last, notice))))
                last = frame.number
                acked = max(acked, _acked(link))
        _await(link, acked, last)
        # In this order: a stream that the server forgot must not come again.
        os.unlink(place[1], dir_fd=place[0])
        link.send(encode(Frame(Kind.END, b"", last)))
    finally:
        link.close()


def _await(link: Link, acked: int, last: int) -> None:
    end = time.monotonic() + _ACKNOWLEDGED_WITHIN_S
    while (acked := max(acked, _acked(link))) < last:
        if time.monotonic() > end:
            raise TimeoutError("the log server does not acknowledge")
        link.wait(1.0, to_send=False)


def _acked(link: Link) -> int:
    return max((frame.number for frame in link.take() if frame.kind is Kind.ACK), default=0)

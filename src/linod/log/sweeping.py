"""The log server delivers what dead processes left in spools that it can read.

Rules of this border:
- What is in a spool is the word of its user: the file has to be that user's, and is read as what
  came over a connection of that user would be. Wrong frames are passed over; the gap is told.
- A spool is removed when all of it is in the log, and its stream is forgotten after that.
- It goes on by one batch per turn of the loop, so senders that live have their turns.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from linod.log.frames import Frame, FrameError, Hello, Kind
from linod.log.lines import Origin
from linod.log.orphans import hello_of, orphans
from linod.log.sending import missing
from linod.log.spool import filled, frames_of, take_orphan

if TYPE_CHECKING:
    from linod.log.server import LogServer

_FRAMES = 500
"""Per turn."""
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Sweep:
    """One round after the other through the folders."""

    def __init__(self, server: LogServer) -> None:
        self._server = server
        self._round: Iterator[None] | None = None

    @property
    def is_busy(self) -> bool:
        """Tell whether there is more to do at once."""
        return self._round is not None

    def begin(self, folders: list[tuple[int, Path]]) -> None:
        """Begin a round, unless one goes on."""
        if self._round is None:
            self._round = self._rounds(folders)

    def go_on(self) -> None:
        """Do a part of the round."""
        if self._round is not None and next(self._round, self) is self:
            self._round = None

    def _rounds(self, folders: list[tuple[int, Path]]) -> Iterator[None]:
        for uid, path in folders:
            try:
                folder = os.open(path, _DIRECTORY)
            except OSError:
                continue
            try:
                if os.fstat(folder).st_uid == uid:
                    yield from self._folder(folder, uid)
            finally:
                os.close(folder)

    def _folder(self, folder: int, uid: int) -> Iterator[None]:
        for name in orphans(folder):
            fd = take_orphan(folder, name)
            if fd < 0:
                continue
            try:
                state = os.fstat(fd)
                if state.st_uid == uid and stat.S_ISREG(state.st_mode):
                    yield from self._spool(folder, fd, name, uid)
            except OSError:
                continue  # a disk that cannot be read: the next round tries again
            finally:
                os.close(fd)

    def _spool(self, folder: int, fd: int, name: str, uid: int) -> Iterator[None]:
        frames = frames_of(fd)
        hello = hello_of(frames)
        stream = (f"uid {uid}", name)
        if hello is not None and hello.stream == name:
            self._server.supersede(stream)
            yield from self._deliver(stream, hello._replace(is_left=True), uid, frames)
        while self._server.is_behind:
            yield
        with suppress(FileNotFoundError):
            os.unlink(name, dir_fd=folder)
        self._server.end(stream)

    def _deliver(
        self,
        stream: tuple[str, str],
        hello: Hello,
        uid: int,
        frames: Iterator[tuple[int, int, Frame]],
    ) -> Iterator[None]:
        own = Origin(hello.program, hello.pid)

        def origin_of(claimed: Origin) -> Origin:
            return self._server.access.origin(uid, 0, hello, claimed)

        for count, (_, _, frame) in enumerate(frames, 1):
            last = self._server.last(stream)
            if last is None:
                last = frame.number - frame.skipped - 1
            if frame.kind is not Kind.RECORD or frame.number <= last:
                continue
            for each in filled(frame, last, lambda count: missing(count, own)):
                with suppress(FrameError):
                    self._server.take(stream, each, origin_of)
            if count % _FRAMES == 0:
                yield
            while self._server.is_stuck:
                yield

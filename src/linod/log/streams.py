"""stdout and stderr of a run as lines of the log, in order with its other records.

Rules of this border:
- A line is logged when its newline comes; what has none yet is logged at the end (`finish`).
- Each thread has a line of its own, so that two threads that print do not share one; so has each
  run of a thread that executes several.
- `fileno()` stays that of the stream: a child process inherits a real descriptor, which the
  keeper reads.
"""

from __future__ import annotations

import atexit
import codecs
import io
import sys
import threading
import time
from collections.abc import Iterable
from typing import Any, NoReturn

from linod.log.lines import Record
from linod.log.plan import LEVEL_NUMBERS
from linod.log.recorder import current, named_run
from linod.specs import LogLevel

LINE_CHARACTERS_MAX = 64 * 1024
"""A longer line of output becomes several: nothing is cut, and nothing grows without bound."""


def replace_streams() -> None:
    """Make sys.stdout and sys.stderr log whole lines, at INFO and at WARNING."""
    for former in (sys.stdout, sys.stderr):
        if former is not None and not former.closed:
            former.flush()
    sys.stdout = LineStream("stdout", LogLevel.INFO, 1)
    sys.stderr = LineStream("stderr", LogLevel.WARNING, 2)
    atexit.register(sys.stdout.finish)
    atexit.register(sys.stderr.finish)


class LineStream(io.TextIOBase):
    """A text stream whose lines are records."""

    encoding = "utf-8"
    errors = "surrogateescape"
    line_buffering = True
    write_through = True
    mode = "w"

    def __init__(self, name: str, level: LogLevel, fd: int) -> None:
        self.name = f"<{name}>"
        self._logger = name
        self._level = level
        self._fd = fd
        self._parts: dict[tuple[int, int | None], str] = {}
        self.buffer = LineBuffer(self)

    def write(self, text: str) -> int:
        """Log the lines that are whole now."""
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        where = threading.get_ident(), named_run()
        *lines, rest = (self._parts.pop(where, "") + text).split("\n")
        while len(rest) > LINE_CHARACTERS_MAX:
            lines.append(rest[:LINE_CHARACTERS_MAX])
            rest = rest[LINE_CHARACTERS_MAX:]
        if rest:
            self._parts[where] = rest
        self._record(lines)
        return len(text)

    def finish(self) -> None:
        """Log what has no newline, but not of another run than this one."""
        self.buffer.finish()
        here = named_run()
        for where in [where for where in tuple(self._parts) if where[1] in (here, None)]:
            if part := self._parts.pop(where, ""):
                self._record([part])

    def flush(self) -> None:
        """Do nothing: whole lines are out, and a part waits for its newline."""

    def close(self) -> None:
        """Log what has no newline, and stay open: linod and others still write here."""
        self.finish()

    def fileno(self) -> int:
        """Give the descriptor that child processes inherit."""
        return self._fd

    def isatty(self) -> bool:
        """Say that no terminal is here."""
        return False

    def writable(self) -> bool:
        """Say that it can be written."""
        return True

    def reconfigure(self, **_options: Any) -> None:
        """Accept what programs set on their stdout; a line is always UTF-8 and out at once."""

    def detach(self) -> NoReturn:
        """Refuse: there is no stream underneath."""
        raise io.UnsupportedOperation("detach")

    def _record(self, lines: list[str]) -> None:
        recorder = current()
        if recorder is None or not lines:
            return
        take = recorder.way(self._logger, LEVEL_NUMBERS[self._level])
        if take is None:
            return
        for line in _pieces(lines):
            take(Record(time.time(), self._level, self._logger, line))


class LineBuffer(io.BufferedIOBase):
    """What `sys.stdout.buffer` is for: bytes that are text in the end."""

    def __init__(self, stream: LineStream) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")

    def write(self, data: Any) -> int:
        """Decode and log; bytes that are no UTF-8 show as escapes."""
        view = memoryview(data).cast("B")
        self._stream.write(self._decoder.decode(view))
        return len(view)

    def finish(self) -> None:
        """Log half a character."""
        rest = self._decoder.decode(b"", final=True)
        if rest:
            self._stream.write(rest)

    def flush(self) -> None:
        """Do nothing: there is no buffer."""

    def close(self) -> None:
        """Stay open, as the stream does."""

    def writable(self) -> bool:
        """Say that it can be written."""
        return True

    def fileno(self) -> int:
        """Give the descriptor that child processes inherit."""
        return self._stream.fileno()


def _pieces(lines: list[str]) -> Iterable[str]:
    for line in lines:
        if len(line) <= LINE_CHARACTERS_MAX:
            yield line
            continue
        for start in range(0, len(line), LINE_CHARACTERS_MAX):
            yield line[start : start + LINE_CHARACTERS_MAX]

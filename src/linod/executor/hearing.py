"""What a keeper hears of its runs: their output, their lines of the log, their reports.

No turn takes more than a bounded share from a run, however much it prints.
"""

from __future__ import annotations

import os
import selectors
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Protocol

from linod.executor import telling
from linod.executor.kept import READ_MAX, KeptRun
from linod.executor.member import Member
from linod.specs import LogLevel

_DRAIN_MAX = 1024 * 1024
# As much as a pipe holds.
_PIPE_MAX = 64 * 1024
_LEVELS = {"stdout": LogLevel.INFO, "stderr": LogLevel.WARNING}

Tell = Callable[[dict[str, Any]], None]
Report = tuple[KeptRun, dict[str, Any]]
Speaker = KeptRun | Member
"""Who has pipes: a run with a worker of its own, or a worker that has several."""


class Speech(Protocol):
    """How a keeper writes to the log, which is no business of this file."""

    plan: Any
    """Handed on to the workers."""

    def mask(self, secrets: list[str]) -> None:
        """Mask these values from now on."""

    def write(self, run: KeptRun, level: LogLevel, text: str) -> bytes:
        """Write the output of a run; return the lines as written."""

    def kept(self, run: KeptRun, why: str) -> None:
        """Write what was kept of a run, where there is something."""

    def lines(self, run: KeptRun, data: bytes) -> list[bytes]:
        """Return the lines of a worker's log; write them where it may not do that itself."""


class Hearing:
    """Reads the pipes of runs, for one keeper."""

    def __init__(self, speech: Speech, tell: Tell) -> None:
        self._selector = selectors.DefaultSelector()
        self._speech = speech
        self._tell = tell

    def fileno(self) -> int:
        """Return the descriptor that tells whether somebody says something."""
        return self._selector.fileno()

    def ready(self) -> list[Callable[[], int]]:
        """Give what is to be called to take what they say now."""
        return [key.data for key, _ in self._selector.select(0)]

    def begin(self, speaker: Speaker) -> None:
        """Read these pipes from now on."""
        for name, descriptor in speaker.pipes.items():
            action = partial(self._read, speaker, name)
            self._selector.register(descriptor, selectors.EVENT_READ, action)

    def drain(self, run: KeptRun) -> None:
        """Read what a run wrote that is over, but not what its strays go on writing."""
        speaker = run.member or run
        if run.member is not None and not (run.member.is_dead or run.left_children):
            # It went on only when the others were read.
            self._drain(speaker, "lines", _DRAIN_MAX)
            return
        for name in tuple(speaker.pipes):
            self._drain(speaker, name, _DRAIN_MAX)

    def hear(self, member: Member) -> None:
        """Take what a member has reported until now."""
        self._drain(member, "report", _PIPE_MAX)

    def end(self, speaker: Speaker) -> None:
        """Read no more, and take what has no end."""
        for name in tuple(speaker.pipes):
            self._close(speaker, name)
            self._take(speaker, name, b"")

    def end_lines(self, run: KeptRun) -> None:
        """Take what has no end of a run whose worker lives on."""
        for name in _LEVELS:
            self._take_of_run(run, name, b"")

    def tell_lines(self, run: KeptRun, text: str) -> None:
        """Tell lines of a run to who follows it."""
        if text:
            self._tell(telling.lines(run, text))

    def _read(self, speaker: Speaker, name: str) -> int:
        """Take what a pipe has, at most a turn's share; return how much."""
        if name != "report" and isinstance(speaker, Member):
            # Who wrote what is there has reported its begin before, and goes on until it is read.
            self.hear(speaker)
        descriptor = speaker.pipes.get(name)
        if descriptor is None:
            return 0
        try:
            data = os.read(descriptor, READ_MAX)
        except BlockingIOError:
            return 0
        except OSError:
            data = b""
        if not data:
            self._close(speaker, name)
        if name in _LEVELS:
            # What it logged before it wrote this is in the other pipe by now.
            self._drain(speaker, "lines", _PIPE_MAX)
        self._take(speaker, name, data)
        return len(data)

    def _drain(self, speaker: Speaker, name: str, most: int) -> None:
        taken = 0
        while taken < most and (size := self._read(speaker, name)):
            taken += size

    def _take(self, speaker: Speaker, name: str, data: bytes) -> None:
        if isinstance(speaker, KeptRun):
            self._take_of_run(speaker, name, data)
        elif name == "report":
            self._take_reports(speaker.reports(data))
        elif name == "lines":
            for run, line in speaker.log_lines(data):
                self._add_lines(run, self._speech.lines(run, line))
        elif speaker.speaking is not None:
            self._take_of_run(speaker.speaking, name, data)

    def _take_of_run(self, run: KeptRun, name: str, data: bytes) -> None:
        if name == "report":
            self._take_reports([(run, message) for message in run.reports(data)])
        elif name == "lines":
            self._add_lines(run, self._speech.lines(run, data))
        elif text := run.output(name, data):
            written = self._speech.write(run, _LEVELS[name], text)
            self._add_lines(run, written.splitlines(keepends=True))

    def _take_reports(self, reports: Sequence[Report]) -> None:
        """Tell what is new: of its progress only the newest, however much came at once."""
        formers = {run: run.progress for run, _ in reports}
        for run, message in reports:
            if run.take_report(message):
                self._tell(telling.started(run))
            if run.member is not None and isinstance(end := message.get("end"), dict):
                run.leave(end)
        for run, former in formers.items():
            if run.progress is not None and run.progress != former:
                self._tell(telling.progress(run.order.run, run.progress))

    def _close(self, speaker: Speaker, name: str) -> None:
        descriptor = speaker.pipes.pop(name)
        self._selector.unregister(descriptor)
        os.close(descriptor)

    def _add_lines(self, run: KeptRun, lines: list[bytes]) -> None:
        for line in lines:
            run.tail.add(line)
        if run.is_followed and lines:
            self.tell_lines(run, b"".join(lines).decode("utf-8", "replace"))

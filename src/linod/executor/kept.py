"""What a keeper keeps of one run: its pipes, its limits, the end of its log, how it ends."""

from __future__ import annotations

import os
import resource
import signal
import time
from collections import deque
from enum import Enum
from typing import TYPE_CHECKING, Any

from linod.events import ONLY_IF, Outcome
from linod.executor import wire
from linod.executor.allowance import Allowance
from linod.executor.containing import limit_passed
from linod.executor.flight import Flight
from linod.executor.messages import Order, TaskSpec
from linod.executor.progress import Progress
from linod.executor.weighing import MAXRSS_UNIT
from linod.ring import Ring
from linod.specs import LogLevel

if TYPE_CHECKING:
    from linod.executor.member import Member

TAIL_MAX = 64 * 1024
"""Bytes of a run's log that are kept with it."""
LINE_MAX = 64 * 1024
"""Bytes of one line of output; longer ones are cut, with a mark."""
READ_MAX = 16 * 1024
"""Bytes taken from one pipe in a turn: a run that prints without end must not stall others."""
CUT_MARK = b" [cut]"
LEFT = "left"
"""In an end: the worker, which lives on, has children, and waits until they are gone."""


class Phase(Enum):
    """How far the end of a run's processes has come."""

    RUNNING = 1
    TERMED = 2
    KILLED = 3


class Tail:
    """The last 64 KiB of lines."""

    def __init__(self) -> None:
        self._lines: deque[bytes] = deque()
        self._size = 0

    def add(self, line: bytes) -> None:
        """Add a line that ends with a newline."""
        line = line[-TAIL_MAX:]
        self._lines.append(line)
        self._size += len(line)
        while self._size > TAIL_MAX:
            self._size -= len(self._lines.popleft())

    def text(self) -> str:
        """Return what is there."""
        return b"".join(self._lines).decode("utf-8", "replace")


class LineCutter:
    """Cuts output into lines; what is longer than 64 KiB is cut off, with a mark."""

    def __init__(self) -> None:
        self._rest = bytearray()
        self._is_skipping = False

    def feed(self, data: bytes) -> list[bytes]:
        """Return the whole lines that are there now, without newlines."""
        *whole, last = data.split(b"\n")
        lines = [line for part in whole if (line := self._complete(part)) is not None]
        lines += self._keep(last)
        return lines

    def rest(self) -> list[bytes]:
        """Return the line without newline at the end of the output."""
        line = self._complete(b"")
        return [line] if line else []

    def _complete(self, part: bytes) -> bytes | None:
        line = bytes(self._rest) + part
        is_skipped, self._is_skipping = self._is_skipping, False
        self._rest.clear()
        if is_skipped:
            return None
        return line if len(line) <= LINE_MAX else line[:LINE_MAX] + CUT_MARK

    def _keep(self, data: bytes) -> list[bytes]:
        if self._is_skipping:
            return []
        self._rest += data
        if len(self._rest) <= LINE_MAX:
            return []
        line = bytes(self._rest[:LINE_MAX]) + CUT_MARK
        self._rest.clear()
        self._is_skipping = True
        return [line]


class KeptRun:
    """One run, from its order to its end."""

    def __init__(self, order: Order, spec: TaskSpec) -> None:
        self.order = order
        self.spec = spec
        self.pipes: dict[str, int] = {}
        """Reading ends: stdout, stderr, report, lines; none where its worker has other runs too."""
        self.member: Member | None = None
        """The long-lived worker that executes it."""
        self.left_children = False
        """Whether such a worker had children when it was done with it."""
        self.has_left = False
        """Whether it has ended in a worker that lives on."""
        self.pid = 0
        self.worker = ""
        """`pid:start time`; empty until the run file is there."""
        self.started: float | None = None
        self.ended: float | None = None
        self.has_passed = spec.only_if is None
        """Whether only_if let it go on."""
        self.status: int | None = None
        """Wait status of the dead worker."""
        self.phase = Phase.RUNNING
        self.next_at: float | None = None
        """When its phase has to be looked at again, on the clock of limits."""
        self.times_out_at: float | None = None
        self.termed: set[tuple[int, int]] = set()
        """Processes that got TERM, by pid and start time."""
        self.kill_at = 0.0
        """When TERM turns into KILL."""
        self.wanted: tuple[Outcome, str] | None = None
        """Outcome of a run that the keeper ends."""
        self.is_oom = False
        """Whether the kernel ended it for want of memory."""
        self.used: dict[str, Any] = {}
        """What it used, by the kernel's account."""
        self.progress: Progress | None = None
        """How far it is, where it says so."""
        self.end: dict[str, Any] | None = None
        """What the worker reported."""
        self.is_followed = order.is_followed
        self.tail = Tail()
        self.level = None if spec.log_level is None else LogLevel(spec.log_level)
        self.kept_level = None if spec.log_keep is None else LogLevel(spec.log_keep)
        if order.is_after_failure and self.kept_level is not None:
            self.level = self.kept_level
        self.flight = Flight(order.run, None)
        """What is logged only if it fails or is slow."""
        self._cutters = {"stdout": LineCutter(), "stderr": LineCutter()}
        self._reports = wire.LineBuffer(wire.LINE_MAX)
        self._lines = wire.LineBuffer(wire.LINE_MAX)
        self._allowance = Allowance(time.monotonic)

    def keep_in(self, ring: Ring | None) -> None:
        """Note where its worker keeps records."""
        self.flight = Flight(self.order.run, ring)

    def output(self, name: str, data: bytes) -> str:
        """Return the whole lines of stdout or stderr, as text; `data` is empty at the end."""
        cutter = self._cutters[name]
        lines = cutter.feed(data) if data else cutter.rest()
        return "\n".join(line.decode("utf-8", "replace") for line in lines)

    def log_lines(self, data: bytes) -> list[bytes]:
        """Return the lines that the worker wrote to the log."""
        return [line + b"\n" for line in self._lines.feed(data)]

    def may_say(self, size: int) -> bool:
        """Tell whether it may report so many bytes more."""
        return self._allowance.takes(size)

    def reports(self, data: bytes) -> list[dict[str, Any]]:
        """Return what the worker reports; user code may write anything here, but not much."""
        if not self.may_say(len(data)):
            return []
        messages = (wire.decode(line) for line in self._reports.feed(data))
        return [message for message in messages if message is not None]

    def take_report(self, message: dict[str, Any]) -> bool:
        """Take a report; True if it says that the run started."""
        started = message.get("started")
        if self.started is None and _is_start(started):
            ticks, at = message["started"]
            self.worker = f"{self.pid}:{ticks}"
            self.started = float(at)
            return True
        if self.started is not None and "progress" in message:
            self.progress = Progress.of_json(message["progress"]) or self.progress
        if message.get("passed") is True:
            self.has_passed = True
        end = message.get("end")
        is_awaited = self.end is None and self.phase is Phase.RUNNING
        if is_awaited and isinstance(end, dict) and self._may_report(end):
            self.end = end
        return False

    @property
    def is_over(self) -> bool:
        """Tell whether its worker is dead, or done with it."""
        return self.status is not None or self.has_left

    def leave(self, end: dict[str, Any]) -> None:
        """Note that a worker which lives on is done with it."""
        if self.has_left:
            return
        self.has_left = True
        self.ended = time.time()
        self.left_children = end.get(LEFT) is True
        used = end.get("used")
        self.used = used if isinstance(used, dict) else {}
        self.next_at = 0.0  # at once

    def _may_report(self, end: dict[str, Any]) -> bool:
        if end.get("outcome") == Outcome.CANCELLED:
            return not self.has_passed and end.get("reason") == ONLY_IF
        return end.get("outcome") in _REPORTED

    def died(self, status: int, used: resource.struct_rusage, *, is_oom: bool) -> None:
        """Take the death of its worker, and what that and its children used."""
        self.status = status
        if self.has_left:
            return
        self.is_oom = is_oom
        self.ended = time.time()
        self.used = {
            "user_s": round(used.ru_utime, 6),
            "system_s": round(used.ru_stime, 6),
            "memory": used.ru_maxrss * MAXRSS_UNIT,
        }

    def placed(self, reason: str) -> str:
        """Say with a reason where it happened, if that was in only_if."""
        is_asking = self.started is not None and not self.has_passed
        return f"{ONLY_IF}: {reason}" if is_asking else reason

    def result(self) -> dict[str, Any]:
        """Say how it ended, once its worker is dead."""
        outcome, reason, detail = self._judge()
        return {
            "outcome": str(outcome),
            "reason": reason,
            "detail": detail,
            "used": self.used,
            "started": self.started,
            "ended": self._ended(),
        }

    def _ended(self) -> float | None:
        """Say when it ended: its worker knows better than who waited for the worker's death.

        That may have been held with its end, while others were to begin (see `gate`).
        """
        said = None if self.end is None else self.end.get("ended")
        if self.started is None or self.ended is None or type(said) is not float:
            return self.ended
        return said if self.started <= said <= self.ended else self.ended

    def _judge(self) -> tuple[str, str, dict[str, Any]]:
        death, detail = _death(self.status)
        if self.is_oom:
            death = f"out of memory: {death}"
        death = limit_passed(self.spec, detail) or death
        if self.wanted is not None and self.end is None:
            return self.wanted[0], self.wanted[1], detail
        if self.end is not None:
            reported = self.end.get("detail")
            return (
                self.end["outcome"],
                str(self.end.get("reason", ""))[:1000],
                reported if isinstance(reported, dict) else {},
            )
        is_program = self.spec.procedure is None and self.has_passed
        if is_program and "exit_status" in detail:
            outcome = self._by_status(detail["exit_status"])
            return outcome, "" if outcome is Outcome.SUCCEEDED else death, detail
        if "exit_status" in detail:
            death = f"its process ended without a result: {death}"
        return Outcome.FAILED, self.placed(death), detail

    def _by_status(self, status: int) -> Outcome:
        if status in self.spec.succeeded:
            return Outcome.SUCCEEDED
        return Outcome.WARNED if status in self.spec.warned else Outcome.FAILED


_REPORTED = frozenset((Outcome.SUCCEEDED, Outcome.WARNED, Outcome.FAILED))


def _is_start(started: Any) -> bool:
    is_pair = isinstance(started, list) and len(started) == 2
    return is_pair and all(type(value) in (int, float) for value in started)


def _death(status: int | None) -> tuple[str, dict[str, Any]]:
    if status is None:
        return "it would not die", {}
    code = os.waitstatus_to_exitcode(status)
    if code >= 0:
        return f"exit status {code}", {"exit_status": code}
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    return f"killed by {name}", {"signal": name}

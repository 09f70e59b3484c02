"""How far a run is: told by its procedure, at most ten times a second, and shown by status."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from typing import Any

from attrs import frozen

NUMBER_MAX = 2**63
"""What is told is below this."""
_AGAIN_S = 0.1
"""Nobody reads faster, and what a run says costs its keeper and the daemon too."""


@frozen
class Progress:
    """So much is done, of so much where that is known."""

    done: float
    total: float | None = None

    @classmethod
    def of_json(cls, told: Any) -> Progress | None:
        """Read what somebody sent who is not trusted; None where it is no progress."""
        if not isinstance(told, list) or len(told) != 2:
            return None
        done, total = told
        is_total = total is None or (_is_number(total) and total > 0)
        return cls(done, total) if _is_number(done) and is_total else None

    def to_json(self) -> list[float | None]:
        """Give it for a message."""
        return [self.done, self.total]


class Pace:
    """Passes the progress of one run on; what comes too soon is dropped."""

    def __init__(
        self, send: Callable[[Progress], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._send = send
        self._clock = clock
        self._pid = os.getpid()
        self._last: Progress | None = None
        self._again_at = 0.0
        # User code may call it in any thread, and in a signal handler amid such a call.
        self._lock = threading.RLock()

    def tell(self, done: float, total: float | None) -> None:
        """Tell it: the first one and one that is done at once, others within the pace."""
        if os.getpid() != self._pid:
            return  # what user code forked is not the run
        with self._lock:
            progress, now = Progress(done, total), self._clock()
            is_done = total is not None and done >= total
            is_last_word = is_done and progress != self._last
            if self._last is None or is_last_word or now >= self._again_at:
                self._last, self._again_at = progress, now + _AGAIN_S
                self._send(progress)


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and 0 <= value < NUMBER_MAX

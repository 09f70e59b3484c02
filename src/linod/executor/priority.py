"""Who goes first where there is more to do than there are processors.

Linux gives each session the same share of them (sched(7), "The autogroup feature"), however many
processes are in it. A hundred runs that start at once, each a session of its own, would leave the
daemon and their keeper a hundredth each, and the last of them would wait for both.

Rules of this border:
- Only who leads a session changes its share; a terminal that linod was started in keeps its own.
- Who may not (only root may ask for more, and only root as often as it likes), or has a kernel
  without such groups, goes on as before.
"""

from __future__ import annotations

import os
from contextlib import suppress

_FIRST = -5
"""Three times the share of a run."""
_LAST = 10
"""A tenth of it."""


def go_first(pid: int | None = None) -> None:
    """Let a process go before runs, this one or a child: it gives them what they wait for."""
    _set(_FIRST, os.getpid() if pid is None else pid)


def go_last() -> None:
    """Let others go before this process: to take one down takes as long as to start a run."""
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, _LAST)
        _set(_LAST, os.getpid())
        os.sched_yield()


def _set(nice: int, pid: int) -> None:
    with suppress(OSError):
        if os.getsid(pid) == pid:
            with open(f"/proc/{pid}/autogroup", "wb", buffering=0) as file:
                file.write(b"%d" % nice)

"""As PID 1 of a container linod has to reap every orphan; the daemon leaves that to its parent.

Who waits for whatever dies takes from the daemon the ends of the keepers that it started. So PID 1
goes on in a child, and does nothing itself but reap, hand signals on, and end as the daemon does.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Collection
from contextlib import suppress
from typing import NoReturn

_INIT = 1
_HANDED_ON = (
    signal.SIGTERM,
    signal.SIGINT,
    signal.SIGHUP,
    signal.SIGQUIT,
    signal.SIGUSR1,
    signal.SIGUSR2,
)
# As a shell tells of a signal.
_STATUS_OF_SIGNALS = 128


def step_down() -> None:
    """Where this process is PID 1, go on in a child of it."""
    if os.getpid() != _INIT:
        return
    # Blocked before the fork, and kept until sigwait: none is lost. Ignored, the kernel would reap.
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    heard = {*_HANDED_ON, signal.SIGCHLD}
    former = signal.pthread_sigmask(signal.SIG_BLOCK, {*heard, signal.SIGTTOU})
    group = os.getpgrp()
    daemon = os.fork()
    if daemon != 0:
        _reap(daemon, heard)
    _lead(group)
    signal.pthread_sigmask(signal.SIG_SETMASK, former)


def _lead(former_group: int) -> None:
    """Take the terminal: its Ctrl-C would come from there and from PID 1, and two end at once."""
    os.setpgid(0, 0)
    with suppress(OSError):
        if os.tcgetpgrp(0) == former_group:
            os.tcsetpgrp(0, os.getpgrp())


def _reap(daemon: int, heard: Collection[signal.Signals]) -> NoReturn:
    """Be PID 1 until the daemon has ended; all else of the container ends with us."""
    while True:
        number = signal.sigwait(heard)
        if number == signal.SIGCHLD:
            _wait_for_all(daemon)
            continue
        with suppress(ProcessLookupError):
            os.kill(daemon, number)


def _wait_for_all(daemon: int) -> None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        if pid == daemon:
            code = os.waitstatus_to_exitcode(status)
            os._exit(code if code >= 0 else _STATUS_OF_SIGNALS - code)

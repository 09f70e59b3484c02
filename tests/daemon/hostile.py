"""Procedures that do harm to whom they share a machine, a user and a keeper with.

Each is bounded in count and time by itself, so that it is harmless also where nothing contains it.
They are copied beside a `linod.toml`; what they need of linod they import when they are called.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime

SECONDS = 20.0
"""Longer than the timeout of each of them."""
BOMB_DEPTH = 7
"""The fork bomb is of 2^7 processes."""
HOG_BYTES = 512 * 1024 * 1024
PRINTED_BYTES = 64 * 1024 * 1024
THREADS, FILES, CHILDREN = 200, 10_000, 20


def note() -> None:
    """What the others do: write how late they begin."""
    now = datetime.fromtimestamp(time.time(), UTC)
    from linod import current_run

    run = current_run()
    assert run is not None, "linod calls it"
    line = f"{run.due.timestamp():.3f} {(now - run.due).total_seconds():.6f}\n"
    file = os.open("notes", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, line.encode())
    os.close(file)


def fork_bomb() -> None:
    """Fork in all that was forked."""
    for _ in range(BOMB_DEPTH):
        try:
            os.fork()
        except OSError:
            break
    time.sleep(SECONDS)


def memory_hog() -> None:
    """Take memory, and use it."""
    held = []
    for _ in range(HOG_BYTES // 2**20):
        held.append(b"x" * 2**20)
    time.sleep(SECONDS)


def busy_loop() -> None:
    """Use a core."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        pass


def prints_without_end() -> None:
    """Print lines as fast as they are read."""
    line = "x" * 99
    for _ in range(PRINTED_BYTES // 100):
        print(line)
    time.sleep(SECONDS)


def prints_without_newline() -> None:
    """Fill stderr with one line."""
    for _ in range(PRINTED_BYTES // 2**16):
        sys.stderr.write("x" * 2**16)
    time.sleep(SECONDS)


def ignores_term() -> None:
    """Not end when it is told to."""
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    _persist()


def becomes_a_daemon() -> None:
    """Fork twice into a session of its own, without anything that tells of the run."""
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.closerange(0, 256)
            os.chdir("/")
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            os.execve("/bin/sleep", ["sleep", str(SECONDS)], {})
        os._exit(0)
    time.sleep(SECONDS)


def closes_all_files() -> None:
    """Close what it has, linod's pipes too."""
    os.closerange(0, 20_000)
    time.sleep(SECONDS)


def exits_at_once() -> None:
    """End without a word to Python."""
    os._exit(3)


def crashes() -> None:
    """Read where nothing is."""
    ctypes.string_at(0)


def kills_its_parent() -> None:
    """End the keeper, and all that it keeps."""
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(SECONDS)


def stops_itself() -> None:
    """Neither go on nor end."""
    os.kill(os.getpid(), signal.SIGSTOP)


def recurses() -> None:
    """Call itself through C, without Python's limit, until the stack is full."""
    sys.setrecursionlimit(10**6)
    list(map(_recurses, [0]))


def _recurses(_: int) -> None:
    recurses()


def leaves_threads() -> None:
    """Return while threads go on that nobody can end."""
    for _ in range(THREADS):
        threading.Thread(target=time.sleep, args=[SECONDS]).start()


def writes_garbage() -> None:
    """Write into all that it has open, linod's pipes and its run file too."""
    for number in sorted(map(int, os.listdir("/proc/self/fd"))):
        try:
            os.set_blocking(number, False)
            os.write(number, b'\xff\x00{"is": "ended", "run": 1}\n' * 1000)
        except OSError:
            pass


def holds_the_interpreter() -> None:
    """Sleep in C without letting another thread run."""
    ctypes.PyDLL(None).sleep(int(SECONDS))


def raises_system_exit() -> None:
    """Raise what is no Exception, and cannot be printed."""

    class Unspeakable(BaseException):
        def __str__(self) -> str:
            raise SystemExit("not to be printed")

    raise Unspeakable


def tampers_with_signals() -> None:
    """Block and take over all signals, and send itself alarms."""
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(number, lambda *_: None)
    signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals() - {signal.SIGALRM})
    _persist()


def tampers_with_its_surroundings() -> None:
    """Change what a process shares with those it forks, and with those that read its memory."""
    os.chdir("/")
    os.umask(0o777)
    os.environ.clear()
    sys.path.clear()
    sys.modules.clear()
    os.nice(5)


def opens_many_files() -> None:
    """Keep thousands open."""
    held = []
    try:
        for _ in range(FILES):
            held.append(os.open(os.devnull, os.O_RDONLY))
    except OSError:
        pass
    time.sleep(SECONDS)


def leaves_children_at_its_pipes() -> None:
    """Return while children hold its output open, and write to it."""
    line = f"for _ in $(seq {SECONDS:.0f}); do echo left; sleep 1; done"
    for _ in range(CHILDREN):
        subprocess.Popen(["/bin/sh", "-c", line], start_new_session=True)


def _persist() -> None:
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        time.sleep(0.1)


HOSTILE = (
    *("fork_bomb", "memory_hog", "busy_loop", "prints_without_end", "prints_without_newline"),
    *("ignores_term", "becomes_a_daemon", "closes_all_files", "exits_at_once", "crashes"),
    *("kills_its_parent", "stops_itself", "recurses", "leaves_threads", "writes_garbage"),
    *("holds_the_interpreter", "raises_system_exit", "tampers_with_signals"),
    *("tampers_with_its_surroundings", "opens_many_files", "leaves_children_at_its_pipes"),
)
LIMITS = {
    "fork_bomb": "limits = { processes = 1000 }",
    "memory_hog": 'limits = { memory = "128 MB" }',
}

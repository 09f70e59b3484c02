"""linod as PID 1 of a container: what nobody waits for is reaped, and nothing else."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from linod.daemon.reaper import step_down

from .building import until

INSIDE = ("unshare", "--pid", "--fork", "--kill-child", "--mount-proc")
ORPHANS = """
import os, subprocess, sys, time
from contextlib import suppress
from linod.daemon.reaper import step_down

step_down()
assert os.getpid() != 1
for _ in range(1000):
    if os.fork() == 0:
        if os.fork() == 0:
            os._exit(3)
        os._exit(0)
    os.wait()
own = [subprocess.Popen(["sh", "-c", f"exit {number}"]) for number in range(20)]
assert [child.wait() for child in own] == list(range(20))

def states():
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        with suppress(OSError):  # it is gone by now
            found.append(open(f"/proc/{name}/stat").read().rpartition(")")[2].split()[0])
    return found

limit = time.monotonic() + 20
while len(states()) != 2 or "Z" in states():
    assert time.monotonic() < limit, states()
    time.sleep(0.05)
sys.exit(7)
"""
HEARS = """
import os, signal, sys, time
from linod.daemon.reaper import step_down

heard = []
step_down()
signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(5))
signal.signal(signal.SIGHUP, lambda number, frame: print("hup", flush=True))
print("ready", flush=True)
while True: time.sleep(60)
"""
INTERRUPTED = """
import os, signal, time
from linod.daemon.reaper import step_down

def interrupt(number, frame):
    print("interrupt", flush=True)
    heard.append(number)

heard = []
step_down()
signal.signal(signal.SIGINT, interrupt)
print("ready", flush=True)
while not heard:
    time.sleep(0.01)
limit = time.monotonic() + 0.5  # for a second one
while time.monotonic() < limit:
    time.sleep(0.01)
print("end", flush=True)
"""
TASKS = """
[linod]
timezone = "UTC"

[tasks.strays]
shell = "setsid sleep 60 & setsid sleep 60 & setsid sleep 60 & sleep 0.3; kill -9 $PPID; sleep 60"
recurrence = "at start"

[tasks.after]
shell = "echo $LINOD_RUN_ID >> ran"
recurrence = "every second"
"""


@pytest.fixture(autouse=True)
def _able() -> None:
    done = subprocess.run([*INSIDE, "true"], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"no namespace of processes can be made here: {done.stderr.strip()}")


def test_a_thousand_orphans_are_reaped_and_no_own_child_is_stolen() -> None:
    command = [*INSIDE, sys.executable, "-c", ORPHANS]

    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)

    assert (done.stderr, done.returncode) == ("", 7)


def test_signals_are_handed_on_and_the_end_is_that_of_the_daemon() -> None:
    with _inside("-c", HEARS) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        os.kill(_init(process), signal.SIGHUP)
        assert process.stdout.readline() == "hup\n"
        os.kill(_init(process), signal.SIGTERM)

        assert process.wait(10) == 5


def test_ctrl_c_of_a_terminal_comes_once() -> None:
    child, terminal = pty.fork()
    if child == 0:
        os.execvp(INSIDE[0], [*INSIDE, sys.executable, "-c", INTERRUPTED])
    try:
        text = _read_until(terminal, b"ready")
        os.write(terminal, b"\x03")
        text += _read_until(terminal, b"end")
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(terminal)

    assert text.count(b"interrupt") == 1


def _read_until(terminal: int, word: bytes) -> bytes:
    text = b""
    while word not in text:
        assert select.select([terminal], [], [], 20)[0], text
        text += os.read(terminal, 1024)
    return text


def test_a_signal_that_ends_the_daemon_is_told_as_a_shell_tells_it() -> None:
    text = (
        "import os\nfrom linod.daemon.reaper import step_down\nstep_down()\nos.kill(os.getpid(), 9)"
    )

    assert subprocess.run([*INSIDE, sys.executable, "-c", text], check=False).returncode == 137


def test_another_process_stays_what_it_is() -> None:
    before = os.getpid(), os.getpgrp()

    step_down()

    assert (os.getpid(), os.getpgrp()) == before


def test_a_daemon_as_pid_1_reaps_what_a_dead_keeper_leaves(tmp_path: Path) -> None:
    (tmp_path / "linod.toml").write_text(TASKS)
    with _inside("-m", "linod", "serve", folder=tmp_path) as process:
        until((tmp_path / "ran").exists, "the first run")
        until(lambda: "keeper died" in _history(tmp_path), "the end of the strays")
        count = len((tmp_path / "ran").read_text().split())
        until(lambda: len((tmp_path / "ran").read_text().split()) > count, "another run")
        until(lambda: "Z" not in _states(_init(process)), "the last zombie to be reaped")
        assert len(_states(_init(process))) == 1
        os.kill(_init(process), signal.SIGTERM)

        assert process.wait(30) == 0


@contextmanager
def _inside(*arguments: str, folder: Path | None = None) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [*INSIDE, sys.executable, *arguments],
        cwd=folder,
        stdout=subprocess.PIPE if folder is None else subprocess.DEVNULL,
        stderr=None if folder is None else subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def _init(process: subprocess.Popen[str]) -> int:
    """PID 1 inside, by its number outside."""
    return next(iter(_children(process.pid)))


def _children(pid: int) -> Iterator[int]:
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        yield int(child)


def _states(pid: int) -> list[str]:
    """The states of its children: the daemon, and what nobody else waits for."""
    found = []
    for child in _children(pid):
        with suppress(OSError):  # it is gone by now
            found.append(Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[0])
    return found


def _history(folder: Path) -> str:
    command = [sys.executable, "-m", "linod", "history", "--json"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False).stdout

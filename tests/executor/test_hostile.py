"""Whatever a run does to live on, nothing of it is alive two seconds after kill_after."""

from __future__ import annotations

import subprocess
from datetime import timedelta
from typing import Any

import pytest

from linod.events import Outcome

TIMEOUT_S, KILL_AFTER_S, GONE_WITHIN_S = 0.8, 0.4, 2.0
SHAPES = """
import ctypes, os, signal, sys, time

MARK = os.environ["MARK"]


def become(environ=os.environ):
    os.execve("/bin/sleep", ["sleep", MARK], environ)


def ignoring_term():
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    become()


def in_a_session_of_its_own():
    if os.fork() == 0:
        os.setsid()
        become()
    time.sleep(600)


def forked_twice():
    if os.fork() == 0:
        if os.fork() == 0:
            become()
        os._exit(0)
    time.sleep(600)


def a_daemon_with_nothing_of_the_run():
    # Session, parent, environment, descriptors, directory, TERM: all that could tell is gone.
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.closerange(0, 256)
            os.chdir("/")
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            become({})
        os._exit(0)
    time.sleep(600)


def with_all_signals_blocked():
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    become()


def stopped():
    if os.fork() == 0:
        os.kill(os.getpid(), signal.SIGSTOP)
        become()
    time.sleep(600)


def forking_when_it_is_told_to_end():
    def fork(number, frame):
        if os.fork() == 0:
            os.setsid()
            become()

    signal.signal(signal.SIGTERM, fork)
    while True:
        time.sleep(600)


def a_chain_of_forks():
    # Each one ends when it has forked the next.
    end = time.monotonic() + 30
    if os.fork() == 0:
        while time.monotonic() < end:
            if os.fork() != 0:
                os._exit(0)
            os.setsid()
            time.sleep(0.01)
    time.sleep(600)


def many():
    for _ in range(100):
        if os.fork() == 0:
            os.setsid()
            ignoring_term()
    time.sleep(600)


def no_longer_dying_with_its_keeper():
    ctypes.CDLL(None).prctl(1, 0, 0, 0, 0)
    if os.fork() == 0:
        os.setsid()
        ignoring_term()
    ignoring_term()
"""
NAMES = [
    *("ignoring_term", "in_a_session_of_its_own", "forked_twice"),
    *("a_daemon_with_nothing_of_the_run", "with_all_signals_blocked", "stopped"),
    *("forking_when_it_is_told_to_end", "a_chain_of_forks", "many"),
    "no_longer_dying_with_its_keeper",
]
LINES = [
    "setsid sleep $MARK & wait",
    "nohup sleep $MARK",
    "(sleep $MARK &) ; sleep 600",
    "trap '' TERM; sleep $MARK; sleep $MARK",
    "setsid sh -c 'trap \"\" TERM; sleep '$MARK'; :' < /dev/null > /dev/null 2>&1 & sleep 600",
]


def hostile(stage: Any, **keys: Any) -> None:
    stage.task(
        "hostile",
        timeout=timedelta(seconds=TIMEOUT_S),
        kill_after=timedelta(seconds=KILL_AFTER_S),
        **keys,
    )


def living(mark: str) -> str:
    found = subprocess.run(["pgrep", "-af", mark], capture_output=True, text=True, check=False)
    return found.stdout


def assert_gone(stage: Any, mark: str) -> None:
    async def scene() -> Any:
        stage.start("hostile")
        end = await stage.ended()
        return end, living(mark), stage.marked()

    end, left, marked = stage.play(scene)
    assert (end.outcome, left, marked) == (Outcome.TIMED_OUT, "", [])
    took_s = (end.ended - end.started).total_seconds()
    assert took_s < TIMEOUT_S + KILL_AFTER_S + GONE_WITHIN_S


@pytest.mark.parametrize("name", NAMES)
def test_nothing_of_a_procedure_lives_on(stage: Any, name: str) -> None:
    mark = f"6590{NAMES.index(name):02}"
    stage.module("shapes", SHAPES)
    hostile(stage, procedure=f"shapes.{name}", env={"MARK": mark}, import_env={"MARK": mark})

    assert_gone(stage, mark)


@pytest.mark.parametrize("line", LINES)
def test_nothing_of_a_shell_line_lives_on(stage: Any, line: str) -> None:
    mark = f"6591{LINES.index(line):02}"
    hostile(stage, shell=line, env={"MARK": mark})

    assert_gone(stage, mark)

"""The whole way with real processes: serve, status, run, history, cancel, reload, stop."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

LIMIT_S = 30.0
"""A loaded machine with two cores; without load each wait takes a fraction of a second."""
PROGRAM = (sys.executable, "-m", "linod")
TOML = """\
[linod]
timezone = "Europe/Tallinn"
stop_timeout = "1 second"

[log]

[tasks.tick]
procedure = "shop.tick"
recurrence = "every second"

[tasks.hello]
procedure = "shop.hello"
arguments = { name = "ann" }

[tasks.broken]
procedure = "shop.broken"

[tasks.sleeper]
procedure = "shop.sleeper"
"""
SHOP = '''\
import logging
import time


def tick():
    """Do nothing."""


def hello(name: str):
    """Greet."""
    print(f"hello {name}")


def broken():
    logging.getLogger("shop").warning("soon")
    raise ValueError("no shop")


def sleeper():
    print("asleep", flush=True)
    time.sleep(600)
'''


@pytest.fixture
def environ() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("LINOD_")}


@pytest.fixture
def linod(tmp_path: Path, environ: dict[str, str]) -> Callable[..., subprocess.CompletedProcess]:
    """Call the real program in the project."""

    def call(*arguments: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [*PROGRAM, *arguments],
            cwd=tmp_path,
            env=environ,
            capture_output=True,
            text=True,
            timeout=LIMIT_S * 2,
            check=False,
        )

    return call


@pytest.fixture
def daemon(tmp_path: Path, environ: dict[str, str]) -> Iterator[subprocess.Popen]:
    """Serve the project, and end the daemon when the test is over."""
    (tmp_path / "linod.toml").write_text(TOML)
    (tmp_path / "shop.py").write_text(SHOP)
    with (tmp_path / "terminal").open("wb") as terminal:
        process = subprocess.Popen(
            [*PROGRAM, "serve"], cwd=tmp_path, env=environ, stdout=terminal, stderr=terminal
        )
    try:
        greeting = tmp_path / "terminal"
        until(lambda: b"linod 0.1.0" in greeting.read_bytes() or process.poll() is not None)
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(LIMIT_S)


def until(condition: Callable[[], Any]) -> Any:
    """Poll until something is so; a limit keeps a broken one from hanging."""
    deadline = time.monotonic() + LIMIT_S
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError("it did not become so in time")


Linod = Callable[..., subprocess.CompletedProcess]
pytestmark = pytest.mark.timeout(180)


def test_a_project_is_served_looked_at_and_stopped(
    daemon: subprocess.Popen, linod: Linod, tmp_path: Path
) -> None:
    def ticked() -> bool:
        found = json.loads(linod("history", "tick", "--json").stdout or "[]")
        return any(each["state"] == "succeeded" for each in found)

    until(ticked)
    status = json.loads(linod("status", "--json").stdout)
    stopped = linod("stop")

    assert status["daemon"]["pid"] == daemon.pid
    assert [each["task"] for each in status["tasks"]] == ["tick", "hello", "broken", "sleeper"]
    assert stopped.returncode == 0
    assert daemon.wait(LIMIT_S) == 0
    assert "tick succeeded" in (tmp_path / "terminal").read_text()
    assert linod("status").stdout.startswith("linod 0.1.0  no daemon")
    assert linod("stop").returncode == 69


@pytest.mark.usefixtures("daemon")
def test_run_follows_the_log_and_exits_with_the_result(linod: Linod) -> None:
    good, bad = linod("run", "hello"), linod("run", "broken")

    assert good.returncode == 0
    assert "hello ann" in good.stdout
    assert bad.returncode == 1
    assert "soon" in bad.stdout
    assert "ValueError: no shop" in bad.stderr
    shown = linod("history", "broken@last-failed").stdout
    assert "ValueError: no shop" in shown
    assert 'raise ValueError("no shop")' in shown


@pytest.mark.usefixtures("daemon")
def test_a_run_is_cancelled(linod: Linod) -> None:
    asked = json.loads(linod("run", "sleeper", "--no-wait", "--json").stdout)
    run = str(asked["run"])

    def state() -> str:
        return str(json.loads(linod("history", run, "--json").stdout)["state"])

    until(lambda: state() == "running")
    cancelled = linod("cancel", "sleeper")
    until(lambda: state() == "cancelled")

    assert cancelled.stdout == f"ending run {run}\n"


@pytest.mark.usefixtures("daemon")
def test_ctrl_c_stops_following_but_not_the_run(
    linod: Linod, tmp_path: Path, environ: dict[str, str]
) -> None:
    following = subprocess.Popen(
        [*PROGRAM, "run", "sleeper"],
        cwd=tmp_path,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert following.stdout is not None
    assert "asleep" in following.stdout.readline()
    following.send_signal(signal.SIGINT)
    _, said = following.communicate(timeout=LIMIT_S)

    assert following.returncode == 130
    assert "goes on: linod cancel" in said
    until(lambda: json.loads(linod("history", "sleeper", "--json").stdout)[0]["state"] == "running")


@pytest.mark.usefixtures("daemon")
def test_reload_takes_a_new_file_and_refuses_a_wrong_one(linod: Linod, tmp_path: Path) -> None:
    file = tmp_path / "linod.toml"
    file.write_text(TOML + '\n[tasks.added]\ncommand = "true"\n')
    taken = linod("reload")
    file.write_text(TOML + '\n[tasks.added]\ncommand = "true"\nrecurence = "daily"\n')
    refused = linod("reload")

    assert taken.returncode == 0
    assert taken.stdout.endswith("reloaded: 5 tasks\n")
    assert refused.returncode == 1
    assert "recurence" in refused.stdout
    assert linod("run", "added").returncode == 0


@pytest.mark.usefixtures("daemon")
def test_an_unknown_task_is_no_run(linod: Linod) -> None:
    result = linod("run", "helo")

    assert result.returncode == 2
    assert 'did you mean "hello"' in result.stderr


@pytest.mark.usefixtures("daemon")
def test_watch_redraws_and_leaves_cleanly(tmp_path: Path, environ: dict[str, str]) -> None:
    ours, theirs = pty.openpty()
    watching = subprocess.Popen(
        [*PROGRAM, "status", "--watch"], cwd=tmp_path, env=environ, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    drawn = b""
    while drawn.count(b"sleeper") < 2:
        drawn += os.read(ours, 65536)
    watching.send_signal(signal.SIGINT)
    while not drawn.endswith(b"\033[?25h\033[?1049l"):
        drawn += os.read(ours, 65536)
    os.close(ours)

    assert watching.wait(LIMIT_S) == 0
    assert b"Traceback" not in drawn


def test_an_error_in_the_file_keeps_serve_from_starting(linod: Linod, tmp_path: Path) -> None:
    (tmp_path / "linod.toml").write_text('[tasks.a]\ncommand = "true"\nrecurrence = "evry day"\n')

    result = linod("serve")

    assert result.returncode == 78
    assert "linod.toml:3:14" in result.stdout + result.stderr
    assert "Traceback" not in result.stderr


def test_a_reader_that_leaves_is_no_error(
    linod: Linod, tmp_path: Path, environ: dict[str, str]
) -> None:
    tasks = "".join(f'[tasks.t{number}]\ncommand = "true"\n' for number in range(3000))
    (tmp_path / "linod.toml").write_text(tasks)

    piped = subprocess.run(
        ["/bin/sh", "-c", f"{sys.executable} -m linod next | head -n 1"],
        cwd=tmp_path,
        env=environ,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )

    assert piped.stderr == ""
    assert piped.stdout.startswith("TASK")
    assert linod("--help").returncode == 0

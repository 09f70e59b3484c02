"""`linod status` beside a daemon: how far runs are, and what waits."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from .building import Building, Daemon, until

SHOP = """
import time
from pathlib import Path
import linod

def load(run: linod.Run):
    run.progress(400, 1000)
    while not Path("go").exists():
        time.sleep(0.01)
    return {"loaded": 1000}

def stay(run: linod.Run):
    while not run.should_stop:
        time.sleep(0.01)
    Path("away").touch()
"""
TOML = """
import_path = ["."]
[pools.database]
size = 1
[tasks.load]
procedure = "shop.load"
pool = "database"
priority = 1
recurrence = "at start"
[tasks.other]
shell = "true"
pool = "database"
recurrence = "at start"
[tasks.stay]
procedure = "shop.stay"
"""


@pytest.fixture
def daemon(build_daemon: Building, tmp_path: Path) -> Daemon:
    (tmp_path / "shop.py").write_text(SHOP)
    return build_daemon(TOML)


def linod(daemon: Daemon, *words: str) -> str:
    """Call the command line in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "linod", *words],
        cwd=daemon.folder,
        env={**os.environ, "COLUMNS": "100"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def told(daemon: Daemon, task: str) -> dict[str, Any]:
    tasks = json.loads(linod(daemon, "status", "--json"))["tasks"]
    found: dict[str, Any] = next(each for each in tasks if each["task"] == task)
    return found


def row(daemon: Daemon, task: str) -> str:
    """The row of a task and the line below it."""
    _, _, behind = linod(daemon, "status").partition(f"\n{task} ")
    return behind


def test_status_shows_how_far_a_run_is_and_what_waits_for_it(daemon: Daemon) -> None:
    daemon.start()
    until(lambda: told(daemon, "load")["progress"], "its progress")
    until(lambda: "since" in row(daemon, "other"), "its wait")

    load, other = told(daemon, "load"), told(daemon, "other")
    assert load["progress"] == {"done": 400, "total": 1000}
    assert "40 %" in row(daemon, "load")
    assert (other["state"], other["waiting"], other["progress"]) == ("waiting", 1, None)
    assert other["running"]["held"] == 'pool "database" was full (1 of 1)'
    assert 'pool "database" is full (1 of 1), since ' in row(daemon, "other")
    assert "1 running, 1 waiting, 1 never ran" in linod(daemon, "status").splitlines()[0]


def test_the_progress_of_a_run_outlives_its_daemon(daemon: Daemon) -> None:
    daemon.start()
    until(lambda: told(daemon, "load")["progress"], "its progress")
    daemon.kill()
    daemon.start()

    # It answers before it has asked its keepers.
    until(lambda: told(daemon, "load")["progress"] == {"done": 400, "total": 1000}, "its progress")
    (daemon.folder / "go").touch()
    until(lambda: told(daemon, "load")["state"] == "ok", "its end")
    assert told(daemon, "load")["progress"] is None
    assert json.loads(linod(daemon, "history", "1", "--json"))["result"] == {"loaded": 1000}


def test_a_run_that_asks_ends_in_order_when_it_is_cancelled(daemon: Daemon) -> None:
    daemon.start()
    linod(daemon, "run", "stay", "--no-wait")
    until(lambda: told(daemon, "stay")["state"] == "running", "its start")
    linod(daemon, "cancel", "stay")
    until((daemon.folder / "away").exists, "its own end")

    until(lambda: [run for run in daemon.runs() if run.task == "stay" and run.is_ended], "its end")
    (run,) = (run for run in daemon.runs() if run.task == "stay")
    assert (run.outcome, run.detail["exit_status"]) == ("cancelled", 0)

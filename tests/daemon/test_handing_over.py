"""A daemon makes room for the next one, or is started anew: what runs goes on."""

from __future__ import annotations

import signal
import subprocess
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest

from checker import report
from linod.events import Outcome, State

from .building import LIMIT_S, WITNESS, Building, Daemon, until
from .handing import hand_over_again_and_again
from .mixture import mixture
from .scene import Scene
from .told import rows_of

UNTIL_GO = "until [ -e go ]; do sleep 0.02; done"
LONG = f"""
[tasks.long]
shell = '{WITNESS}; {UNTIL_GO}'
recurrence = "at start"
"""
KEPT = f"""
stop_timeout = "0.2 seconds"
[tasks.kept]
shell = '{UNTIL_GO}'
on_stop = "keep"
[tasks.usual]
shell = "sleep 60"
"""


def go(daemon: Daemon) -> None:
    (daemon.folder / "go").touch()


def run(daemon: Daemon, *tasks: str) -> None:
    for task in tasks:
        daemon.client.request("run", task=task)
    until(lambda: [each.state for each in daemon.runs()] == [State.RUNNING] * len(tasks))


def replace(daemon: Daemon) -> subprocess.Popen[str]:
    """Start another daemon in its place; return the process of the old one."""
    old = daemon.process
    daemon.start("--replace")
    return old


def test_a_run_that_is_kept_goes_on_and_the_next_daemon_has_it(build_daemon: Building) -> None:
    daemon = build_daemon(KEPT)
    daemon.start()
    run(daemon, "kept", "usual")
    (keeper,) = daemon.keepers()

    assert daemon.stop() == 0
    assert "1 run goes on, for the next daemon to take over" in daemon.terminal()
    assert {each.task: each.state for each in daemon.runs()} == {
        "kept": State.RUNNING,
        "usual": Outcome.CANCELLED,
    }
    assert daemon.keepers() == [keeper]
    daemon.start()
    go(daemon)

    until(lambda: not daemon.unfinished())
    assert {each.task: each.outcome for each in daemon.runs()}["kept"] is Outcome.SUCCEEDED
    until(lambda: keeper not in daemon.keepers())


def test_a_daemon_that_only_keeps_runs_stops_at_once(build_daemon: Building) -> None:
    daemon = build_daemon(KEPT.replace("0.2 seconds", "1 hour"))
    daemon.start()
    run(daemon, "kept")

    assert daemon.stop() == 0

    assert "waiting for" not in daemon.terminal()


def test_a_run_that_was_kept_may_be_cancelled_by_the_next_daemon(build_daemon: Building) -> None:
    daemon = build_daemon(KEPT)
    daemon.start()
    run(daemon, "kept")
    daemon.stop()
    daemon.start()

    daemon.client.request("cancel", task="kept")

    until(lambda: not daemon.unfinished())
    assert daemon.runs()[0].outcome is Outcome.CANCELLED


def test_the_next_daemon_takes_over_all_that_runs_whatever_on_stop_says(
    build_daemon: Building,
) -> None:
    daemon = build_daemon(LONG)
    daemon.start()
    until(daemon.witness)

    old = replace(daemon)
    go(daemon)

    assert old.wait(LIMIT_S) == 0
    until(lambda: not daemon.unfinished())
    (only,) = daemon.runs()  # nothing is "at start" again
    assert only.outcome is Outcome.SUCCEEDED
    assert len(daemon.witness()) == 1
    assert "1 run goes on, for the next daemon to take over" in daemon.terminal()


def test_without_a_daemon_it_starts_as_usual(build_daemon: Building) -> None:
    daemon = build_daemon(LONG)

    daemon.start("--replace")

    until(daemon.witness)


def test_a_wrong_file_leaves_the_daemon_as_it_was(build_daemon: Building) -> None:
    daemon = build_daemon(LONG)
    old = daemon.start()
    daemon.write(LONG + "recurence = 1\n")

    new = daemon.start("--replace", is_awaited=False)

    assert new.wait(LIMIT_S) == 78
    assert old.poll() is None


def test_a_daemon_that_stops_already_makes_no_room(build_daemon: Building) -> None:
    daemon = build_daemon(KEPT.replace("keep", "finish"))
    old = daemon.start()
    run(daemon, "kept")
    old.terminate()
    until(lambda: "stopping" in daemon.terminal())

    new = daemon.start("--replace", is_awaited=False)

    assert new.wait(LIMIT_S) == 1
    assert "linod is stopping" in daemon.terminal()
    go(daemon)
    assert old.wait(LIMIT_S) == 0


def test_a_daemon_that_hangs_is_not_replaced(build_daemon: Building) -> None:
    daemon = build_daemon(LONG)
    old = daemon.start()
    old.send_signal(signal.SIGSTOP)

    new = daemon.start("--replace", is_awaited=False)

    assert new.wait(LIMIT_S) == 69
    old.send_signal(signal.SIGCONT)
    until(daemon.witness)


@pytest.mark.timeout(180)
def test_hand_overs_under_load_miss_double_and_end_nothing(tmp_path: Path) -> None:
    with Scene(tmp_path, mixture(30, Random(2))) as scene:
        hand_over_again_and_again(scene, 8, Random(2), every_s=1.0)

    judged = report(scene.history(), late_max=timedelta(seconds=5))

    assert [str(each) for each in judged.findings] == []
    assert scene.lost() == []
    assert judged.counts.occurrences >= 100
    assert len(rows_of(scene.daemon).runs) > 50

"""A store that cannot be used for a while: nothing dies, nothing is lost, and it is said once.

`scripts/soak/run trouble` does the same for longer.
"""

from __future__ import annotations

import resource
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from disks import fill, small_disk
from linod.events import Outcome, State, Trigger, Verdict
from linod.store import open_store
from linod.store.interface import DecisionRow, RunRow

from .building import WITNESS, Building, Daemon, until
from .checking import check_every_second_is_decided, check_nothing_doubled

TICK = f"""
[tasks.tick]
shell = '{WITNESS}'
recurrence = "every second"
"""
SLOW = """
[tasks.slow]
shell = "while [ ! -e let_go ]; do sleep 0.05; done; echo told; exit 3"
"""
STATUS_WITHIN_S = 3.0
"""One second on a machine that has time: `scripts/soak/trouble.py` says so."""
AGAIN_WITHIN_S = 10.0
LOCKED_S = 4.0
LOCK = """
import sqlite3, sys, time
foreign = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30)
foreign.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "var", "2m") as path:
        yield path


def trouble(daemon: Daemon) -> str:
    return str(daemon.client.request("status", timeout_s=STATUS_WITHIN_S)["trouble"])


def errors(daemon: Daemon) -> list[str]:
    return [line for line in daemon.terminal().splitlines() if " ERROR   the store" in line]


def starts_in_trouble(daemon: Daemon) -> None:
    daemon.start(is_awaited=False)
    until(
        lambda: (
            "former runs cannot be looked up" in daemon.terminal()
            or daemon.process.poll() is not None
        )
    )
    assert daemon.process.poll() is None, daemon.terminal()


def decides_again(daemon: Daemon) -> None:
    before, began = len(daemon.witness()), time.monotonic()
    until(lambda: len(daemon.witness()) > before)
    assert time.monotonic() - began < AGAIN_WITHIN_S


def pass_while(condition: Callable[[], object], daemon: Daemon) -> None:
    """Ask for status all the while."""
    until(lambda: trouble(daemon) is None or not condition())


def test_a_foreign_lock_delays_decisions_and_loses_none(build_daemon: Building) -> None:
    daemon = build_daemon(TICK)
    daemon.start()
    until(daemon.witness)
    command = [sys.executable, "-c", LOCK, str(daemon.directory / "linod.db")]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, text=True, **pipes) as foreign:  # type: ignore[call-overload]
        assert foreign.stdout.readline() == "locked\n"
        # As long as this, or until it is told, if that takes longer; status answers all the while.
        ends = time.monotonic() + LOCKED_S
        until(lambda: trouble(daemon) and errors(daemon) and time.monotonic() > ends)

    decides_again(daemon)
    assert daemon.stop() == 0
    assert len(errors(daemon)) == 1
    assert "another process locks it; nothing is decided" in errors(daemon)[0]
    assert "tick did not run" in daemon.terminal()
    check_nothing_doubled(daemon)
    check_every_second_is_decided(daemon, ["tick"])


def _going(daemon: Daemon) -> list[tuple[str, bool]]:
    return [(run.task, bool(run.worker)) for run in daemon.unfinished()]


def test_a_full_disk_delays_decisions_and_keeps_outcomes(
    disk: Path, build_daemon: Building
) -> None:
    daemon = build_daemon(TICK + SLOW)
    daemon.start()
    run = daemon.client.request("run", task="slow")["run"]
    until(lambda: daemon.witness() and any(each.worker for each in daemon.unfinished()))
    filler = fill(disk)
    until(lambda: fill(disk) and trouble(daemon))
    (daemon.folder / "let_go").touch()
    ends = time.monotonic() + 2
    pass_while(lambda: time.monotonic() < ends, daemon)

    filler.unlink()

    decides_again(daemon)
    until(lambda: trouble(daemon) == "")
    assert daemon.stop() == 0
    (slow,) = [each for each in daemon.runs() if each.id == run]
    assert (slow.outcome, slow.reason) == (Outcome.FAILED, "exit status 3")
    assert len(errors(daemon)) == 1
    assert "its disk is full, free some space; nothing is decided" in errors(daemon)[0]
    check_nothing_doubled(daemon)
    check_every_second_is_decided(daemon, ["tick"])


def test_outcomes_are_kept_over_a_stop_on_a_full_disk(disk: Path, build_daemon: Building) -> None:
    daemon = build_daemon('stop_timeout = "0.2 seconds"' + TICK + SLOW)
    daemon.start()
    daemon.client.request("run", task="slow")
    # An end that is not recorded when the disk is full is left to the next start, too.
    until(lambda: daemon.witness() and _going(daemon) == [("slow", True)])
    filler = fill(disk)
    until(lambda: fill(disk) and trouble(daemon))
    (daemon.folder / "let_go").touch()

    assert daemon.stop() == 0
    assert "1 run left to the next start" in daemon.terminal()
    filler.unlink()
    daemon.start()

    until(lambda: not [each for each in daemon.unfinished() if each.task == "slow"])
    (slow,) = [each for each in daemon.runs() if each.task == "slow"]
    assert slow.outcome in (Outcome.FAILED, Outcome.CANCELLED)
    assert slow.reason in ("exit status 3", "linod was stopped")


@pytest.mark.parametrize("room", [0, 24, 4_096])
def test_a_limit_on_the_size_of_files_delays_decisions(room: int, build_daemon: Building) -> None:
    daemon = build_daemon(TICK)
    daemon.start()
    until(daemon.witness)
    log = daemon.directory / "linod.db-wal"
    pid, unlimited = daemon.process.pid, resource.RLIM_INFINITY

    resource.prlimit(pid, resource.RLIMIT_FSIZE, (log.stat().st_size + room, unlimited))
    until(lambda: trouble(daemon))
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (unlimited, unlimited))

    decides_again(daemon)
    assert daemon.stop() == 0
    assert len(errors(daemon)) == 1
    check_nothing_doubled(daemon)
    check_every_second_is_decided(daemon, ["tick"])


@pytest.mark.parametrize("name", ["linod.lock", "linod.db", "linod.db-wal", "linod.db-shm"])
def test_it_ends_when_its_lock_or_its_store_is_gone(build_daemon: Building, name: str) -> None:
    daemon = build_daemon(TICK)
    daemon.start()
    until(daemon.witness)

    (daemon.directory / name).unlink()

    assert daemon.process.wait(30) == 1
    assert f"var/{name} was removed or replaced" in daemon.terminal()


def test_it_ends_when_the_folder_it_works_in_is_gone(build_daemon: Building) -> None:
    daemon = build_daemon(TICK)
    daemon.start()
    until(daemon.witness)

    gone = daemon.folder.with_name("gone")
    daemon.folder.rename(gone)
    shutil.rmtree(gone, ignore_errors=True)

    assert daemon.process.wait(30) == 1


@pytest.mark.parametrize("name", ["linod.db-wal", "linod.db-shm"])
def test_nothing_is_lost_with_what_lies_beside_the_store(build_daemon: Building, name: str) -> None:
    daemon = build_daemon(TICK)
    daemon.start()
    until(lambda: len(daemon.witness()) >= 2)
    (daemon.directory / name).unlink()
    assert daemon.process.wait(30) == 1

    daemon.start()
    decides_again(daemon)

    assert daemon.stop() == 0
    check_nothing_doubled(daemon)
    check_every_second_is_decided(daemon, ["tick"])


def test_a_directory_that_is_shut_stops_no_run(build_daemon: Building) -> None:
    daemon = build_daemon(TICK)
    daemon.start()
    until(daemon.witness)

    daemon.directory.chmod(0)
    try:
        decides_again(daemon)
    finally:
        daemon.directory.chmod(0o700)

    assert {run.outcome for run in daemon.runs()} <= {Outcome.SUCCEEDED, None}


def test_former_runs_that_cannot_be_looked_up_are_told_once(
    disk: Path, build_daemon: Building
) -> None:
    (disk / "linod.db").symlink_to("../linod.db")
    daemon = build_daemon(TICK)
    daemon.start()
    assert daemon.stop() == 0
    add_starting(daemon)
    filler = fill(disk)
    starts_in_trouble(daemon)
    ends = time.monotonic() + 2
    pass_while(lambda: time.monotonic() < ends, daemon)
    assert "No space left on device: free some space there" in trouble(daemon)

    filler.unlink()

    decides_again(daemon)
    assert daemon.terminal().count("former runs cannot be looked up") == 1
    reasons = [run.reason for run in daemon.runs() if run.by == "alice"]
    assert reasons == ["never started", "missed"]


def test_a_signal_while_former_runs_cannot_be_looked_up_ends_it(
    disk: Path, build_daemon: Building
) -> None:
    (disk / "linod.db").symlink_to("../linod.db")
    daemon = build_daemon(TICK)
    daemon.start()
    assert daemon.stop() == 0
    add_starting(daemon)
    fill(disk)
    starts_in_trouble(daemon)

    began = time.monotonic()
    assert daemon.stop() == 0
    assert time.monotonic() - began < 5


def add_starting(daemon: Daemon) -> None:
    """Write a run that a daemon gave to a keeper just before both died."""
    store = open_store(daemon.directory / "linod.db")
    due = datetime(2026, 3, 2, tzinfo=UTC)
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    with store.transaction():
        store.add_decision(
            DecisionRow(task="tick", due=due, last=due, count=1, verdict=Verdict.ADMITTED)
        )
        run = store.add_run(
            RunRow(
                id=0,
                task="tick",
                due=due,
                attempt=1,
                trigger=Trigger.MANUAL,
                state=State.WAITING,
                queued=due,
                planned=due,
                by="alice",
            )
        )
        store.lease_run(run.id, "lease", "", boot, "")
    store.close()


def test_another_application_that_reads_for_long_delays_nothing(build_daemon: Building) -> None:
    daemon = build_daemon(TICK)
    daemon.start()
    until(daemon.witness)
    reader = sqlite3.connect(daemon.directory / "linod.db", isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM run").fetchone()

    decides_again(daemon)

    assert trouble(daemon) == ""
    reader.close()

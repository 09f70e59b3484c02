"""A daemon serves: runs, requests, reloads, stops; real processes."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from linod.control.client import Refused
from linod.events import Outcome

from .building import WITNESS, Building, until

TICK = f"""
[tasks.tick]
shell = '{WITNESS}'
recurrence = "every second"
"""
BY_HAND = """
[tasks.short]
shell = "echo done"
[tasks.long]
shell = "sleep 60"
"""


def test_a_task_runs_when_it_is_due(build_daemon: Building) -> None:
    daemon = build_daemon(TICK)
    daemon.start()
    until(lambda: len(daemon.witness()) >= 2)
    assert daemon.stop() == 0

    runs = daemon.runs()
    assert {run.outcome for run in runs} == {Outcome.SUCCEEDED}
    assert all(run.started is not None and run.started >= run.due for run in runs)
    assert len(set(daemon.witness())) == len(daemon.witness()) == len(runs)


def test_each_run_is_one_line_on_the_terminal(build_daemon: Building) -> None:
    daemon = build_daemon(TICK)
    daemon.start()
    until(lambda: "tick succeeded in" in daemon.terminal())
    daemon.stop()

    lines = daemon.terminal().splitlines()
    assert "1 task from linod.toml, store var/linod.db" in lines[0]
    assert len([line for line in lines if "tick succeeded" in line]) == len(daemon.runs())
    assert all(len(line) <= 100 for line in lines)


def test_the_log_file_has_the_lines_of_the_terminal_too(build_daemon: Building) -> None:
    daemon = build_daemon("[log]\n" + TICK)
    daemon.start()
    until(lambda: "tick succeeded in" in daemon.terminal())
    daemon.stop()

    assert "tick succeeded in" in (daemon.folder / "log" / "linod.log").read_text()


def test_a_run_by_hand_is_recorded_with_who_asked(build_daemon: Building) -> None:
    daemon = build_daemon(BY_HAND)
    daemon.start()

    answer = daemon.client.request("run", task="short")
    lines = list(daemon.client.follow(answer["run"]))

    assert lines[-1]["ended"] == "succeeded"
    assert any("done" in line["line"] for line in lines[:-1])
    assert daemon.runs()[0].by != ""


def test_following_a_run_that_has_ended_shows_its_log(build_daemon: Building) -> None:
    daemon = build_daemon(BY_HAND)
    daemon.start()
    run = daemon.client.request("run", task="short")["run"]
    until(lambda: not daemon.unfinished())

    lines = list(daemon.client.follow(run))

    assert "done" in lines[0]["line"]


def test_a_second_run_by_hand_waits_and_cancel_ends_both(build_daemon: Building) -> None:
    daemon = build_daemon(BY_HAND)
    daemon.start()
    first = daemon.client.request("run", task="long")
    second = daemon.client.request("run", task="long")

    assert [first["is_waiting"], second["is_waiting"]] == [False, True]
    assert daemon.client.request("cancel", task="long")["runs"] == [1, 2]
    until(lambda: not daemon.unfinished())
    assert [run.outcome for run in daemon.runs()] == [Outcome.CANCELLED] * 2


def test_what_cannot_be_done_is_refused_in_one_line(build_daemon: Building) -> None:
    daemon = build_daemon(BY_HAND)
    daemon.start()

    with pytest.raises(Refused, match='there is no task "shrt": did you mean "short"'):
        daemon.client.request("run", task="shrt")
    with pytest.raises(Refused, match="there is no run 99"):
        daemon.client.request("cancel", run=99)
    with pytest.raises(Refused, match="no such verb"):
        daemon.client.request("__class__")


def test_a_reload_takes_the_new_file(build_daemon: Building) -> None:
    daemon = build_daemon(BY_HAND)
    daemon.start()
    daemon.write(BY_HAND + TICK)

    assert daemon.client.request("reload")["tasks"] == 3
    until(daemon.witness)


def test_a_reload_by_signal_takes_the_new_file(build_daemon: Building) -> None:
    daemon = build_daemon(BY_HAND)
    daemon.start()
    daemon.write(BY_HAND + TICK)
    daemon.process.send_signal(signal.SIGHUP)

    until(daemon.witness)


def test_a_broken_file_leaves_everything_as_it_was(build_daemon: Building) -> None:
    daemon = build_daemon(TICK)
    daemon.start()
    daemon.write("[tasks.tick]\nrecurrence = 'every 5 mintues'\n")

    with pytest.raises(Refused) as refused:
        daemon.client.request("reload")

    assert "mintues" in refused.value.answer["diagnostics"]
    before = len(daemon.witness())
    until(lambda: len(daemon.witness()) > before)


def test_a_second_daemon_is_refused_with_the_pid_of_the_first(build_daemon: Building) -> None:
    daemon = build_daemon(TICK)
    daemon.start()

    second = subprocess.run(
        [sys.executable, "-m", "linod", "serve"],
        cwd=daemon.folder,
        capture_output=True,
        text=True,
        check=False,
    )

    assert second.returncode == 1
    assert f"another daemon (pid {daemon.process.pid}) serves" in second.stderr


def test_a_wrong_file_refuses_the_start(build_daemon: Building) -> None:
    daemon = build_daemon("[tasks.tick]\nrecurrence = 'every 5 mintues'\nshell = 'true'\n")
    daemon.start(is_awaited=False)

    assert daemon.process.wait(30) == 78
    assert "linod.toml:4" in daemon.terminal()


def test_a_procedure_that_cannot_be_imported_fails_its_own_runs(build_daemon: Building) -> None:
    toml = '[tasks.broken]\nprocedure = "nowhere.to_be.found"\nrecurrence = "every second"\n'
    daemon = build_daemon(toml + TICK)
    daemon.start()
    until(lambda: {run.outcome for run in daemon.runs()} >= {Outcome.FAILED, Outcome.SUCCEEDED})
    daemon.stop()

    assert {(run.task, run.outcome) for run in daemon.runs()} == {
        ("broken", Outcome.FAILED),
        ("tick", Outcome.SUCCEEDED),
    }


def test_stop_waits_for_what_runs(build_daemon: Building) -> None:
    daemon = build_daemon('[tasks.two]\nshell = "sleep 1"\n')
    daemon.start()
    daemon.client.request("run", task="two")
    daemon.client.request("stop")

    assert daemon.process.wait(30) == 0
    assert [run.outcome for run in daemon.runs()] == [Outcome.SUCCEEDED]


def test_ctrl_c_reaches_the_daemon_and_not_its_runs(build_daemon: Building) -> None:
    daemon = build_daemon('[tasks.two]\nshell = "sleep 1"\n')
    daemon.start()
    daemon.client.request("run", task="two")
    os.killpg(daemon.process.pid, signal.SIGINT)

    assert daemon.process.wait(30) == 0
    assert [run.outcome for run in daemon.runs()] == [Outcome.SUCCEEDED]


def test_stop_timeout_ends_what_runs_longer(build_daemon: Building) -> None:
    daemon = build_daemon('stop_timeout = "0.3 seconds"\n' + BY_HAND)
    daemon.start()
    daemon.client.request("run", task="long")
    until(lambda: "running" in [run.state.value for run in daemon.runs()])
    before = time.monotonic()

    assert daemon.stop() == 0
    assert time.monotonic() - before < 5
    assert [(run.outcome, run.reason) for run in daemon.runs()] == [
        (Outcome.CANCELLED, "linod was stopped")
    ]


def test_a_second_signal_ends_at_once(build_daemon: Building) -> None:
    daemon = build_daemon("[tasks.deaf]\nshell = \"trap '' TERM; sleep 60\"\n")
    daemon.start()
    daemon.client.request("run", task="deaf")
    until(lambda: "running" in [run.state.value for run in daemon.runs()])
    before = time.monotonic()
    daemon.process.terminate()
    until(lambda: "stopping" in daemon.terminal())
    daemon.process.terminate()

    assert daemon.process.wait(30) == 0
    assert time.monotonic() - before < 5
    assert daemon.runs()[0].outcome == Outcome.CANCELLED


def test_linod_enabled_0_decides_and_starts_nothing(build_daemon: Building) -> None:
    daemon = build_daemon(TICK, LINOD_ENABLED="0")
    daemon.start()
    until(lambda: "(switched off)" in daemon.terminal())
    daemon.stop()

    assert daemon.witness() == []
    assert daemon.runs() == []


def test_a_foreign_lock_on_the_store_stops_neither_status_nor_runs(
    build_daemon: Building,
) -> None:
    daemon = build_daemon(TICK)
    daemon.start()
    until(daemon.witness)
    foreign = sqlite3.connect(daemon.directory / "linod.db", isolation_level=None)
    foreign.execute("BEGIN IMMEDIATE")
    until(lambda: daemon.client.request("status", timeout_s=1.0)["trouble"])
    foreign.execute("ROLLBACK")
    foreign.close()
    before = len(daemon.witness())

    until(lambda: len(daemon.witness()) > before)
    until(lambda: daemon.client.request("status")["trouble"] == "")
    assert daemon.terminal().count("another process locks it") == 1
    daemon.stop()
    assert len(set(daemon.witness())) == len(daemon.witness())


def test_a_signal_while_the_store_is_locked_at_the_start_ends_it(build_daemon: Building) -> None:
    daemon = build_daemon(BY_HAND)
    daemon.start()
    daemon.stop()
    foreign = sqlite3.connect(daemon.directory / "linod.db", isolation_level=None)
    foreign.execute("BEGIN IMMEDIATE")
    daemon.start(is_awaited=False)
    until(lambda: "nothing is decided" in daemon.terminal())

    assert daemon.stop() == 0


def test_no_file_of_a_run_stays(build_daemon: Building) -> None:
    daemon = build_daemon(TICK)
    daemon.start()
    until(lambda: len(daemon.runs()) >= 2)
    daemon.stop()

    assert [path for path in (daemon.directory / "runs").glob("*/*") if path.is_file()] == []
    assert not (daemon.directory / "linod.sock").exists()


def test_a_directory_that_everybody_can_write_is_refused(
    build_daemon: Building, tmp_path: Path
) -> None:
    (tmp_path / "var").mkdir()
    (tmp_path / "var").chmod(0o777)
    daemon = build_daemon(TICK)
    daemon.start(is_awaited=False)

    assert daemon.process.wait(30) == 78
    assert "everybody may write into" in daemon.terminal()


def test_a_hangup_while_it_starts_ends_nothing(build_daemon: Building) -> None:
    daemon = build_daemon(SLOW + TICK)
    (daemon.folder / "slow.py").write_text(
        "import pathlib, time\n"
        "pathlib.Path('importing').touch()\n"
        "time.sleep(0.5)\n"
        "def procedure(): pass\n"
    )
    process = daemon.start(is_awaited=False)
    until((daemon.folder / "importing").exists)

    process.send_signal(signal.SIGHUP)

    until(daemon.is_ready)
    assert daemon.stop() == 0


SLOW = """
[tasks.slow]
procedure = "slow.procedure"
"""


@pytest.mark.parametrize("closed", [(1,), (2,), (0, 1, 2)])
def test_it_serves_with_closed_standard_streams(
    build_daemon: Building, closed: tuple[int, ...]
) -> None:
    daemon = build_daemon("[log]\n" + TICK)

    daemon.start(closed=closed)

    until(lambda: len(daemon.witness()) >= 1)
    assert daemon.stop() == 0
    assert (daemon.directory / "linod.lock").read_text() == f"{daemon.process.pid}\n"


def test_it_starts_when_nobody_reads_what_check_says(build_daemon: Building) -> None:
    daemon = build_daemon(TICK + 'pool = "none"\nretry.attempts = 3\n')
    reading, writing = os.pipe()
    os.close(reading)

    daemon.start(output=writing)

    until(lambda: len(daemon.witness()) >= 1)
    os.close(writing)

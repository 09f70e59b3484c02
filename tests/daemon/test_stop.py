"""How runs end when their daemon stops: on_stop, limits, chains; real processes."""

from __future__ import annotations

import time

from linod.events import Outcome, State

from .building import LIMIT_S, Building, Daemon, until

UNTIL_GO = "until [ -e go ]; do sleep 0.02; done"
PATIENT = f"""
stop_timeout = "0.2 seconds"
[tasks.patient]
shell = "{UNTIL_GO}"
on_stop = "finish"
[tasks.usual]
shell = "sleep 60"
"""


def run(daemon: Daemon, *tasks: str) -> None:
    """Ask for runs, and wait until all of them have a process."""
    for task in tasks:
        daemon.client.request("run", task=task)
    until(lambda: [each.state for each in daemon.runs()] == [State.RUNNING] * len(tasks))


def go(daemon: Daemon) -> None:
    (daemon.folder / "go").touch()


def outcomes(daemon: Daemon) -> dict[str, object]:
    return {each.task: each.state for each in daemon.runs()}


def test_a_run_that_may_finish_is_waited_for_beyond_the_limit(build_daemon: Building) -> None:
    daemon = build_daemon(PATIENT)
    daemon.start()
    run(daemon, "patient", "usual")

    daemon.process.terminate()
    until(lambda: outcomes(daemon)["usual"] is Outcome.CANCELLED)
    assert outcomes(daemon)["patient"] is State.RUNNING
    go(daemon)

    assert daemon.process.wait(LIMIT_S) == 0
    assert outcomes(daemon)["patient"] is Outcome.SUCCEEDED
    assert "waiting for 2 runs (200 ms at most, 1 of them however long" in daemon.terminal()


def test_a_second_signal_ends_what_may_finish_too(build_daemon: Building) -> None:
    daemon = build_daemon(PATIENT)
    daemon.start()
    run(daemon, "patient")
    daemon.process.terminate()
    until(lambda: "stopping" in daemon.terminal())
    before = time.monotonic()

    daemon.process.terminate()

    assert daemon.process.wait(LIMIT_S) == 0
    assert time.monotonic() - before < 5
    assert outcomes(daemon)["patient"] is Outcome.CANCELLED


def test_a_run_ends_as_its_task_said_when_it_started(build_daemon: Building) -> None:
    daemon = build_daemon(PATIENT)
    daemon.start()
    run(daemon, "patient")
    daemon.write(PATIENT.replace("finish", "end"))
    daemon.client.request("reload")
    until(lambda: "reloaded" in daemon.terminal())

    daemon.process.terminate()
    until(lambda: "however long" in daemon.terminal())
    go(daemon)

    assert daemon.process.wait(LIMIT_S) == 0
    assert outcomes(daemon)["patient"] is Outcome.SUCCEEDED


def test_a_deaf_run_is_killed_five_seconds_after_the_limit(build_daemon: Building) -> None:
    toml = "stop_timeout = '0.2 seconds'\n[tasks.deaf]\nshell = \"trap '' TERM; sleep 60\"\n"
    daemon = build_daemon(toml)
    daemon.start()
    run(daemon, "deaf")
    before = time.monotonic()

    daemon.process.terminate()

    assert daemon.process.wait(LIMIT_S) == 0
    assert 5.2 <= time.monotonic() - before <= 7.2
    assert outcomes(daemon)["deaf"] is Outcome.CANCELLED


CHAIN = f"""
[tasks.first]
shell = "{UNTIL_GO}"
[tasks.second]
shell = "true"
[chains.nightly]
tasks = ["first", "second"]
"""


def test_a_chain_holds_no_stop_up_and_goes_on_at_the_next_start(build_daemon: Building) -> None:
    daemon = build_daemon(CHAIN)
    daemon.start()
    daemon.client.request("run", task="nightly")
    until(lambda: outcomes(daemon).get("first") is State.RUNNING)
    daemon.process.terminate()
    until(lambda: "waiting for 1 run (" in daemon.terminal())
    before = time.monotonic()
    go(daemon)

    assert daemon.process.wait(LIMIT_S) == 0
    assert time.monotonic() - before < 5
    assert outcomes(daemon) == {
        "nightly": State.RUNNING,
        "first": Outcome.SUCCEEDED,
        "second": State.WAITING,
    }
    daemon.start()
    until(lambda: set(outcomes(daemon).values()) == {Outcome.SUCCEEDED})


HOURLY = """
[tasks.hourly]
shell = "true"
recurrence = "every hour"
"""


def test_a_signal_is_heard_however_much_ends_at_once(build_daemon: Building) -> None:
    daemon = build_daemon(HOURLY)
    daemon.start()
    first, last = "2025-01-01T00:00Z", "2025-06-01T00:00Z"
    daemon.client.request("backfill", task="hourly", **{"from": first, "until": last})
    ended = daemon.client.request("cancel", task="hourly")["runs"]

    daemon.process.terminate()

    assert daemon.process.wait(LIMIT_S) == 0
    assert len(ended) > 3000
    assert "Exception ignored" not in daemon.terminal()

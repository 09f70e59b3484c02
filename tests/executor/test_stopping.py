"""What a run knows of its end: its deadline, and that it is to stop."""

from __future__ import annotations

import json
import signal
from datetime import datetime, timedelta
from typing import Any

import pytest

from linod.events import Outcome, RunEnded

SHOP = """
import json, os, signal, sys, threading, time
from pathlib import Path
import linod

def say(name, value=1): Path(os.environ["OUT"], name).write_text(json.dumps(value))

def loop(run):
    while not run.should_stop:
        say("ready")
        time.sleep(0.01)

def patient(run: linod.Run):
    loop(run)
    print("put away what was begun")
    say("out")
    return "done"

def deaf():
    say("ready")
    time.sleep(60)

def in_thread(run: linod.Run):
    assert not run.should_stop
    found = []
    def look():
        loop(run)
        say("out")
    thread = threading.Thread(target=look)
    thread.start()
    thread.join()

def first_in_thread(run: linod.Run):
    def look():
        run.should_stop
        say("ready")
    thread = threading.Thread(target=look)
    thread.start()
    time.sleep(60)

def with_its_own(run: linod.Run):
    signal.signal(signal.SIGTERM, lambda number, frame: say("theirs"))
    loop(run)
    say("out")

def ignores(run: linod.Run):
    run.should_stop
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    loop(run)
    say("out")

def with_an_exit(run: linod.Run):
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(3))
    loop(run)
    say("out")

def forks(run: linod.Run):
    run.should_stop
    found = []
    for number in range(200):
        child = os.fork()
        if child == 0:
            run.should_stop
            time.sleep(60)
            os._exit(0)
        os.kill(child, signal.SIGTERM)
        found.append(os.waitpid(child, 0)[1])
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    say("out", [sorted({*found}), sorted(mask)])

def facts(run: linod.Run):
    names = [each for each in os.environ if each.startswith("LINOD_")]
    end = run.deadline and [run.deadline.isoformat(), str(run.deadline.tzinfo)]
    say("out", [end, os.environ.get("LINOD_DEADLINE"), run.should_stop])

def asks(run: linod.Run):
    loop(run)
    return True

def hears_and_goes_on(run: linod.Run):
    run.should_stop
    os.kill(os.getpid(), signal.SIGTERM)
    return run.should_stop

async def later(run: linod.Run):
    loop(run)
    say("out")
"""


def prepare(stage: Any, procedure: str | None = None, **keys: Any) -> None:
    stage.module("shop", SHOP)
    keys["env"] = {"OUT": str(stage.folder)}
    if procedure is not None:
        keys["procedure"] = f"shop.{procedure}"
    stage.task("report", **keys)


def stopped(stage: Any) -> RunEnded:
    """Start the run, and cancel it when it is ready."""

    async def scene() -> RunEnded:
        stage.start("report")
        await stage.until(lambda: stage.text("ready"))
        stage.stop(1)
        end: RunEnded = await stage.ended()
        return end

    played: RunEnded = stage.play(scene)
    return played


def out(stage: Any) -> Any:
    text = stage.text("out")
    return json.loads(text) if text else None


# -- should_stop ------------------------------------------------------------------------------


@pytest.mark.parametrize("procedure", ["patient", "later", "in_thread"])
def test_a_run_that_asks_ends_by_itself(stage: Any, procedure: str) -> None:
    prepare(stage, procedure)
    end = stopped(stage)

    assert (end.outcome, end.reason) == (Outcome.CANCELLED, "by alice")
    assert out(stage) == 1


def test_what_it_says_last_is_in_its_log(stage: Any) -> None:
    prepare(stage, "patient")

    assert "put away what was begun" in stopped(stage).log


def test_a_timeout_is_one_still(stage: Any) -> None:
    prepare(stage, "patient", timeout=timedelta(seconds=3))
    end = stage.run("report")

    assert (end.outcome, end.reason) == (Outcome.TIMED_OUT, "after 3 s")
    assert out(stage) == 1


@pytest.mark.parametrize("procedure", ["deaf", "first_in_thread"])
def test_a_run_that_has_not_asked_in_the_main_thread_dies_of_term(
    stage: Any, procedure: str
) -> None:
    prepare(stage, procedure)
    end = stopped(stage)

    assert (end.outcome, end.detail) == (Outcome.CANCELLED, {"signal": "SIGTERM"})


def test_a_run_that_asks_and_goes_on_is_killed_after_kill_after(stage: Any) -> None:
    stage.module(
        "stubborn",
        "import os, time\nfrom pathlib import Path\nimport linod\n"
        "def stay(run: linod.Run):\n"
        "    run.should_stop\n"
        "    Path(os.environ['OUT'], 'ready').write_text('1')\n"
        "    time.sleep(60)\n",
    )
    prepare(stage)
    stage.task(
        "report",
        procedure="stubborn.stay",
        kill_after=timedelta(seconds=0.2),
        env={"OUT": str(stage.folder)},
    )
    end = stopped(stage)

    assert (end.outcome, end.detail) == (Outcome.CANCELLED, {"signal": "SIGKILL"})


def test_a_handler_of_its_own_is_called_too(stage: Any) -> None:
    prepare(stage, "with_its_own")

    assert stopped(stage).outcome is Outcome.CANCELLED
    assert (stage.text("theirs"), out(stage)) == ("1", 1)


def test_a_run_that_does_not_hear_term_knows_when_its_time_is_over(stage: Any) -> None:
    prepare(stage, "ignores", timeout=timedelta(seconds=3))

    assert stage.run("report").outcome is Outcome.TIMED_OUT
    assert out(stage) == 1


def test_a_handler_of_its_own_may_end_it_at_once(stage: Any) -> None:
    prepare(stage, "with_an_exit")

    assert stopped(stage).outcome is Outcome.CANCELLED
    assert out(stage) is None


def test_what_it_forks_dies_of_term(stage: Any) -> None:
    prepare(stage, "forks")

    assert stage.run("report").outcome is Outcome.SUCCEEDED
    assert out(stage) == [[signal.SIGTERM], []]


@pytest.mark.parametrize("keys", [{"command": ("sleep", "60")}, {"shell": "exec sleep 60"}])
def test_a_program_behind_only_if_dies_of_term(stage: Any, keys: dict[str, Any]) -> None:
    prepare(stage, only_if="shop.hears_and_goes_on", **keys)
    end = stage.run("report")

    assert (end.outcome, end.detail) == (Outcome.FAILED, {"signal": "SIGTERM"})


# -- deadline ---------------------------------------------------------------------------------


def test_the_deadline_is_when_its_timeout_ends_it(stage: Any) -> None:
    prepare(stage, "facts", timeout=timedelta(hours=1))
    end = stage.run("report")
    (deadline, zone), variable, is_asked = out(stage)

    assert end.started is not None
    assert datetime.fromisoformat(deadline) == end.started + timedelta(hours=1)
    assert datetime.fromisoformat(variable) == end.started + timedelta(hours=1)
    assert (zone, is_asked) == ("Europe/Tallinn", False)


@pytest.mark.parametrize("timeout", [None, timedelta.max])
def test_without_an_end_there_is_no_deadline(
    stage: Any, monkeypatch: pytest.MonkeyPatch, timeout: timedelta | None
) -> None:
    monkeypatch.setenv("LINOD_DEADLINE", "2026-01-01T00:00:00Z")  # linod is part of a run itself
    prepare(stage, "facts", timeout=timeout)
    stage.run("report")

    assert out(stage) == [None, None, False]

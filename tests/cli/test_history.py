"""`linod history`, which needs no daemon."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from linod.events import Outcome, Trigger, Verdict
from linod.store.interface import DecisionRow, RunRow

Linod = Callable[..., Result]
Build = Callable[..., RunRow]
Keep = Callable[..., list[int]]
pytestmark = pytest.mark.usefixtures("project")

DUE = datetime(2026, 11, 21, 1, 30, tzinfo=UTC)
STARTED = DUE + timedelta(milliseconds=3)
ENDED = STARTED + timedelta(seconds=1.2)


@pytest.fixture
def three(build_run: Build, keep: Keep) -> list[int]:
    """Keep a success, a failure a day later, and a range that was missed."""
    later = timedelta(days=1)
    failed: dict[str, Any] = {
        "outcome": Outcome.FAILED,
        "ended": ENDED + later,
        "reason": "ValueError: no \x1b[2Jshop",
        "detail": {"traceback": 'Traceback:\n  File "x.py"\nValueError', "exit_status": 1},
        "log": "05:30:00 INFO hello\n",
    }
    return keep(
        (build_run(started=STARTED, arguments="shop='ee'"), {"ended": ENDED, "log": "one\n"}),
        (build_run(due=DUE + later, started=STARTED + later), failed),
        DecisionRow(
            task="send_mail",
            due=DUE - later,
            last=DUE - timedelta(hours=1),
            count=277,
            verdict=Verdict.MISSED,
            reason="the daemon was not running",
        ),
    )


def test_nothing_yet_is_said(linod: Linod) -> None:
    assert linod("history").stdout == "nothing has been decided yet\n"
    assert linod("history", "--json").stdout == "[]\n"


@pytest.mark.usefixtures("three")
def test_runs_and_what_did_not_run_come_newest_first(linod: Linod) -> None:
    lines = linod("history").stdout.splitlines()

    assert [line.split()[:2] for line in lines[:4]] == [
        ["RUN", "TASK"],
        ["2", "nightly_backup"],
        ["1", "nightly_backup"],
        ["-", "send_mail"],
    ]
    assert "nightly_backup  2026-11-21 03:30 EET  succeeded  1.2 s" in lines[2]
    assert "missed" in lines[3]
    assert lines[4].strip() == "277 times until 2026-11-21 02:30 EET: the daemon was not running"


@pytest.mark.usefixtures("three")
def test_no_line_is_too_wide_and_no_control_sign_is_raw(linod: Linod) -> None:
    for arguments in ((), ("2",), ("nightly_backup",)):
        output = linod("history", *arguments).stdout

        assert [line for line in output.splitlines() if len(line) > 100] == []
        assert "\x1b" not in output


@pytest.mark.usefixtures("three")
def test_a_task_is_shown_alone(linod: Linod) -> None:
    found = json.loads(linod("history", "send_mail", "--json").stdout)

    assert [each["state"] for each in found] == ["missed"]
    assert found[0]["run"] is None
    assert found[0]["count"] == 277


@pytest.mark.usefixtures("three")
def test_json_has_the_promised_keys(linod: Linod) -> None:
    first = json.loads(linod("history", "--json", "-n", "1").stdout)[0]

    assert {key: first[key] for key in ("task", "due", "attempt", "state", "started", "ended")} == {
        "task": "nightly_backup",
        "due": "2026-11-22T01:30:00Z",
        "attempt": 1,
        "state": "failed",
        "started": "2026-11-22T01:30:00.003000Z",
        "ended": "2026-11-22T01:30:01.203000Z",
    }
    assert first["reason"] == "ValueError: no \x1b[2Jshop"


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize(
    "which", ["1", "nightly_backup@2026-11-21 03:30", "nightly_backup@2026-11-21T01:30:00Z"]
)
def test_one_run_shows_arguments_times_and_log(linod: Linod, which: str) -> None:
    lines = linod("history", which).stdout.splitlines()

    assert lines[0] == "run 1 of nightly_backup (schedule)"
    assert "  state      succeeded" in lines
    assert "  arguments  shop='ee'" in lines
    assert "  started    Sat 2026-11-21 03:30 EET, 3 ms late" in lines
    assert lines[-2:] == ["log (1 line)", "  one"]


@pytest.mark.usefixtures("three")
def test_the_last_failure_shows_its_traceback(linod: Linod) -> None:
    lines = linod("history", "nightly_backup@last-failed").stdout.splitlines()

    assert lines[0] == "run 2 of nightly_backup (schedule)"
    assert "  reason     ValueError: no \\x1b[2Jshop" in lines
    assert "  exit status 1" in lines
    assert lines[-3:] == ["  Traceback:", '    File "x.py"', "  ValueError"]


@pytest.mark.usefixtures("three")
def test_one_run_as_json_is_an_object(linod: Linod) -> None:
    run = json.loads(linod("history", "1", "--json").stdout)

    assert run["log"] == "one\n"
    assert run["arguments"] == "shop='ee'"


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize("which", ["99", "9" * 40, "nightly_backup@2020-01-01", "nobody"])
def test_what_is_not_there_is_a_usage_error(linod: Linod, which: str) -> None:
    result = linod("history", which)

    assert result.exit_code == 2
    assert result.stderr.startswith("linod: there is no ")


def test_a_task_that_was_removed_keeps_its_history(
    linod: Linod, build_run: Build, keep: Keep
) -> None:
    run = build_run(task="gone", trigger=Trigger.MANUAL, by="ann", started=STARTED)
    keep((run, {"ended": ENDED}))

    assert linod("history", "gone").exit_code == 0
    assert linod("history", "1").stdout.startswith("run 1 of gone (manual by ann)\n")


def test_a_chain_is_known_before_it_ran(project: Path, linod: Linod, keep: Keep) -> None:
    (project / "linod.toml").write_text(
        "[tasks.load]\ncommand = 'true'\n[chains.nightly]\ntasks = ['load']\n"
    )
    keep()

    result = linod("history", "nightly")

    assert (result.exit_code, result.stdout) == (0, "nothing has been decided yet\n")

"""What people type to operate a serving daemon: real daemon, the commands in this process."""

from __future__ import annotations

import getpass
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

Linod = Callable[..., Result]
LIMIT_S = 30.0
ME = getpass.getuser()
TOML = """\
[linod]
timezone = "Europe/Tallinn"
stop_timeout = "0.2 seconds"

[tasks.report]
shell = "echo done"
recurrence = "every day at 03:00"

[tasks.elsewhere]
shell = "true"
timezone = "Asia/Tokyo"

[tasks.bad]
shell = "exit 3"
disable_after = 1

[tasks.long]
shell = "sleep 60"
on_stop = "finish"

[tasks.first]
shell = "true"

[tasks.second]
shell = "test -e go"

[chains.nightly]
tasks = ["first", "second"]
recurrence = "every day at 02:00"
"""


def until(condition: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + LIMIT_S
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.05)
    raise AssertionError("it did not become so in time")


@contextmanager
def serving(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    (folder / "linod.toml").write_text(TOML)
    with (folder / "terminal").open("wb") as terminal:
        process = subprocess.Popen(
            [sys.executable, "-m", "linod", "serve"], cwd=folder, stdout=terminal, stderr=terminal
        )
    until(lambda: b"linod 0.1.0" in (folder / "terminal").read_bytes())
    yield process
    while process.poll() is None:
        process.terminate()
        time.sleep(0.05)


@pytest.fixture
def daemon(project: Path) -> Iterator[subprocess.Popen[bytes]]:
    with serving(project) as process:
        yield process


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The file of a daemon to which nothing is done."""
    folder = tmp_path_factory.mktemp("untouched")
    with serving(folder):
        yield folder / "linod.toml"


in_project = pytest.mark.usefixtures("daemon")


def status_of(linod: Linod, task: str) -> dict[str, Any]:
    tasks = json.loads(linod("status", "--json").stdout)["tasks"]
    return next(each for each in tasks if each["task"] == task)


def states(linod: Linod, task: str) -> list[str]:
    return [row["state"] for row in json.loads(linod("history", task, "--json").stdout)]


# -- pause, resume, disable, enable -------------------------------------------------------------


@in_project
def test_a_task_is_paused_until_an_instant_of_its_zone_and_resumed(linod: Linod) -> None:
    paused = linod("pause", "report", "--until", "2099-11-23", "--reason", "migration")
    resumed = linod("resume", "report")

    assert paused.stdout == "paused report until Mon 2099-11-23 00:00 EET\n"
    assert resumed.stdout == "resumed report\n"
    assert (paused.exit_code, resumed.exit_code) == (0, 0)


@in_project
def test_a_pause_for_a_time_says_when_it_ends(linod: Linod) -> None:
    before = datetime.now(UTC).replace(microsecond=0)

    answer = json.loads(linod("pause", "report", "nightly", "--for", "2 hours", "--json").stdout)

    assert answer["tasks"] == ["report", "nightly"]
    ends = datetime.fromisoformat(answer["until"])
    assert timedelta(hours=2) <= ends - before < timedelta(hours=2, minutes=1)


@in_project
def test_a_pause_until_a_time_of_day_ends_at_the_next_one(linod: Linod) -> None:
    answer = json.loads(linod("pause", "elsewhere", "--until", "00:00", "--json").stdout)

    ends = datetime.fromisoformat(answer["until"])
    assert (ends.hour, ends.minute) == (15, 0)
    assert timedelta(0) < ends - datetime.now(UTC) <= timedelta(days=1)


@in_project
def test_linod_as_a_whole_is_paused_and_resumed(linod: Linod) -> None:
    assert linod("pause", "--all").stdout == "paused linod as a whole\n"
    assert linod("pause", "report").exit_code == 0
    resumed = linod("resume", "--all")

    assert resumed.stdout == "resumed linod as a whole\n"
    assert resumed.stderr == "linod: paused by name, and still so: report\n"


@in_project
def test_who_resumes_too_much_is_told_what_was_not_paused(linod: Linod) -> None:
    linod("pause", "report")
    some, none = linod("resume", "report", "first"), linod("resume", "first")

    assert (some.stdout, some.stderr) == ("resumed report\n", "linod: first: not paused\n")
    assert (none.exit_code, none.stderr) == (1, "linod: first: not paused\n")


@in_project
def test_a_pause_tells_what_goes_on(linod: Linod) -> None:
    run = json.loads(linod("run", "long", "--no-wait", "--json").stdout)["run"]

    paused = linod("pause", "long")

    assert paused.stderr == f"linod: run {run} goes on: linod cancel {run} ends it\n"


@in_project
def test_a_task_is_disabled_and_enabled(linod: Linod) -> None:
    disabled = linod("disable", "report", "--reason", "broken")
    state = status_of(linod, "report")
    enabled = linod("enable", "report")

    assert disabled.stdout == "disabled report\n"
    assert (state["state"], state["disabled"]["by"]) == ("disabled", ME)
    assert enabled.stdout == "enabled report\n"


@in_project
def test_all_that_failures_disabled_is_enabled(linod: Linod) -> None:
    linod("run", "bad")
    linod("disable", "report")

    assert linod("enable", "--failed").stdout == "enabled bad\n"
    assert status_of(linod, "report")["state"] == "disabled"


# -- runs ---------------------------------------------------------------------------------------


@in_project
def test_a_chain_is_followed_by_its_members_and_goes_on_from_what_failed(
    linod: Linod, project: Path
) -> None:
    failed = linod("run", "nightly")
    (project / "go").touch()
    good = linod("run", "nightly", "--from-failed")

    assert "first succeeded after" in failed.stdout
    assert "second failed after" in failed.stdout
    assert failed.stderr == ("linod: run 1 of nightly failed: second failed  (linod history 1)\n")
    assert "first" not in good.stdout
    assert "second succeeded after" in good.stdout
    assert (failed.exit_code, good.exit_code) == (1, 0)


@in_project
def test_an_occurrence_of_the_past_runs_again(linod: Linod) -> None:
    right = linod("run", "report", "--due", "2026-01-05 03:00")
    wrong = linod("run", "report", "--due", "2026-01-05 04:00")

    assert right.exit_code == 0
    (run,) = json.loads(linod("history", "report", "--json").stdout)
    assert run["due"] == "2026-01-05T01:00:00Z"
    assert wrong.exit_code == 1
    assert "report was not due at Mon 2026-01-05 04:00 EET: the nearest are" in wrong.stderr


@in_project
def test_a_run_by_hand_runs_again_by_the_due_that_history_shows(linod: Linod) -> None:
    linod("run", "report")
    shown = linod("history", "report").stdout.splitlines()[1]
    due = " ".join(shown.split()[2:4])

    assert linod("run", "report", "--due", due).exit_code == 0
    first, second = json.loads(linod("history", "report", "--json").stdout)
    assert (first["due"], first["attempt"]) == (second["due"], 2)


@in_project
def test_a_backfill_runs_what_a_preview_showed(linod: Linod) -> None:
    span = ("report", "--from", "2026-01-05", "--until", "2026-01-07")
    preview = linod("backfill", *span, "--dry-run")
    asked = linod("backfill", *span)
    until(lambda: states(linod, "report") == ["succeeded"] * 3)
    again = linod("backfill", *span)

    assert preview.stdout.splitlines()[1:] == [
        "Mon 2026-01-05 03:00 EET  yes",
        "Tue 2026-01-06 03:00 EET  yes",
        "Wed 2026-01-07 03:00 EET  yes",
        "3 runs of report; without --dry-run they are asked for",
    ]
    assert asked.stdout == "3 runs, 1 to 3, of report  (linod history report)\n"
    assert again.stdout == "no run of report  (linod history report)\n"
    assert again.stderr == "linod: 3 left out that succeeded or go on\n"


@in_project
def test_a_task_that_is_gone_is_forgotten(linod: Linod, project: Path) -> None:
    linod("run", "bad")
    (project / "linod.toml").write_text(TOML.replace("[tasks.bad]", "[tasks.other]"))
    linod("reload")

    assert linod("forget", "bad").stdout == "bad is forgotten with 1 run\n"
    assert linod("history", "bad").exit_code == 2


def test_audit_lists_who_did_what_newest_first(
    linod: Linod, daemon: subprocess.Popen[bytes]
) -> None:
    linod("pause", "report", "--until", "2099-11-23", "--reason", "migration")
    linod("run", "first")
    linod("stop")
    daemon.wait(LIMIT_S)

    lines = linod("audit").stdout.splitlines()
    rows = json.loads(linod("audit", "report", "--json").stdout)

    assert [line.split()[4:7] for line in lines[1:] if line[0] != " "] == [
        [ME, "stop", "-"],
        [ME, "run", "first"],
        [ME, "pause", "report"],
    ]
    assert "until Mon 2099-11-23 00:00 EET: migration" in " ".join(lines)
    assert [(row["verb"], row["task"]) for row in rows] == [("stop", None), ("pause", "report")]


def test_stop_waits_for_what_may_finish_until_it_is_said_again(
    linod: Linod, daemon: subprocess.Popen[bytes]
) -> None:
    linod("run", "long", "--no-wait")
    until(lambda: status_of(linod, "long")["state"] == "running")

    first = linod("stop", "--no-wait")
    second = linod("stop")

    assert 'waiting for 1 run that may finish (on_stop = "finish")' in first.stderr
    assert second.exit_code == 0
    assert daemon.wait(LIMIT_S) == 0


@in_project
def test_the_clock_is_accepted(linod: Linod) -> None:
    assert linod("clock").stdout == "no task is decided beyond now\n"
    accepted = linod("clock", "accept")
    assert accepted.stdout == "accepted; no task was decided beyond now\n"


# -- what is wrong ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "exit_code", "error"),
    [
        (("pause",), 2, "name a task or chain, or take --all: linod status lists them"),
        (("pause", "report", "--all"), 2, "name tasks, or take --all: both at once is two wishes"),
        (("pause", "reprot"), 2, 'there is no task "reprot": did you mean "report"?'),
        (
            ("pause", "report", "--for", "1 h", "--until", "18:00"),
            2,
            "--for and --until both say when it ends: take one",
        ),
        (("pause", "report", "--for", "90"), 2, '--for "90": a unit is missing: "90 seconds"?'),
        (("pause", "report", "--until", "soon"), 2, '--until "soon" is no instant: expected'),
        (("pause", "report", "--until", "2001-01-01"), 1, "the pause would have ended already"),
        (("disable",), 2, "name a task or chain: linod status lists them"),
        (("enable", "report"), 1, "report: not disabled"),
        (("enable", "--failed"), 1, "no task was disabled by its failures"),
        (("run", "report", "--from-failed"), 1, "report is no chain"),
        (("run", "nightly", "--from-failed"), 1, "nightly has not run"),
        (("forget", "report"), 1, "report is in the configuration: remove it there first"),
        (("forget", "nobody"), 2, 'nothing is kept of "nobody"'),
        (
            ("backfill", "report", "--from", "2026-01-07", "--until", "2026-01-05"),
            2,
            '--from "2026-01-07" is after --until "2026-01-05"',
        ),
        (
            ("backfill", "report", "--from", "2026-01-05", "--until", "2099-01-05"),
            1,
            "--until is in the future: what is not due yet is not filled back",
        ),
        (("audit", "nobody"), 2, 'there is no task "nobody"'),
    ],
)
def test_what_is_wrong_is_one_line(
    linod: Linod, untouched: Path, arguments: tuple[str, ...], exit_code: int, error: str
) -> None:
    result = linod("-c", str(untouched), *arguments)

    assert result.exit_code == exit_code
    assert result.stderr.startswith(f"linod: {error}")
    assert result.stdout == ""

"""`linod simulate`."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import Result

from linod.store.interface import RunRow

Linod = Callable[..., Result]

TOML = """\
[linod]
timezone = "Europe/Tallinn"

[pools.database]
size = 1

[tasks.report]
command = "true"
recurrence = "every 10 minutes"

[tasks.backup]
command = "true"
recurrence = "every day at 03:30"
pool = "database"

[tasks.clean]
command = "true"
recurrence = "every day at 03:30"
pool = "database"

[tasks.load]
command = "true"

[chains.nightly]
tasks = ["load"]
recurrence = "every day at 02:00"
"""


@pytest.fixture(autouse=True)
def _configuration(project: Path) -> None:
    (project / "linod.toml").write_text(TOML)


OPTIONS = ("--from", "2026-03-28", "--days", "2")
LENGTHS = (
    *("--duration", "report=12m", "--duration", "backup=2h", "--duration", "clean=1m"),
    *("--duration", "load=30m"),
)


def test_a_small_configuration_is_laid_out(linod: Linod) -> None:
    assert linod("simulate", *OPTIONS, *LENGTHS).stdout.splitlines() == [
        "2 days from Sat 2026-03-28 00:00 EET, seed 0: 290 occurrences, 147 runs",
        "lengths that were given: report, backup, clean, load",
        "",
        "TASK     DUE  RUNS  SKIPPED  RETRIES  TOOK  LATE 95 %",
        "report   282  141   141      -        12 m  -    overlap 141",
        "backup   2    2     -        -        2 h   -",
        'clean    2    2     -        -        1 m   2 h  waits up to 2 h for pool "database"',
        "load     2    2     -        -        30 m  -",
        "nightly  2    2     -        -        30 m  -",
        "",
        "CHAIN    RUNS  ENDS AFTER ITS DUE  AT MOST",
        "nightly  2     30 m                30 m",
        "",
        "POOL      SIZE  FULL  USED  MOST  WAITS  LONGEST WAIT",
        "database  1     8.6%  0.09  1     2      2 h (clean)",
        "",
        "BUSIEST MINUTES  TASKS  STARTS  AT ONCE  DAYS",
        "02:00            2      2       2        2",
        "04:00            2      2       2        1",
        "06:00            2      2       2        1",
        "02:20            1      1       2        2",
        "03:30            1      1       2        1",
        "at most 2 runs at once, first on Sat 2026-03-28 02:00 EET",
        "",
        "runs going on at a time, on average up to:  "
        "· 0.32  ░ 0.64  ▒ 0.96  ▓ 1.3  █ 1.6  - not simulated",
        "           00 01 02 03 04 05 06 07 08 09 10 11 12 13 14 15 16 17 18 19 20 21 22 23",
        "Sat 03-28  ░░░░░░▓▓▓▓▓▓███▓▓▓" + "░" * 54,
        "Sun 03-29  ░░░░░░▓▓▓-  ██████" + "░" * 54,
        "",
        "report is skipped 141 times of 282: "
        "its runs take 12 m on average and it is due every 10 m",
        'pool "database" (size = 1) is full 9% of the time: clean waits up to 2 h for it',
    ]


def test_what_is_guessed_is_named(linod: Linod) -> None:
    lines = linod("simulate", *OPTIONS, "--duration", "backup=2h").stdout.splitlines()

    assert "nothing is known, so 1 s (--default-duration): report, clean, load" in lines


def test_former_runs_say_how_long_runs_take(
    linod: Linod, build_run: Callable[..., RunRow], keep: Callable[..., list[int]]
) -> None:
    run = build_run(task="backup", started=build_run().due)
    keep((run, {"ended": run.due + timedelta(minutes=7)}))

    lines = linod("simulate", *OPTIONS).stdout.splitlines()

    assert "lengths of former runs: backup" in lines
    assert "backup   2    2     -        -        7 m   -" in lines


def test_an_unreadable_store_is_told_and_does_no_harm(linod: Linod, project: Path) -> None:
    (project / "var").mkdir()
    (project / "var" / "linod.db").write_text("not a database, but longer than its header" * 9)

    result = linod("simulate", *OPTIONS)

    assert result.exit_code == 0
    assert "what former runs took is not known" in " ".join(result.stderr.split())


def test_only_some_tasks(linod: Linod) -> None:
    found = json.loads(linod("simulate", *OPTIONS, "--task", "nightly", "--json").stdout)

    assert ["load", "nightly"] == [task["task"] for task in found["tasks"]]


def test_a_limit_is_named(linod: Linod) -> None:
    lines = linod("simulate", *OPTIONS, *LENGTHS, "--limit", "10").stdout.splitlines()

    assert lines[1] == (
        "it ends at Sat 2026-03-28 01:30 EET, after 1 h 30 m (--limit): "
        "what is due later is left out"
    )


def test_without_a_beginning_it_begins_today(linod: Linod) -> None:
    found = json.loads(linod("simulate", "--days", "1", "--task", "backup", "--json").stdout)

    assert found["begins"].endswith(("T22:00:00Z", "T21:00:00Z"))
    assert found["occurrences"] == 1


def test_the_same_seed_says_the_same(linod: Linod) -> None:
    spread = ("simulate", *OPTIONS, "--duration", "report=9m±90%", "--failures", "report=20%")

    assert linod(*spread).stdout == linod(*spread).stdout
    assert linod(*spread).stdout != linod(*spread, "--seed", "1").stdout


@pytest.mark.parametrize("days", ["1", "12", "40"])
def test_no_line_is_too_wide(linod: Linod, project: Path, days: str) -> None:
    name = "a_task_with_a_long_name_" * 4
    (project / "linod.toml").write_text(TOML.replace("report", name))

    lines = linod("simulate", "--days", days, "--duration", f"{name}=12m").stdout.splitlines()

    assert [line for line in lines if len(line) > 100] == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--duration", "report"], '--duration "report": expected TASK=…'),
        (["--duration", "reprot=1s"], 'there is no task "reprot": did you mean "report"?'),
        (
            ["--duration", "report=12"],
            '--duration report "12": a unit is missing: "12 seconds"?',
        ),
        (
            ["--duration", "nightly=1s"],
            "--duration nightly: it is a chain; its tasks take the time",
        ),
        (
            ["--failures", "report=often"],
            '--failures report "often": a part of the runs is written "0.05" or "5%"',
        ),
        (["--default-duration", "0s"], '--default-duration "0s": a run takes some time'),
        (
            ["--task", "nothing"],
            'there is no task "nothing": there are report, backup, clean, load',
        ),
        (["--from", "9999-12-20"], "--from 9999-12-20 leaves no room for 30 days"),
    ],
)
def test_a_wrong_option_is_one_line(linod: Linod, options: list[str], message: str) -> None:
    result = linod("simulate", *options)

    assert result.exit_code == 2
    assert " ".join(result.stderr.split()).startswith(f"linod: {message}")


# -- JSON ---------------------------------------------------------------------------------------

_NUMBER_OR_NULL = {"type": ["number", "null"]}
_COUNTS = {"type": "object", "additionalProperties": {"type": "integer"}}


def _object(**properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


_INSTANT = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$"}
_INSTANT_OR_NULL = {"anyOf": [_INSTANT, {"type": "null"}]}
_WAIT = _object(
    task={"type": "string"},
    **{"for": {"type": "string"}},
    count={"type": "integer"},
    longest_s={"type": "number"},
    due=_INSTANT_OR_NULL,
)
_TASK = _object(
    task={"type": "string"},
    is_chain={"type": "boolean"},
    is_counted={"type": "boolean"},
    timezone={"type": "string"},
    durations_from={"enum": ["history", "given", "default", None]},
    occurrences={"type": "integer"},
    due_every_s=_NUMBER_OR_NULL,
    runs={"type": "integer"},
    retries={"type": "integer"},
    going_on={"type": "integer"},
    at_once={"type": "integer"},
    not_run=_COUNTS,
    dropped=_COUNTS,
    stopped=_COUNTS,
    outcomes=_COUNTS,
    took_mean_s=_NUMBER_OR_NULL,
    took_longest_s=_NUMBER_OR_NULL,
    late_p95_s={"type": "number"},
    late_longest_s={"type": "number"},
    behind_median_s=_NUMBER_OR_NULL,
    behind_longest_s=_NUMBER_OR_NULL,
    waits={"type": "array", "items": _WAIT},
    warnings=_COUNTS,
)
_POOL = _object(
    pool={"type": "string"},
    size={"type": "integer"},
    full={"type": "number", "minimum": 0, "maximum": 1},
    used_mean={"type": "number"},
    most={"type": "integer"},
    waits={"type": "integer"},
    longest_wait={"anyOf": [_WAIT, {"type": "null"}]},
)
_HOURS = {"type": "array", "items": _NUMBER_OR_NULL, "minItems": 24, "maxItems": 24}
_REPORT = _object(
    begins=_INSTANT,
    ends=_INSTANT,
    reached=_INSTANT,
    cut_by={"enum": [None, "limit", "person"]},
    seed={"type": "integer"},
    timezone={"type": "string"},
    occurrences={"type": "integer"},
    runs={"type": "integer"},
    default_duration_s={"type": "number"},
    tasks={"type": "array", "items": _TASK},
    pools={"type": "array", "items": _POOL},
    most_at_once=_object(runs={"type": "integer"}, at=_INSTANT_OR_NULL),
    minutes={
        "type": "array",
        "items": _object(
            at={"type": "string", "pattern": r"^\d\d:\d\d$"},
            starts={"type": "integer"},
            tasks={"type": "integer"},
            at_once={"type": "integer"},
            times={"type": "integer"},
        ),
    },
    load=_object(
        by={"enum": ["day", "weekday"]},
        rows={"type": "array", "items": _object(row={"type": "string"}, hours=_HOURS)},
    ),
    findings={"type": "array", "items": {"type": "string"}},
)


def test_json_has_the_promised_form(linod: Linod) -> None:
    found = json.loads(linod("simulate", *OPTIONS, *LENGTHS, "--json").stdout)

    jsonschema.validate(found, _REPORT)


# -- a terminal ---------------------------------------------------------------------------------


def _simulate(project: Path, *options: str, **keys: Any) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "linod", "simulate", *options]
    # What runs in the background of a shell without job control ignores SIGINT, and hands that on.
    heed = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    keys |= {"stdout": subprocess.PIPE, "preexec_fn": heed}
    return subprocess.Popen(command, cwd=project, **keys)


def _read_until(descriptor: int, pattern: bytes, within_s: float = 60) -> bytes:
    seen, deadline = b"", time.monotonic() + within_s
    while not re.search(pattern, seen) and time.monotonic() < deadline:
        seen += os.read(descriptor, 4096)
    return seen


def test_a_terminal_sees_progress_and_ctrl_c_prints_what_there_is(project: Path) -> None:
    ours, theirs = pty.openpty()
    # The engine is busy for long: each run lasts longer than to the next due.
    process = _simulate(project, "--days", "366", "--duration", "report=12m", stderr=theirs)
    os.close(theirs)
    seen = _read_until(ours, rb" [1-9]\d? %")
    process.send_signal(signal.SIGINT)
    printed, _ = process.communicate(timeout=60)
    os.close(ours)

    assert b"simulating" in seen
    assert b"(Ctrl-C): what is due later" in printed
    assert b"report is skipped" in printed
    assert process.returncode == 130


def test_a_signal_leaves_nothing_behind(project: Path) -> None:
    process = _simulate(project, "--days", "366", "--duration", "report=12m")
    directory = _directory_of(process.pid)
    process.terminate()
    process.communicate(timeout=60)

    assert not directory.exists()
    assert process.returncode == 128 + signal.SIGTERM


def _directory_of(pid: int, within_s: float = 60) -> Path:
    """Wait until a process has opened its temporary store."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        for opened in _opened(pid):
            if "linod-simulate-" in opened and opened.endswith("linod.db-wal"):
                return Path(opened).parent
    raise AssertionError("no store was opened")


def _opened(pid: int) -> list[str]:
    found = []
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # it was closed meanwhile
            found.append(os.readlink(descriptor))
    return found


def test_without_a_terminal_nothing_is_said_beside_the_result(project: Path) -> None:
    process = _simulate(project, *OPTIONS, stderr=subprocess.PIPE)
    _printed, said = process.communicate(timeout=60)

    assert said == b""

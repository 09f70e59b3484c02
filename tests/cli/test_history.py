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
from linod.policy import WarningKind
from linod.store.interface import DecisionRow, RunRow, WarningRow

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


def test_what_a_procedure_returned_is_one_line_for_people_and_whole_in_json(
    linod: Linod, build_run: Build, keep: Keep
) -> None:
    result = {"orders": [*range(60)], "shop": "\x1b Tähtvere"}
    keep((build_run(started=STARTED), {"ended": ENDED, "detail": {"result": result}}))

    (line,) = [each for each in linod("history", "1").stdout.splitlines() if "result" in each]
    asked = [linod(*words, "--json").stdout for words in (("history", "1"), ("history",))]

    assert line.startswith('  result     {"orders": [0, 1, 2,')
    assert line.endswith("…")
    assert len(line) == 100
    assert json.loads(asked[0])["result"] == result
    assert json.loads(asked[1])[0]["result"] == result
    why = json.loads(linod("why", "nightly_backup", "--last", "--json").stdout)
    assert why["run"]["result"] == result


def test_a_text_that_was_returned_is_shown_as_json(
    linod: Linod, build_run: Build, keep: Keep
) -> None:
    keep((build_run(started=STARTED), {"ended": ENDED, "detail": {"result": "a \n b"}}))

    assert '  result     "a \\n b"' in linod("history", "1").stdout.splitlines()


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


# -- chains, waits and warnings -----------------------------------------------------------------


@pytest.fixture
def chain(project: Path, build_run: Build, keep: Keep) -> list[int]:
    """Keep the run of a chain whose second member failed."""
    (project / "linod.toml").write_text(
        '[linod]\ntimezone = "Europe/Tallinn"\n[tasks]\nextract = { command = "true" }\n'
        'load = { command = "true" }\n[chains.nightly]\ntasks = ["extract", "load"]\n'
    )
    failed = {"outcome": Outcome.FAILED, "ended": ENDED, "reason": "load failed"}
    member = {"trigger": Trigger.CHAIN, "parent": 1, "started": STARTED}
    return keep(
        (build_run(task="nightly", is_chain=True, started=STARTED), failed),
        (build_run(task="extract", **member), {"ended": ENDED}),
        (build_run(task="load", **member), failed | {"reason": "exit status 3"}),
    )


@pytest.mark.usefixtures("chain")
@pytest.mark.parametrize("arguments", [(), ("nightly",)])
def test_members_stand_indented_below_their_chain(linod: Linod, arguments: tuple[str, ...]) -> None:
    lines = linod("history", *arguments).stdout.splitlines()

    assert [line[: line.index("2026")].rstrip() for line in lines[1:]] == [
        "1    nightly",
        "2      extract",
        "3      load",
    ]


@pytest.mark.usefixtures("chain")
def test_a_member_alone_names_the_run_of_its_chain(linod: Linod) -> None:
    assert linod("history", "load").stdout.endswith("exit status 3; in chain run 1\n")
    assert json.loads(linod("history", "load", "--json").stdout)[0]["chain"] == 1
    assert "  chain      nightly, run 1" in linod("history", "3").stdout.splitlines()


@pytest.mark.usefixtures("chain")
def test_the_run_of_a_chain_lists_its_members(linod: Linod) -> None:
    lines = linod("history", "1").stdout.splitlines()

    assert lines[lines.index("members (2 runs)") + 1 :] == [
        "  RUN  TASK     STATE      TOOK   REASON",
        "  2    extract  succeeded  1.2 s",
        "  3    load     failed     1.2 s  exit status 3",
    ]


def test_a_late_run_says_what_it_waited_for(linod: Linod, build_run: Build, keep: Keep) -> None:
    late = DUE + timedelta(minutes=3)
    held = {"held": 'pool "database" was full (2 of 2)', "held_since": DUE}
    keep((build_run(started=late, **held), {"ended": late + timedelta(seconds=1)}))

    listed, one = linod("history").stdout, linod("history", "1").stdout.splitlines()

    assert '3 m late: pool "database" was full' in listed
    assert '  waited     pool "database" was full (2 of 2), since Sat 2026-11-21 03:30 EET' in one
    assert "  started    Sat 2026-11-21 03:33 EET, 3 m late" in one


def test_a_run_that_waits_says_what_for(linod: Linod, build_run: Build, keep: Keep) -> None:
    keep((build_run(held="run 7 was going on"), None))

    assert linod("history").stdout.endswith("  waiting  -     run 7 is going on\n")
    assert "  waits      run 7 is going on" in linod("history", "1").stdout.splitlines()


def test_warnings_stand_with_their_run_or_alone(linod: Linod, build_run: Build, keep: Keep) -> None:
    slow = {"kind": WarningKind.RUNNING, "text": "has run for more than 1 hour", "run": 1}
    none = {"kind": WarningKind.NO_SUCCESS, "text": "had no success for 36 hours"}
    keep(
        (build_run(started=STARTED), {"ended": ENDED}),
        WarningRow(task="nightly_backup", at=ENDED, **slow),
        WarningRow(task="send_mail", at=ENDED, **none),
    )

    lines = linod("history").stdout.splitlines()
    rows = json.loads(linod("history", "--json").stdout)

    assert lines[1].split()[:2] == ["-", "send_mail"]
    assert lines[1].endswith("warning    -      had no success for 36 hours")
    assert "warning: has run for more than" in lines[2]
    assert [(row["state"], row["warnings"]) for row in rows] == [
        ("warning", []),
        ("succeeded", ["has run for more than 1 hour"]),
    ]
    warning = "  warning    has run for more than 1 hour (Sat 2026-11-21 03:30:01 EET)"
    assert warning in linod("history", "1").stdout.splitlines()


def test_what_a_run_used_is_told(linod: Linod, build_run: Build, keep: Keep) -> None:
    amounts = {"user_s": 1.3, "system_s": 0.004, "memory": 46_100_000}
    (run,) = keep((build_run(started=STARTED), {"ended": ENDED, "detail": {"used": amounts}}))
    text = "1.3 s user and 4 ms system time, 46 MB of memory at most"
    assert f"  used       {text}" in linod("history", str(run)).stdout
    assert json.loads(linod("history", str(run), "--json").stdout)["used"] == amounts
    assert json.loads(linod("history", "--json").stdout)[0]["used"] == amounts


def test_what_nobody_counted_is_not_told(linod: Linod, three: list[int]) -> None:
    assert "used" not in linod("history", str(three[0])).stdout
    assert [row["used"] for row in json.loads(linod("history", "--json").stdout)] == [None] * 3

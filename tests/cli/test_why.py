"""`linod why`, which needs no daemon."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from linod.events import Outcome, Verdict
from linod.store.interface import DecisionRow, RunRow

Linod = Callable[..., Result]
Build = Callable[..., RunRow]
Keep = Callable[..., list[int]]

DUE = datetime(2024, 11, 21, 1, 30, tzinfo=UTC)
ENDED = DUE + timedelta(seconds=1.2)


@pytest.fixture
def three(build_run: Build, keep: Keep) -> list[int]:
    """Keep a success, a failure a day later, and a range that was missed."""
    later = timedelta(days=1)
    failed: dict[str, Any] = {
        "outcome": Outcome.FAILED,
        "ended": ENDED + later,
        "reason": "ValueError: no \x1b[2Jshop " + "and no end of it " * 9,
    }
    return keep(
        (build_run(due=DUE, started=DUE), {"ended": ENDED}),
        (build_run(due=DUE + later, started=DUE + later), failed),
        DecisionRow(
            task="send_mail",
            due=DUE - later,
            last=DUE - timedelta(hours=1),
            count=277,
            verdict=Verdict.MISSED,
            reason='catch_up = "none"',
        ),
    )


def test_without_a_daemon_the_file_says_whether_linod_is_on(project: Path, linod: Linod) -> None:
    text = (project / "linod.toml").read_text()
    (project / "linod.toml").write_text(text.replace("[linod]", "[linod]\nenabled = false"))

    told = " ".join(linod("why", "send_mail").stdout.split())

    assert told.endswith(" It will not run then: linod is switched off.")


def test_without_a_store_nothing_is_known_but_the_rule(project: Path, linod: Linod) -> None:
    result = linod("why", "by_hand")

    assert not (project / "var").exists()
    assert result.stdout == (
        "It has not run yet: it runs only when somebody asks (linod run by_hand).\n"
    )


@pytest.mark.usefixtures("project", "three")
def test_the_last_thing_that_was_not_expected_is_told(linod: Linod) -> None:
    assert linod("why", "nightly_backup").stdout.startswith(
        "It ran at Fri 2024-11-22 03:30 EET (run 2) and failed after 1.2 s: ValueError: no"
    )


@pytest.mark.usefixtures("project", "three")
@pytest.mark.parametrize(
    "arguments",
    [
        ("nightly_backup", "--at", "2024-11-21 03:30"),
        ("nightly_backup", "--at", "2024-11-21"),
        ("nightly_backup@2024-11-21T03:30:00+02:00",),
    ],
)
def test_one_instant_is_told(linod: Linod, arguments: tuple[str, ...]) -> None:
    assert linod("why", *arguments).stdout == (
        "It ran at Thu 2024-11-21 03:30 EET (run 1) and succeeded in 1.2 s.\n"
    )


@pytest.mark.usefixtures("project", "three")
def test_the_newest_occurrence_is_told(linod: Linod) -> None:
    assert "(run 2) and failed" in linod("why", "nightly_backup", "--last").stdout


@pytest.mark.usefixtures("project", "three")
def test_no_line_is_too_wide_and_no_control_sign_is_raw(linod: Linod) -> None:
    output = linod("why", "nightly_backup").stdout

    assert [line for line in output.splitlines() if len(line) > 100] == []
    assert "\x1b" not in output


@pytest.mark.usefixtures("project", "three")
def test_json_has_the_facts(linod: Linod) -> None:
    told = json.loads(linod("why", "send_mail", "--json").stdout)

    facts = {name: told[name] for name in ("task", "verdict", "is_expected", "last", "count")}
    assert facts == {
        "task": "send_mail",
        "verdict": "missed",
        "is_expected": False,
        "last": "2024-11-21T00:30:00Z",
        "count": 277,
    }
    assert told["reason"] == 'catch_up = "none"'


@pytest.mark.usefixtures("project", "three")
def test_json_has_the_run(linod: Linod) -> None:
    run = json.loads(linod("why", "nightly_backup", "--last", "--json").stdout)["run"]

    assert (run["run"], run["state"], run["late_s"], run["took_s"]) == (2, "failed", 0.0, 1.2)


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("arguments", "answer"),
    [
        (("nobody",), 'there is no task "nobody"'),
        (("send_mai",), 'there is no task "send_mai": did you mean "send_mail"?'),
        (("send_mail", "--at", "noon"), '--at "noon" is no instant: expected a date, '),
        (("send_mail", "--at", "2024-01-01", "--last"), "--at and --last are two questions"),
    ],
)
def test_a_wrong_question_is_a_usage_error(
    linod: Linod, arguments: tuple[str, ...], answer: str
) -> None:
    result = linod("why", *arguments)

    assert result.exit_code == 2
    assert result.stderr.startswith(f"linod: {answer}")


@pytest.mark.usefixtures("project", "three")
def test_history_says_who_tells_more(linod: Linod) -> None:
    pointer = "linod why send_mail says more of what did not run"

    assert pointer == linod("history", "send_mail").stdout.splitlines()[-1]
    assert pointer not in linod("history", "nightly_backup").stdout

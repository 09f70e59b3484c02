"""What needs no daemon: who did what, what a backfill would run, what the clock holds up."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import Result

from linod.events import Outcome
from linod.store.interface import ActionRow, CursorRow, RunRow

Linod = Callable[..., Result]
Build = Callable[..., RunRow]
Keep = Callable[..., list[int]]
pytestmark = pytest.mark.usefixtures("project")

AT = datetime(2026, 11, 21, 5, 10, 5, tzinfo=UTC)
DUE = datetime(2026, 11, 20, 1, 30, tzinfo=UTC)


@pytest.fixture
def actions(keep: Keep) -> None:
    """Keep what two people did."""
    until = "until 2026-11-23T00:00:00+00:00: migration \x1b[2J"
    keep(
        ActionRow(at=AT, verb="pause", task="send_mail", by="alice", text=until),
        ActionRow(at=AT + timedelta(minutes=1), verb="reload", task="", by="bob"),
        ActionRow(at=AT + timedelta(minutes=2), verb="forget", task="gone", by="bob"),
    )


@pytest.mark.usefixtures("actions")
def test_audit_tells_who_did_what_in_the_zone_of_the_task(linod: Linod) -> None:
    assert linod("audit").stdout.splitlines() == [
        "WHEN                         WHO    WHAT    TASK",
        "Sat 2026-11-21 07:12:05 EET  bob    forget  gone",
        "Sat 2026-11-21 07:11:05 EET  bob    reload  -",
        "Sat 2026-11-21 07:10:05 EET  alice  pause   send_mail",
        "    until Mon 2026-11-23 02:00 EET: migration \\x1b[2J",
    ]


@pytest.mark.usefixtures("actions")
def test_audit_of_a_task_tells_what_was_done_to_all_too(linod: Linod) -> None:
    rows = json.loads(linod("audit", "send_mail", "--json").stdout)

    assert [(row["by"], row["verb"], row["task"]) for row in rows] == [
        ("bob", "reload", None),
        ("alice", "pause", "send_mail"),
    ]
    assert rows[1]["at"] == "2026-11-21T05:10:05Z"


@pytest.mark.usefixtures("actions")
def test_audit_knows_a_task_that_is_forgotten(linod: Linod) -> None:
    assert linod("audit", "gone", "-n", "1").stdout.count("forget") == 1
    assert linod("audit", "gnoe").exit_code == 2


def test_audit_without_a_store_says_that_there_is_nothing(linod: Linod) -> None:
    assert linod("audit").stdout == "nobody has done anything yet\n"
    assert linod("audit", "--json").stdout == "[]\n"


SPAN = ("nightly_backup", "--from", "2026-11-19", "--until", "2026-11-20", "--dry-run")


def test_a_preview_leaves_out_what_succeeded(linod: Linod, build_run: Build, keep: Keep) -> None:
    keep((build_run(due=DUE, started=DUE), {"ended": AT}))

    lines = linod("backfill", *SPAN).stdout.splitlines()
    again = json.loads(linod("backfill", *SPAN, "--again", "--newest-first", "--json").stdout)

    assert lines[1:3] == [
        "Thu 2026-11-19 03:30 EET  yes",
        "Fri 2026-11-20 03:30 EET  no  run 1 succeeded",
    ]
    assert lines[3].startswith("1 run of nightly_backup")
    assert [(row["local"], row["state"], row["is_to_run"]) for row in again] == [
        ("2026-11-20T03:30:00+02:00", "succeeded", True),
        ("2026-11-19T03:30:00+02:00", None, True),
    ]


def test_a_preview_runs_again_what_failed(linod: Linod, build_run: Build, keep: Keep) -> None:
    failed = {"outcome": Outcome.FAILED, "ended": AT}
    keep((build_run(due=DUE, started=DUE), failed))

    assert "Fri 2026-11-20 03:30 EET  yes  run 1 failed" in linod("backfill", *SPAN).stdout


def test_a_preview_of_a_time_without_occurrences_says_so(linod: Linod) -> None:
    result = linod(
        *("backfill", "nightly_backup", "--dry-run"),
        *("--from", "2026-11-19 04:00", "--until", "2026-11-19 05:00"),
    )

    assert result.stdout == "nightly_backup was never due in that time\n"


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("send_mail", "--from", "2020-01-01", "--until", "2021-01-01"), "more than 10,000"),
        (("send_mial", "--from", "2026-11-19", "--until", "2026-11-20"), "there is no task"),
        (("send_mail", "--from", "2099-01-01", "--until", "2099-01-02"), "--until is in the"),
        (("send_mail", "--from", "yesterday", "--until", "2026-11-20"), '--from "yesterday" is'),
    ],
)
def test_what_cannot_be_previewed_is_one_line(
    linod: Linod, arguments: tuple[str, ...], error: str
) -> None:
    result = linod("backfill", *arguments, "--dry-run")

    assert result.exit_code == 2
    assert result.stderr.startswith(f"linod: {error}")


def test_the_clock_holds_up_what_is_decided_far_beyond_now(linod: Linod, keep: Keep) -> None:
    far = datetime(2099, 11, 22, 22, 0, tzinfo=UTC)
    fields = {"through": far, "reached": far, "definition_hash": "", "first_seen": AT}
    keep(CursorRow(task="send_mail", definition="every 5 minutes", **fields))

    text = " ".join(linod("clock").stdout.split())
    found = json.loads(linod("clock", "--json").stdout)

    assert text == (
        "the clock stepped back: 1 task is decided until Mon 2099-11-23 00:00 EET and does not run "
        "before (linod clock accept)"
    )
    assert found == {"tasks": ["send_mail"], "until": "2099-11-22T22:00:00Z"}

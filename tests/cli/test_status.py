"""`linod status` without a daemon."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import Result

from linod.cli._options import screen_width
from linod.cli.status import fitting
from linod.events import Outcome
from linod.store.interface import RunRow

Linod = Callable[..., Result]
Build = Callable[..., RunRow]
Keep = Callable[..., list[int]]
pytestmark = pytest.mark.usefixtures("project")

DUE = datetime(2026, 11, 1, 1, 30, tzinfo=UTC)


@pytest.fixture
def past(build_run: Build, keep: Keep) -> list[int]:
    """Keep nine successes and a failure of a nightly task, and a run that is going on."""
    rows = []
    for day in range(10):
        due = DUE + timedelta(days=day)
        end = {"outcome": Outcome.SUCCEEDED, "ended": due + timedelta(seconds=30)}
        if day == 9:
            end |= {"outcome": Outcome.TIMED_OUT, "reason": "after 30 s"}
        rows.append((build_run(due=due, started=due), end))
    going = datetime(2026, 11, 12, 9, 0, tzinfo=UTC)
    return keep(*rows, (build_run(task="send_mail", due=going, started=going), None))


def test_without_a_past_no_task_ran(linod: Linod) -> None:
    result = linod("status")
    lines = result.stdout.splitlines()

    assert result.exit_code == 0
    assert lines[0] == (
        "linod 0.1.0  no daemon (linod serve starts one)  4 tasks: 3 never ran, 1 switched off"
    )
    assert lines[1].split() == ["TASK", "STATE", "LAST", "TOOK", "NEXT", "LAST", "10"]
    assert lines[2].startswith("send_mail       never ran     -     -     in ")


@pytest.mark.usefixtures("past")
def test_a_failing_task_says_why_and_where_to_look(linod: Linod) -> None:
    lines = linod("status").stdout.splitlines()
    row = next(number for number, line in enumerate(lines) if "failing  " in line)

    assert lines[row].startswith("nightly_backup  failing ")
    assert "  30 s " in lines[row]
    assert lines[row].endswith("  ·········T")
    assert lines[row + 1] == "    timed out after 30 s  (linod history 10)"


@pytest.mark.usefixtures("past")
def test_json_has_the_documented_shape(linod: Linod) -> None:
    status = json.loads(linod("status", "--json").stdout)
    tasks = {task["task"]: task for task in status["tasks"]}

    assert status["daemon"] is None
    assert status["counts"] == {"unfinished": 1, "failing": 1, "never ran": 1, "switched off": 1}
    assert tasks["nightly_backup"]["state"] == "failing"
    assert tasks["nightly_backup"]["outcomes"] == ["succeeded"] * 9 + ["timed_out"]
    assert tasks["nightly_backup"]["last"]["reason"] == "after 30 s"
    assert tasks["nightly_backup"]["last"]["took_s"] == 30.0
    assert tasks["send_mail"]["running"]["started"] == "2026-11-12T09:00:00Z"
    assert tasks["off"]["next"] is None


@pytest.mark.usefixtures("past")
def test_no_line_is_too_wide(linod: Linod) -> None:
    assert [line for line in linod("status").stdout.splitlines() if len(line) > 100] == []


def test_watch_needs_a_terminal(linod: Linod) -> None:
    result = linod("status", "--watch")

    assert result.exit_code == 2
    assert result.stderr.startswith("linod: --watch redraws a terminal")


class _Terminal:
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("columns", "width"), [("80", 80), ("200", 100), ("20", 60)])
def test_a_narrow_terminal_is_filled_and_no_more(
    monkeypatch: pytest.MonkeyPatch, columns: str, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", columns)

    assert screen_width(_Terminal()) == width


def test_what_a_short_terminal_leaves_out_is_counted() -> None:
    assert fitting(["a", "b", "c", "d"], 3) == ["a", "b", "… 2 more lines"]
    assert fitting(["a", "b", "c"], 3) == ["a", "b", "c"]

"""`linod status` without a daemon."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from linod.cli._notes import note_of as text_of
from linod.cli._options import screen_width
from linod.cli._standing import Standing
from linod.cli.status import fitting
from linod.events import Outcome
from linod.policy import Hold, HoldKind, WarningKind
from linod.store.interface import CursorRow, RunRow, WarningRow

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
    assert lines[row + 1] == "    timed out after 30 s  (linod logs nightly_backup)"


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


# -- what is held back --------------------------------------------------------------------------

FAR = datetime(2099, 11, 22, 22, 0, tzinfo=UTC)


def hold(task: str = "nightly_backup", kind: HoldKind = HoldKind.PAUSE, **changes: Any) -> Hold:
    values = {"since": DUE, "by": "alice", "reason": "migration", **changes}
    return Hold(task=task, kind=kind, **values)


def note_of(linod: Linod, task: str) -> tuple[str, str]:
    """The state of a task, and the line below it."""
    lines = linod("status").stdout.splitlines()
    row = next(number for number, line in enumerate(lines) if line.startswith(task))
    below = lines[row + 1] if row + 1 < len(lines) else ""
    cells = [cell for cell in lines[row].split("  ") if cell]
    is_below = below.startswith("    ")
    return cells[1].strip(), below.strip() if is_below else cells[-1].strip()


def task_of(linod: Linod, task: str) -> dict[str, Any]:
    tasks = json.loads(linod("status", "--json").stdout)["tasks"]
    return next(each for each in tasks if each["task"] == task)


def test_a_paused_task_says_by_whom_until_when_and_why(linod: Linod, keep: Keep) -> None:
    keep(hold(until=FAR))

    assert note_of(linod, "nightly_backup") == (
        "paused",
        'by alice, until 2099-11-23 00:00: "migration"',
    )
    found = task_of(linod, "nightly_backup")
    assert found["paused"] == {
        "by": "alice",
        "since": "2026-11-01T01:30:00Z",
        "until": "2099-11-22T22:00:00Z",
        "reason": "migration",
    }
    assert found["next"] == "2099-11-23T01:30:00Z"


def test_a_pause_without_an_end_has_no_next(linod: Linod, keep: Keep) -> None:
    keep(hold(reason=""))

    assert note_of(linod, "nightly_backup") == ("paused", "by alice")
    assert task_of(linod, "nightly_backup")["next"] is None


def test_a_pause_that_has_ended_is_none(linod: Linod, keep: Keep) -> None:
    keep(hold(until=DUE + timedelta(hours=1)))

    assert task_of(linod, "nightly_backup")["state"] == "never ran"


def test_a_task_that_failures_disabled_says_how_to_enable_it(linod: Linod, keep: Keep) -> None:
    reason = "after 5 failures in a row, the last one: exit status 3"
    keep(hold(kind=HoldKind.DISABLE, by="", reason=reason), hold())

    state, note = note_of(linod, "nightly_backup")

    assert state == "disabled"
    assert note.startswith(reason)
    assert note.endswith("(linod enable nightly_backup)")


def test_linod_as_a_whole_is_paused_in_a_line_of_its_own(linod: Linod, keep: Keep) -> None:
    keep(hold(task="*"))

    lines = linod("status").stdout.splitlines()

    assert lines[0].endswith("4 tasks: 3 paused, 1 switched off")
    assert lines[1] == 'all tasks are paused by alice: "migration"  (linod resume --all)'
    assert json.loads(linod("status", "--json").stdout)["paused"]["by"] == "alice"


def test_a_run_that_waits_says_what_for(linod: Linod, build_run: Build, keep: Keep) -> None:
    pool = 'pool "database" was full (2 of 2)'
    keep(
        (build_run(held=pool), None),
        (build_run(task="by_hand", planned=FAR, held="retry, attempt 2 of 3"), None),
        (build_run(task="by_hand", due=DUE, held="run 2 was going on"), None),
    )

    state, note = note_of(linod, "nightly_backup")
    assert (state, note.partition(", since ")[0]) == ("waiting", 'pool "database" is full (2 of 2)')
    assert note_of(linod, "by_hand")[1].startswith("retry, attempt 2 of 3, in ")
    assert note_of(linod, "by_hand")[1].endswith(
        " d; 1 more waits: run 2 is going on, since 2026-11-01 03:30"
    )
    assert task_of(linod, "nightly_backup")["running"]["held"] == pool
    assert task_of(linod, "by_hand")["waiting"] == 2


def test_a_run_that_waits_says_since_when(linod: Linod, build_run: Build, keep: Keep) -> None:
    since = DUE + timedelta(seconds=5, microseconds=7)
    held = {"held": 'pool "database" was full (2 of 2)', "held_since": since}
    keep((build_run(due=DUE, **held), None), (build_run(task="by_hand", due=DUE), None))

    note = 'pool "database" is full (2 of 2), since 2026-11-01 03:30:05'
    assert note_of(linod, "nightly_backup") == ("waiting", note)
    assert (
        task_of(linod, "nightly_backup")["running"]["held_since"] == "2026-11-01T01:30:05.000007Z"
    )
    assert note_of(linod, "by_hand") == ("waiting", "since 2026-11-01 03:30")


@pytest.mark.parametrize(
    ("after_s", "note"), [(0.0, ""), (0.9, ""), (1.0, "since 03:30"), (60.0, "since 03:30")]
)
def test_what_just_came_is_not_said_to_wait(build_run: Build, after_s: float, note: str) -> None:
    run = build_run(id=7, due=DUE)
    standing = Standing(
        task="by_hand",
        is_chain=False,
        state="waiting",
        zone="Europe/Tallinn",
        recurrence="manually",
        is_enabled=True,
        next=None,
        current=run,
        progress=None,
        waits=(run,),
        last=None,
        outcomes=(),
        paused=None,
        disabled=None,
        failures=0,
        warnings=(),
    )

    assert text_of(standing, DUE + timedelta(seconds=after_s), 96) == note


def test_who_waits_while_another_runs_is_counted(
    linod: Linod, build_run: Build, keep: Keep
) -> None:
    later = {"held": "run 1 was going on", "held_since": DUE}
    keep(
        (build_run(due=DUE, started=DUE), None),
        *((build_run(due=DUE + timedelta(days=day), **later), None) for day in (1, 2)),
        (build_run(task="by_hand", due=DUE), None),
    )

    head = " ".join(linod("status").stdout.split("TASK")[0].split())
    assert head.endswith("1 waiting, 1 unfinished, 1 never ran, 1 switched off; 3 runs waiting")
    note = note_of(linod, "nightly_backup")[1]
    assert note == "2 more wait: run 1 is going on, since 2026-11-01 03:30"
    assert json.loads(linod("status", "--json").stdout)["waiting"] == 3


def test_failures_in_a_row_are_counted(linod: Linod, build_run: Build, keep: Keep) -> None:
    end = {"outcome": Outcome.FAILED, "ended": DUE + timedelta(seconds=3), "reason": "no shop"}
    keep(cursor(failures=4), (build_run(due=DUE, started=DUE), end))

    assert note_of(linod, "nightly_backup") == (
        "failing",
        "4 failures in a row; no shop  (linod logs nightly_backup)",
    )
    assert task_of(linod, "nightly_backup")["failures"] == 4


def test_warnings_of_a_day_are_counted(linod: Linod, keep: Keep) -> None:
    present = datetime.now(UTC)
    old, new = present - timedelta(hours=25), present - timedelta(hours=1)
    fields: dict[str, Any] = {"task": "by_hand", "kind": WarningKind.NO_SUCCESS}
    text = "had no success for 36 hours"
    keep(*(WarningRow(**fields, at=at, text=text) for at in (old, new)))

    assert note_of(linod, "by_hand")[1] == f"1 warning, the last: {text}"
    assert task_of(linod, "by_hand")["warnings"] == 1


def test_a_clock_that_stepped_back_is_told(linod: Linod, keep: Keep) -> None:
    keep(cursor(through=FAR), cursor(task="gone", through=FAR, definition=""))

    told = " ".join(linod("status").stdout.splitlines()[1:3])

    assert told.startswith("the clock stepped back: 1 task is decided until Mon 2099-11-23 00:00")
    assert json.loads(linod("status", "--json").stdout)["ahead"] == {
        "tasks": 1,
        "until": "2099-11-22T22:00:00Z",
    }


def test_a_chain_has_a_row_of_its_own_with_its_step(
    linod: Linod, project: Path, build_run: Build, keep: Keep
) -> None:
    (project / "linod.toml").write_text(CHAIN)
    steps = {"steps": [["orders", "stock"], ["load"]], "at": 0}
    more = {"on_failed": "stop", "blamed": "", "why": "", "worst": "succeeded", "stopped": ""}
    row = build_run(task="nightly", is_chain=True, started=DUE, detail={"chain": steps | more})
    keep((row, None))

    assert note_of(linod, "nightly") == ("unfinished", "step 1 of 2: orders, stock")
    assert "3 tasks and 1 chain: 1 unfinished" in linod("status").stdout
    assert task_of(linod, "nightly")["is_chain"] is True
    assert task_of(linod, "nightly")["step"] == "step 1 of 2: orders, stock"


CHAIN = """\
[tasks]
orders = { command = "true" }
stock = { command = "true" }
load = { command = "true" }

[chains.nightly]
tasks = [["orders", "stock"], "load"]
recurrence = "every day at 02:00"
"""


def cursor(task: str = "nightly_backup", **changes: Any) -> CursorRow:
    values = {"through": DUE, "definition": "as it is", "definition_hash": "", **changes}
    return CursorRow(task=task, reached=values["through"], first_seen=DUE, **values)


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

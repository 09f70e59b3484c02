"""A small project in a directory of its own, and the command line called in it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from click.testing import CliRunner, Result

from linod.cli import main
from linod.events import Outcome, State, Trigger, Verdict
from linod.policy import Hold
from linod.store import open_store
from linod.store.interface import (
    ActionRow,
    CursorRow,
    DecisionRow,
    RunRow,
    Store,
    WarningRow,
)

TOML = """\
[linod]
timezone = "Europe/Tallinn"

[tasks.send_mail]
command = "true"
recurrence = "every 5 minutes"

[tasks.nightly_backup]
command = "true"
recurrence = "every day at 03:30"

[tasks.by_hand]
command = "true"

[tasks.off]
command = "true"
recurrence = "every day at noon"
enabled = false
"""

Linod = Callable[..., Result]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write a configuration and go there."""
    for name in ("LINOD_CONFIG", "LINOD_ENABLED", "LINOD_TRACEBACK", "LINOD_LOG_LEVEL"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "linod.toml").write_text(TOML)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def linod() -> Linod:
    """Call the command line in this process."""

    def call(*arguments: str) -> Result:
        return CliRunner().invoke(main, list(arguments), prog_name="linod")

    return call


@pytest.fixture
def build_run() -> Callable[..., RunRow]:
    """Make a run that succeeded in 1.2 s; changes replace its values."""

    def build(**changes: Any) -> RunRow:
        due = changes.get("due", datetime(2026, 11, 21, 1, 30, tzinfo=UTC))
        values: dict[str, Any] = {
            "id": 0,
            "task": "nightly_backup",
            "due": due,
            "attempt": 1,
            "trigger": Trigger.SCHEDULE,
            "state": State.WAITING,
            "queued": due,
            "planned": due,
        }
        return RunRow(**{**values, **changes})

    return build


@pytest.fixture
def keep(project: Path) -> Callable[..., list[int]]:
    """Write runs with their ends, and other rows, into the project's store."""

    def write(*rows: Any) -> list[int]:
        (project / "var").mkdir(mode=0o700, exist_ok=True)
        store = open_store(project / "var" / "linod.db")
        with store.transaction():
            numbers = [_write(store, row) for row in rows]
        store.close()
        return numbers

    return write


_KEEPERS: dict[type, Callable[[Store, Any], None]] = {
    DecisionRow: lambda store, row: store.add_decision(row),
    Hold: lambda store, row: store.put_hold(row),
    WarningRow: lambda store, row: store.add_warning(row),
    CursorRow: lambda store, row: store.put_cursor(row),
    ActionRow: lambda store, row: store.add_action(row),
}


def _write(store: Store, row: Any) -> int:
    if type(row) in _KEEPERS:
        _KEEPERS[type(row)](store, row)
        return 0
    run, end = row
    if store.decision_at(run.task, run.due) is None:
        store.add_decision(
            DecisionRow(task=run.task, due=run.due, last=run.due, count=1, verdict=Verdict.ADMITTED)
        )
    number = store.add_run(run).id
    if run.is_chain and run.started is not None:
        store.begin_chain(number, run.started)
        run = evolve(run, started=None)
    if run.started is not None:
        store.lease_run(number, "lease", "1:1", "boot", "")
        store.mark_running(number, "lease", "2:2", run.started)
    if end is not None:
        lease = "lease" if run.started is not None else ""
        store.end_run(number, lease, end.pop("outcome", Outcome.SUCCEEDED), **end)
    return number

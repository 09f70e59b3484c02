"""`linod procedures`, and the commands on tasks that only the code declares."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

Linod = Callable[..., Result]

TOML = """\
[linod]
timezone = "Europe/Tallinn"
discover = ["jobs"]

[tasks.greet]
procedure = "jobs.hello"
"""
JOBS = '''\
import linod


@linod.procedure(recurrence="every day at 03:00", name="nightly")
async def load():
    """Load the shop."""


def hello(name: str = "you"):
    """Greet."""
'''


@pytest.fixture(autouse=True)
def declaring(project: Path) -> None:
    """Write a project whose module declares a task."""
    (project / "linod.toml").write_text(TOML)
    (project / "jobs.py").write_text(JOBS)


def test_name_suggestion_place_and_summary_are_listed(linod: Linod) -> None:
    assert linod("procedures").stdout.splitlines() == [
        "PROCEDURE   SUGGESTED           PLACE      SUMMARY",
        "jobs.hello  -                   jobs.py:9  Greet.",
        "jobs.load   every day at 03:00  jobs.py:4  Load the shop.",
    ]


def test_json_names_the_tasks_that_call_it(linod: Linod) -> None:
    found = json.loads(linod("procedures", "--json").stdout)

    assert [(each["name"], each["tasks"]) for each in found] == [
        ("jobs.hello", ["greet"]),
        ("jobs.load", ["nightly"]),
    ]
    assert found[0]["signature"] == "jobs.hello(name: str = 'you')"
    assert found[1]["recurrence"] == "every day at 03:00"


def test_what_only_if_names_is_listed_with_its_tasks(project: Path, linod: Linod) -> None:
    text = (
        TOML + 'only_if = "jobs.hello"\n\n[tasks.sell]\ncommand = "true"\nonly_if = "jobs.load"\n'
    )
    (project / "linod.toml").write_text(text)

    found = json.loads(linod("procedures", "--json").stdout)

    assert [(each["name"], each["tasks"]) for each in found] == [
        ("jobs.hello", ["greet"]),
        ("jobs.load", ["sell", "nightly"]),
    ]


def test_next_knows_declared_tasks(linod: Linod) -> None:
    found = json.loads(linod("next", "nightly", "--from", "2030-06-01", "--json").stdout)

    assert found[0]["due"] == "2030-06-01T00:00:00Z"


def test_status_knows_declared_tasks(linod: Linod) -> None:
    found = json.loads(linod("status", "--json").stdout)

    assert [each["task"] for each in found["tasks"]] == ["greet", "nightly"]


def test_history_knows_declared_tasks(linod: Linod) -> None:
    result = linod("history", "nightly")

    assert result.exit_code == 0
    assert result.stdout == "nothing has been decided yet\n"


def test_a_module_that_cannot_be_imported_is_one_line(project: Path, linod: Linod) -> None:
    (project / "jobs.py").write_text("import nowhere_at_all\n")

    result = linod("procedures")

    assert "Traceback" not in result.output
    assert result.stderr.endswith("with procedures: linod check\n")

"""`linod check`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from click.testing import Result

Linod = Callable[..., Result]

BAD = '[linod]\ntimezone = "UTC"\n\n[tasks.a]\ncommand = "true"\nrecurrence = "every 5 mintues"\n'


def test_a_sound_file_is_one_line(project: Path, linod: Linod) -> None:  # noqa: ARG001
    result = linod("check")

    assert result.exit_code == 0
    assert result.stdout == "checked 4 tasks in 1 file: 0 errors, 0 warnings\n"


def test_an_error_ends_with_1_and_a_code_to_explain(project: Path, linod: Linod) -> None:
    (project / "linod.toml").write_text(BAD)

    result = linod("check")

    assert result.exit_code == 1
    assert "linod.toml:6:14" in result.stdout
    assert 'did you mean "every 5 minutes"?' in result.stdout
    last = result.stdout.splitlines()[-1]
    assert last.startswith("checked 1 task in 1 file: 1 error, 0 warnings ")
    assert last.endswith(" (linod explain L012)")


def test_a_warning_alone_ends_with_0(project: Path, linod: Linod) -> None:
    text = (project / "linod.toml").read_text()
    (project / "linod.toml").write_text(text + '\n[tasks.pipe]\ncommand = "ls | wc"\n')

    result = linod("check")

    assert result.exit_code == 0
    assert "1 warning " in result.stdout


def test_the_system_s_time_zone_is_named_where_none_is_set(project: Path, linod: Linod) -> None:
    (project / "linod.toml").write_text('[tasks.a]\ncommand = "true"\n')

    output = linod("check").stdout

    assert "the time zone is " in output
    assert ", the system's" in output
    assert output.endswith("checked 1 task in 1 file: 0 errors, 0 warnings\n")


def test_json_is_only_json(project: Path, linod: Linod) -> None:
    (project / "linod.toml").write_text(BAD)

    result = linod("check", "--json")

    assert result.exit_code == 1
    found = json.loads(result.stdout)
    assert [each["code"] for each in found] == ["L012"]


def test_github_gets_annotations(project: Path, linod: Linod) -> None:
    (project / "linod.toml").write_text(BAD)

    result = linod("check", "--format", "github")

    assert result.exit_code == 1
    assert result.stdout.startswith("::error ")


def test_procedures_are_imported_unless_told_otherwise(project: Path, linod: Linod) -> None:
    (project / "linod.toml").write_text(
        '[linod]\ntimezone = "UTC"\n\n[tasks.a]\nprocedure = "nowhere_at_all.f"\n'
    )

    assert linod("check").exit_code == 1
    assert linod("check", "--no-import").exit_code == 0


def test_no_line_is_too_wide(project: Path, linod: Linod) -> None:
    (project / "linod.toml").write_text(BAD.replace("mintues", "m" * 300))

    lines = linod("check").stdout.splitlines()

    assert [line for line in lines if len(line) > 100] == []


def test_arguments_of_a_declared_task_are_bound(project: Path, linod: Linod) -> None:
    (project / "jobs.py").write_text(
        "import linod\n\n\n@linod.procedure\ndef load(day: int):\n    pass\n"
    )
    head = '[linod]\ntimezone = "UTC"\ndiscover = ["jobs"]\n\n[tasks.load]\narguments = { day = '
    (project / "linod.toml").write_text(head + '"no" }\n')
    wrong = linod("check")
    (project / "linod.toml").write_text(head + "1 }\n")
    right = linod("check")

    assert "error[L033]" in wrong.stdout
    assert "linod.toml:6:21" in wrong.stdout
    assert right.exit_code == 0


def test_only_if_is_checked_at_its_place_also_for_commands(project: Path, linod: Linod) -> None:
    (project / "gates.py").write_text("def is_open():\n    return True\n")
    head = '[linod]\ntimezone = "UTC"\n\n[tasks.a]\ncommand = "true"\nonly_if = '
    (project / "linod.toml").write_text(head + '"gates.is_opn"\n')
    wrong = linod("check")
    (project / "linod.toml").write_text(head + '"gates.is_open"\n')
    right = linod("check")

    assert "error[L035]" in wrong.stdout
    assert "linod.toml:6:11" in wrong.stdout
    assert 'did you mean "gates.is_open"?' in wrong.stdout
    assert right.exit_code == 0


def test_only_if_of_a_declared_task_is_checked(project: Path, linod: Linod) -> None:
    (project / "jobs.py").write_text(
        'import linod\n\n\n@linod.procedure(only_if="jobs.is_opn")\ndef load():\n    pass\n'
    )
    (project / "linod.toml").write_text('[linod]\ntimezone = "UTC"\ndiscover = ["jobs"]\n')

    result = linod("check")

    assert result.exit_code == 1
    assert "error[L035]" in result.stdout
    assert "jobs.py:4" in result.stdout


def test_a_file_that_is_no_toml_is_named(project: Path, linod: Linod) -> None:
    (project / "linod.toml").write_text("a = [")

    last = linod("check").stdout.splitlines()[-1]

    assert last.startswith("checked linod.toml: 1 error, 0 warnings ")

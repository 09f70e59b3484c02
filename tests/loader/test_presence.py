"""What check says of programs and directories that are not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from linod.loader import load

ENVIRON = {"TZ": "UTC", "PATH": "/usr/bin:/bin"}


def found(tmp_path: Path, task: str) -> list[tuple[str, str]]:
    (tmp_path / "linod.toml").write_text(f'[linod]\ntimezone = "UTC"\n[tasks.a]\n{task}\n')
    loaded = load(tmp_path / "linod.toml", ENVIRON)
    return [(each.code, each.message) for each in loaded.diagnostics if each.code == "L093"]


def test_a_program_that_is_not_in_path_is_a_warning(tmp_path: Path) -> None:
    assert found(tmp_path, 'command = "nosuchprogram -x"') == [
        ("L093", 'tasks.a: there is no program "nosuchprogram" in PATH')
    ]


def test_a_program_by_path_is_looked_for_beside_the_file(tmp_path: Path) -> None:
    (tmp_path / "tool").touch()

    assert found(tmp_path, 'command = "./tool"') == []
    assert found(tmp_path, 'command = "./other"') == [
        ("L093", 'tasks.a: there is no program "./other"')
    ]


def test_a_directory_that_is_missing_is_a_warning(tmp_path: Path) -> None:
    assert found(tmp_path, 'command = "true"\ndirectory = "/nonexistent"') == [
        ("L093", "tasks.a: there is no directory /nonexistent")
    ]


@pytest.mark.parametrize(
    "task",
    [
        'command = "true"',
        'command = "nosuchprogram"\nuser = "backup"',
        'command = "tool"\nenv = { PATH = "{here}" }',
        'shell = "nosuchprogram"',
    ],
)
def test_what_is_there_or_cannot_be_known_is_no_finding(tmp_path: Path, task: str) -> None:
    (tmp_path / "tool").touch(mode=0o755)

    assert found(tmp_path, task.replace("{here}", str(tmp_path))) == []

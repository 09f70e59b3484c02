"""env_file: what its lines say, what is refused, and where that is told."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from linod.checking import prepare
from linod.loader.variables import parse_variables

DISTRUSTED = "L006" if os.geteuid() == 0 else "L084"
TASK = '[linod]\ntimezone = "UTC"\n[tasks.a]\ncommand = "true"\nenv_file = "shop.env"\n'


def write(folder: Path, text: str | bytes, mode: int = 0o600) -> Path:
    path = folder / "shop.env"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    path.chmod(mode)
    return path


def told(loaded: Any) -> list[tuple[str, int, str]]:
    return [(each.code, each.place.line, each.message) for each in loaded.diagnostics]


# -- lines ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=b", "b"),
        ("A=", ""),
        ("  A=b \t\r", "b"),
        ("export A=b", "b"),
        ("A=b=c", "b=c"),
        ("A=b c", "b c"),
        ("A=$HOME/x", "$HOME/x"),
        ("A=it's", "it's"),
        ("A=b#c", "b#c"),
        ("A=C:\\dir", "C:\\dir"),
        ("A=' b # c '", " b # c "),
        ("A='a\\nb'", "a\\nb"),
        ('A=""', ""),
        ('A="say \\"hi\\" for \\$5 \\\\ \\n"', 'say "hi" for $5 \\ \\n'),
        ('A="käse"', "käse"),
    ],
)
def test_a_line_gives_a_variable(line: str, value: str) -> None:
    found = parse_variables(line)

    assert (found.values, found.wrong) == ({"A": value}, [])


def test_empty_lines_and_comments_say_nothing() -> None:
    found = parse_variables("\n# one\n  ; two\r\n\t\nA=b\n\n")

    assert (found.values, found.wrong) == ({"A": "b"}, [])


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("A", "not NAME=value"),
        ("A = b", "not NAME=value"),
        ("1A=b", "not NAME=value"),
        ("a.b=c", "not NAME=value"),
        ("set A=b", "not NAME=value"),
        ("A= b", "A: a space before the value"),
        ("A=b # c", "A: a comment stands in a line of its own"),
        ("A=b\\", "A: a value does not go on in the next line"),
        ("A='b", "A: the quote does not enclose the value"),
        ('A="b" c', "A: the quote does not enclose the value"),
        ("A='b'c'", "A: the quote does not enclose the value"),
        ('A="', "A: the quote does not enclose the value"),
    ],
)
def test_what_readers_take_differently_is_refused(line: str, reason: str) -> None:
    found = parse_variables(f"B=1\n{line}\nC=2")

    assert [(wrong.line, wrong.reason) for wrong in found.wrong] == [(2, reason)]
    assert found.values == {"B": "1", "C": "2"}


def test_a_name_that_stands_twice_is_refused() -> None:
    (wrong,) = parse_variables("A=1\nB=2\nA=3\n").wrong

    assert (wrong.line, wrong.reason) == (3, "A stands twice, first in line 1")


# -- files ------------------------------------------------------------------------------------


def test_a_file_is_read_beside_the_one_that_names_it(load_text, tmp_path: Path) -> None:
    (tmp_path / "conf").mkdir()
    write(tmp_path / "conf", "A=b\n")
    (tmp_path / "conf" / "more.toml").write_text('[tasks.b]\ncommand="x"\nenv_file="shop.env"\n')
    loaded = load_text('[linod]\ninclude = ["conf/*.toml"]\n')

    assert loaded.config.tasks["b"].file_env == {"A": "b"}


def test_a_file_of_the_defaults_is_told_once(load_text, tmp_path: Path) -> None:
    tasks = '[tasks.a]\ncommand = "true"\n[tasks.b]\ncommand = "true"\n'
    loaded = load_text(f'[linod]\ntimezone = "UTC"\n[defaults]\nenv_file = "shop.env"\n{tasks}')

    assert told(loaded) == [
        ("L001", 4, f"defaults: env_file: {tmp_path}/shop.env: shop.env does not exist")
    ]


def test_a_task_switches_the_file_of_the_defaults_off(load_text) -> None:
    loaded = load_text(
        '[linod]\ntimezone = "UTC"\n[defaults]\nenv_file = "shop.env"\n'
        '[tasks.a]\ncommand = "true"\nenv_file = "none"\n'
    )

    assert told(loaded) == []


def test_a_wrong_line_is_told_in_its_file_without_its_value(load_text, tmp_path: Path) -> None:
    write(tmp_path, "A=b\nTOKEN=hunter2 # secret\n")
    (found,) = load_text(TASK).diagnostics

    assert (found.code, found.place.file, found.place.line) == (
        "L079",
        str(tmp_path / "shop.env"),
        2,
    )
    assert "hunter2" not in repr(found)


@pytest.mark.parametrize("data", [b"A=\xff\n", b"A=b\0\n", b"\xef\xbb\xbfA=b\n"])
def test_what_is_no_text_is_refused(load_text, tmp_path: Path, data: bytes) -> None:
    write(tmp_path, data)

    assert [(code, line) for code, line, _ in told(load_text(TASK))] == [("L002", 5)]


def test_a_large_file_is_refused(load_text, tmp_path: Path) -> None:
    write(tmp_path, "A=" + "b" * 64 * 1024)

    assert [(code, line) for code, line, _ in told(load_text(TASK))] == [("L003", 5)]


def test_a_fifo_is_not_waited_for(load_text, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "shop.env")

    assert [(code, line) for code, line, _ in told(load_text(TASK))] == [("L001", 5)]


def test_a_file_that_others_can_write_is_theirs(load_text, tmp_path: Path) -> None:
    path = write(tmp_path, "A=b\n", 0o622)

    assert told(load_text(TASK)) == [
        (DISTRUSTED, 5, f"tasks.a: env_file: {path} can be written by everyone")
    ]


def test_a_file_that_everyone_can_read_is_no_secret(load_text, tmp_path: Path) -> None:
    path = write(tmp_path, "A=b\n", 0o644)

    assert told(load_text(TASK)) == [
        ("L085", 5, f"tasks.a: env_file: everyone on this machine can read {path}")
    ]


def test_a_file_that_was_written_since_makes_a_load_outdated(load_text, tmp_path: Path) -> None:
    write(tmp_path, "A=b\n")
    loaded = load_text(TASK)
    assert not loaded.is_outdated()

    write(tmp_path, "A=bc\n")

    assert loaded.is_outdated()


def test_a_discovered_task_has_the_file_that_it_or_the_defaults_name(tmp_path: Path) -> None:
    write(tmp_path, "A=b\n")
    module = "import linod\n@linod.procedure\ndef one(): ...\n"
    module += '@linod.procedure(env_file="shop.env")\ndef two(): ...\n'
    (tmp_path / "shop.py").write_text(module)
    path = tmp_path / "linod.toml"
    path.write_text('[linod]\ntimezone="UTC"\ndiscover=["shop"]\n[tasks.one]\nenv_file="shop.env"')

    tasks = prepare(path, {}).config.tasks

    assert [tasks[name].file_env for name in ("one", "two")] == [{"A": "b"}, {"A": "b"}]

"""The group: help, versions, wrong verbs, exit codes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from linod.cli import COMMANDS, GUESSES, LATER

Linod = Callable[..., Result]


def test_help_lists_the_commands_that_are_there(linod: Linod) -> None:
    result = linod("--help")

    assert result.exit_code == 0
    assert "  check       Check the configuration" in result.output
    assert "supervisor" not in result.output


def test_no_line_of_help_is_too_wide(linod: Linod) -> None:
    pages = [linod("--help").output, *(linod(name, "--help").output for name in COMMANDS)]

    assert [line for page in pages for line in page.splitlines() if len(line) > 100] == []


def test_the_first_line_of_each_help_begins_like_the_list(linod: Linod) -> None:
    pages = {name: linod(name, "--help") for name in COMMANDS}

    assert [name for name, page in pages.items() if page.exit_code != 0] == []


def test_the_version_is_printed(linod: Linod) -> None:
    assert linod("--version").output == "linod 0.1.0\n"


@pytest.mark.parametrize(
    ("verb", "answer"),
    [
        (
            "list",
            'linod: there is no command "list": "linod status" lists the tasks, '
            '"linod next" when they are due\n',
        ),
        (
            "validate",
            'linod: there is no command "validate": "linod check" checks the configuration\n',
        ),
        ("staus", 'linod: there is no command "staus": did you mean "status"?\n'),
        (
            "frobnicate",
            'linod: there is no command "frobnicate": "linod --help" lists the commands\n',
        ),
        ("export", 'linod: "export" comes with a later version\n'),
        (
            "unpause",
            'linod: there is no command "unpause": "linod resume TASK" ends a pause\n',
        ),
        (
            "snooze",
            'linod: there is no command "snooze": "linod pause TASK --for DURATION" holds it back '
            "so long\n",
        ),
    ],
)
def test_a_wrong_verb_is_answered_with_the_right_one(linod: Linod, verb: str, answer: str) -> None:
    result = linod(verb)

    assert result.exit_code == 2
    assert result.stderr == answer


def test_no_verb_has_two_meanings() -> None:
    assert set(COMMANDS) & set(LATER) == set()
    assert (set(COMMANDS) | set(LATER)) & set(GUESSES) == set()


def test_stop_with_a_task_names_cancel(project: Path, linod: Linod) -> None:  # noqa: ARG001
    result = linod("stop", "send_mail")

    assert result.exit_code == 2
    assert result.stderr == (
        'linod: "linod stop" stops the daemon: "linod cancel send_mail" ends its runs, '
        '"linod pause\n       send_mail" keeps it from running\n'
    )


@pytest.mark.parametrize(
    ("arguments", "answer"),
    [
        (("check", "a b.toml"), "-c names the file: linod check -c 'a b.toml'"),
        (("serve", "x.toml"), "-c names the file: linod serve -c x.toml"),
        (("status", "x"), '"linod status" shows all tasks: "linod history x" shows one'),
    ],
)
def test_what_other_programs_take_is_answered(
    linod: Linod, arguments: tuple[str, ...], answer: str
) -> None:
    result = linod(*arguments)

    assert result.exit_code == 2
    assert result.stderr == f"linod: {answer}\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "x"),
        ("cancel", "x"),
        ("pause", "x"),
        ("pause", "--all"),
        ("resume", "x"),
        ("enable", "--failed"),
        ("disable", "x"),
        ("backfill", "send_mail", "--from", "2026-01-01", "--until", "2026-01-02"),
        ("forget", "x"),
        ("clock", "accept"),
        ("reload",),
        ("stop",),
    ],
)
def test_without_a_daemon_the_exit_code_is_69(
    project: Path,  # noqa: ARG001
    linod: Linod,
    arguments: tuple[str, ...],
) -> None:
    result = linod(*arguments)

    assert result.exit_code == 69
    assert "no daemon" in result.stderr


def test_an_unknown_option_is_a_usage_error(linod: Linod) -> None:
    assert linod("next", "--frm", "x").exit_code == 2


def test_without_a_file_it_is_said_where_one_was_looked_for(project: Path, linod: Linod) -> None:
    (project / "linod.toml").unlink()

    result = linod("next")

    assert result.exit_code == 78
    assert "linod: there is no linod.toml in " in " ".join(result.stderr.split())


def test_the_file_may_be_named_before_the_command(project: Path, linod: Linod) -> None:
    (project / "linod.toml").rename(project / "other.toml")

    assert linod("-c", "other.toml", "next").exit_code == 0
    assert linod("next", "-c", "other.toml").exit_code == 0


def test_an_error_in_the_file_ends_with_78(project: Path, linod: Linod) -> None:
    (project / "linod.toml").write_text('[tasks.a]\ncommand = "true"\nrecurrence = "evry day"\n')

    result = linod("next")

    assert result.exit_code == 78
    assert "error[L0" in result.stderr
    assert result.stderr.endswith("linod: the configuration has 1 error: linod check\n")
    assert result.stdout == ""


def test_what_nobody_expected_is_one_line_and_no_traceback(project: Path, linod: Linod) -> None:
    (project / "var").mkdir()
    (project / "var" / "linod.db").mkdir()

    result = linod("history")

    assert "Traceback" not in result.output
    assert result.exit_code != 0


@pytest.mark.parametrize(
    "arguments", [("--\x1b[31m",), ("schema", "\x1b[31m"), ("schema", "--\x07")]
)
def test_what_the_command_line_quotes_is_harmless(linod: Linod, arguments: tuple[str, ...]) -> None:
    result = linod(*arguments)

    assert (result.exit_code, "\x1b" in result.output, "\x07" in result.output) == (2, False, False)


@pytest.mark.parametrize("redirection", ["<&- >&-", ">&-", "<&- >&- 2>&-", ">/dev/full"])
def test_closed_and_full_streams_are_no_defect(
    project: Path,  # noqa: ARG001 - it goes there
    redirection: str,
) -> None:
    for arguments in ("check", "--help"):
        line = f"{sys.executable} -m linod {arguments} {redirection}"
        ended = subprocess.run(["sh", "-c", line], capture_output=True, text=True)

        assert ended.returncode == ("full" in redirection)
        assert "defect" not in ended.stderr + ended.stdout
        assert "Traceback" not in ended.stderr


def test_files_do_not_take_the_places_of_closed_streams(project: Path) -> None:
    (project / "m.py").write_text(
        "import os\nfound = {os.readlink(f'/proc/self/fd/{n}') for n in (0, 1, 2)}\n"
    )
    script = (
        "from linod.cli._streams import open_missing; open_missing(); import m; "
        "open('found', 'w').write(' '.join(m.found))"
    )
    line = f'{sys.executable} -c "{script}" <&- >&- 2>&-'

    subprocess.run(["sh", "-c", line], check=True)

    assert (project / "found").read_text() == "/dev/null"


def test_a_directory_that_is_gone_is_one_line(
    linod: Linod, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()

    result = linod("check")

    assert (result.exit_code, result.output) == (
        78,
        "linod: the directory you are in does not exist any more\n",
    )

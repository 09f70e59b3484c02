"""`manage.py linod …`: the whole command line, in a Django project."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

from .project import environ, manage, write

TOML = """\
[linod]
timezone = "UTC"
django = "shop.settings"

[log]

[tasks.talk]
manage = "talk hello"
"""
LIMIT_S = 30.0


def test_help_is_that_of_linod(site: Path) -> None:
    done = manage(site, "linod", "--help")

    assert done.returncode == 0
    assert done.stdout.startswith("Usage: manage.py linod ")
    assert "\n  simulate " in done.stdout


def test_manage_py_help_knows_the_command(site: Path) -> None:
    assert manage(site, "help", "linod").stdout == manage(site, "linod", "--help").stdout
    assert "linod" in manage(site, "help").stdout.split()


def test_arguments_and_exit_codes_pass_through(site: Path) -> None:
    write(site, "linod.toml", TOML + 'recurrence = "every dya"\n')

    wrong = manage(site, "linod", "check", "--json")

    assert wrong.returncode == 1
    assert [each["code"] for each in json.loads(wrong.stdout)] == ["L012"]
    assert manage(site, "linod", "check", "--no-such-option").returncode == 2
    assert manage(site, "linod", "next").returncode == 78
    write(site, "linod.toml", TOML)
    assert manage(site, "linod", "run", "talk").returncode == 69
    assert manage(site, "linod", "next").returncode == 0


def test_the_file_of_base_dir_is_found_from_anywhere(site: Path, tmp_path_factory) -> None:
    write(site, "linod.toml", TOML)
    elsewhere = tmp_path_factory.mktemp("elsewhere")

    done = manage(site, "linod", "check", cwd=elsewhere)

    assert done.stdout == "checked 2 tasks in 1 file: 0 errors, 0 warnings\n"


def test_the_file_of_the_settings_is_taken_before_that_of_base_dir(site: Path) -> None:
    settings = site / "shop/settings.py"
    settings.write_text(settings.read_text() + 'LINOD_CONFIG = "conf/tasks.toml"\n')
    write(site, "linod.toml", "wrong")
    write(site, "conf/tasks.toml", '[linod]\ntimezone = "UTC"\n[tasks.one]\nshell = "true"\n')

    assert "checked 1 task in 1 file" in manage(site, "linod", "check").stdout


def test_the_command_line_and_the_environment_come_first(site: Path) -> None:
    write(site, "linod.toml", "wrong")
    text = '[linod]\ntimezone = "UTC"\n[tasks.one]\nshell = "true"\n'
    path = str(write(site, "other.toml", text))

    for done in (
        manage(site, "linod", "check", LINOD_CONFIG=path),
        manage(site, "linod", "-c", path, "check"),
        manage(site, "linod", "check", "-c", path),
    ):
        assert "checked 1 task in 1 file: 0 errors" in done.stdout


def test_without_a_file_it_is_said_as_linod_says_it(site: Path) -> None:
    done = manage(site, "linod", "status")

    assert done.returncode == 78
    assert "linod.toml" in done.stderr


def test_options_of_manage_py_are_not_linods(site: Path) -> None:
    write(site, "linod.toml", TOML)

    done = manage(site, "linod", "check", "--settings", "shop.settings", "--pythonpath=.")

    assert done.returncode == 0


def test_code_can_call_it_too(site: Path) -> None:
    write(site, "linod.toml", TOML)
    code = "from django.core.management import call_command as call; call('linod', {}); print('on')"

    fine = manage(site, "shell", "-c", code.format("'check', '--json'"))
    wrong = manage(site, "shell", "-c", code.format("'run', 'talk'"))

    assert fine.stdout.split()[-2:] == ["[]", "on"]
    assert "CommandError: exit status 69" in wrong.stderr


def test_a_daemon_started_by_manage_py_runs_commands(site: Path) -> None:
    write(site, "linod.toml", TOML)
    command = [sys.executable, str(site / "manage.py"), "linod", "serve"]
    with (site / "terminal").open("wb") as terminal:
        daemon = subprocess.Popen(
            command, cwd=site, env=environ(), stdout=terminal, stderr=terminal
        )
    try:
        limit = time.monotonic() + LIMIT_S
        while b"linod 0.1.0" not in (site / "terminal").read_bytes():
            assert time.monotonic() < limit
            time.sleep(0.02)
        done = manage(site, "linod", "run", "talk")
        assert done.returncode == 0
        assert "stdout: say hello" in done.stdout
        assert "succeeded" in done.stderr
    finally:
        daemon.send_signal(signal.SIGTERM)
        assert daemon.wait(LIMIT_S) == 0

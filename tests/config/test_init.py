"""`linod init`: looks around, writes a file that passes check, never over one that is there."""

from __future__ import annotations

import json
import os
import re
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from linod.cli import main
from linod.codes import Severity
from linod.loader import load
from linod.recipes import Found, first_file, read_crontab
from linod.specs import Config, Task

CRONTAB = r"""# m h dom mon dow command
MAILTO=root
10 3 * * * cd /srv/shop && .venv/bin/python manage.py clear_carts --all >/dev/null 2>&1
@reboot /usr/local/bin/warm-cache.sh
CRON_TZ=Europe/Tallinn
SHELL=/bin/bash
PATH="/usr/local/bin:/usr/bin"
*/15 9-17 * * mon-fri sudo -n backup "50\% of it"%first line%second 'line'
"""


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a machine whose crontab is a file beside the folder of the project."""
    programs = tmp_path / "bin"
    programs.mkdir()
    crontab = programs / "crontab"
    crontab.write_text(f"#!/bin/sh\nexec cat {tmp_path}/crontab 2>/dev/null\n")
    crontab.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return tmp_path


def _init(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["init", *arguments])


def _loaded(path: Path) -> Config:
    found = load(path, {})

    assert [each.message for each in found.diagnostics if each.severity is not Severity.NOTE] == []
    assert found.config is not None
    return found.config


def _switched_on(path: Path) -> dict[str, Task]:
    """Remove the comment signs of all recipes, and give the tasks that come to light."""
    text = re.sub(r"^# (?=[a-z_\[\]]|# |    )", "", path.read_text(), flags=re.M)
    text = re.sub(r"^(?:discover|django|What|\"linod).*\n", "", text, flags=re.M)
    other = path.with_name("all.toml")
    other.write_text(text)
    found = load(other, {})

    assert [(each.message, each.place) for each in found.errors] == []
    assert found.config is not None
    return found.config.tasks


def test_the_file_passes_check_at_once_and_has_one_task() -> None:
    done = _init()

    assert (done.exit_code, done.stderr) == (0, "")
    assert list(_loaded(Path("linod.toml")).tasks) == ["hello"]


def test_what_to_do_next_is_told() -> None:
    assert _init().stdout.splitlines() == [
        "wrote linod.toml",
        "next:",
        "  linod check  is everything right?",
        "  linod next   what is due when",
        "  linod serve  run it; Ctrl-C ends it",
    ]


def test_a_file_that_is_there_stays_as_it_is() -> None:
    Path("linod.toml").write_text("mine")

    done = _init()

    assert done.exit_code == 1
    assert done.stderr == "linod: linod.toml is there already and stays as it is\n"
    assert Path("linod.toml").read_text() == "mine"


def test_a_dangling_link_is_not_followed() -> None:
    Path("linod.toml").symlink_to("elsewhere.toml")

    assert _init().exit_code == 1
    assert not Path("elsewhere.toml").exists()


def test_a_folder_or_a_file_may_be_named() -> None:
    assert _init("conf").exit_code == 0
    assert "linod -c conf/second.toml check" in _init("conf/second.toml").stdout
    assert sorted(path.name for path in Path("conf").iterdir()) == ["linod.toml", "second.toml"]


def test_a_folder_that_cannot_be_written_is_one_line() -> None:
    done = _init("/proc/nowhere")

    assert done.exit_code == 1
    assert done.stderr.startswith("linod: cannot write /proc/nowhere/linod.toml: ")
    assert done.stderr.count("\n") == 1


def test_a_django_project_is_found_without_importing_it() -> None:
    Path("manage.py").write_text(
        "raise SystemExit('imported')\n"
        "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')\n"
    )

    done = _init()
    text = Path("linod.toml").read_text()

    assert "found manage.py with shop.settings" in done.stdout
    assert '# django = "shop.settings"' in text
    assert '# manage = "clearsessions"' in text


def test_a_manage_py_without_settings_is_called_as_a_program() -> None:
    Path("manage.py").write_text("import shop.manage\n")
    _init()

    text = Path("linod.toml").read_text()
    assert '# command = ["python3", "manage.py", "clearsessions"]' in text


def test_settings_given_by_index_are_found_too() -> None:
    Path("manage.py").write_text('os.environ["DJANGO_SETTINGS_MODULE"] = "shop.settings.dev"\n')

    assert "manage.py with shop.settings.dev" in _init().stdout


def test_a_src_layout_becomes_the_import_path() -> None:
    Path("pyproject.toml").write_text('[project]\nname = "web-shop"\n')
    Path("src/shop").mkdir(parents=True)
    Path("src/shop/__init__.py").touch()

    done = _init()
    config = _loaded(Path("linod.toml"))

    assert "found pyproject.toml of web-shop, package shop" in done.stdout
    assert config.linod.import_path == (Path("src").absolute(),)
    assert config.tasks["hello"].arguments == {"name": "web-shop"}
    assert '# discover = ["shop.tasks"]' in Path("linod.toml").read_text()


def test_a_broken_pyproject_is_passed_over() -> None:
    Path("pyproject.toml").write_text("[project\n")

    assert _init().exit_code == 0


def test_a_hostile_name_is_only_a_string() -> None:
    Path("pyproject.toml").write_text('[project]\nname = "a\\"\\n[tasks.x]\\u001b[31m"\n')

    done = _init()

    assert list(_loaded(Path("linod.toml")).tasks) == ["hello"]
    assert "\x1b" not in done.stdout


def test_crontab_lines_become_recipes(machine: Path) -> None:
    (machine / "crontab").write_text(CRONTAB)

    done = _init()
    tasks = _switched_on(Path("linod.toml"))

    assert "crontab with 3 lines, now recipes" in done.stdout
    assert tasks["clear_carts"].shell == (
        "cd /srv/shop && .venv/bin/python manage.py clear_carts --all >/dev/null 2>&1"
    )
    assert '# recurrence = "every day at 03:10"' in Path("linod.toml").read_text()
    assert '# recurrence = "at boot"' in Path("linod.toml").read_text()


def test_variables_shell_zone_and_input_of_a_crontab_come_along(machine: Path) -> None:
    (machine / "crontab").write_text(CRONTAB)
    _init()

    backup = _switched_on(Path("linod.toml"))["backup"]

    assert backup.command == (
        "/bin/bash",
        "-c",
        "printf '%s\\n' 'first line\nsecond '\"'\"'line'\"'\"'' | (sudo -n backup \"50% of it\")",
    )
    assert backup.timezone == "Europe/Tallinn"
    assert backup.env == {"PATH": "/usr/local/bin:/usr/bin"}


def test_a_file_that_quotes_the_crontab_is_private(machine: Path) -> None:
    (machine / "crontab").write_text("0 1 * * * backup --password=secret\n")
    _init()

    assert stat.S_IMODE(Path("linod.toml").stat().st_mode) == 0o600


def test_every_recipe_is_right_when_it_is_switched_on(machine: Path) -> None:
    (machine / "crontab").write_text(CRONTAB)
    Path("manage.py").write_text("")
    _init()

    assert list(_switched_on(Path("linod.toml"))) == [
        *("hello", "report", "clearsessions", "mirror", "disk_space", "site"),
        *("clear_carts", "warm-cache", "backup"),
    ]


def test_json_tells_what_was_found(machine: Path) -> None:
    (machine / "crontab").write_text(CRONTAB)

    told = json.loads(_init("--json").stdout)

    assert told["wrote"] == "linod.toml"
    assert told["found"]["crontab_lines"] == 3
    assert told["next"] == ["linod check", "linod next", "linod serve"]


NAMES = [
    ("/usr/local/bin/backup.sh --all", "backup"),
    ("cd /srv && ./run-reports daily", "run-reports"),
    ("nice -n 10 python3 /srv/mail.py", "mail"),
    ("MODE=batch /srv/import", "import"),
    ("[ -x /usr/bin/x ] && x --quiet", "x"),
    ("hello", "hello_2"),
    ("./größe", "gr_e"),
    ("$HOME/bin", "task"),
    ("-", "task"),
]


@pytest.mark.parametrize(("command", "name"), NAMES)
def test_a_recipe_is_named_after_its_program(command: str, name: str) -> None:
    text = first_file(Found(crontab=read_crontab(f"0 1 * * * {command}\n")))

    assert f"# [tasks.{name}]" in text


def test_a_crontab_of_thousands_of_lines_is_cut_and_counted() -> None:
    text = first_file(Found(crontab=read_crontab("0 1 * * * backup\n" * 5000)))

    assert text.count("# # Was:") == 100
    assert text.endswith("# 4900 more lines are in the crontab.\n")


def test_a_line_that_linod_refuses_keeps_its_cron_expression() -> None:
    text = first_file(Found(crontab=read_crontab("99 1 * * * backup\n")))

    assert '# recurrence = "99 1 * * *"' in text


def test_no_crontab_line_breaks_out_of_its_comment() -> None:
    text = first_file(Found(crontab=read_crontab("0 1 * * * a\x0bb\x85[tasks.x]\u2028c \r\n")))
    lines = text[text.index("crontab, line by line") :].splitlines()[1:]

    assert all(line.startswith("#") for line in lines if line)


def test_a_crontab_line_is_quoted_as_it_stands() -> None:
    text = first_file(Found(crontab=read_crontab('0 1 * * * echo "a" | mail root\n')))

    assert '# # Was: 0 1 * * * echo "a" | mail root\n' in text

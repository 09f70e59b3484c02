"""What check says of a configuration with Django, and which tasks it finds in the apps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from linod.checking import prepare

from .project import environ, write

LINOD = '[linod]\ntimezone = "UTC"\ndjango = "shop.settings"\n'


def loaded(site: Path, text: str) -> Any:
    (site / "linod.toml").write_text(text)
    return prepare(site / "linod.toml", environ())


def told(site: Path, text: str) -> list[tuple[str, int | None, str]]:
    """Give code, line and message of each finding."""
    found = loaded(site, text).diagnostics
    return [(each.code, each.place.line, each.message) for each in found]


def test_a_sound_configuration_has_no_findings(site: Path) -> None:
    text = '[tasks.clear]\nmanage = "clearsessions"\n[tasks.talk]\nmanage = ["talk", "hello"]\n'

    assert told(site, LINOD + text) == []


def test_marked_functions_of_the_apps_become_tasks(site: Path) -> None:
    found = loaded(site, LINOD + '[tasks.count_users]\ntimeout = "1 minute"\n')

    assert found.diagnostics == ()
    task = found.config.tasks["count_users"]
    assert (task.procedure, task.timeout.seconds) == ("orders.tasks.count_users", 60)


def test_a_module_that_discover_names_too_is_taken_once(site: Path) -> None:
    text = LINOD + 'discover = ["orders.tasks"]\n'

    assert told(site, text) == []
    assert list(loaded(site, text).config.tasks) == ["count_users"]


def test_an_app_without_tasks_is_passed_over(site: Path) -> None:
    (site / "orders/tasks.py").unlink()

    assert told(site, LINOD) == []


def test_an_import_error_inside_the_tasks_of_an_app_is_told(site: Path) -> None:
    write(site, "orders/tasks.py", "import nowhere_to_be_found\n")

    [(code, line, message)] = told(site, LINOD + '[tasks.count_users]\ntimeout = "1 minute"\n')

    assert (code, line) == ("L030", 3)
    assert message.startswith("orders.tasks cannot be imported: ModuleNotFoundError")


def test_tasks_of_an_app_that_end_the_process_are_told(site: Path) -> None:
    write(site, "orders/tasks.py", "import os\nos._exit(3)\n")

    assert told(site, LINOD) == [
        ("L030", 3, "orders.tasks ends the process when it is imported: exit status 3")
    ]


def test_an_unknown_command_is_told_with_what_was_meant(site: Path) -> None:
    found = loaded(site, LINOD + '[tasks.clear]\nmanage = "clearsesions"\n').diagnostics

    assert [each.code for each in found] == ["L043"]
    assert found[0].label == 'did you mean "clearsessions"?'
    assert found[0].place.line == 5


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("talk", "talk: the following arguments are required: word"),
        ("talk x --times many", "talk: argument --times: invalid int value: 'many'"),
        ("talk x --loud", "talk: unrecognized arguments: --loud"),
    ],
)
def test_arguments_that_a_command_does_not_take_are_told(
    site: Path, words: str, message: str
) -> None:
    found = told(site, LINOD + f'[tasks.talk]\nmanage = "{words}"\n')

    assert found == [("L044", 5, message)]


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        (
            "raise ValueError('torn')",
            "L030",
            "orders.management.commands.torn cannot be imported: ValueError: torn",
        ),
        (
            "import os; os._exit(3)",
            "L030",
            "orders.management.commands.torn ends the process when it is imported: exit status 3",
        ),
        ("", "L035", "orders.management.commands.torn has no class Command"),
        (
            "class Command:\n    def create_parser(self, *names): raise OSError('no disk')",
            "L044",
            "torn cannot read its arguments: OSError: no disk",
        ),
    ],
)
def test_a_command_that_cannot_be_loaded_is_told_of_its_task(
    site: Path, text: str, code: str, message: str
) -> None:
    write(site, "orders/management/commands/torn.py", text + "\n")

    found = told(site, LINOD + '[tasks.talk]\nmanage = "talk x"\n[tasks.torn]\nmanage = "torn"\n')

    assert found == [(code, 7, message)]


def test_manage_without_django_says_what_to_set(site: Path) -> None:
    found = loaded(site, '[linod]\ntimezone = "UTC"\n[tasks.clear]\nmanage = "clearsessions"\n')

    assert [each.code for each in found.diagnostics] == ["L045"]
    assert found.diagnostics[0].help == 'write [linod] django = "PROJECT.settings"'


@pytest.mark.parametrize(
    ("settings", "text", "message"),
    [
        ("shop.nope", None, 'django: there is no module "shop.nope"'),
        ("shop.torn", "1 / 0", "django: shop.torn cannot be imported: ZeroDivisionError: "),
        ("shop.torn", "raise SystemExit(2)", "django: shop.torn ends the program when "),
        ("shop.torn", "import os; os._exit(2)", "django: shop.torn ends the process when "),
        (
            "shop.torn",
            "INSTALLED_APPS = ['nope']",
            "Django cannot be set up with shop.torn: ModuleNotFoundError: ",
        ),
    ],
)
def test_settings_that_cannot_be_used_are_told_once(
    site: Path, settings: str, text: str | None, message: str
) -> None:
    if text is not None:
        write(site, "shop/torn.py", text + "\n")
    tasks = '[tasks.clear]\nmanage = "clearsessions"\n[tasks.count_users]\ntimeout = "1 minute"\n'

    [(code, line, shown)] = told(site, LINOD.replace("shop.settings", settings) + tasks)

    assert (code, line) == ("L042", 3)
    assert shown.startswith(message)


def test_settings_with_a_slip_are_told_with_what_was_meant(site: Path) -> None:
    [found] = loaded(site, LINOD.replace("shop.settings", "shop.setings")).diagnostics

    assert found.label == 'did you mean "shop.settings"?'


def test_without_django_check_says_what_to_install(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(site, "sitecustomize.py", HIDE)
    monkeypatch.setenv("PYTHONPATH", str(site))

    [(code, line, message)] = told(site, LINOD + '[tasks.clear]\nmanage = "clearsessions"\n')

    assert (code, line) == ("L042", 3)
    assert message == "Django is not installed where linod is: pip install 'linod[django]'"


HIDE = """\
import sys

class Hide:
    def find_spec(self, name, path=None, target=None):
        if name == "django":
            raise ModuleNotFoundError("No module named 'django'", name="django")

sys.meta_path.insert(0, Hide())
"""


def test_an_empty_command_is_refused(site: Path) -> None:
    assert [code for code, _, _ in told(site, LINOD + '[tasks.t]\nmanage = ""\n')] == ["L073"]


def test_exit_codes_do_not_go_with_manage(site: Path) -> None:
    text = '[tasks.t]\nmanage = "clearsessions"\nexit_codes = { succeeded = [1] }\n'

    assert [code for code, _, _ in told(site, LINOD + text)] == ["L058"]

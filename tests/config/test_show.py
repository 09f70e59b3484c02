"""`linod show`: TOML that loads to the same specs, without the secrets."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import attrs
import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from linod import specs
from linod.cli import main
from linod.keys import Key, keys_of
from linod.showing import show
from linod.specs import Config
from linod.toml import value_text

from .building import EXAMPLE, SURROUNDINGS, all_lines, file_with, loaded


def _comparable(config: Config) -> Config:
    """Leave out what a second file cannot say: where it is, and what the first one included."""
    linod = attrs.evolve(config.linod, include=())
    return attrs.evolve(config, path=Path("/"), files=(), linod=linod)


def _assert_same_again(folder: Path, config: Config, environ: dict[str, str]) -> None:
    again = folder / "again"
    again.mkdir(exist_ok=True)

    assert _comparable(loaded(again, show(config), environ)) == _comparable(config)


def test_the_example_shown_loads_to_the_same_specs(tmp_path: Path) -> None:
    config = loaded(tmp_path, EXAMPLE.read_text())

    _assert_same_again(tmp_path, config, {})


@pytest.mark.parametrize(("spec", "name", "line"), all_lines())
def test_each_example_of_a_key_shown_loads_to_the_same_specs(
    spec: type, name: str, line: str, tmp_path: Path
) -> None:
    config = loaded(tmp_path, file_with(spec, name, line))

    _assert_same_again(tmp_path, config, {})


_FREE = [
    key
    for key in keys_of(specs.Task)
    if key.name not in ("procedure", "command", "shell", "manage", "exit_codes", "arguments")
]

# `after` for all is a cycle, and an old name belongs to one.
_FOR_ALL = [key for key in _FREE if key.name not in ("after", "formerly", "start")]


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    keys=some.lists(some.sampled_from(_FREE), unique_by=lambda key: key.name),
    defaults=some.lists(some.sampled_from(_FOR_ALL), unique_by=lambda key: key.name),
    text=some.text(some.characters(exclude_categories=["Cs"]), max_size=20),
)
def test_any_keys_together_shown_load_to_the_same_specs(
    keys: list[Key], defaults: list[Key], text: str, tmp_path: Path
) -> None:
    lines = [
        SURROUNDINGS,
        "[defaults]\nstart = 2026-01-01",
        *(f"{key.name} = {key.example}" for key in defaults),
        "[tasks.one]\nprocedure = 'shop.tasks.report'",
        f"arguments = {{ text = {value_text(text)} }}",
        *(f"{key.name} = {key.example}" for key in keys),
    ]
    config = loaded(tmp_path, "\n".join(lines))

    _assert_same_again(tmp_path, config, {})


def test_defaults_are_merged(tmp_path: Path) -> None:
    config = loaded(tmp_path, "[defaults]\ntimeout = '1 h'\n[tasks.one]\ncommand = 'true'\n")

    assert tomllib.loads(show(config))["tasks"]["one"]["timeout"] == "1 hour"


def test_included_tasks_are_shown_and_their_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "more.toml").write_text("[tasks.two]\ncommand = 'true'\n")
    config = loaded(tmp_path, "[linod]\ninclude = ['more.toml']\n")

    text = show(config)

    assert list(tomllib.loads(text)["tasks"]) == ["two"]
    assert str(tmp_path / "more.toml") in text.splitlines()[0]


@pytest.fixture
def with_secrets(tmp_path: Path) -> Config:
    (tmp_path / "token").write_text("from-a-file\n")
    (tmp_path / "token").chmod(0o600)
    text = """
        [tasks.one]
        procedure = "shop.tasks.report"
        arguments = { verbatim = "Bearer from-a-file" }
        env = { FILE = { file = "token" }, PLAIN = { env = "PLAIN" }, \
HIDDEN = { env = "HIDDEN", default = "in-the-toml", secret = true } }
    """
    return loaded(tmp_path, text, {"PLAIN": "plain-text", "HIDDEN": "from-environment"})


def test_secrets_are_masked_wherever_they_stand(with_secrets: Config) -> None:
    text = show(with_secrets)

    assert "from-a-file" not in text
    assert "from-environment" not in text
    assert "in-the-toml" not in text
    assert 'verbatim = "Bearer ***"' in text
    assert "# *** stands for a secret." in text


def test_what_comes_from_elsewhere_is_shown_as_its_source(
    with_secrets: Config, tmp_path: Path
) -> None:
    env = tomllib.loads(show(with_secrets))["tasks"]["one"]["env"]

    assert env["PLAIN"] == {"env": "PLAIN"}
    assert env["FILE"] == {"file": str(tmp_path / "token")}
    assert env["HIDDEN"] == {"env": "HIDDEN", "default": "***", "secret": True}


def _run(folder: Path, *arguments: str) -> str:
    path = folder / "linod.toml"
    done = CliRunner().invoke(main, ["-c", str(path), "show", *arguments])

    assert (done.exit_code, done.stderr) == (0, "")
    return done.stdout


def test_one_task_is_shown_alone(tmp_path: Path) -> None:
    loaded(tmp_path, "[tasks]\none = { command = 'true' }\ntwo = { command = 'true' }\n")

    assert _run(tmp_path, "two").splitlines()[:2] == ["[tasks.two]", 'command = ["true"]']
    assert list(tomllib.loads(_run(tmp_path, "two"))["tasks"]) == ["two"]


def test_json_holds_the_same_as_toml(tmp_path: Path) -> None:
    loaded(tmp_path, "[tasks.one]\ncommand = 'true'\nstart = 2026-01-01\n")

    toml, found = tomllib.loads(_run(tmp_path)), json.loads(_run(tmp_path, "--json"))

    assert found["tasks"]["one"]["start"] == "2026-01-01T00:00:00"
    assert found["linod"] == toml["linod"]


def test_an_unknown_task_is_answered_with_the_nearest(tmp_path: Path) -> None:
    loaded(tmp_path, "[tasks.report]\ncommand = 'true'\n")

    done = CliRunner().invoke(main, ["-c", str(tmp_path / "linod.toml"), "show", "reprot"])

    assert done.exit_code == 2
    assert 'did you mean "report"?' in done.stderr


def test_a_command_that_is_a_secret_text_is_shown_as_its_source(tmp_path: Path) -> None:
    (tmp_path / "command").write_text("backup --password hunter22")
    (tmp_path / "command").chmod(0o600)
    config = loaded(tmp_path, "[tasks.one]\ncommand = { file = 'command' }\n")

    shown = tomllib.loads(show(config))["tasks"]["one"]["command"]

    assert config.tasks["one"].command == ("backup", "--password", "hunter22")
    assert shown == {"file": str(tmp_path / "command")}


OFF = """
[linod]
import_path = []
[log]
rotation = "none"
retention = "none"
compression = "none"
[defaults]
timeout = "1 hour"
[tasks.one]
command = "true"
timeout = "none"
exit_codes = { succeeded = [] , warned = [0] }
"""


def test_what_is_off_against_its_default_stays_off(tmp_path: Path) -> None:
    config = loaded(tmp_path, OFF)

    assert config.log is not None
    assert config.log.rotation is None
    _assert_same_again(tmp_path, config, {})


def test_what_an_env_file_says_is_not_shown(tmp_path: Path) -> None:
    config = loaded(tmp_path, '[tasks.one]\ncommand = "true"\nenv_file = "shop.env"\n')

    text = show(config)

    assert tomllib.loads(text)["tasks"]["one"]["env_file"] == str(tmp_path / "shop.env")
    assert config.tasks["one"].file_env == {"MODE": "of-the-file"}
    assert "of-the-file" not in text + repr(config)

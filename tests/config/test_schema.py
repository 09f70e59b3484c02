"""The JSON Schema accepts what the loader accepts, and describes every key."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner

from linod import specs
from linod.cli import main
from linod.keys import keys_of
from linod.loader import load
from linod.schema import schema
from linod.toml import as_json

from .building import EXAMPLE, all_lines, file_with, loaded

VALIDATOR = jsonschema.Draft202012Validator(schema())

DEFINITIONS = {
    "linod": specs.Linod,
    "log": specs.Log,
    "defaults": specs.Task,
    "task": specs.Task,
    "chain": specs.Chain,
    "pool": specs.Pool,
    "calendar": specs.Calendar,
}


def _errors(text: str) -> list[str]:
    return [error.message for error in VALIDATOR.iter_errors(as_json(tomllib.loads(text)))]


def test_the_schema_is_a_json_schema_of_2020_12() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())

    assert schema()["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize(("name", "spec"), DEFINITIONS.items())
def test_every_key_has_its_property_with_words_and_an_example(name: str, spec: type) -> None:
    properties = schema()["$defs"][name]["properties"]

    assert list(properties) == [key.name for key in keys_of(spec)]
    assert all(part["description"] and part["examples"] for part in properties.values())


@pytest.mark.parametrize("name", DEFINITIONS)
def test_no_table_takes_unknown_keys(name: str) -> None:
    assert schema()["$defs"][name]["additionalProperties"] is False


def test_defaults_and_values_are_those_of_the_specs() -> None:
    task = schema()["$defs"]["task"]["properties"]

    assert task["kill_after"]["default"] == "30 seconds"
    assert task["overlap"]["default"] == "skip"
    assert task["overlap"]["anyOf"][0] == {"enum": ["skip", "wait", "allow", "replace"]}


def test_a_key_without_effect_yet_says_so() -> None:
    queue = schema()["$defs"]["task"]["properties"]["queue"]

    assert "the effect comes with many machines" in queue["description"]


def test_the_example_is_valid() -> None:
    assert _errors(EXAMPLE.read_text()) == []


@pytest.mark.parametrize(("spec", "name", "line"), all_lines())
def test_each_example_of_a_key_is_accepted_by_loader_and_schema(
    spec: type, name: str, line: str, tmp_path: Path
) -> None:
    text = file_with(spec, name, line)
    loaded(tmp_path, text)

    assert _errors(text) == []


ACCEPTED = [
    'recurrence = "*/5 * * * *"',
    'recurrence = "FREQ=DAILY;BYHOUR=7"',
    'recurrence = ["every day at noon", "at start"]',
    'recurrence = { every = 2, unit = "weekly", weekdays = ["mon"], at = ["20:00"] }',
    'recurrence = { unit = "monthly", weekdays = ["mon"], positions = [-1], at = ["20:00"] }',
    "recurrence = 2026-12-01T20:00:00",
    "start = 2026-01-01",
    "start = 2026-01-01T08:00:00+02:00",
    'timeout = "1 h 30 min"',
    'timeout = "none"',
    'retry = "none"',
    'retry.attempts = 3\nretry.on = ["OSError"]',
    'catch_up = "none"',
    'cooldown = { failure = "1 hour" }',
    'command = { env = "PROGRAM", default = "true" }',
    'command = ["true", { env = "OPTION", default = "-v" }]',
    'timeout = { env = "TIMEOUT", default = "1 minute" }',
    'timezone = { env = "ZONE", default = "UTC" }',
    'env = { TOKEN = { env = "TOKEN", default = "x", secret = true } }',
    'warn = { running = "1 hour", done_by = "06:00" }',
    "exclude = [2026-12-24, \"every sunday\", { calendar = 'ee' }]",
    'allowed = "20:00-06:00"',
    'umask = "027"',
    'limits = { memory = "512 MiB", core = "0 B" }',
    'description = ""',
]


@pytest.mark.parametrize("lines", ACCEPTED)
def test_what_the_loader_accepts_the_schema_accepts(lines: str, tmp_path: Path) -> None:
    runs = "" if lines.startswith("command") else 'procedure = "shop.tasks.report"'
    text = f"[calendars.ee]\ndates = [2026-12-31]\n[tasks.one]\n{runs}\n{lines}\n"
    loaded(tmp_path, text)

    assert _errors(text) == []


REFUSED = [
    "[tasks.one]\ncommand = 'true'\ntimout = '1 hour'",
    "[tasks.one]\ncommand = 'true'\ntimeout = 3600",
    "[tasks.one]\ncommand = 'true'\ntimeout = true",
    "[tasks.one]\ncommand = 'true'\ntimeout = 'soon'",
    "[tasks.one]\ncommand = 'true'\noverlap = 'never'",
    "[tasks.one]\ncommand = 'true'\nenabled = 'no'",
    "[tasks.one]\ncommand = 'true'\npriority = 1.5",
    "[tasks.one]\ncommand = 'true'\numask = '888'",
    "[tasks.one]\ncommand = 'true'\nenv = { A = 1 }",
    "[tasks.one]\ncommand = 'true'\nenv = { A = { env = 'A', file = '/a' } }",
    "[tasks.'a/b']\ncommand = 'true'",
    "[task.one]\ncommand = 'true'",
    "[pools.database]",
    "[chains.one]\nrecurrence = 'every day'",
    "[linod]\nstop_timeout = 60",
    "[log]\nlevel = 'LOUD'",
]


@pytest.mark.parametrize("text", REFUSED)
def test_slips_that_an_editor_can_see_are_refused_by_both(text: str, tmp_path: Path) -> None:
    path = tmp_path / "linod.toml"
    path.write_text(text)

    assert len(load(path, {}).errors) >= 1
    assert len(_errors(text)) >= 1


def test_defaults_take_any_key_of_a_task() -> None:
    assert _errors('[defaults]\ntimeout = "1 hour"\nretry.attempts = 3\n') == []


def test_nothing_in_the_schema_is_beyond_json() -> None:
    def kinds(value: Any) -> set[type]:
        if isinstance(value, dict):
            return {dict}.union(*map(kinds, value.values()))
        if isinstance(value, list):
            return {list}.union(*map(kinds, value))
        return {type(value)}

    assert kinds(schema()) <= {dict, list, str, int, float, bool}


def test_the_command_prints_the_schema() -> None:
    done = CliRunner().invoke(main, ["schema"])

    assert done.exit_code == 0
    assert json.loads(done.stdout) == schema()

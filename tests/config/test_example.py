"""linod.toml.example: right as it is, and right when its comments are switched on."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import jsonschema

from linod.codes import Severity
from linod.keys import TABLES, keys_of
from linod.loader import load
from linod.schema import FILE_NAME, schema
from linod.toml import as_json

from .building import EXAMPLE

# A commented line that is a key with its value, or a table header.
_OPTION = re.compile(r"^# (?=[a-z_]+ = |\[)")


def _switched_on() -> str:
    lines = EXAMPLE.read_text().splitlines()
    return "\n".join(_OPTION.sub("", line) for line in lines) + "\n"


def test_the_example_has_neither_errors_nor_warnings() -> None:
    found = load(EXAMPLE, {})

    assert [each.message for each in found.diagnostics if each.severity is not Severity.NOTE] == []
    assert found.config is not None


def test_the_first_line_names_the_schema() -> None:
    assert EXAMPLE.read_text().splitlines()[0] == f"#:schema ./{FILE_NAME}"


def test_no_line_is_wider_than_a_page() -> None:
    assert max(map(len, EXAMPLE.read_text().splitlines())) <= 100


def test_every_table_is_shown() -> None:
    tables = tomllib.loads(_switched_on())

    assert set(tables) == {"linod", "log", "defaults", "pools", "calendars", "tasks", "chains"}


def test_every_commented_option_is_valid_when_it_is_switched_on(tmp_path: Path) -> None:
    path = tmp_path / "linod.toml"
    more = "\n".join(
        f"[tasks.{name}]\ncommand = 'true'"
        for name in ("extract_orders", "extract_stock", "transform", "load")
    )
    (tmp_path / "closed.ics").write_text("BEGIN:VCALENDAR\nEND:VCALENDAR\n")
    (tmp_path / "shop.env").touch(0o600)
    secret = tmp_path / "token"
    secret.write_text("abcdef")
    secret.chmod(0o600)
    text = _switched_on().replace("/run/secrets/token", str(secret)).replace('"backup"', '"root"')
    path.write_text(f"{text}\n{more}\n")

    found = load(path, {})
    jsonschema.validate(
        as_json(tomllib.loads(path.read_text())), schema(), jsonschema.Draft202012Validator
    )

    assert [each.message for each in found.errors] == []


def test_keys_of_the_daemon_and_the_log_are_all_shown() -> None:
    tables = tomllib.loads(_switched_on())
    spec_of = {table.heading: table.spec for table in TABLES}

    assert _names(spec_of["[log]"]) == set(tables["log"])
    assert _names(spec_of["[linod]"]) == set(tables["linod"])


def _names(spec: type) -> set[str]:
    return {key.name for key in keys_of(spec)}

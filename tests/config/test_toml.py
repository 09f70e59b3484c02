"""TOML text as a person writes it."""

from __future__ import annotations

import tomllib
from datetime import date, time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from linod.toml import as_json, key_text, pair_text, table_text, value_text

TEXTS = some.text(some.characters(exclude_categories=["Cs"]))
SCALARS = (
    TEXTS
    | some.integers(-(2**63), 2**63 - 1)
    | some.booleans()
    | some.floats(allow_nan=False)
    | some.dates()
    | some.times()
)
VALUES = some.recursive(
    SCALARS, lambda inner: some.lists(inner) | some.dictionaries(TEXTS, inner), max_leaves=10
)


@given(TEXTS, VALUES)
def test_any_value_is_read_back(name: str, value: Any) -> None:
    assert tomllib.loads(pair_text(name, value)) == {name: value}


def test_tables_and_lists_stand_on_one_line() -> None:
    value = {"attempts": 3, "on": ["OSError"], "a b": {}}

    assert value_text(value) == '{ attempts = 3, on = ["OSError"], "a b" = {} }'


def test_a_long_list_has_one_item_on_a_line() -> None:
    items = ["a" * 50, "b" * 50]

    assert pair_text("x", items) == f'x = [\n    "{"a" * 50}",\n    "{"b" * 50}",\n]'


def test_a_header_is_quoted_where_it_must_be() -> None:
    assert table_text(("tasks", "a.b"), {"x": 1}) == '[tasks."a.b"]\nx = 1\n'


def test_dates_and_times_are_strings_in_json() -> None:
    value = {"day": date(2026, 1, 2), "at": [time(7)]}

    assert as_json(value) == {"day": "2026-01-02", "at": ["07:00:00"]}


@pytest.mark.parametrize("sign", ["\t", "\x1b", "\x7f", "\x9b", "\u202e", "\u2028", "\U0010ffff"])
def test_what_a_terminal_acts_upon_is_escaped(sign: str) -> None:
    text = f"{key_text(sign)} = {value_text(sign)}"

    assert text.isprintable()
    assert tomllib.loads(text) == {sign: sign}

"""docs/reference.md and docs/codes.md are made from the specs and the codes, and up to date."""

from __future__ import annotations

import html
from pathlib import Path

import pytest

from linod import specs
from linod.codes import CODES
from linod.keys import Key, keys_of
from linod.loader import load
from linod.reference import codes, main, reference

from .building import ROOT, all_keys, file_with


def test_the_reference_is_up_to_date() -> None:
    page = (ROOT / "docs" / "reference.md").read_text()

    assert page == reference(), "run: python -m linod.reference docs"


def test_the_page_of_codes_is_up_to_date() -> None:
    page = (ROOT / "docs" / "codes.md").read_text()

    assert page == codes(), "run: python -m linod.reference docs"


@pytest.mark.parametrize("key", all_keys(), ids=lambda key: f"{key.owner.__name__}.{key.name}")
def test_every_key_has_its_row_with_an_example(key: Key) -> None:
    rows = [row for row in reference().splitlines() if row.startswith(f"| `{key.name}` |")]
    example = key.example.replace("|", "&#124;")

    assert any(f"{key.name} = {example}" in row for row in rows)


def test_a_key_of_an_inline_table_has_its_row_too() -> None:
    assert "| `retry.attempts` | integer | `1` | Attempts in all" in reference()


def test_a_key_without_effect_yet_says_so() -> None:
    row = next(row for row in reference().splitlines() if row.startswith("| `queue` |"))

    assert "*Accepted now; the effect comes with many machines.*" in row


@pytest.mark.parametrize("key", keys_of(specs.Task), ids=lambda key: str(key.name))
def test_check_notes_exactly_the_keys_without_effect_yet(key: Key, tmp_path: Path) -> None:
    path = tmp_path / "linod.toml"
    path.write_text(file_with(specs.Task, key.name, f"{key.name} = {key.example}"))

    found = [each.message for each in load(path, {}).diagnostics if each.code == "L090"]

    assert any(f"tasks.one.{key.name} " in message for message in found) == bool(key.later)


def test_every_row_of_a_key_has_four_cells() -> None:
    keys, _, _ = reference().partition("## Environment")
    rows = [row for row in keys.splitlines() if row.startswith("| `")]

    assert {row.count("|") for row in rows} == {5}


@pytest.mark.parametrize("code", sorted(CODES))
def test_every_code_has_its_heading_and_explanation(code: str) -> None:
    page = html.unescape(codes())

    assert f"### {code}: " in page
    assert [line for line in CODES[code].explanation.split("\n") if line.strip() not in page] == []


def test_main_writes_the_pages(tmp_path: Path) -> None:
    main(str(tmp_path))

    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["codes.md", "decisions.md", "reference.md"]

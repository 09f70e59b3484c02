"""Every example of the page on recurrences is right."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from linod.loader import load
from linod.recurrence import notation, parse

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "recurrence.md").read_text("utf-8")
ROW = re.compile(r"^\| `([^`]+)` \| (.+) \|$", re.M)
ROWS: list[tuple[str, str]] = ROW.findall(PAGE)
FENCE = re.compile(r"^```toml\n(.*?)^```$", re.M | re.S)
FENCES: list[str] = FENCE.findall(PAGE)
FILES = [fence for fence in FENCES if fence.startswith("[")]
LINES = [line for fence in FENCES if fence not in FILES for line in fence.splitlines()]


def test_the_page_has_examples() -> None:
    assert len(ROWS) > 80
    assert len(LINES) > 15


@pytest.mark.parametrize("text", [text for text, _ in ROWS])
def test_each_row_is_a_recurrence_and_round_trips(text: str) -> None:
    recurrence = parse(text)

    assert recurrence == parse(notation(recurrence))


@pytest.mark.parametrize(
    ("text", "printed"), [(text, cell.strip("`")) for text, cell in ROWS if cell[0] == "`"]
)
def test_each_row_that_says_so_is_printed_so(text: str, printed: str) -> None:
    assert printed == notation(parse(text))


@pytest.mark.parametrize("line", LINES)
def test_each_line_of_toml_is_a_recurrence_and_round_trips(line: str) -> None:
    recurrence = parse(tomllib.loads(line)["recurrence"])

    assert recurrence == parse(notation(recurrence))


@pytest.mark.parametrize("text", FILES)
def test_each_file_is_right(text: str, tmp_path: Path) -> None:
    path = tmp_path / "linod.toml"
    path.write_text(text)

    assert [each.message for each in load(path, {}).errors] == []

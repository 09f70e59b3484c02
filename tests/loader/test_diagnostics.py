"""What a finding looks like, for people and for machines."""

from __future__ import annotations

import json

import pytest

from linod.codes import CODES
from linod.diagnostics import (
    Diagnostic,
    Place,
    cells,
    printable,
    render_github,
    render_json,
    render_text,
)


def build(text: str, column: int, end_column: int, **more) -> Diagnostic:
    place = Place(
        file="linod.toml", line=12, column=column, end_column=end_column, text=text, **more
    )
    return Diagnostic("L050", 'unknown key "timout"', place, 'did you mean "timeout"?')


def test_a_finding_looks_like_a_compilers() -> None:
    place = Place(
        file="linod.toml",
        line=12,
        column=1,
        end_column=7,
        text='timout = "1 h"',
        header=(11, "[tasks.x]"),
    )
    found = Diagnostic("L050", "unknown key", place, "did you mean", "keys are", ("one", "two"))

    assert render_text([found]) == (
        "error[L050]: unknown key\n"
        "   --> linod.toml:12:1\n"
        "   |\n"
        "11 | [tasks.x]\n"
        '12 | timout = "1 h"\n'
        "   | ^^^^^^ did you mean\n"
        "   = help: keys are\n"
        "   = note: one\n"
        "   = note: two\n"
    )


def test_a_file_as_a_whole_has_no_line() -> None:
    found = Diagnostic("L001", "does not exist", Place(file="x.toml"))

    assert render_text([found]) == "error[L001]: does not exist\n  --> x.toml\n"


def test_lines_left_out_are_dots() -> None:
    assert "\n   | ...\n" in render_text([build("x", 1, 2, header=(3, "[a]"))])


@pytest.mark.parametrize("column", [1, 50, 95, 101, 500, 9_990])
def test_a_long_line_is_cut_around_its_caret(column: int) -> None:
    text = "".join(str(number % 10) for number in range(9_999))
    lines = render_text([build(text, column, column + 3)]).splitlines()
    source, carets = lines[3], lines[4]
    at = carets.index("^")

    assert max(map(len, lines)) <= 100
    assert source[at : at + 3] == text[column - 1 : column + 2]


def test_a_long_value_is_marked_as_far_as_it_is_shown() -> None:
    lines = render_text([build("x" * 9_999, 10, 9_000)]).splitlines()

    assert max(map(len, lines)) <= 100


@pytest.mark.parametrize(
    "text",
    ["\tx = 1", "é = 1", "e\u0301 = 1", "名前 = 1", "\x1b[2J = 1", "\u202e = 1", "\x9b1 = 1"],
)
def test_the_caret_stands_below_the_value_whatever_is_before(text: str) -> None:
    column = text.index("1", len(text) - 1) + 1
    lines = render_text([build(text, column, column + 1)]).splitlines()
    before_caret = lines[4][: lines[4].index("^")]

    assert cells(lines[3][: lines[3].rindex("1")]) == len(before_caret)
    assert all(line.isprintable() for line in lines)


@pytest.mark.parametrize("width", range(92, 100))
def test_a_caret_behind_the_end_of_a_long_line_is_not_beyond_the_page(width: int) -> None:
    rendered = render_text([build("x" * width, width + 1, width + 2)])

    assert max(map(len, rendered.splitlines())) <= 100


def test_wide_signs_do_not_wrap() -> None:
    lines = render_text([build("名" * 500, 250, 252)]).splitlines()

    assert max(map(cells, lines)) <= 100


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("a\nb\tc\r", "a\\nb\\tc\\r"),
        ("\u202e\u2028\x9b", "\\u202e\\u2028\\x9b"),
        ("\ud800", "\\ud800"),
        ("naïve 名", "naïve 名"),
    ],
)
def test_what_a_terminal_must_not_get_is_escaped(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_long_messages_wrap_at_100_columns() -> None:
    found = Diagnostic("L050", "word " * 100, None, help="x" * 300, notes=("n" * 150,))

    assert max(map(len, render_text([found]).splitlines())) <= 100


def test_colour_is_only_added() -> None:
    found = [build("timout = 1", 1, 7)]
    coloured = render_text(found, colour=True)

    assert "\x1b[1;31merror[L050]\x1b[0m: unknown key" in coloured
    for code in ("\x1b[1;31m", "\x1b[31m", "\x1b[0m"):
        coloured = coloured.replace(code, "")
    assert coloured == render_text(found)


def test_json_is_an_array_of_objects() -> None:
    [found] = json.loads(render_json([build("timout = 1", 1, 7)]))

    assert found == {
        "code": "L050",
        "severity": "error",
        "file": "linod.toml",
        "line": 12,
        "column": 1,
        "end_column": 7,
        "message": 'unknown key "timout"',
        "label": 'did you mean "timeout"?',
        "help": None,
        "notes": [],
    }


def test_github_gets_one_escaped_line_each() -> None:
    place = Place(file="a,b:c.toml", line=3, column=5, end_column=9, text="x")
    found = Diagnostic("L081", "100 %\n::error::x\x1b", place)

    assert render_github([found]) == (
        "::warning title=linod L081,file=a%2Cb%3Ac.toml,line=3,col=5,endColumn=9"
        "::100 %25\\n::error::x\\x1b\n"
    )


@pytest.mark.parametrize("code", sorted(CODES))
def test_every_code_is_explained_with_wrong_and_right(code: str) -> None:
    text = CODES[code].explanation

    assert CODES[code].title
    assert "Wrong:" in text or not "L030" <= code <= "L099"
    assert all(len(line) <= 100 for line in text.splitlines() if line.startswith(" "))

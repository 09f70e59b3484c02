"""Tables, cutting, wrapping: nothing is wider than 100 columns and nothing moves the cursor."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linod.views import WIDTH_MAX, clean, columns, count_of, cut, strip, table, with_notes, wrap


def test_columns_are_aligned() -> None:
    lines = table(("TASK", "NEXT"), [("send_mail", "07:10"), ("x", "08:00")])

    assert lines == ["TASK       NEXT", "send_mail  07:10", "x          08:00"]


def test_a_table_without_rows_is_its_headings() -> None:
    assert table(("TASK", "NEXT"), []) == ["TASK  NEXT"]


def test_the_widest_column_gives_way() -> None:
    lines = table(("TASK", "REASON"), [("import_orders", "x" * 200)])

    assert lines[1] == "import_orders  " + "x" * 84 + "…"
    assert columns(lines[1]) == 100


@settings(max_examples=200, deadline=None)
@given(st.lists(st.lists(st.text(max_size=150), min_size=5, max_size=5), max_size=5))
def test_no_line_of_a_table_is_too_wide(rows: list[list[str]]) -> None:
    lines = table(("A", "B", "C", "D", "E"), rows)

    assert all(columns(line) <= WIDTH_MAX for line in lines)
    assert len(rows) + 1 == len(lines)


@settings(max_examples=300, deadline=None)
@given(st.text(st.characters(), max_size=50))
def test_clean_text_moves_no_cursor(text: str) -> None:
    left = {unicodedata.category(sign) for sign in clean(text)}

    assert not left & {"Cc", "Cf", "Cs", "Zl", "Zp"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("two\nlines", "two\\nlines"),
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("\udc80", "\\udc80"),
        ("õ ja 日本", "õ ja 日本"),
    ],
)
def test_control_signs_are_written_as_escapes(text: str, expected: str) -> None:
    assert expected == clean(text)


def test_wide_signs_take_two_columns() -> None:
    assert columns("日本") == 4
    assert cut("日本", 3) == "日…"


def test_notes_stand_aligned_behind_their_lines() -> None:
    lines = with_notes(["a  04:00", "backup  04:00", "c"], ["moved", "kept", ""], "  ")

    assert lines == ["a  04:00       moved", "backup  04:00  kept", "c"]


def test_a_note_that_does_not_fit_stands_below() -> None:
    assert with_notes(["x" * 96], ["moved"], "  ") == ["x" * 96, "  moved"]


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(categories=["L", "N", "Zs"]), max_size=400))
def test_no_wrapped_line_is_too_wide(text: str) -> None:
    assert all(columns(line) <= WIDTH_MAX for line in wrap(clean(text), indent="    "))


def test_a_long_line_breaks_at_a_blank() -> None:
    assert wrap("aaa bbb ccc", 8, "  ") == ["aaa bbb", "  ccc"]


def test_leading_blanks_stay() -> None:
    assert wrap("  state  ok") == ["  state  ok"]


def test_nouns_are_counted() -> None:
    assert count_of(1, "error") == "1 error"
    assert count_of(10_000, "task") == "10,000 tasks"


def test_each_state_has_a_sign() -> None:
    states = ["succeeded", "warned", "failed", "timed_out", "cancelled", "lost", "running"]

    assert strip(states) == "·!✗T-?▸"

"""The place of every value is found, held against tomllib."""

from __future__ import annotations

import math
import tomllib
from datetime import date, datetime, time
from typing import Any

import pytest
import tomli_w
from hypothesis import given, settings
from hypothesis import strategies as st

from linod.loader.places import Places

EXOTIC = '''
title = "x" # a comment with = and ["brackets"]
'quoted key' . "other\\u0020key" = 'a # b'
3.14 = "digits"
[ table . "with.dot" ] # header
multi = """
line "one" ""two""
[not.a.header]
x = 1 \\
   joined"""
literal = \'\'\'
it's """ \\ [[fine]] \'\'\'
array = [ # comment ] here
  1, [2, "]"], { a.b = 3, c = [ { d = "}" } ] }, # another
  1979-05-27 07:32:00, 07:32:00,
]
empty = {}
none = []
nan = nan
neg = -1_000.5e+3
hex = 0xDEAD_beef

[[fruits]]
name = "apple"
[fruits.physical]
color = "red"
[[fruits.varieties]]
name = "red"
[[fruits.varieties]]
name = "granny"
[[fruits]]
name = "banana"
[tasks.a]
retry.delay = "1 s"
retry.on = ["x", "y"]
last = true'''


def leaves(value: Any, path: tuple[str | int, ...] = ()) -> Any:
    """Give every path with its value."""
    if path:
        yield path, value
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from leaves(inner, (*path, index))


def same(one: Any, other: Any) -> bool:
    """Compare, nan being itself."""
    if isinstance(one, float) and isinstance(other, float) and math.isnan(one):
        return math.isnan(other)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    return type(one) is type(other) and one == other


def assert_every_place_is_right(text: str) -> None:
    places = Places(text, "file")
    for path, value in leaves(tomllib.loads(text)):
        spot = places.spot(path)
        assert spot is not None, path
        if spot.value is not None:
            slice_ = text[slice(*spot.value)]

            assert same(tomllib.loads(f"x = {slice_}")["x"], value), (path, slice_)
        elif isinstance(path[-1], str):
            key = text[slice(*spot.key)]

            assert tomllib.loads(f"{key} = 1") is not None
        assert isinstance(value, dict | list) or spot.value is not None, path


def test_exotic_syntax_is_placed() -> None:
    assert_every_place_is_right(EXOTIC)


def test_windows_line_ends_are_placed() -> None:
    assert_every_place_is_right(EXOTIC.replace("\n", "\r\n"))


SCALARS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(),
    st.datetimes(),
    st.dates(),
    st.times(),
    st.sampled_from(['"""', "'''", "#", "]", "}", "a = 1\n[b]\n", "\\"]),
)
KEYS = st.one_of(
    st.text(max_size=6).filter(lambda key: key.isprintable()),
    st.sampled_from(["a", "b", "c-d", "1", '"', "'", ".", "a.b", "#", "[x]"]),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(KEYS, VALUES, max_size=5), st.booleans())
def test_whatever_tomli_w_writes_is_placed(data: dict[str, Any], is_multiline: bool) -> None:
    assert_every_place_is_right(tomli_w.dumps(data, multiline_strings=is_multiline))


def test_a_place_has_its_line_column_and_header() -> None:
    place = Places('[tasks.a]\nx = 1\n\ty = "é" # c\n', "f.toml").of(("tasks", "a", "y"))

    assert (place.line, place.column, place.end_column) == (3, 6, 9)
    assert place.text == '\ty = "é" # c'
    assert place.header == (1, "[tasks.a]")


def test_a_missing_path_has_the_place_of_its_table() -> None:
    place = Places("[tasks.a]\nx = 1\n", "f.toml").of(("tasks", "a", "nope", 3))

    assert (place.line, place.column, place.end_column) == (1, 2, 9)


def test_a_value_of_many_lines_is_marked_in_its_first() -> None:
    place = Places("x = [\n  1,\n]\n", "f.toml").of(("x",))

    assert (place.line, place.column, place.end_column) == (1, 5, 6)


@pytest.mark.parametrize(
    "text", ["", "\n", "x", "[", "[[", '"', "x = ", "x = [", "[a]\n[a]\n", "= 1"]
)
def test_what_is_not_toml_does_not_crash_the_scanner(text: str) -> None:
    assert Places(text, "f").spot(("x",)) is None or text.startswith("x")


def test_a_table_that_stands_twice_is_found() -> None:
    places = Places("[a]\n[b]\n[a]\n", "f")
    places.spot(("a",))

    assert [(first.key, second.key) for first, second in places.repeated] == [((1, 2), (9, 10))]


def test_types_of_dates_survive() -> None:
    text = "a = 2026-01-01\nb = 2026-01-01 10:00:00\nc = 10:00:00\n"

    assert_every_place_is_right(text)
    assert {type(value) for value in tomllib.loads(text).values()} == {date, datetime, time}


def test_places_in_one_line_share_its_text() -> None:
    places = Places("x = [1, 2]\n", "f")

    assert places.of(("x", 0)).text is places.of(("x", 1)).text

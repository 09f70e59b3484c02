"""Whatever a file holds, loading it ends, and everything said about it can be printed."""

from __future__ import annotations

from typing import Any

import tomli_w
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from linod.diagnostics import render_github, render_json, render_text
from linod.loader.structure import key_names
from linod.specs import Calendar, Chain, Linod, Log, Pool, Task

TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    st.sampled_from(
        ["none", "every day", "1 hour", "20 MB", "a.b", "x", "07:00", "Europe/Riga", "* * * * *"]
    ),
)
VALUES = st.recursive(
    st.one_of(
        TEXTS,
        st.booleans(),
        st.integers(-(2**70), 2**70),
        st.floats(),
        st.datetimes(timezones=st.none() | st.timezones()),
        st.dates(),
        st.times(),
    ),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            TEXTS | st.sampled_from(["env", "file", "default", "secret", "due", "calendar"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=5,
)


def table_of(spec: type) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(st.sampled_from(key_names(spec)) | TEXTS, VALUES, max_size=6)


def named(spec: type) -> st.SearchStrategy[Any]:
    return st.dictionaries(TEXTS, table_of(spec) | VALUES, max_size=3) | VALUES


FILES = st.fixed_dictionaries(
    {},
    optional={
        "linod": table_of(Linod) | VALUES,
        "log": table_of(Log) | VALUES,
        "defaults": table_of(Task) | VALUES,
        "tasks": named(Task),
        "chains": named(Chain),
        "pools": named(Pool),
        "calendars": named(Calendar),
        "other": VALUES,
    },
)
SETTINGS = settings(
    max_examples=300,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@SETTINGS
@given(FILES)
def test_any_values_are_taken_or_refused(load_text, data: dict[str, Any]) -> None:
    check(load_text(tomli_w.dumps(data)))


@SETTINGS
@given(st.text(st.sampled_from("[]{}=.,\"'#\\ \n\tab1:-é\x1b"), max_size=40))
def test_any_text_is_taken_or_refused(load_text, text: str) -> None:
    check(load_text(text))


@SETTINGS
@given(st.binary(max_size=40))
def test_any_bytes_are_taken_or_refused(load_text, data: bytes) -> None:
    check(load_text(data))


def check(loaded: Any) -> None:
    text = render_text(loaded.diagnostics)
    render_json(loaded.diagnostics)
    github = render_github(loaded.diagnostics)

    assert all(line.isprintable() for line in text.split("\n"))
    assert all(line.isprintable() for line in github.split("\n"))
    assert loaded.config is not None or loaded.errors

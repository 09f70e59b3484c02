"""What a run is given, as one line for people."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linod.policy import arguments_text
from linod.specs import Reference, Task, TaskName

SECRET = Reference("hunter2", {"env": "TOKEN"}, is_secret=True)
OPEN = Reference("ee", {"env": "SHOP"}, is_secret=False)
NAME = TaskName("mail")

_VALUES = st.recursive(
    st.sampled_from([SECRET, OPEN, 1, 2.5, True, date(2026, 1, 1)]) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("task", "expected"),
    [
        (Task(name=NAME, procedure="a.b"), ""),
        (Task(name=NAME, command=("rsync", "-a", "my files")), "rsync -a 'my files'"),
        (Task(name=NAME, command=("curl", SECRET)), "curl '***'"),
        (Task(name=NAME, shell="df -h | mail root"), "df -h | mail root"),
        (Task(name=NAME, shell=SECRET), "***"),
        (Task(name=NAME, shell="cd /srv\n  make\n"), "cd /srv make"),
        (
            Task(name=NAME, procedure="a.b", arguments={"shop": OPEN, "since": date(2026, 1, 1)}),
            "shop = 'ee', since = 2026-01-01",
        ),
        (
            Task(name=NAME, procedure="a.b", arguments={"keys": [SECRET, 1], "at": {"k": SECRET}}),
            "keys = [***, 1], at = {k = ***}",
        ),
    ],
)
def test_what_a_run_is_given_is_written(task: Task, expected: str) -> None:
    assert expected == arguments_text(task)


@given(st.dictionaries(st.text(min_size=1, max_size=8), _VALUES, max_size=4))
def test_whatever_is_given_it_is_one_line_without_secrets(arguments: dict[str, Any]) -> None:
    text = arguments_text(Task(name=NAME, procedure="a.b", arguments=arguments))

    assert "hunter2" not in text
    assert text.splitlines() in ([], [text])
    assert len(text) <= 1000


def test_what_is_too_long_is_cut() -> None:
    text = arguments_text(Task(name=NAME, shell="x" * 2000))

    assert "x" * 999 + "…" == text

"""How far something is, in words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linod.views import progress


@pytest.mark.parametrize(
    ("done", "total", "text"),
    [
        (0, 3, "0 %"),
        (400, 1000, "40 %"),
        (1, 3, "33 %"),
        (0.999, 1, "99 %"),
        (1000, 1000, "100 %"),
        (1001, 1000, "100 %"),
        (1.0, 5e-324, "100 %"),
        (1200, None, "1,200 done"),
        (1200.5, None, "1,200.5 done"),
        (0.0, None, "0 done"),
    ],
)
def test_progress_is_a_part_or_a_number(done: float, total: float | None, text: str) -> None:
    assert progress(done, total) == text


@given(st.integers(0, 2**63 - 1), st.integers(1, 2**63 - 1))
def test_only_what_is_done_is_whole(done: int, total: int) -> None:
    assert (progress(done, total) == "100 %") == (done >= total)

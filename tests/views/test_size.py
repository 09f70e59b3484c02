"""How numbers of bytes are written."""

from __future__ import annotations

import pytest

from linod.views import size


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (9_940, "9.9 kB"),
        (46_123_456, "46 MB"),
        (2_500_000_000, "2.5 GB"),
        (7_000_000_000_000_000, "7000 TB"),
    ],
)
def test_a_size_is_written_shortly(number: int, text: str) -> None:
    assert size(number) == text

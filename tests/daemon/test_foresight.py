"""How long before something is due its preparation begins."""

from __future__ import annotations

from datetime import timedelta

import pytest

from linod.daemon.foresight import lead


@pytest.mark.parametrize(
    ("tasks", "seconds"), [(0, 1.0), (1, 1.0), (142, 1.0), (200, 1.4), (1000, 7.0), (5000, 8.0)]
)
def test_the_more_is_due_the_sooner_it_begins_within_a_bound(tasks: int, seconds: float) -> None:
    assert lead(tasks) == timedelta(seconds=seconds)

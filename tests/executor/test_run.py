"""A run as a test of a procedure makes it: no worker, nobody who asks or listens."""

from __future__ import annotations

import math
import signal
from datetime import UTC, datetime
from decimal import Decimal
from enum import IntEnum
from typing import Any

import pytest

from linod.run import Run


def build_run(**keys: Any) -> Run:
    due = datetime(2026, 3, 2, 5, 0, tzinfo=UTC)
    return Run(
        id=1,
        task="report",
        due=due,
        planned=due,
        attempt=1,
        trigger="schedule",
        key="report@2026-03-02T05:00:00Z",
        zone="UTC",
        **keys,
    )


# -- should_stop ------------------------------------------------------------------------------


def test_outside_of_a_worker_nobody_asks() -> None:
    former = signal.getsignal(signal.SIGTERM)

    assert not build_run().should_stop
    assert not build_run(deadline=datetime.max.replace(tzinfo=UTC)).should_stop
    assert signal.getsignal(signal.SIGTERM) is former


def test_a_deadline_that_has_passed_is_known_everywhere() -> None:
    assert build_run(deadline=datetime(2026, 1, 1, tzinfo=UTC)).should_stop


def test_a_test_may_ask() -> None:
    assert build_run(is_asked=lambda: True).should_stop


# -- what is said -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("done", "total"),
    [(-1, None), (math.nan, 1), (math.inf, None), (True, 2), (Decimal(1), 2), ("1", 2), (None, 1)],
)
def test_what_is_no_count_is_refused(done: Any, total: Any) -> None:
    with pytest.raises(ValueError, match=r"^progress: done is .*: expected a number from 0 on$"):
        build_run().progress(done, total)


@pytest.mark.parametrize("total", [0, -1.5, math.inf, math.nan, False, 2**63])
def test_what_is_no_total_is_refused(total: Any) -> None:
    with pytest.raises(ValueError, match=r"^progress: total is .*: expected a number above 0$"):
        build_run().progress(1, total)


def test_outside_of_a_worker_it_does_nothing() -> None:
    assert build_run().progress(1, 2) is None  # type: ignore[func-returns-value]


def test_numbers_are_told_as_what_they_derive_from() -> None:
    said: list[Any] = []
    size = IntEnum("Size", {"SMALL": 3})
    build_run(tell=lambda *numbers: said.append(numbers)).progress(size(3), 4.5)

    assert said == [(3, 4.5)]
    assert [type(each) for each in said[0]] == [int, float]

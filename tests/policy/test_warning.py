"""From which length on a run is told."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from linod.policy import running_limit
from linod.specs import Warn

from .building import seconds

AUTO = Warn(running="auto")


def test_without_the_key_there_is_no_limit() -> None:
    assert running_limit(Warn(), [seconds(1)] * 20) is None


def test_a_length_is_the_limit_whatever_the_history() -> None:
    assert seconds(90) == running_limit(Warn(running=seconds(90)), [])


def test_auto_is_twice_the_longest() -> None:
    assert seconds(600) == running_limit(AUTO, [seconds(each) for each in (60, 300, 90, 120, 10)])


def test_auto_knows_nothing_from_four_runs() -> None:
    assert running_limit(AUTO, [seconds(300)] * 4) is None


def test_auto_is_a_minute_at_least() -> None:
    assert seconds(60) == running_limit(AUTO, [seconds(1)] * 5)


@given(st.lists(st.integers(0, 10**9), min_size=5, max_size=20))
def test_auto_never_tells_of_a_run_as_long_as_one_before(numbers: list[int]) -> None:
    limit = running_limit(AUTO, [timedelta(milliseconds=each) for each in numbers])

    assert limit is not None
    assert limit >= timedelta(milliseconds=max(numbers))

"""How long a task rests after an end."""

from __future__ import annotations

from datetime import timedelta

import pytest

from linod.events import Outcome
from linod.policy import cooldown_after
from linod.specs import Cooldown

from .building import seconds

BOTH = Cooldown(success=seconds(5), failure=seconds(20))


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (Outcome.SUCCEEDED, 5),
        (Outcome.WARNED, 5),
        (Outcome.FAILED, 20),
        (Outcome.TIMED_OUT, 20),
        (Outcome.LOST, 20),
        (Outcome.CANCELLED, 0),
    ],
)
def test_the_rest_goes_by_the_outcome(outcome: Outcome, expected: int) -> None:
    assert seconds(expected) == cooldown_after(BOTH, outcome)


@pytest.mark.parametrize("outcome", Outcome)
def test_without_cooldown_there_is_no_rest(outcome: Outcome) -> None:
    assert timedelta(0) == cooldown_after(None, outcome)


def test_a_side_that_is_not_given_has_no_rest() -> None:
    assert timedelta(0) == cooldown_after(Cooldown(failure=seconds(20)), Outcome.SUCCEEDED)


def test_a_rest_of_more_than_a_day_is_whole() -> None:
    # yourlabs.runner took timedelta.seconds, which wraps after a day.
    cooldown = Cooldown(success=timedelta(days=2, seconds=5))

    assert timedelta(days=2, seconds=5) == cooldown_after(cooldown, Outcome.SUCCEEDED)

"""Policies of one line: backfills, clocks that are ahead, the step of a chain."""

from __future__ import annotations

import pytest

from linod.events import Outcome
from linod.policy import Progress, is_ahead, is_to_fill, step_of
from linod.policy.reasons import going_on

from .building import T, at


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        ([], (True, True)),
        ([Outcome.FAILED, Outcome.LOST], (True, True)),
        ([Outcome.CANCELLED], (True, True)),
        ([Outcome.FAILED, Outcome.SUCCEEDED], (False, True)),
        ([Outcome.WARNED], (False, True)),
        ([Outcome.SUCCEEDED, None], (False, False)),
        ([None], (False, False)),
    ],
)
def test_a_backfill_leaves_out_what_succeeded_or_goes_on(
    outcomes: list[Outcome | None], expected: tuple[bool, bool]
) -> None:
    found = is_to_fill(outcomes, is_again=False), is_to_fill(outcomes, is_again=True)

    assert expected == found


@pytest.mark.parametrize(
    ("seconds", "expected"), [(-5, False), (0, False), (3600, False), (3601, True)]
)
def test_a_clock_is_ahead_where_more_than_an_hour_is_decided(seconds: int, expected: bool) -> None:
    assert expected is is_ahead(at(seconds), T)


def test_a_chain_that_has_not_begun_has_no_step() -> None:
    assert step_of(Progress(steps=(("a",),)).to_detail()) is None


def test_a_chain_that_goes_on_has_a_step() -> None:
    progress = Progress(steps=(("a", "b"), ("c",)), at=0)

    assert "step 1 of 2: a, b" == step_of(progress.to_detail())


def test_a_run_that_is_no_chain_has_no_step() -> None:
    assert step_of({"exit_status": 1}) is None


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (1, "1 run was going on (max_running = 1)"),
        (2, "2 runs were going on (max_running = 1)"),
    ],
)
def test_runs_that_go_on_are_counted_in_words(number: int, expected: str) -> None:
    assert expected == going_on(number, "max_running = 1")

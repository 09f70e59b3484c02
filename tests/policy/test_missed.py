"""What becomes of occurrences that nobody decided in time."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linod.policy import Choice, Undecided, is_too_old, to_run, why_missed
from linod.specs import CatchUp

from .building import T, at, build_task, seconds

HOUR = timedelta(hours=1)
NOTHING = Choice()


@pytest.mark.parametrize("catch_up", CatchUp)
@pytest.mark.parametrize("age", [0, 30, 60])
def test_a_single_one_of_up_to_a_minute_runs_late(catch_up: CatchUp, age: int) -> None:
    choice = to_run(Undecided(T, T), build_task(catch_up=catch_up), at(age))

    assert Choice(at_most=1, since=T) == choice


def test_a_single_one_of_more_than_a_minute_is_missed() -> None:
    task = build_task(catch_up=CatchUp.NONE)

    assert NOTHING == to_run(Undecided(T, T), task, at(60.000001))


def test_two_are_missed_however_young() -> None:
    assert NOTHING == to_run(Undecided(T, at(1)), build_task(catch_up=CatchUp.NONE), at(1))


def test_one_catches_up_the_newest() -> None:
    choice = to_run(Undecided(T, at(600)), build_task(), at(600))

    assert Choice(at_most=1, since=at(600), is_caught_up=True) == choice


def test_all_catches_up_a_thousand_inside_the_window() -> None:
    task = build_task(catch_up=CatchUp.ALL, catch_up_window=HOUR)

    choice = to_run(Undecided(T, at(7200)), task, at(7200))

    assert Choice(at_most=1000, since=at(3600), is_caught_up=True) == choice


@pytest.mark.parametrize("catch_up", [CatchUp.ONE, CatchUp.ALL])
def test_one_as_old_as_the_window_is_caught_up(catch_up: CatchUp) -> None:
    task = build_task(catch_up=catch_up, catch_up_window=HOUR)

    assert to_run(Undecided(T, T), task, at(3600)).since == T


@pytest.mark.parametrize("catch_up", [CatchUp.ONE, CatchUp.ALL])
def test_one_older_than_the_window_is_not_caught_up(catch_up: CatchUp) -> None:
    task = build_task(catch_up=catch_up, catch_up_window=HOUR)

    assert NOTHING == to_run(Undecided(T, T), task, at(3600.000001))


def test_a_window_of_nothing_leaves_those_that_are_only_late() -> None:
    task = build_task(catch_up_window=timedelta(0))

    assert Choice(at_most=1, since=T) == to_run(Undecided(T, T), task, at(60))


@pytest.mark.parametrize(
    ("catch_up", "age", "expected"),
    [
        (CatchUp.NONE, 100, 'catch_up = "none"'),
        (CatchUp.ONE, 100, "the newest one is caught up instead"),
        (CatchUp.ONE, 3601, "older than catch_up_window"),
        (CatchUp.ALL, 100, "older than catch_up_window, or than the newest 1,000"),
        (CatchUp.ALL, 3601, "older than catch_up_window"),
    ],
)
def test_why_they_are_missed_is_said(catch_up: CatchUp, age: int, expected: str) -> None:
    task = build_task(catch_up=catch_up, catch_up_window=HOUR)

    assert expected == why_missed(Undecided(at(-100), T), task, at(age))


@given(
    st.integers(0, 10**6), st.integers(0, 10**6), st.sampled_from(CatchUp), st.integers(0, 10**6)
)
def test_nothing_outside_the_window_runs_but_one_that_is_late(
    first: int, age: int, catch_up: CatchUp, window: int
) -> None:
    task = build_task(catch_up=catch_up, catch_up_window=seconds(window))

    choice = to_run(Undecided(at(-first), T), task, at(age))

    if choice.is_caught_up:
        assert choice.since is not None
        assert at(age) - choice.since <= seconds(window)
    elif choice.at_most:
        assert age <= 60


def test_a_run_that_waited_as_long_as_the_window_still_starts() -> None:
    assert not is_too_old(build_task(catch_up_window=HOUR), T, at(3600))


def test_a_run_that_waited_longer_than_the_window_does_not() -> None:
    assert is_too_old(build_task(catch_up_window=HOUR), T, at(3601))

"""How a chain goes on from step to step, and how it ends."""

from __future__ import annotations

import json

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from linod.events import Outcome
from linod.policy import Member, Progress, after_step, chain_outcome, remaining_steps
from linod.specs import Chain, OnFailed, TaskName

STEPS = (("a", "b"), ("c",), ("d",))
BEGUN = Progress(steps=STEPS, at=0)

_NAMES = st.sampled_from("abcdefg")
_STEPS = st.lists(st.lists(_NAMES, min_size=1, max_size=3).map(tuple), max_size=4).map(tuple)
_MEMBERS = st.builds(
    Member,
    task=_NAMES,
    outcome=st.none() | st.sampled_from(Outcome),
    reason=st.sampled_from(["", "only_if", "disabled by alice"]),
)


def _after(*members: Member, on_failed: OnFailed = OnFailed.STOP) -> Progress:
    return after_step(evolve(BEGUN, on_failed=on_failed), members)


def _ended(task: str, outcome: Outcome) -> Member:
    return Member(task=task, outcome=outcome)


def test_a_chain_begins_before_its_first_step() -> None:
    chain = Chain(name=TaskName("nightly"), tasks=STEPS, on_failed=OnFailed.CONTINUE)

    assert Progress(steps=STEPS, on_failed=OnFailed.CONTINUE, at=-1) == Progress.of(chain)


def test_a_chain_goes_on_when_all_of_a_step_succeeded() -> None:
    progress = _after(_ended("a", Outcome.SUCCEEDED), _ended("b", Outcome.SUCCEEDED))

    assert (False, (("c",), ("d",))) == (progress.is_over, progress.following)


def test_a_chain_is_over_behind_its_last_step() -> None:
    assert evolve(BEGUN, at=2).is_over


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.TIMED_OUT, Outcome.LOST])
def test_one_that_failed_for_good_stops_the_chain(outcome: Outcome) -> None:
    assert _after(_ended("a", outcome), _ended("b", Outcome.SUCCEEDED)).is_over


def test_one_that_failed_for_good_does_not_stop_a_chain_that_continues() -> None:
    assert not _after(_ended("a", Outcome.FAILED), on_failed=OnFailed.CONTINUE).is_over


@pytest.mark.parametrize(
    ("member", "expected"),
    [
        (_ended("a", Outcome.SUCCEEDED), (Outcome.SUCCEEDED, "")),
        (_ended("a", Outcome.WARNED), (Outcome.WARNED, "")),
        (_ended("a", Outcome.FAILED), (Outcome.FAILED, "a failed")),
        (_ended("a", Outcome.TIMED_OUT), (Outcome.FAILED, "a timed out")),
        (_ended("a", Outcome.LOST), (Outcome.FAILED, "a was lost")),
        (
            Member(task="a", reason="disabled by alice"),
            (Outcome.CANCELLED, "a did not run: disabled by alice"),
        ),
        (
            Member(task="a", outcome=Outcome.CANCELLED, reason="cancelled by alice"),
            (Outcome.CANCELLED, "a was cancelled by alice"),
        ),
        (
            Member(task="a", outcome=Outcome.CANCELLED, reason="linod was stopped", is_begun=True),
            (Outcome.CANCELLED, "a was cancelled: linod was stopped"),
        ),
        (
            Member(task="a", outcome=Outcome.CANCELLED, reason="only_if"),
            (Outcome.SUCCEEDED, ""),
        ),
    ],
)
def test_a_chain_ends_as_its_worst_member(member: Member, expected: tuple[Outcome, str]) -> None:
    assert expected == chain_outcome(_after(member, _ended("b", Outcome.SUCCEEDED)))


def test_a_failure_outweighs_one_that_did_not_run() -> None:
    progress = _after(Member(task="a", reason="disabled by alice"), _ended("b", Outcome.FAILED))

    assert (Outcome.FAILED, "b failed") == chain_outcome(progress)


def test_of_two_failures_the_first_is_named() -> None:
    progress = _after(_ended("a", Outcome.FAILED), _ended("b", Outcome.LOST))

    assert (Outcome.FAILED, "a failed") == chain_outcome(progress)


def test_a_chain_that_continues_fails_in_the_end() -> None:
    progress = _after(_ended("a", Outcome.FAILED), on_failed=OnFailed.CONTINUE)
    progress = after_step(evolve(progress, at=2), [_ended("d", Outcome.SUCCEEDED)])

    assert (Outcome.FAILED, "a failed") == chain_outcome(progress)


def test_a_chain_that_somebody_ended_is_cancelled_and_says_who() -> None:
    progress = evolve(_after(_ended("a", Outcome.FAILED)), stopped="cancelled by bob")

    assert (Outcome.CANCELLED, "cancelled by bob") == chain_outcome(progress)


def test_a_chain_that_somebody_ended_is_over() -> None:
    assert evolve(BEGUN, stopped="cancelled by bob").is_over


def test_a_warning_does_not_hide_a_failure() -> None:
    progress = _after(_ended("a", Outcome.FAILED), _ended("b", Outcome.WARNED))

    assert Outcome.FAILED == chain_outcome(progress)[0]


@given(_STEPS, st.sampled_from(OnFailed), st.lists(_MEMBERS, max_size=5))
def test_progress_survives_the_store(
    steps: tuple[tuple[str, ...], ...], on_failed: OnFailed, members: list[Member]
) -> None:
    progress = after_step(Progress(steps=steps, on_failed=on_failed), members)

    assert progress == Progress.read(json.loads(json.dumps(progress.to_detail())))


@given(st.lists(_MEMBERS, max_size=6), st.sampled_from(OnFailed))
def test_only_a_chain_without_trouble_succeeds(members: list[Member], on_failed: OnFailed) -> None:
    outcome, why = chain_outcome(_after(*members, on_failed=on_failed))

    is_fine = all(member.is_satisfied for member in members)
    assert is_fine == (outcome in (Outcome.SUCCEEDED, Outcome.WARNED))
    assert is_fine == (why == "")


@given(st.lists(_MEMBERS, min_size=1, max_size=6))
def test_a_chain_that_stops_is_over_exactly_when_a_member_is_not_satisfied(
    members: list[Member],
) -> None:
    assert _after(*members).is_over == any(not member.is_satisfied for member in members)


def test_what_is_left_keeps_its_steps() -> None:
    assert (("b",), ("c",), ("d",)) == remaining_steps(STEPS, {"a"})


def test_a_step_that_is_done_is_gone() -> None:
    assert (("c",), ("d",)) == remaining_steps(STEPS, {"a", "b"})


@given(_STEPS, st.sets(_NAMES))
def test_what_is_left_is_what_is_not_done_in_order(
    steps: tuple[tuple[str, ...], ...], done: set[str]
) -> None:
    left = [name for step in remaining_steps(steps, done) for name in step]

    assert [name for step in steps for name in step if name not in done] == left

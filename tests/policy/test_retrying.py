"""Whether another attempt follows, and after which wait."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linod.events import Outcome
from linod.policy import next_attempt
from linod.policy.retrying import Attempt
from linod.specs import OnLost, Retry, Task

from .building import build_task, seconds

FAILED, TIMED_OUT, LOST = Outcome.FAILED, Outcome.TIMED_OUT, Outcome.LOST
ENDS = [FAILED, TIMED_OUT, LOST]


def _next(task: Task, *outcomes: Outcome, names: Sequence[str] = ()) -> Attempt | None:
    return next_attempt(task, outcomes, names, "mail 2026-11-21")


def _delays(number: int, **keys: object) -> list[float]:
    task = build_task(retry=Retry(attempts=number + 1, **keys))
    found = [_next(task, *([FAILED] * each)) for each in range(1, number + 1)]
    return [each.delay.total_seconds() for each in found if each is not None]


def test_without_retry_nothing_follows() -> None:
    assert _next(build_task(), FAILED) is None


def test_the_first_attempt_counts() -> None:
    task = build_task(retry=Retry(attempts=3))

    assert Attempt(delay=seconds(10), reason="retry, attempt 2 of 3") == _next(task, FAILED)


def test_the_last_attempt_is_followed_by_none() -> None:
    assert _next(build_task(retry=Retry(attempts=3)), FAILED, TIMED_OUT, FAILED) is None


@pytest.mark.parametrize("outcome", [Outcome.SUCCEEDED, Outcome.WARNED, Outcome.CANCELLED, LOST])
def test_only_failed_and_timed_out_are_retried(outcome: Outcome) -> None:
    assert _next(build_task(retry=Retry(attempts=3)), outcome) is None


def test_a_wait_is_the_same_without_backoff() -> None:
    assert [10, 10, 10] == _delays(3)


def test_a_wait_grows_by_the_backoff() -> None:
    assert [10, 20, 40, 80] == _delays(4, backoff=2.0)


def test_a_wait_grows_to_max_delay_only() -> None:
    assert [10, 20, 25, 25] == _delays(4, backoff=2.0, max_delay=seconds(25))


def test_max_delay_below_delay_is_the_wait() -> None:
    assert [5, 5] == _delays(2, max_delay=seconds(5))


def test_a_delay_of_nothing_stays_nothing_whatever_the_backoff() -> None:
    assert {0} == set(_delays(999, delay=timedelta(0), backoff=1000.0))


def test_a_backoff_beyond_all_numbers_is_a_year() -> None:
    # 1000.0 ** 998 is no float any more.
    assert 366 * 86_400 == _delays(999, backoff=1000.0)[-1]


@given(
    st.integers(2, 1000),
    st.integers(1, 999),
    st.floats(1, 1000),
    st.integers(0, 10**12),
    st.none() | st.integers(1, 10**12),
    st.none() | st.integers(0, 10**9),
)
def test_a_wait_is_never_negative_and_never_longer_than_it_may_be(
    attempts: int, failures: int, backoff: float, delay: int, most: int | None, jitter: int | None
) -> None:
    retry = Retry(
        attempts=attempts,
        backoff=backoff,
        delay=timedelta(milliseconds=delay),
        max_delay=None if most is None else timedelta(milliseconds=most),
        jitter=None if jitter is None else timedelta(milliseconds=jitter),
    )

    attempt = _next(build_task(retry=retry), *([FAILED] * failures))

    assert (attempt is None) == (failures >= attempts)
    longest = (retry.max_delay or timedelta(days=366)) + (retry.jitter or timedelta(0))
    assert attempt is None or timedelta(0) <= attempt.delay <= longest


def test_jitter_lengthens_a_wait_by_a_share_of_it() -> None:
    (wait,) = _delays(1, jitter=seconds(5))

    assert 10 < wait < 15


def test_jitter_differs_from_attempt_to_attempt() -> None:
    assert 5 == len(set(_delays(5, jitter=seconds(5))))


def test_jitter_differs_between_occurrences() -> None:
    task = build_task(retry=Retry(attempts=2, jitter=seconds(5)))
    waits = [next_attempt(task, [FAILED], (), f"mail {number}") for number in range(5)]

    assert 5 == len({each.delay for each in waits if each is not None})


def test_jitter_is_the_same_when_it_is_asked_again() -> None:
    assert _delays(5, jitter=seconds(5)) == _delays(5, jitter=seconds(5))


@pytest.mark.parametrize("names", [["ConnectionError"], ["OSError", "ConnectionError"]])
def test_on_names_an_exception_or_a_base_of_it(names: list[str]) -> None:
    task = build_task(retry=Retry(attempts=2, on=("ConnectionError", "TimeoutError")))

    assert _next(task, FAILED, names=names) is not None


@pytest.mark.parametrize("names", [[], ["ValueError"], ["MyConnectionError"]])
def test_what_on_does_not_name_is_not_retried(names: list[str]) -> None:
    task = build_task(retry=Retry(attempts=2, on=("ConnectionError",)))

    assert _next(task, FAILED, names=names) is None


def test_a_timeout_is_no_exception_and_is_retried_whatever_on_names() -> None:
    task = build_task(retry=Retry(attempts=2, on=("ConnectionError",)))

    assert _next(task, TIMED_OUT) is not None


def test_a_lost_run_is_not_tried_again_by_default() -> None:
    assert _next(build_task(), LOST) is None


def test_a_lost_run_is_tried_again_three_times() -> None:
    task = build_task(on_lost=OnLost.RETRY)

    found = [_next(task, *([LOST] * number)) for number in range(1, 5)]

    reasons = [each.reason if each is not None else None for each in found]
    assert ["lost, try 2 of 4", "lost, try 3 of 4", "lost, try 4 of 4", None] == reasons


def test_a_lost_run_is_tried_again_at_once() -> None:
    task = build_task(on_lost=OnLost.RETRY, retry=Retry(attempts=3, delay=seconds(60)))

    attempt = _next(task, LOST)

    assert attempt is not None
    assert timedelta(0) == attempt.delay


def test_lost_runs_do_not_use_up_the_retries() -> None:
    task = build_task(on_lost=OnLost.RETRY, retry=Retry(attempts=2))

    assert Attempt(delay=seconds(10), reason="retry, attempt 2 of 2") == _next(
        task, LOST, LOST, FAILED
    )


def test_failures_do_not_use_up_the_tries_of_lost_runs() -> None:
    task = build_task(on_lost=OnLost.RETRY, retry=Retry(attempts=3))

    attempt = _next(task, FAILED, FAILED, LOST)

    assert attempt is not None
    assert "lost, try 2 of 4" == attempt.reason


def test_on_does_not_matter_to_a_lost_run() -> None:
    task = build_task(on_lost=OnLost.RETRY, retry=Retry(on=("ConnectionError",)))

    assert _next(task, LOST) is not None


@given(st.integers(1, 20), st.lists(st.sampled_from(ENDS), min_size=1, max_size=60))
def test_every_series_ends(attempts: int, wanted: list[Outcome]) -> None:
    task = build_task(on_lost=OnLost.RETRY, retry=Retry(attempts=attempts))
    outcomes = [wanted[0]]

    while _next(task, *outcomes) is not None:
        outcomes.append(wanted[len(outcomes) % len(wanted)])

    # All of its retries, and the first and all further tries of a lost one.
    assert len(outcomes) <= attempts + 4

"""How long simulated runs take, and how they end."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linod.events import Outcome
from linod.simulation import Fate, Fates, Observed, Spread
from linod.simulation.reading import failing_of, lengths_of
from linod.specs import Retry

from .building import MONDAY, build_config, build_scenario, build_task, play

TASK = build_task("report")
MINUTE = timedelta(minutes=1)
dues = st.integers(0, 10**6).map(lambda seconds: MONDAY + timedelta(seconds=seconds))


def fate(due: datetime = MONDAY, attempt: int = 1, **keys: object) -> Fate:
    return Fates(**keys).of(TASK, due, attempt)  # type: ignore[arg-type]


def test_a_run_of_which_nothing_is_known_takes_a_second() -> None:
    assert Fate(length=timedelta(seconds=1)) == fate()


@given(dues, st.integers(0, 100))
def test_a_spread_is_never_left(due: datetime, seed: int) -> None:
    length = fate(due, seed=seed, lengths={"report": Spread(MINUTE, 0.2)}).length

    assert timedelta(seconds=48) <= length <= timedelta(seconds=72)


def test_lengths_are_spread_evenly() -> None:
    fates = Fates(lengths={"report": Spread(MINUTE, 1.0)})
    lengths = [
        fates.of(TASK, MONDAY + timedelta(hours=hour), 1).length.total_seconds()
        for hour in range(2000)
    ]

    assert sum(lengths) / 2000 == pytest.approx(60, abs=2)
    assert sum(length < 30 for length in lengths) == pytest.approx(500, abs=60)


@given(dues)
def test_former_runs_are_drawn_from(due: datetime) -> None:
    observed = Observed.of([3 * MINUTE, MINUTE, 7 * MINUTE])

    assert fate(due, lengths={"report": observed}).length in (MINUTE, 3 * MINUTE, 7 * MINUTE)


def test_another_seed_draws_other_lengths() -> None:
    lengths = {"report": Spread(MINUTE, 0.5)}

    assert fate(seed=1, lengths=lengths) == fate(seed=1, lengths=lengths)
    assert fate(seed=1, lengths=lengths) != fate(seed=2, lengths=lengths)


def test_another_attempt_takes_another_time() -> None:
    lengths = {"report": Spread(MINUTE, 0.5)}

    assert fate(attempt=1, lengths=lengths) != fate(attempt=2, lengths=lengths)


def test_a_timeout_ends_a_run() -> None:
    task = build_task("report", timeout=timedelta(seconds=30))
    ended = Fates(lengths={"report": Spread(MINUTE)}).of(task, MONDAY, 1)

    expected = Fate(
        length=timedelta(seconds=30), outcome=Outcome.TIMED_OUT, reason="after 30 seconds"
    )
    assert expected == ended


def test_a_part_of_the_runs_fails() -> None:
    fates = Fates(failures={"report": 0.25})
    failed = [
        fates.of(TASK, MONDAY + timedelta(hours=hour), 1).outcome is Outcome.FAILED
        for hour in range(2000)
    ]

    assert sum(failed) == pytest.approx(500, abs=60)


def test_a_function_says_which_runs_fail() -> None:
    failures = {"report": lambda due: due == MONDAY}

    assert fate(failures=failures).outcome is Outcome.FAILED
    assert fate(MONDAY + MINUTE, failures=failures).outcome is Outcome.SUCCEEDED


def test_a_simulated_failure_is_one_that_is_retried() -> None:
    retry = Retry(attempts=3, on=("ConnectionError",))
    scenario = build_scenario(
        build_config(build_task("report", retry=retry)), failures={"report": 1}
    )

    assert play(scenario).tasks[0].retries == 2


# -- as people write it -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "seconds", "part"),
    [
        ("12m", 720, 0.0),
        ("12 minutes ± 20%", 720, 0.2),
        ("90s±5%", 90, 0.05),
        ("1 h 30 min +-12.5 %", 5400, 0.125),
        ("1s +/- 100%", 1, 1.0),
    ],
)
def test_a_length_has_a_spread(text: str, seconds: float, part: float) -> None:
    assert Spread(timedelta(seconds=seconds), part) == lengths_of(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("12", 'a unit is missing: "12 seconds"?'),
        ("", 'empty; a duration is a number and a unit: "30 seconds"'),
        ("0 s", "a run takes some time"),
        ("1 m ± 200%", 'a spread is written "12 m ± 20%", up to 100%'),
        ("1 m ± 20", 'a spread is written "12 m ± 20%", up to 100%'),
        ("± 20%", 'empty; a duration is a number and a unit: "30 seconds"'),
    ],
)
def test_what_is_no_length_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError) as refused:  # noqa: PT011 - the text is compared below
        lengths_of(text)

    assert message == str(refused.value)


@pytest.mark.parametrize(("text", "part"), [("5%", 0.05), ("0.05", 0.05), ("100 %", 1.0), ("0", 0)])
def test_a_part_is_a_number_or_in_percent(text: str, part: float) -> None:
    assert part == failing_of(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("often", 'a part of the runs is written "0.05" or "5%"'),
        ("1.5", "between 0 and 1, or up to 100%"),
        ("-1", "between 0 and 1, or up to 100%"),
        ("101%", "between 0 and 1, or up to 100%"),
        ("nan", "between 0 and 1, or up to 100%"),
    ],
)
def test_what_is_no_part_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError) as refused:  # noqa: PT011 - the text is compared below
        failing_of(text)

    assert message == str(refused.value)

"""When an occurrence is to start: spread of the task, jitter of the occurrence."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from hypothesis import given
from hypothesis import strategies as st

from linod.policy import planned_start
from linod.policy.planning import Planned
from linod.specs import Allowed

from .building import T, at, build_task, seconds

_NAMES = st.from_regex(r"[A-Za-z0-9_-]{1,12}", fullmatch=True)
_DUES = st.integers(0, 4 * 10**9).map(lambda number: at(number / 1000))
_LENGTHS = st.integers(1, 10**9).map(lambda number: timedelta(milliseconds=number))


def _moved(due: datetime, now: datetime | None = None, **keys: object) -> timedelta:
    start = planned_start(build_task(**keys), "UTC", due, now or due).at
    assert start is not None
    return start - due


def test_without_keys_the_planned_start_is_the_due() -> None:
    assert Planned(at=T) == planned_start(build_task(), "UTC", T, T)


@given(_NAMES, _DUES, _LENGTHS)
def test_spread_moves_a_start_by_no_more_than_it_says(
    name: str, due: datetime, spread: timedelta
) -> None:
    assert timedelta(0) <= _moved(due, name=name, spread=spread) <= spread


@given(_NAMES, _DUES, _LENGTHS)
def test_jitter_moves_a_start_by_no_more_than_it_says(
    name: str, due: datetime, jitter: timedelta
) -> None:
    assert timedelta(0) <= _moved(due, name=name, jitter=jitter) <= jitter


@given(_NAMES, _DUES, _DUES, _LENGTHS)
def test_spread_is_the_same_for_all_occurrences_of_a_task(
    name: str, due: datetime, other: datetime, spread: timedelta
) -> None:
    assert _moved(due, name=name, spread=spread) == _moved(other, name=name, spread=spread)


@given(_NAMES, _DUES, _LENGTHS, st.integers(0, 10**6))
def test_neither_depends_on_when_it_is_asked(
    name: str, due: datetime, length: timedelta, later: int
) -> None:
    keys = {"name": name, "spread": length, "jitter": length}

    assert _moved(due, **keys) == _moved(due, due + seconds(later), **keys)


@given(_DUES, _LENGTHS, _LENGTHS)
def test_spread_and_jitter_add_up(due: datetime, spread: timedelta, jitter: timedelta) -> None:
    both = _moved(due, spread=spread, jitter=jitter)

    assert both == _moved(due, spread=spread) + _moved(due, jitter=jitter)


def test_the_share_of_a_task_is_the_same_in_every_version() -> None:
    # A restart with a newer linod must not move a task: these numbers are for ever.
    assert seconds(12.052107) == _moved(T, name="mail", spread=seconds(100))


def test_the_jitter_of_an_occurrence_is_the_same_in_every_version() -> None:
    assert seconds(47.659403) == _moved(T, name="mail", jitter=seconds(100))


def test_tasks_spread_evenly() -> None:
    shares = [_moved(T, name=f"task{number}", spread=seconds(10)) for number in range(1000)]

    tenths = [sum(share // seconds(1) == tenth for share in shares) for tenth in range(10)]

    assert 60 < min(tenths)
    assert max(tenths) < 140


def test_occurrences_jitter_evenly() -> None:
    shares = [_moved(at(number), jitter=seconds(10)) for number in range(1000)]

    tenths = [sum(share // seconds(1) == tenth for share in shares) for tenth in range(10)]

    assert 60 < min(tenths)
    assert max(tenths) < 140


def test_occurrences_a_microsecond_apart_jitter_differently() -> None:
    assert _moved(T, jitter=seconds(100)) != _moved(at(0.000001), jitter=seconds(100))


def test_two_tasks_with_the_same_due_jitter_differently() -> None:
    one, other = (_moved(T, name=name, jitter=seconds(100)) for name in ("mail", "news"))

    assert one != other


def test_what_moves_a_start_is_said() -> None:
    task = build_task(spread=seconds(100), jitter=seconds(100))

    assert "spread and jitter" == planned_start(task, "UTC", T, T).moved_by


def test_a_start_outside_the_window_is_moved_to_its_opening() -> None:
    task = build_task(allowed=Allowed(first=time(20), last=time(6)))

    assert Planned(at=at(13 * 3600), moved_by="allowed") == planned_start(task, "UTC", T, T)


def test_a_start_that_jitter_moves_out_of_the_window_waits_for_its_opening() -> None:
    task = build_task(allowed=Allowed(first=time(6), last=time(7, 0, 1)), jitter=seconds(100))

    assert Planned(at=at(23 * 3600), moved_by="allowed") == planned_start(task, "UTC", T, T)


def test_a_late_decision_is_held_against_the_window_of_its_own_time() -> None:
    task = build_task(allowed=Allowed(first=time(6), last=time(8)))

    start = planned_start(task, "UTC", T, at(2 * 3600))

    assert Planned(at=at(23 * 3600), moved_by="allowed") == start


def test_a_late_decision_inside_the_window_keeps_its_planned_start() -> None:
    task = build_task(allowed=Allowed(first=time(6), last=time(12)))

    assert Planned(at=T) == planned_start(task, "UTC", T, at(2 * 3600))

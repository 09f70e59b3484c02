"""The wait for an instant for which everything is decided."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest

from engine.building import at
from linod.daemon import clock
from linod.daemon.ahead import AT_ONCE, LEAD_MAX, Ahead, NotYet


def build_ahead(
    is_closed: Callable[[], bool] = lambda: False,
    offset: Callable[[], timedelta] = clock.offset,
) -> Ahead:
    return Ahead(is_closed, offset)


def test_it_is_never_over_early() -> None:
    for microseconds in (0, 333, 4_567, 20_001):
        instant = clock.now() + timedelta(microseconds=microseconds)

        build_ahead().wait(instant)

        assert clock.now() >= instant


def test_it_is_given_up_when_nothing_may_start_any_more() -> None:
    closed = threading.Event()
    ahead = build_ahead(closed.is_set)
    begun = clock.now()

    def stop() -> None:
        closed.set()
        ahead.hurry()

    timer = threading.Timer(0.05, stop)
    timer.start()
    with pytest.raises(NotYet):
        ahead.wait(begun + timedelta(seconds=30))

    assert clock.now() < begun + timedelta(seconds=20)


def test_it_goes_on_when_it_was_hurried_for_nothing() -> None:
    ahead = build_ahead()
    instant = clock.now() + timedelta(milliseconds=60)
    timer = threading.Timer(0.01, ahead.hurry)
    timer.start()

    ahead.wait(instant)

    assert clock.now() >= instant


@pytest.mark.parametrize("step", [timedelta(hours=1), -timedelta(hours=1), timedelta(seconds=1)])
def test_it_is_given_up_when_the_clock_is_set(step: timedelta) -> None:
    offsets = iter([timedelta(0), step])
    ahead = build_ahead(offset=lambda: next(offsets))

    with pytest.raises(NotYet):
        ahead.wait(clock.now() + timedelta(seconds=30))


def test_it_begins_a_little_before_what_is_due_and_once() -> None:
    ahead = build_ahead()
    ahead.expect(at(10), 1)
    rings = ahead.ring_at(at(10))
    assert rings is not None

    assert at(9.9) < rings < at(10)
    assert ahead.take(rings - timedelta(microseconds=1)) is None
    assert at(10) == ahead.take(rings)
    assert ahead.take(rings) is None
    assert at(10) == ahead.ring_at(at(10))


def test_it_begins_the_sooner_the_more_is_due_within_a_bound() -> None:
    ahead = build_ahead()
    rings = []
    for tasks in (1, AT_ONCE, 100 * AT_ONCE):
        ahead.expect(at(10), tasks)
        rings.append(ahead.ring_at(at(10)))

    assert rings[0] is not None
    assert rings[1] is not None
    assert rings[0] > rings[1] == rings[2] == at(10) - LEAD_MAX


def test_what_is_due_already_is_not_ahead() -> None:
    ahead = build_ahead()
    ahead.expect(at(10), 1)

    assert ahead.take(at(10)) is None
    assert ahead.take(at(9.999)) is None


def test_another_instant_is_not_what_was_expected() -> None:
    ahead = build_ahead()
    ahead.expect(at(10), 1)

    assert at(9) == ahead.ring_at(at(9))
    assert ahead.ring_at(None) is None

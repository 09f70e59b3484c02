"""The wait for an instant for which everything is decided."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from datetime import timedelta

import pytest

from engine.building import at
from linod.daemon import clock
from linod.daemon.ahead import AT_ONCE, COMMITTED_MAX, LEAD_MAX, Ahead, NotYet


def build_ahead(
    is_closed: Callable[[], bool] = lambda: False,
    offset: Callable[[], timedelta] = clock.offset,
) -> Ahead:
    return Ahead(is_closed, offset)


def test_the_first_commit_does_not_begin_early() -> None:
    for microseconds in (0, 333, 4_567, 20_001):
        instant = clock.now() + timedelta(microseconds=microseconds)

        build_ahead().wait(instant)

        assert clock.now() >= instant


def committed(ahead: Ahead, took_s: float, within: timedelta) -> list[timedelta]:
    """Play one wait with a commit that takes so long; give when that began, and when it was held.

    Both are told from the instant on.
    """
    instant = clock.now() + within
    ahead.expect(instant, 1)
    ahead.wait(instant)
    began = clock.now()
    time.sleep(took_s)
    asyncio.run(ahead.hold())
    return [began - instant, clock.now() - instant]


def test_the_next_commits_begin_as_much_earlier_as_the_last_ones_took() -> None:
    ahead = build_ahead()
    committed(ahead, 0.004, timedelta(milliseconds=20))
    committed(ahead, 0.004, timedelta(milliseconds=20))

    began, _ = committed(ahead, 0.0, timedelta(milliseconds=50))

    assert timedelta(milliseconds=4) <= ahead.commit_takes <= COMMITTED_MAX
    assert began >= -ahead.commit_takes
    assert began < timedelta(0)


def test_what_is_committed_is_held_until_its_instant() -> None:
    ahead = build_ahead()
    for _ in range(3):
        committed(ahead, 0.006, timedelta(milliseconds=20))
    for took_s in (0.0, 0.001, 0.003):
        began, held = committed(ahead, took_s, timedelta(milliseconds=30))

        assert began < timedelta(0) <= held


def test_one_slow_commit_lets_no_other_begin_early() -> None:
    quick = timedelta(milliseconds=4)
    for _ in range(20):  # a machine that pauses makes others slow, too
        ahead = build_ahead()
        for _ in range(4):
            committed(ahead, 0.0, timedelta(milliseconds=10))
        committed(ahead, 0.03, timedelta(milliseconds=10))
        if ahead.commit_takes < quick:
            break

    assert ahead.commit_takes < quick


def test_however_slow_commits_are_they_begin_little_early() -> None:
    ahead = build_ahead()
    for _ in range(3):
        committed(ahead, 0.03, timedelta(milliseconds=5))

    assert ahead.commit_takes == COMMITTED_MAX


def test_what_was_not_waited_for_is_not_held() -> None:
    ahead = build_ahead()
    committed(ahead, 0.0, timedelta(milliseconds=5))
    before, instant = ahead.commit_takes, clock.now() + timedelta(seconds=30)
    for _ in range(3):  # one slow commit would not be believed
        ahead.expect(instant, 1)
        ahead.take(instant - timedelta(milliseconds=3), None)
        asyncio.run(ahead.hold())

    assert clock.now() < instant - timedelta(seconds=20)
    assert ahead.commit_takes == before


def test_a_clock_that_is_set_back_holds_nothing_that_is_committed() -> None:
    back = timedelta(0)
    ahead = Ahead(lambda: False, now=lambda: clock.now() - back)
    for _ in range(2):
        committed(ahead, 0.006, timedelta(milliseconds=20))
    ahead.wait(clock.now() + timedelta(milliseconds=20))
    back, begun = timedelta(hours=1), time.monotonic()

    asyncio.run(ahead.hold())

    assert time.monotonic() - begun < 1


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
    assert ahead.take(rings - timedelta(microseconds=1), None) is None
    assert at(10) == ahead.take(rings, None)
    assert ahead.take(rings, None) is None
    assert at(10) == ahead.ring_at(at(10))


def test_what_comes_before_is_settled_first() -> None:
    ahead = build_ahead()
    ahead.expect(at(10), 1)

    assert ahead.take(at(9.999), at(9.998)) is None
    assert at(10) == ahead.take(at(9.999), at(10))


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

    assert ahead.take(at(10), None) is None
    assert ahead.take(at(9.999), None) is None


def test_another_instant_is_not_what_was_expected() -> None:
    ahead = build_ahead()
    ahead.expect(at(10), 1)

    assert at(9) == ahead.ring_at(at(9))
    assert ahead.ring_at(None) is None

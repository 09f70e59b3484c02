"""What is tried again waits for a length of time, whatever a clock is set to meanwhile."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from .building import at, begun, build, decided, found, row, task
from .history import History, Outage, Step
from .oracle import Instants

ONCE = (Instants(at=(at(10),)),)
HOUR = timedelta(hours=1)
BACK, AHEAD = Step(at=at(20), by=-HOUR), Step(at=at(20), by=HOUR)


def again(started: float, *steps: Step, **fields: Any) -> History:
    """A run that failed at 12 and is to be tried again twenty seconds later; when it was."""
    ahead = sum(step.by.total_seconds() for step in steps)
    return build(
        decided(10, "admitted"),
        row(10, state="failed"),
        begun(10),
        row(
            *(10,),
            **{"id": 11, "attempt": 2, "queued": 12, "planned": 32},
            **{"started": started + ahead, "ended": started + ahead + 2},
        ),
        begun(10, started, run=11, attempt=2),
        tasks=(task(parts=ONCE, retry_attempts=2),),
        steps=steps,
        **fields,
    )


def test_it_begins_when_its_wait_is_over() -> None:
    assert found(again(32)) == []


def test_it_is_late_where_it_waits_for_a_clock_that_was_set_back() -> None:
    assert found(again(36, BACK)) == [("late", 10)]


def test_it_is_not_late_though_a_clock_that_was_set_back_shows_less() -> None:
    assert found(again(32, BACK)) == []


def test_it_is_early_where_it_believes_a_clock_that_was_set_ahead() -> None:
    assert found(again(25, AHEAD)) == [("early", 10)]


def test_after_a_restart_it_waits_no_longer_than_the_whole_of_it() -> None:
    restart = Outage(begin=at(21), end=at(22), is_restart=True)

    assert found(again(42, BACK, outages=(restart,))) == []
    assert found(again(46, BACK, outages=(restart,))) == [("late", 10)]


def test_a_restart_may_find_its_wait_over_by_the_clock() -> None:
    restart = Outage(begin=at(21), end=at(22), is_restart=True)

    assert found(again(22, AHEAD, outages=(restart,))) == []


def heard_of_later(started: float) -> History:
    """Its end is heard of at 14, in a time that a clock which was set back shows once more."""
    return build(
        decided(10, "admitted"),
        row(10, state="failed", ended=2),
        begun(10),
        row(
            *(10,),
            **{"id": 11, "attempt": 2, "queued": 4, "planned": 24},
            **{"started": started - 10, "ended": started - 8},
        ),
        begun(10, started, run=11, attempt=2),
        tasks=(task(parts=ONCE, retry_attempts=2),),
        steps=(Step(at=at(11), by=timedelta(seconds=-10)),),
        outages=(Outage(begin=at(12), end=at(13)), Outage(begin=at(13), end=at(14))),
    )


def test_it_waits_since_the_end_was_heard_of() -> None:
    assert found(heard_of_later(34)) == []
    assert found(heard_of_later(36)) == [("late", 10)]

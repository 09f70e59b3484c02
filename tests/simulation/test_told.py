"""What the checker is told of a simulated world."""

from __future__ import annotations

from datetime import timedelta

from checker.clock import Clock
from checker.history import Step
from linod.policy import Hold, HoldKind

from .clock import BEGINNING
from .told import told_hold


def test_a_pause_ends_when_the_clock_shows_its_end_whatever_it_shows_later() -> None:
    minute = timedelta(minutes=1)
    hold = Hold(task="*", kind=HoldKind.PAUSE, since=BEGINNING, until=BEGINNING + 2 * minute)
    clock = Clock([Step(at=BEGINNING + 3 * minute, by=timedelta(hours=3))])

    assert told_hold(clock, hold, BEGINNING, None).end == BEGINNING + 2 * minute

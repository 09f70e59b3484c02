"""What runs continuously goes on: only a rest, an outage or a hold lies between its runs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from .building import at, begun, build, decided, found, row, task
from .history import History, Hold, Outage
from .oracle import Continuously


def endless(*dues: float, rest_s: float = 0, until: float = 23, **fields: Any) -> History:
    """Runs of two seconds each, with nothing to do before the first."""
    mail = task(parts=(Continuously(),), cooldown_success=timedelta(seconds=rest_s))
    told = [[*decided(due, "admitted"), *row(due, trigger="event"), *begun(due)] for due in dues]
    return build(*told, **{"tasks": (mail,), "until": until, **fields})


def test_it_rests_a_second_after_each_end() -> None:
    assert found(endless(0, 3, 6, 9, 12, 15, 18, 21)) == []


def test_where_it_stops_for_good_it_is_missed() -> None:
    assert found(endless(0, 3, 6, 9, 12)) == [("missed", 14)]


def test_where_it_pauses_by_itself_it_is_missed() -> None:
    assert found(endless(0, 3, 6, 12, 15, 18, 21)) == [("missed", 8)]


def test_a_cooldown_lengthens_its_rest() -> None:
    assert found(endless(0, 7, 14, 21, rest_s=5)) == []


def test_an_outage_keeps_it() -> None:
    outage = Outage(begin=at(8.5), end=at(17))

    assert found(endless(0, 3, 6, 18, 21, outages=(outage,))) == []


def test_a_hold_keeps_it() -> None:
    hold = Hold(task="mail", verdict="paused", begin=at(8.5), end=at(17))

    assert found(endless(0, 3, 6, 18, 21, holds=(hold,))) == []

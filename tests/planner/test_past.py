"""What check says of a recurrence of which nothing is still to come."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from linod.recurrence import parse
from linod.recurrence.remarks import remarks

NOW = datetime(2026, 11, 21, 8, tzinfo=UTC)


def codes(text: str, **keys: object) -> list[str]:
    return [found.code for found in remarks(parse(text), "Europe/Tallinn", now=NOW, **keys)]


def test_once_in_the_past_never_runs_again() -> None:
    assert ["L027"] == codes("once at 2026-11-21 09:59")


def test_once_still_to_come_is_fine() -> None:
    assert [] == codes("once at 2026-11-21 10:01")


def test_an_until_in_the_past_ends_a_rule() -> None:
    assert ["L027"] == codes("FREQ=DAILY;UNTIL=20261120T000000Z")


def test_an_end_in_the_past_ends_a_task() -> None:
    end = datetime(2026, 11, 20, tzinfo=UTC)

    assert ["L027"] == codes("every day at 03:30", end=end)


@pytest.mark.parametrize("text", ["every day at 03:30", "every 10 seconds"])
def test_a_rule_without_end_is_not_past(text: str) -> None:
    assert [] == codes(text)


def test_an_open_phase_is_shown_by_the_coming_instants() -> None:
    (remark,) = remarks(parse("every 2 weeks on monday at 09:00"), "Europe/Tallinn", now=NOW)

    assert "due 2026-11-30 09:00, 2026-12-14 09:00" in remark.message

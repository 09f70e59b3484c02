"""The canonical text of what defines a task's instants; the store hashes it."""

# ruff: noqa: DTZ001 - starts without an offset are read in the zone of the task

from __future__ import annotations

from datetime import UTC, datetime

from linod.specs import Dst, Fold

from .building import planner


def test_it_names_what_is_not_a_default() -> None:
    rule = planner(
        "every weekday at 07:00",
        "Europe/Tallinn",
        start=datetime(2026, 1, 1, tzinfo=UTC),
        end=datetime(2026, 12, 31, 12),
        max_events=10,
        dst=Dst(fold=Fold.BOTH),
    )

    assert rule.definition == (
        "rule frequency=weekly basis=wall weekdays=0/0,0/1,0/2,0/3,0/4 times=25200\n"
        "zone Europe/Tallinn\n"
        "start 2026-01-01T00:00:00+00:00\n"
        "end 2026-12-31T12:00:00\n"
        "max_events 10\n"
        "dst gap=end fold=both"
    )


def test_it_is_the_same_for_notations_of_one_meaning() -> None:
    phrase, cron = planner("every day at 03:30"), planner("30 3 * * *")

    assert phrase.definition == cron.definition


def test_the_order_of_a_union_does_not_matter() -> None:
    one = planner(["every 10 seconds", "once at 2026-12-01 20:00"])
    other = planner(["once at 2026-12-01 20:00", "every 10 seconds"])

    assert one.definition == other.definition
    assert one.definition == "interval seconds=10\nonce at=2026-12-01T20:00:00\nzone UTC"


def test_dst_defines_nothing_where_it_has_no_effect() -> None:
    one, other = planner("every 10 seconds"), planner("every 10 seconds", dst=Dst(fold=Fold.BOTH))

    assert one.definition == other.definition


def test_an_event_has_no_zone() -> None:
    assert planner("at start", "Europe/Tallinn").definition == "event at start"


def test_a_window_is_written_by_its_ends() -> None:
    rule = planner("every 15 minutes between 09:00 and 17:45 on weekdays")

    assert "interval=15" in rule.definition
    assert "window=32400-63900" in rule.definition

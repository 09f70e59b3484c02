"""The canonical text of what defines a task's instants; the store hashes it."""

# ruff: noqa: DTZ001 - starts without an offset are read in the zone of the task

from __future__ import annotations

from datetime import UTC, date, datetime

from linod.planner import Planner
from linod.recurrence import parse
from linod.specs import CalendarDays, CalendarName, Dst, Exclusion, Fold, OnExcluded

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


# -- exclude ------------------------------------------------------------------------------------

DAYS = (date(2026, 2, 24), date(2026, 12, 24), date(2026, 12, 25))


def excluding(*exclude: Exclusion, text: str = "every day at 07:00", **keys: object) -> str:
    rule: Planner = planner(text, exclude=exclude, **keys)
    return rule.definition


def test_what_is_excluded_is_in_it() -> None:
    closed = parse("every saturday"), parse("every monday at 07:00")

    assert excluding(*DAYS, *closed, on_excluded=OnExcluded.AFTER) == (
        "rule frequency=daily basis=wall times=25200\n"
        "zone UTC\n"
        "exclude rule frequency=weekly basis=wall weekdays=0/0 times=25200\n"
        "exclude rule frequency=weekly basis=wall weekdays=0/5\n"
        "exclude days 2026-02-24+303+1\n"
        "on_excluded after"
    )


def test_a_calendar_is_in_it_by_its_days_whatever_they_are_called() -> None:
    days = CalendarDays(dict.fromkeys(DAYS, "closed"))

    assert excluding(CalendarName(calendar="ee", days=days)) == excluding(*DAYS)


def test_the_order_of_what_is_excluded_does_not_matter() -> None:
    rules = parse("every saturday"), parse("every monday at 07:00")

    assert excluding(*DAYS, *rules) == excluding(*rules[::-1], *DAYS[::-1], DAYS[0])


def test_an_empty_calendar_defines_nothing() -> None:
    assert excluding(CalendarName(calendar="ee")) == planner("every day at 07:00").definition


def test_on_excluded_defines_nothing_where_nothing_moves() -> None:
    rule = parse("every monday at 07:00")

    assert excluding(rule, on_excluded=OnExcluded.AFTER) == excluding(rule)
    assert excluding(on_excluded=OnExcluded.AFTER) == excluding()
    assert excluding(*DAYS, text="every 2 hours", on_excluded=OnExcluded.AFTER) == excluding(
        *DAYS, text="every 2 hours"
    )


def test_exclude_defines_nothing_for_events() -> None:
    assert excluding(*DAYS, text="at start", on_excluded=OnExcluded.AFTER) == "event at start"


def test_dst_defines_where_filtered_times_move() -> None:
    text, dst = "every hour at minute 20", Dst(fold=Fold.BOTH)

    assert "dst" not in excluding(*DAYS, text=text, dst=dst)
    assert "dst gap=end fold=both" in excluding(
        *DAYS, text=text, dst=dst, on_excluded=OnExcluded.AFTER
    )

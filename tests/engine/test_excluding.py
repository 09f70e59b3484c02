"""What is excluded is no occurrence: it is neither decided nor counted, and an edit changes it."""

from __future__ import annotations

from datetime import date, timedelta

from linod.recurrence import parse
from linod.specs import CalendarDays, CalendarName, CatchUp, OnExcluded

from .building import World, at, build_task

DAY = 86_400
SUNDAY = date(2026, 11, 22)


def closed(*days: date) -> CalendarName:
    return CalendarName(calendar="closed", days=CalendarDays(dict.fromkeys(days, "")))


def test_an_excluded_instant_gets_no_decision(world: World) -> None:
    world.adopt(at(0), build_task(recurrence="every day at 07:00", exclude=(SUNDAY,)))

    assert world.starts(at(DAY)) == []
    assert world.verdicts() == []
    assert [start.due for start in world.starts(at(2 * DAY))] == [at(2 * DAY)]


def test_what_was_missed_is_counted_without_what_is_excluded(world: World) -> None:
    task = build_task(
        recurrence="every 8 hours",
        exclude=(parse("every sunday"),),
        catch_up=CatchUp.NONE,
    )
    world.adopt(at(0), task)
    world.settle(at(3 * DAY))

    [row] = world.store.decisions("mail", limit=10)
    assert row.count == 6


def test_a_moved_instant_is_decided_where_it_moved(world: World) -> None:
    task = build_task(
        recurrence="every sunday at 07:00", exclude=(SUNDAY,), on_excluded=OnExcluded.AFTER
    )
    world.adopt(at(0), task)

    assert world.starts(at(DAY)) == []
    assert [start.due for start in world.starts(at(2 * DAY))] == [at(2 * DAY)]


def test_other_days_of_a_calendar_are_an_edit(world: World) -> None:
    """It starts at now; what the old days left undecided is counted by them."""
    world.adopt(at(0), build_task(recurrence="every 8 hours", exclude=(closed(SUNDAY),)))
    monday = SUNDAY + timedelta(days=1)
    world.restart()

    world.adopt(at(2 * DAY), build_task(recurrence="every 8 hours", exclude=(closed(monday),)))

    assert [row.verdict.value for row in world.store.decisions("mail", limit=10)] == ["superseded"]
    assert world.starts(at(2 * DAY + 60)) == []


def test_a_calendar_of_another_name_with_the_same_days_is_no_edit(world: World) -> None:
    keys = {"recurrence": "every 8 hours", "catch_up": CatchUp.NONE}
    world.adopt(at(0), build_task(exclude=(closed(SUNDAY),), **keys))
    world.restart()

    world.adopt(at(2 * DAY), build_task(exclude=(SUNDAY,), **keys))
    world.settle(at(2 * DAY))

    assert [row.verdict.value for row in world.store.decisions("mail", limit=10)] == ["missed"]

"""A definition that the store kept becomes the planner that has it."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from linod.engine.former import planner_of
from linod.planner import Planner
from linod.recurrence import parse
from linod.specs import CalendarDays, CalendarName, Dst, Exclusion, Gap, OnExcluded


@pytest.mark.parametrize(
    "recurrence",
    [
        "every 10 seconds",
        "every 2 hours",
        "every hour at minute 20",
        "every 15 minutes between 09:00 and 17:45 on weekdays",
        "every weekday at 08:00 and 17:30",
        "every 2 weeks on friday at 12:00",
        "every month on day 1 and day -1 at 00:30",
        "every month on the last friday at 18:00",
        "every month on the last weekday at 16:00",
        "every quarter on day 1 at 04:00",
        "every easter -2 days at 10:00",
        "once at 2026-12-01 20:00",
        "at start",
        "manually",
        "30 4 1,15 * mon",
        "0 0 LW * *",
        "*/7 * * * * *",
        ["at start", "every day at noon"],
    ],
)
def test_every_kind_of_definition_is_understood(recurrence: object) -> None:
    definition = Planner(parse(recurrence), "Europe/Tallinn").definition

    assert planner_of(definition).definition == definition


def test_bounds_and_dst_are_understood() -> None:
    definition = Planner(
        parse("FREQ=DAILY;COUNT=5;BYHOUR=3"),
        "Europe/Tallinn",
        start=datetime(2026, 1, 1),  # noqa: DTZ001 - local time of the task
        end=datetime(2026, 12, 31),  # noqa: DTZ001
        max_events=3,
        dst=Dst(gap=Gap.SKIP),
    ).definition

    assert planner_of(definition).definition == definition


CALENDAR = CalendarName(
    calendar="ee", days=CalendarDays({date(2026, 2, 24): "Independence Day", date(2027, 2, 24): ""})
)


@pytest.mark.parametrize("on_excluded", OnExcluded)
@pytest.mark.parametrize(
    "exclude",
    [
        (date(2026, 12, 24),),
        (CALENDAR,),
        (parse("every saturday"), parse(["every monday at 07:00", "every hour at minute 20"])),
        (parse("once at 2026-12-01 20:00"), CALENDAR, date(2026, 12, 24), parse("every 2 hours")),
    ],
)
def test_what_is_excluded_is_understood(
    exclude: tuple[Exclusion, ...], on_excluded: OnExcluded
) -> None:
    recurrence = parse(["every day at 07:00", "every 8 hours"])
    planner = Planner(recurrence, "Europe/Tallinn", exclude=exclude, on_excluded=on_excluded)
    former = planner_of(planner.definition)
    begin, end = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 3, 1, tzinfo=UTC)

    assert former.definition == planner.definition
    assert list(former.between(begin, end)) == list(planner.between(begin, end))


@pytest.mark.parametrize(
    "text", ["", "nonsense", "rule what=1\nzone UTC", "zone Mars/Base", "exclude days 1"]
)
def test_a_definition_of_another_version_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="another version"):
        planner_of(text)

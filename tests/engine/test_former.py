"""A definition that the store kept becomes the planner that has it."""

from __future__ import annotations

from datetime import datetime

import pytest

from linod.engine.former import planner_of
from linod.planner import Planner
from linod.recurrence import parse
from linod.specs import Dst, Gap


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


@pytest.mark.parametrize("text", ["", "nonsense", "rule what=1\nzone UTC", "zone Mars/Base"])
def test_a_definition_of_another_version_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="another version"):
        planner_of(text)

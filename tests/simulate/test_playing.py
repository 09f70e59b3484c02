"""What runs, what is skipped, what waits: the engine's decisions under a clock that jumps."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from linod.errors import LinodError
from linod.events import Outcome, PauseRequested, RunRequested, Verdict
from linod.planner import Planner
from linod.policy import WarningKind
from linod.simulation import Cut, Simulation, only_tasks, report_of
from linod.specs import Allowed, Config, Cooldown, Overlap, Retry, Warn

from .building import (
    MONDAY,
    NEVER,
    build_chain,
    build_config,
    build_scenario,
    build_task,
    play,
    starts,
)

TICK = timedelta(microseconds=1)
RECURRENCES = [
    *("every 7 minutes", "every hour at minute 20", "every day at 02:30", "every weekday at 08:00"),
    *("every 15 minutes between 09:00 and 17:45 on weekdays", "*/5 2-4 * * *"),
]


def test_the_same_seed_plays_the_same() -> None:
    config = build_config(
        build_task("a", "every 10 minutes", pool="one", retry=Retry(attempts=2)),
        build_task("b", "every 15 minutes", pool="one"),
        pools={"one": 1},
    )

    def played(seed: int) -> object:
        durations = {"a": "6 m ± 90%", "b": "5 m ± 90%"}
        scenario = build_scenario(config, durations=durations, failures={"a": 0.3}, seed=seed)
        return play(scenario).to_json()

    assert played(1) == played(1)
    assert played(1) != {**played(2), "seed": 1}  # type: ignore[dict-item]


@settings(max_examples=25)
@given(
    st.lists(st.sampled_from(RECURRENCES), min_size=1, max_size=3),
    st.sampled_from(["UTC", "Europe/Tallinn", "Australia/Lord_Howe"]),
    st.sampled_from(["2026-01-05", "2026-03-28", "2026-04-04", "2026-10-24"]),
    st.sampled_from([1, NEVER]),
)
def test_what_does_not_overlap_runs_as_often_as_the_planner_counts(
    recurrences: list[str], zone: str, day: str, dense: int
) -> None:
    tasks = [build_task(f"t{number}", each) for number, each in enumerate(recurrences)]
    begins = datetime.fromisoformat(day).replace(tzinfo=UTC)
    config = build_config(*tasks, zone=zone)
    scenario = build_scenario(config, hours=48, begins=begins, dense=dense)

    expected = [Planner.of(task, zone).count(begins - TICK, scenario.ends - TICK) for task in tasks]
    assert expected == [task.runs for task in play(scenario).tasks]


def test_what_is_due_at_the_beginning_runs_and_what_is_due_at_the_end_does_not() -> None:
    scenario = build_scenario(build_config(build_task("a", "every 6 hours")), hours=24)

    assert starts(scenario)["a"] == [0, 360, 720, 1080]


def test_what_is_due_at_the_start_of_the_daemon_is_due_at_the_beginning() -> None:
    config = build_config(
        build_task("start", "at start"),
        build_task("boot", "at boot"),
        build_task("always", "continuously"),
        build_task("asked", "manually"),
    )
    scenario = build_scenario(config, hours=1, durations={"always": "29 m"})

    assert starts(scenario) == {
        "start": [0],
        "boot": [0],
        "always": [0, pytest.approx(29 + 1 / 60), pytest.approx(58 + 2 / 60)],
        "asked": [],
    }


# -- overlap ------------------------------------------------------------------------------------


def overlapping(overlap: Overlap, **keys: object) -> Config:
    return build_config(build_task("a", "every 10 minutes", overlap=overlap, **keys))


def test_a_run_that_ends_when_the_next_is_due_does_not_overlap() -> None:
    scenario = build_scenario(overlapping(Overlap.SKIP), hours=1, durations={"a": "10 m"})

    assert starts(scenario)["a"] == [0, 10, 20, 30, 40, 50]


def test_skipped_occurrences_are_counted() -> None:
    scenario = build_scenario(overlapping(Overlap.SKIP), hours=1, durations={"a": "25 m"})
    report = play(scenario).tasks[0]

    assert starts(scenario)["a"] == [0, 30]
    assert (report.occurrences, report.runs, report.skipped) == (6, 2, 4)
    assert {Verdict.OVERLAP: 4} == report.not_run


def test_one_that_waits_for_the_run_before_is_measured() -> None:
    scenario = build_scenario(overlapping(Overlap.WAIT), hours=1, durations={"a": "25 m"})
    report = play(scenario).tasks[0]

    assert starts(scenario)["a"] == [0, 25, 50]
    assert {Verdict.OVERLAP: 3} == report.not_run
    assert [("its run before", timedelta(minutes=20))] == [
        (wait.kind, wait.longest) for wait in report.waits
    ]


def test_those_that_run_side_by_side_are_counted() -> None:
    config = overlapping(Overlap.ALLOW, max_running=2)
    report = play(build_scenario(config, hours=1, durations={"a": "25 m"})).tasks[0]

    assert (report.runs, report.at_once, report.skipped) == (4, 2, 2)


def test_a_run_that_is_replaced_takes_its_time_to_be_killed() -> None:
    config = overlapping(Overlap.REPLACE, kill_after=timedelta(minutes=2))
    scenario = build_scenario(config, hours=1, durations={"a": "25 m"})
    report = play(scenario).tasks[0]

    assert starts(scenario)["a"] == [0, 12, 22, 32, 42, 52]
    assert {"replaced by the next occurrence": 5} == report.stopped


def test_a_run_that_ends_while_it_is_killed_takes_no_longer() -> None:
    config = overlapping(Overlap.REPLACE, kill_after=timedelta(minutes=5))
    scenario = build_scenario(config, hours=1, durations={"a": "11 m"})

    assert starts(scenario)["a"] == [0, 11, 22, 33, 44, 55]


# -- other policies -----------------------------------------------------------------------------


def test_retries_are_runs_of_the_same_due() -> None:
    retry = Retry(attempts=3, delay=timedelta(minutes=1))
    scenario = build_scenario(
        build_config(build_task("a", "every hour", retry=retry)),
        hours=2,
        durations={"a": "2 m"},
        failures={"a": lambda due: due == MONDAY},
    )
    report = play(scenario).tasks[0]

    assert starts(scenario)["a"] == [0, 3, 6, 60]
    assert (report.occurrences, report.runs, report.retries) == (2, 4, 2)
    assert {Outcome.FAILED: 3, Outcome.SUCCEEDED: 1} == report.outcomes


def test_a_timeout_ends_a_run_at_its_time() -> None:
    task = build_task("a", "every hour", timeout=timedelta(minutes=10))
    report = play(build_scenario(build_config(task), hours=2, durations={"a": "1 h"})).tasks[0]

    assert {Outcome.TIMED_OUT: 2} == report.outcomes
    assert timedelta(minutes=10) == report.took_longest


def test_allowed_holds_runs_back_and_refuses_them() -> None:
    allowed = Allowed(first=time(20), last=time(6))
    daily = build_task("daily", "every day at 12:00", allowed=allowed)
    hourly = build_task("hourly", "every hour", allowed=allowed)
    scenario = build_scenario(build_config(daily, hourly))
    report = play(scenario)

    assert starts(scenario)["daily"] == [20 * 60]
    assert [("outside allowed", timedelta(hours=8))] == [
        (wait.kind, wait.longest) for wait in report.tasks[0].waits
    ]
    assert {Verdict.OUTSIDE_ALLOWED: 14} == report.tasks[1].not_run


def test_a_cooldown_skips_occurrences() -> None:
    cooldown = Cooldown(success=timedelta(minutes=25))
    task = build_task("a", "every 10 minutes", cooldown=cooldown)
    scenario = build_scenario(build_config(task), hours=1, durations={"a": "1 m"})

    assert starts(scenario)["a"] == [0, 30]
    assert {Verdict.COOLDOWN: 4} == play(scenario).tasks[0].not_run


def test_failures_in_a_row_disable_a_task() -> None:
    task = build_task("a", "every hour", disable_after=3)
    report = play(build_scenario(build_config(task), failures={"a": 1})).tasks[0]

    assert (report.runs, {Verdict.DISABLED: 21}) == (3, report.not_run)


def test_after_waits_for_what_it_names() -> None:
    config = build_config(
        build_task("first", "every day at 02:00"),
        build_task("second", "every day at 02:00", after=("first",)),
        build_task("third", "manually", after=("second",)),
    )
    scenario = build_scenario(config, durations={"first": "30 m", "second": "10 m"})

    assert starts(scenario) == {"first": [120], "second": [150], "third": [160]}
    assert play(scenario).tasks[1].waits[0].kind == "first"


def test_warnings_are_counted() -> None:
    warn = Warn(running=timedelta(minutes=5), done_by=time(4))
    task = build_task("a", "every day at 03:00", warn=warn)
    report = play(build_scenario(build_config(task), hours=48, durations={"a": "2 h"})).tasks[0]

    assert {WarningKind.RUNNING: 2, WarningKind.DONE_BY: 2} == report.warnings


def test_what_is_switched_off_does_not_run() -> None:
    report = play(build_scenario(build_config(build_task("a", "every hour"), enabled=False)))

    assert {Verdict.SWITCHED_OFF: 24} == report.tasks[0].not_run


# -- pools --------------------------------------------------------------------------------------


def test_a_full_pool_lets_runs_wait_and_is_measured() -> None:
    config = build_config(
        *(build_task(name, "every hour", pool="database") for name in ("a", "b", "c")),
        pools={"database": 2},
    )
    durations = {"a": "10 m", "b": "20 m", "c": "6 m"}
    scenario = build_scenario(config, hours=2, durations=durations)
    (pool,) = play(scenario).pools

    assert starts(scenario) == {"a": [0, 60], "b": [0, 60], "c": [10, 70]}
    assert (pool.size, pool.most, pool.waits) == (2, 2, 2)
    assert pool.full == pytest.approx(16 / 60)
    assert pool.used == pytest.approx(36 / 60)
    assert pool.longest is not None
    assert ("c", timedelta(minutes=10)) == (pool.longest.task, pool.longest.longest)


def test_max_running_lets_runs_wait() -> None:
    config = build_config(*(build_task(name, "every hour") for name in "abc"), max_running=1)
    scenario = build_scenario(config, hours=1, durations={"a": "5 m", "b": "7 m"})

    assert starts(scenario) == {"a": [0], "b": [5], "c": [12]}
    assert play(scenario).tasks[2].waits[0].kind == "[linod] max_running"


def test_late_is_what_95_of_100_runs_do_not_exceed() -> None:
    config = build_config(
        build_task("a", "every hour", pool="one"),
        build_task("b", "every day at 03:00", pool="one", priority=1),
        pools={"one": 1},
    )
    scenario = build_scenario(config, hours=20, durations={"b": "10 m"})
    first = play(scenario).tasks[0]
    second = play(evolve(scenario, ends=MONDAY + timedelta(hours=19))).tasks[0]

    assert (first.late_p95, first.late_longest) == (timedelta(0), timedelta(minutes=10))
    assert second.late_p95 == timedelta(minutes=10)


# -- chains -------------------------------------------------------------------------------------


def test_a_chain_ends_after_its_due() -> None:
    chain = build_chain("nightly", "every day at 02:00", ("a", "b"), ("c",))
    config = build_config(*(build_task(name, "manually") for name in "abc"))
    scenario = build_scenario(
        evolve(config, chains={"nightly": chain}),
        hours=48,
        durations={"a": "10 m", "b": lambda due: timedelta(minutes=20 * due.day), "c": "5 m"},
    )
    report = play(scenario)
    nightly = next(task for task in report.tasks if task.is_chain)

    assert starts(scenario)["c"] == [220, 1440 + 240]
    assert nightly.behind_median == timedelta(minutes=125)
    assert nightly.behind_longest == timedelta(minutes=125)
    assert (nightly.runs, report.runs) == (2, 6)


def test_only_some_tasks_come_with_what_they_need() -> None:
    chain = build_chain("nightly", "every day at 02:00", ("a",))
    config = evolve(
        build_config(
            build_task("a", "manually"),
            build_task("b"),
            build_task("c", after=("b",)),
            build_task("d"),
        ),
        chains={"nightly": chain},
    )

    assert ["b", "c"] == list(only_tasks(config, ["c"]).planned)
    assert ["a", "nightly"] == list(only_tasks(config, ["nightly"]).planned)


# -- what people ask for, and ends --------------------------------------------------------------


def test_what_people_ask_for_is_done_at_its_instant() -> None:
    at = MONDAY + timedelta(hours=1, minutes=30)
    pause = PauseRequested(
        request=1, by="ann", at=at, tasks=("a",), until=MONDAY + timedelta(hours=3, minutes=30)
    )
    run = RunRequested(request=2, by="ann", at=at + timedelta(hours=3), task="a")
    scenario = build_scenario(
        build_config(build_task("a", "every hour")), hours=6, events=(run, pause)
    )

    assert starts(scenario)["a"] == [0, 60, 240, 270, 300]
    assert {Verdict.PAUSED: 2} == play(scenario).tasks[0].not_run


def test_what_is_refused_ends_the_simulation() -> None:
    run = RunRequested(request=1, by="ann", at=MONDAY + timedelta(hours=1), task="b")
    scenario = build_scenario(build_config(build_task("a", "every hour")), events=(run,))

    with pytest.raises(LinodError, match=r'is refused: there is no task "b"'):
        play(scenario)


def test_a_limit_ends_it_earlier_and_is_named() -> None:
    scenario = build_scenario(build_config(build_task("a", "every hour")), limit=5, dense=NEVER)
    report = play(scenario)

    assert (report.cut_by, report.occurrences) == (Cut.LIMIT, 5)
    assert MONDAY + timedelta(hours=4) == report.reached


def test_it_can_be_stopped_anywhere() -> None:
    simulation = Simulation(build_scenario(build_config(build_task("a", "every hour"))))
    for reached in simulation.play():
        if reached >= MONDAY + timedelta(hours=3):
            simulation.stop()
    simulation.close()

    report = report_of(simulation)
    assert (report.cut_by, report.tasks[0].runs, report.tasks[0].going) == (Cut.PERSON, 4, 1)


def test_its_store_is_gone_when_it_is_closed() -> None:
    simulation = Simulation(build_scenario(build_config(build_task("a", "every hour"))))
    path = simulation.directory
    assert (path / "linod.db").exists()
    simulation.close()

    assert not path.exists()

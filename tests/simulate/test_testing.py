"""`linod.testing`: a project asserts on its own configuration."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from datetime import date, datetime, time, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from linod.errors import ConfigurationError, LinodError
from linod.events import Outcome, Trigger, Verdict
from linod.testing import Simulated, SimulatedDecision, SimulatedRun, simulation

ROOT = Path(__file__).parents[2]
EET, EEST = timezone(timedelta(hours=2), "EET"), timezone(timedelta(hours=3), "EEST")
TOML = """\
[linod]
timezone = "Europe/Tallinn"

[tasks.often]
command = "true"
recurrence = "every minute"

[tasks.report]
command = "true"
recurrence = "every 10 minutes"

[tasks.load]
command = "true"
recurrence = "every day at 02:30"

[tasks.after_load]
command = "true"
after = ["load"]
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "linod.toml").write_text(TOML)
    return tmp_path / "linod.toml"


@pytest.fixture
def play(path: Path) -> Any:
    def play(**options: Any) -> Simulated:
        return simulation(path, **{"begins": "2026-03-28", "days": 2, **options})

    return play


def test_runs_have_the_times_of_their_zone(play: Any) -> None:
    run = play(durations={"load": "2 hours"}).runs("load")[0]

    expected = SimulatedRun(
        task="load",
        due=datetime(2026, 3, 28, 2, 30, tzinfo=EET),
        attempt=1,
        trigger=Trigger.SCHEDULE,
        planned=datetime(2026, 3, 28, 2, 30, tzinfo=EET),
        started=datetime(2026, 3, 28, 2, 30, tzinfo=EET),
        ended=datetime(2026, 3, 28, 4, 30, tzinfo=EET),
        outcome=Outcome.SUCCEEDED,
        reason="",
        waited_for="",
    )
    assert expected == run


def test_a_run_in_the_night_of_dst_takes_as_long_as_it_takes(play: Any) -> None:
    run = play(durations={"load": "2 hours"}).runs("load")[1]

    assert run.ended == datetime(2026, 3, 29, 5, 30, tzinfo=EEST)
    assert (run.took, run.late) == (timedelta(hours=2), timedelta(0))


def test_skipped_occurrences_say_why(play: Any) -> None:
    skipped = play(durations={"report": "12 minutes"}).skipped("report")

    assert len(skipped) == 141
    assert skipped[0].verdict is Verdict.OVERLAP
    assert skipped[0].reason.endswith("was going on")


def test_decisions_are_those_of_all_occurrences(play: Any) -> None:
    due = datetime(2026, 3, 28, 2, 30, tzinfo=EET)

    first, second = play().decisions("load")

    expected = SimulatedDecision(
        task="load", due=due, last=due, count=1, verdict=Verdict.ADMITTED, reason=""
    )
    assert expected == first
    assert second.due == datetime(2026, 3, 29, 2, 30, tzinfo=EET)


def test_a_task_with_many_occurrences_can_be_asked_like_any_other(play: Any) -> None:
    played = play()
    runs = played.runs("often")

    assert played.task("often").is_counted
    assert len(runs) == len(played.decisions("often")) == 47 * 60
    assert runs[1].started == datetime(2026, 3, 28, 0, 1, tzinfo=EET)
    assert runs[1].took == timedelta(seconds=1)
    assert played.skipped("often") == []


def test_starts_are_found_by_instants(play: Any) -> None:
    first = datetime(2026, 3, 28, 2, tzinfo=EET)

    found = play().starts_between(first, first + timedelta(hours=1), "report")

    assert [0, 10, 20, 30, 40, 50] == [run.started.minute for run in found]


def test_starts_are_found_by_times_of_day(play: Any) -> None:
    played = play(durations={"load": "30 m"})

    assert ["load", "load"] == [
        run.task for run in played.starts_between("02:30", time(2, 31)) if run.task == "load"
    ]
    assert len(played.starts_between("02:30", "04:30", "after_load")) == 2
    assert played.starts_between("05:00", "02:00", "load") == []
    assert len(played.starts_between("23:00", "03:00", "load")) == 2


def test_a_function_of_the_due_says_how_long_runs_take(play: Any) -> None:
    played = play(durations={"load": lambda due: timedelta(hours=due.day - 27)})

    assert [timedelta(hours=1), timedelta(hours=2)] == [run.took for run in played.runs("load")]


def test_failures_fail(play: Any) -> None:
    played = play(failures={"load": 1.0})

    assert [Outcome.FAILED] * 2 == [run.outcome for run in played.runs("load")]
    assert played.runs("after_load") == []


def test_findings_and_figures_are_there(play: Any) -> None:
    played = play(durations={"report": "12 minutes"})

    assert played.task("report").skipped == 141
    assert played.findings == (
        "report is skipped 141 times of 282: "
        "its runs take 12 m on average and it is due every 10 m",
    )


def test_only_some_tasks_come_with_what_they_need(play: Any) -> None:
    played = play(tasks=["after_load"])

    assert ["load", "after_load"] == [task.task for task in played.report.tasks]


def test_without_a_beginning_it_is_always_the_same_monday(path: Path) -> None:
    played = simulation(path, tasks=["load"])

    assert [date(2026, 1, day) for day in range(5, 12)] == [
        run.due.date() for run in played.runs("load")
    ]


def test_it_can_be_closed(play: Any) -> None:
    with play() as played:
        directory = played.directory
        assert directory.exists()

    assert not directory.exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"durations": {"laod": "1 m"}}, 'there is no task "laod" in '),
        ({"durations": {"load": "1"}}, 'durations and failures: a unit is missing: "1 seconds"?'),
        ({"failures": {"load": 2}}, "durations and failures: between 0 and 1, or up to 100%"),
        ({"begins": "tomorrow"}, 'begins = "tomorrow" is no instant: expected a date'),
        ({"days": 0}, "a simulation takes at least one day"),
    ],
)
def test_a_wrong_argument_is_one_line(play: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(LinodError) as refused:
        play(**options)

    assert str(refused.value).startswith(message)


def test_a_function_that_returns_no_length_is_named(play: Any) -> None:
    with pytest.raises(LinodError, match="durations: load: expected a timedelta, got 5"):
        play(durations={"load": lambda _due: 5})


def test_an_unknown_task_is_no_empty_list(play: Any) -> None:
    with pytest.raises(LinodError, match='there is no task "laod" in this simulation'):
        play().runs("laod")


def test_errors_of_the_file_are_shown(path: Path) -> None:
    path.write_text('[tasks.a]\ncommand = "true"\nrecurrence = "every 5 mintues"\n')

    with pytest.raises(ConfigurationError, match='did you mean "every 5 minutes"'):
        simulation(path)


# -- pytest -------------------------------------------------------------------------------------

TESTS = """\
from linod.pytest_plugin import simulation


def test_the_load_is_done_at_six(simulation):
    week = simulation("linod.toml", days=7, durations={"load": "3 hours"})

    assert [run for run in week.runs("load") if f"{run.ended:%H:%M}" > "06:00"] == []


def test_the_report_is_never_skipped(simulation):
    week = simulation(days=1, durations={"report": "12 minutes"})

    assert week.skipped("report") == []
"""


def test_a_project_tests_its_schedule_with_pytest(path: Path) -> None:
    folder = path.parent / "tests"
    folder.mkdir()
    (path.parent / "pytest.ini").write_text("[pytest]\n")
    (folder / "test_schedule.py").write_text(TESTS)

    # Found from the root of the project, wherever pytest is called.
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60)

    assert "1 failed, 1 passed" in done.stdout
    assert "was going on" in done.stdout


def test_pytest_finds_the_fixture_by_itself() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    assert project["entry-points"]["pytest11"] == {"linod.pytest_plugin": "linod.pytest_plugin"}

"""A task that is counted does what the engine would have done with it."""

from __future__ import annotations

from typing import Any

from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from linod.simulation import Report, Scenario
from linod.specs import Overlap, Task

from .building import NEVER, build_config, build_scenario, build_task, play

RECURRENCES = ["every 20 seconds", "every 45 seconds", "every minute", "every hour at minute 20"]
LENGTHS = ["300 ms", "5 s ± 50%", "20 s", "44 s ± 10%", "70 s"]


def comparable(report: Report) -> Any:
    values = report.to_json()
    for task in values["tasks"]:
        del task["is_counted"]
    return values


@st.composite
def scenarios(draw: st.DrawFn) -> Scenario:
    number = draw(st.integers(1, 4))
    tasks: list[Task] = [
        build_task(
            f"t{each}",
            draw(st.sampled_from(RECURRENCES)),
            overlap=draw(st.sampled_from(Overlap)),
            pool=draw(st.sampled_from([None, None, "one", "two"])),
        )
        for each in range(number)
    ]
    config = build_config(
        *tasks, pools={"one": 1, "two": 2}, max_running=draw(st.sampled_from([1, 2, 64]))
    )
    durations: dict[str, Any] = {task.name: draw(st.sampled_from(LENGTHS)) for task in tasks}
    return build_scenario(config, hours=0.2, durations=durations, seed=draw(st.integers(0, 3)))


@settings(max_examples=50)
@given(scenarios())
def test_counted_tasks_do_what_the_engine_would_do(scenario: Scenario) -> None:
    counted, played = evolve(scenario, dense=1), evolve(scenario, dense=NEVER)

    assert comparable(play(counted)) == comparable(play(played))


def counted(*tasks: Task, durations: Any = None, **keys: Any) -> list[str]:
    config = build_config(*tasks, pools={"one": 1}, **keys)
    report = play(build_scenario(config, hours=2, durations=durations, dense=100))
    return [task.task for task in report.tasks if task.is_counted]


def test_a_task_with_many_occurrences_is_counted() -> None:
    assert ["often"] == counted(build_task("often", "every minute"), build_task("rarely"))


def test_a_task_whose_runs_overlap_is_played() -> None:
    assert [] == counted(build_task("a", "every minute"), durations={"a": "61 s"})


def test_a_task_that_waits_for_its_pool_is_played() -> None:
    tasks = [build_task(name, "every minute", pool="one") for name in "ab"]

    assert [] == counted(*tasks)
    assert ["a"] == counted(tasks[0])


def test_tasks_that_fill_max_running_are_played() -> None:
    tasks = [build_task(name, "every minute") for name in "ab"]

    assert [] == counted(*tasks, max_running=1)
    assert ["a", "b"] == counted(*tasks, max_running=2)


def test_a_task_that_another_one_names_is_played() -> None:
    assert [] == counted(
        build_task("a", "every minute"), build_task("b", "every minute", after=("a",))
    )

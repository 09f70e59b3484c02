"""What holds for every mix of unfinished runs, under every kind of overlap."""

from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st

from linod.events import State, Trigger, Verdict
from linod.policy import admission, startable, to_stop
from linod.specs import CatchUp, Overlap, Task

from .building import Run, build_task

_TASKS = st.builds(
    build_task,
    overlap=st.sampled_from(Overlap),
    catch_up=st.just(CatchUp.ALL),
    max_running=st.none() | st.integers(1, 4),
)


@st.composite
def goings(draw: st.DrawFn) -> list[Run]:
    """Unfinished runs of one task, oldest first; a retry has the number of its first attempt."""
    number = draw(st.integers(0, 6))
    return [draw(_runs(each * 10)) for each in range(1, number + 1)]


@st.composite
def _runs(draw: st.DrawFn, id: int) -> Run:
    trigger = draw(st.sampled_from([Trigger.SCHEDULE, Trigger.MANUAL, Trigger.BACKFILL]))
    return Run(
        id=id,
        trigger=trigger,
        state=draw(st.sampled_from([State.WAITING, State.WAITING, State.RUNNING])),
        origin=draw(st.sampled_from([0, 0, id - 5])),
        is_caught_up=trigger is Trigger.SCHEDULE and draw(st.booleans()),
    )


def _waiting(going: list[Run]) -> list[Run]:
    return [run for run in going if run.state is State.WAITING]


def _begun(going: list[Run]) -> list[Run]:
    return [run for run in going if run.state is not State.WAITING]


def _is_one_of_many(run: Run) -> bool:
    return run.is_caught_up or run.trigger is Trigger.BACKFILL


@given(_TASKS, goings(), st.data())
def test_only_what_is_ready_starts_and_nothing_twice(
    task: Task, going: list[Run], data: st.DataObject
) -> None:
    ready = [run for run in _waiting(going) if data.draw(st.booleans())]

    found = startable(task, going, ready)

    assert len({run.id for run in found}) == len(found)
    assert {run.id for run in found} <= {run.id for run in ready}


@given(_TASKS, goings())
def test_no_more_go_on_at_once_than_the_task_says(task: Task, going: list[Run]) -> None:
    begun = _begun(going)
    series = [run.trigger for run in begun if _is_one_of_many(run)]
    assume(len(series) == len(set(series)))

    found = startable(task, going, _waiting(going))

    most = 1 if task.overlap is not Overlap.ALLOW else task.max_running or 1000
    assert len(found) + len(begun) <= max(most, len(begun))


@given(_TASKS, goings())
def test_something_starts_where_all_are_ready_and_nothing_began(
    task: Task, going: list[Run]
) -> None:
    waiting = _waiting(going)

    if waiting and not _begun(going):
        assert startable(task, going, waiting)


@given(_TASKS, goings())
def test_of_a_series_of_many_at_most_one_begins(task: Task, going: list[Run]) -> None:
    found = startable(task, going, _waiting(going))

    for trigger in (Trigger.SCHEDULE, Trigger.BACKFILL):
        assert 1 >= sum(_is_one_of_many(run) and run.trigger is trigger for run in found)


@given(_TASKS, goings())
def test_what_is_stopped_goes_on_and_leaves_one_that_waits(task: Task, going: list[Run]) -> None:
    stopped = to_stop(task, going, _waiting(going))

    assert {run.id for run in stopped} <= {run.id for run in going}
    assert not stopped or {run.id for run in _waiting(going)} - {run.id for run in stopped}


@given(_TASKS, goings())
def test_what_a_person_wants_and_did_not_begin_is_never_stopped(
    task: Task, going: list[Run]
) -> None:
    stopped = to_stop(task, going, _waiting(going))

    asked = (Trigger.MANUAL, Trigger.BACKFILL)
    assert not any(run.state is State.WAITING and run.trigger in asked for run in stopped)


@given(_TASKS, goings(), st.sampled_from(Trigger))
def test_a_newcomer_is_admitted_or_the_reason_is_said(
    task: Task, going: list[Run], trigger: Trigger
) -> None:
    found = admission(task, going, trigger)

    assert (found.verdict is Verdict.ADMITTED) == (found.reason == "")

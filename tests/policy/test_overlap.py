"""What goes on beside what: admission, which of those that wait start, what is replaced."""

from __future__ import annotations

import pytest

from linod.events import State, Trigger, Verdict
from linod.policy import Admission, admission, startable, to_stop, why_behind
from linod.specs import CatchUp, Overlap

from .building import Run, build_task, running, waiting

SKIP = build_task(catch_up=CatchUp.ALL)
WAIT = build_task(overlap=Overlap.WAIT, catch_up=CatchUp.ALL)
ALLOW = build_task(overlap=Overlap.ALLOW, catch_up=CatchUp.ALL)
TWO = build_task(overlap=Overlap.ALLOW, max_running=2, catch_up=CatchUp.ALL)
REPLACE = build_task(overlap=Overlap.REPLACE, catch_up=CatchUp.ALL)
TASKS = [SKIP, WAIT, ALLOW, TWO, REPLACE]
ADMITTED = Admission()
SCHEDULED = [Trigger.SCHEDULE, Trigger.EVENT, Trigger.AFTER]
WANTED = [Trigger.MANUAL, Trigger.BACKFILL, Trigger.CHAIN]


def _overlap(reason: str) -> Admission:
    return Admission(verdict=Verdict.OVERLAP, reason=reason)


def _ids(runs: list[Run]) -> list[int]:
    return [run.id for run in runs]


# -- admission --------------------------------------------------------------------------------


@pytest.mark.parametrize("task", TASKS, ids=lambda task: str(task.overlap))
@pytest.mark.parametrize("trigger", Trigger)
def test_where_nothing_goes_on_all_are_admitted(task: object, trigger: Trigger) -> None:
    assert ADMITTED == admission(task, [], trigger)  # type: ignore[arg-type]


@pytest.mark.parametrize("task", TASKS, ids=lambda task: str(task.overlap))
@pytest.mark.parametrize("trigger", WANTED)
def test_what_a_person_or_a_chain_wants_is_never_dropped(task: object, trigger: Trigger) -> None:
    going = [running(1), waiting(2), waiting(3)]

    assert ADMITTED == admission(task, going, trigger)  # type: ignore[arg-type]


@pytest.mark.parametrize("trigger", SCHEDULED)
@pytest.mark.parametrize("first", [running(3), waiting(3), waiting(4, origin=3)])
def test_skip_drops_beside_one_that_runs_or_waits_or_waits_for_a_retry(
    trigger: Trigger, first: Run
) -> None:
    assert _overlap(f"run {first.id} was going on") == admission(SKIP, [first], trigger)


def test_skip_names_the_one_that_began() -> None:
    going = [waiting(3), running(4)]

    assert _overlap("run 4 was going on") == admission(SKIP, going, Trigger.SCHEDULE)


@pytest.mark.parametrize("first", [running(3), waiting(4, origin=3)])
def test_wait_admits_behind_one_that_goes_on(first: Run) -> None:
    assert ADMITTED == admission(WAIT, [first], Trigger.SCHEDULE)


def test_wait_drops_where_one_waits() -> None:
    going = [running(3), waiting(4)]

    assert _overlap("run 4 was waiting already") == admission(WAIT, going, Trigger.SCHEDULE)


def test_wait_admits_behind_a_caught_up_series() -> None:
    going = [running(3, is_caught_up=True), waiting(4, is_caught_up=True)]

    assert ADMITTED == admission(WAIT, going, Trigger.SCHEDULE)


def test_wait_drops_behind_the_one_that_is_caught_up_alone() -> None:
    task = build_task(overlap=Overlap.WAIT, catch_up=CatchUp.ONE)
    going = [running(3), waiting(4, is_caught_up=True)]

    assert _overlap("run 4 was waiting already") == admission(task, going, Trigger.SCHEDULE)


def test_wait_admits_behind_a_backfill() -> None:
    going = [running(3, Trigger.BACKFILL), waiting(4, Trigger.BACKFILL)]

    assert ADMITTED == admission(WAIT, going, Trigger.SCHEDULE)


def test_allow_admits_without_limit() -> None:
    going = [running(number) for number in range(1, 100)]

    assert ADMITTED == admission(ALLOW, going, Trigger.SCHEDULE)


def test_allow_admits_up_to_max_running() -> None:
    assert ADMITTED == admission(TWO, [running(1)], Trigger.SCHEDULE)


@pytest.mark.parametrize("second", [running(2), waiting(2), waiting(3, origin=2)])
def test_allow_drops_beyond_max_running(second: Run) -> None:
    reason = "2 runs were going on (max_running = 2)"

    assert _overlap(reason) == admission(TWO, [running(1), second], Trigger.SCHEDULE)


def test_allow_counts_one_run_as_one() -> None:
    task = build_task(overlap=Overlap.ALLOW, max_running=1)

    reason = "1 run was going on (max_running = 1)"
    assert _overlap(reason) == admission(task, [running(1)], Trigger.SCHEDULE)


def test_allow_counts_a_caught_up_series_as_one() -> None:
    going = [running(1, is_caught_up=True), *(waiting(n, is_caught_up=True) for n in range(2, 9))]

    assert ADMITTED == admission(TWO, going, Trigger.SCHEDULE)


def test_allow_counts_a_backfill_as_one() -> None:
    going = [running(1, Trigger.BACKFILL), waiting(2, Trigger.BACKFILL)]

    assert ADMITTED == admission(TWO, going, Trigger.SCHEDULE)


def test_allow_counts_a_caught_up_series_and_a_backfill_as_two() -> None:
    going = [running(1, Trigger.BACKFILL), waiting(2, is_caught_up=True)]

    assert Verdict.OVERLAP == admission(TWO, going, Trigger.SCHEDULE).verdict


def test_replace_admits_beside_all() -> None:
    assert ADMITTED == admission(REPLACE, [running(1), waiting(2)], Trigger.SCHEDULE)


# -- startable --------------------------------------------------------------------------------


def _started(task: object, going: list[Run], ready: list[Run] | None = None) -> list[int]:
    chosen = [run for run in going if run.state is State.WAITING] if ready is None else ready
    return _ids(startable(task, going, chosen))  # type: ignore[arg-type]


@pytest.mark.parametrize("task", [SKIP, WAIT, REPLACE], ids=lambda task: str(task.overlap))
def test_nothing_starts_beside_one_that_began(task: object) -> None:
    assert [] == _started(task, [running(1), waiting(2), waiting(3, Trigger.MANUAL)])


@pytest.mark.parametrize("task", [SKIP, WAIT, REPLACE], ids=lambda task: str(task.overlap))
def test_of_those_that_wait_one_starts(task: object) -> None:
    assert [1] == _started(task, [waiting(1), waiting(2), waiting(3)])


def test_what_a_person_asked_for_starts_first() -> None:
    assert [3] == _started(WAIT, [waiting(1), waiting(2), waiting(3, Trigger.MANUAL)])


def test_a_backfill_starts_last() -> None:
    assert [2] == _started(WAIT, [waiting(1, Trigger.BACKFILL), waiting(2)])


def test_a_newcomer_does_not_pass_a_retry_that_waits_for_its_time() -> None:
    going = [waiting(5, origin=1), waiting(2)]

    assert [] == _started(WAIT, going, [going[1]])


def test_a_manual_run_does_not_wait_for_the_time_of_a_retry() -> None:
    going = [waiting(5, origin=1), waiting(2, Trigger.MANUAL)]

    assert [2] == _started(WAIT, going, [going[1]])


def test_a_manual_run_does_not_pass_the_retry_of_a_manual_run() -> None:
    going = [waiting(5, Trigger.MANUAL, origin=1), waiting(2, Trigger.MANUAL)]

    assert [] == _started(WAIT, going, [going[1]])


def test_a_newcomer_starts_behind_a_caught_up_series() -> None:
    going = [waiting(1, is_caught_up=True), waiting(2, is_caught_up=True), waiting(3)]

    assert [1] == _started(WAIT, going)


def test_allow_starts_all() -> None:
    assert [2, 3] == _started(ALLOW, [running(1), waiting(2), waiting(3)])


def test_allow_starts_up_to_max_running() -> None:
    assert [2] == _started(TWO, [running(1), waiting(2), waiting(3)])


def test_allow_starts_none_where_more_run_than_it_says_now() -> None:
    assert [] == _started(TWO, [running(1), running(2), running(3), waiting(4)])


def test_allow_starts_a_caught_up_series_one_after_another() -> None:
    going = [running(1, is_caught_up=True), waiting(2, is_caught_up=True), waiting(3)]

    assert [3] == _started(ALLOW, going)


def test_allow_starts_a_backfill_one_after_another() -> None:
    going = [waiting(1, Trigger.BACKFILL), waiting(2, Trigger.BACKFILL), waiting(3)]

    assert [3, 1] == _started(ALLOW, going)


def test_a_backfill_goes_on_with_the_retry_of_its_first_one() -> None:
    going = [waiting(9, Trigger.BACKFILL, origin=1), waiting(2, Trigger.BACKFILL)]

    assert [9] == _started(ALLOW, going)


def test_allow_lets_a_newcomer_pass_a_retry() -> None:
    going = [waiting(5, origin=1), waiting(2)]

    assert [2] == _started(ALLOW, going, [going[1]])


# -- replace ----------------------------------------------------------------------------------


def _stopped(going: list[Run]) -> list[int]:
    return _ids(to_stop(REPLACE, going, [run for run in going if run.state is State.WAITING]))


@pytest.mark.parametrize("task", [SKIP, WAIT, ALLOW, TWO], ids=lambda task: str(task.overlap))
def test_only_replace_stops(task: object) -> None:
    assert [] == to_stop(task, [running(1), waiting(2)], [waiting(2)])  # type: ignore[arg-type]


def test_replace_stops_what_runs() -> None:
    assert [1] == _stopped([running(1), waiting(2)])


def test_replace_drops_what_waits_and_is_older() -> None:
    assert [1, 2] == _stopped([running(1), waiting(2), waiting(3)])


def test_replace_drops_a_retry_of_the_older_one() -> None:
    assert [2] == _stopped([waiting(2, origin=1), waiting(3)])


def test_a_retry_replaces_nothing() -> None:
    assert [] == _stopped([running(3), waiting(4, origin=1)])


def test_replace_does_not_drop_what_a_person_asked_for() -> None:
    assert [] == _stopped([waiting(1, Trigger.MANUAL), waiting(2)])


def test_replace_stops_a_manual_run_that_began() -> None:
    assert [1] == _stopped([running(1, Trigger.MANUAL), waiting(2)])


def test_a_backfill_replaces_nothing() -> None:
    assert [] == _stopped([running(1), waiting(2, Trigger.BACKFILL)])


def test_a_caught_up_series_replaces_nothing() -> None:
    assert [] == _stopped([running(1), waiting(2, is_caught_up=True)])


def test_one_that_is_not_ready_replaces_nothing_yet() -> None:
    assert [] == to_stop(REPLACE, [running(1), waiting(2)], [])


# -- why --------------------------------------------------------------------------------------


def test_what_waits_behind_another_names_it() -> None:
    going = [running(1), waiting(2)]

    assert {2: "run 1 was going on"} == why_behind(WAIT, going[1:], going)


def test_what_waits_behind_as_many_as_may_run_says_so() -> None:
    going = [running(1), running(2), waiting(3)]

    assert {3: "2 runs were going on (max_running = 2)"} == why_behind(TWO, going[2:], going)


def test_what_waits_alone_waits_for_no_run() -> None:
    assert {} == why_behind(WAIT, [waiting(1)], [waiting(1)])

"""retry: further attempts, their waits on the time since boot, and what ends them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from linod.events import CancelRequested, Outcome, ServeStarted, StartRun, TellEnded
from linod.specs import Overlap, Retry, Task

from .asking import backfill, cancel, disable, pause, run
from .building import World, at, build_pool, build_task, dues, ended, only, starts

FAILED = Outcome.FAILED
BOOT = timedelta(hours=5)


def elapsed(seconds: float) -> timedelta:
    """The time since boot, where the clock was at T five hours after it."""
    return BOOT + timedelta(seconds=seconds)


def build_retry(name: str = "mail", attempts: int = 3, **keys: object) -> Task:
    """Due at 10, 3610, ...; tried again a minute later."""
    retry = Retry(attempts=attempts, delay=timedelta(seconds=60))
    keys = {"recurrence": "every hour", "start": at(10), "retry": retry, **keys}
    return build_task(name, **keys)


def begin(world: World, task: Task, *others: object) -> StartRun:
    """Let the first occurrence run, which is due at 10."""
    world.adopt(at(5), task, *others)  # type: ignore[arg-type]
    (start,) = world.starts(at(10))
    return start


def test_a_retry_waits_for_its_delay(world: World) -> None:
    first = begin(world, build_retry())

    assert starts(settled := world.settle(at(11), ended(first, FAILED))) == []
    assert at(71) == settled.wake
    assert [] == world.starts(at(70.9))
    assert [10] == dues(world.starts(at(71)))


def test_a_retry_is_the_next_attempt_at_the_same_due(world: World) -> None:
    first = begin(world, build_retry())
    world.settle(at(11), ended(first, FAILED))

    (second,) = world.starts(at(71))

    assert (at(10), 2, "schedule") == (second.due, second.attempt, second.trigger)


def test_a_waiting_retry_is_a_row_that_says_so(world: World) -> None:
    first = begin(world, build_retry())
    world.settle(at(11), ended(first, FAILED))

    row = world.runs()[1]

    assert ("waiting", "retry, attempt 2 of 3", 1) == (row.state, row.held, row.series)
    assert (at(71), timedelta(seconds=60)) == (row.planned, row.delay)


def test_the_last_attempt_is_followed_by_none(world: World) -> None:
    first = begin(world, build_retry(attempts=2))
    world.settle(at(11), ended(first, FAILED))
    (second,) = world.starts(at(71))

    world.settle(at(72), ended(second, FAILED))

    assert ["failed", "failed"] == [state for state, _ in world.ends()]


@pytest.mark.parametrize("outcome", [Outcome.SUCCEEDED, Outcome.WARNED, Outcome.CANCELLED])
def test_only_failures_are_retried(world: World, outcome: Outcome) -> None:
    first = begin(world, build_retry())
    world.settle(at(11), ended(first, outcome))

    assert 1 == len(world.runs())


def test_a_timeout_is_retried(world: World) -> None:
    first = begin(world, build_retry())
    world.settle(at(11), ended(first, Outcome.TIMED_OUT))

    assert [10] == dues(world.starts(at(71)))


@pytest.mark.parametrize(
    ("detail", "expected"),
    [
        ({"exception": "ConnectionError", "bases": ["OSError"]}, 2),
        ({"exception": "TimeoutError", "bases": ["OSError", "ConnectionError"]}, 2),
        ({"exception": "ValueError", "bases": ["Exception"]}, 1),
        ({}, 1),
    ],
)
def test_on_names_the_exception_or_a_base(
    world: World, detail: dict[str, object], expected: int
) -> None:
    retry = Retry(attempts=3, on=("ConnectionError",))
    first = begin(world, build_retry(retry=retry))
    world.settle(at(11), ended(first, FAILED, detail=detail))

    assert expected == len(world.runs())


def test_a_clock_set_forward_does_not_hasten_a_retry(world: World) -> None:
    world.adopt(at(5), build_retry(), elapsed=elapsed(5))
    (first,) = world.starts(at(10), elapsed=elapsed(10))
    world.settle(at(11), ended(first, FAILED), elapsed=elapsed(11))

    assert [] == world.starts(at(1800), elapsed=elapsed(70.9))
    assert [10] == dues(world.starts(at(1801), elapsed=elapsed(71)))


def test_a_clock_set_back_does_not_hold_up_a_retry(world: World) -> None:
    world.adopt(at(5), build_retry(), elapsed=elapsed(5))
    (first,) = world.starts(at(10), elapsed=elapsed(10))
    world.settle(at(11), ended(first, FAILED), elapsed=elapsed(11))

    assert [10] == dues(world.starts(at(-3000), elapsed=elapsed(71)))


def test_a_clock_set_forward_and_a_failed_commit_do_not_hasten_a_retry(world: World) -> None:
    world.adopt(at(5), build_retry(), elapsed=elapsed(5))
    (first,) = world.starts(at(10), elapsed=elapsed(10))
    world.settle(at(11), ended(first, FAILED), elapsed=elapsed(11))
    world.fail("undone", at(1800), cancel(1800, "news"), elapsed=elapsed(12))

    assert [] == world.starts(at(1801), elapsed=elapsed(13))
    assert [10] == dues(world.starts(at(1860), elapsed=elapsed(71)))


def test_the_wake_counts_the_wait_on_the_time_since_boot(world: World) -> None:
    world.adopt(at(5), build_retry(), elapsed=elapsed(5))
    (first,) = world.starts(at(10), elapsed=elapsed(10))
    world.settle(at(11), ended(first, FAILED), elapsed=elapsed(11))

    assert at(1059) == world.engine.wake(at(1000), elapsed(12))


def test_over_a_restart_the_stored_end_holds(world: World) -> None:
    first = begin(world, build_retry())
    world.settle(at(11), ended(first, FAILED))
    world.restart()
    world.adopt(at(50), build_retry(), elapsed=timedelta(seconds=1))
    world.settle(at(50), ServeStarted(at=at(50)), elapsed=timedelta(seconds=1))

    assert [] == world.starts(at(70.9), elapsed=timedelta(seconds=21.9))
    assert [10] == dues(world.starts(at(71), elapsed=timedelta(seconds=22)))


def test_over_a_restart_a_wait_is_never_longer_than_it_was(world: World) -> None:
    # The clock stands a day back after the restart: the stored end lies a day ahead.
    first = begin(world, build_retry())
    world.settle(at(11), ended(first, FAILED))
    world.restart()
    world.adopt(at(-86_400), build_retry(), elapsed=timedelta(0))

    assert [] == world.starts(at(-86_341), elapsed=timedelta(seconds=59))
    assert [10] == dues(world.starts(at(-86_340), elapsed=timedelta(seconds=60)))


def test_over_a_restart_a_wait_that_is_over_starts_at_once(world: World) -> None:
    first = begin(world, build_retry())
    world.settle(at(11), ended(first, FAILED))
    world.restart()
    world.adopt(at(600), build_retry(), elapsed=timedelta(0))

    assert [10] == dues(world.starts(at(600), ServeStarted(at=at(600)), elapsed=timedelta(0)))


def test_a_retry_older_than_the_window_is_missed_at_the_next_start(world: World) -> None:
    first = begin(world, build_retry())
    world.settle(at(11), ended(first, FAILED))
    world.restart()
    world.adopt(at(71 + 86_401), build_retry())

    assert ("cancelled", "missed") == world.ends()[1]


def test_a_retry_starts_on_the_definition_of_then(world: World) -> None:
    first = begin(world, build_retry())
    world.settle(at(11), ended(first, FAILED))
    world.adopt(at(12), build_retry(timeout=timedelta(seconds=7)))

    (second,) = world.starts(at(71))

    assert timedelta(seconds=7) == second.task.timeout


def test_a_reload_without_retry_leaves_the_one_that_waits(world: World) -> None:
    first = begin(world, build_retry())
    world.settle(at(11), ended(first, FAILED))
    world.adopt(at(12), build_retry(retry=Retry()))

    assert [10] == dues(world.starts(at(71)))


def test_a_reload_of_another_rule_leaves_the_one_that_waits(world: World) -> None:
    first = begin(world, build_retry())
    world.settle(at(11), ended(first, FAILED))
    world.adopt(at(12), build_retry(recurrence="every 2 hours"))

    assert [10] == dues(world.starts(at(71)))


def test_a_waiting_retry_holds_no_place_in_a_pool(world: World) -> None:
    other = build_task("other", "every hour", start=at(20), pool="one")
    first = begin(world, build_retry(pool="one"), other, build_pool("one", 1))
    world.settle(at(11), ended(first, FAILED))

    assert [20] == dues(world.starts(at(20)))


def test_a_retry_waits_for_a_place_like_any_other(world: World) -> None:
    other = build_task("other", "every hour", start=at(20), pool="one")
    first = begin(world, build_retry(pool="one"), other, build_pool("one", 1))
    world.settle(at(11), ended(first, FAILED))
    (second,) = world.starts(at(20))

    assert [] == world.starts(at(71))
    assert 'pool "one" was full (1 of 1)' == world.runs()[1].held
    assert [10] == dues(world.starts(at(80), ended(second)))


def test_a_manual_run_has_retries_of_its_own(world: World) -> None:
    first = begin(world, build_retry(attempts=2))
    world.settle(at(11), ended(first, FAILED))
    (second,) = world.starts(at(71))
    world.settle(at(72), ended(second, FAILED))
    (third,) = world.starts(at(80), run(80, due=10))
    world.settle(at(81), ended(third, FAILED))

    (fourth,) = world.starts(at(141))

    assert (at(10), 4, "manual", "alice") == (
        fourth.due,
        fourth.attempt,
        fourth.trigger,
        world.runs()[3].by,
    )


def test_a_backfill_has_retries_of_its_own(world: World) -> None:
    first = begin(world, build_retry(attempts=2))
    world.settle(at(11), ended(first, Outcome.CANCELLED))
    (second,) = world.starts(at(20), backfill(20, 0, 15))
    world.settle(at(21), ended(second, FAILED))

    assert [(10, "backfill")] == [(dues([each])[0], each.trigger) for each in world.starts(at(81))]


def test_a_manual_run_does_not_wait_for_a_retry(world: World) -> None:
    first = begin(world, build_retry())
    world.settle(at(11), ended(first, FAILED))

    assert [20] == dues(world.starts(at(20), run(20)))


def test_what_is_due_while_a_retry_waits_waits_behind_it(world: World) -> None:
    task = build_retry(recurrence="every 30 seconds", overlap=Overlap.WAIT)
    first = begin(world, task)
    world.settle(at(11), ended(first, FAILED))

    assert [] == world.starts(at(40))
    (second,) = world.starts(at(71))
    assert [10] == dues([second])
    assert [40] == dues(world.starts(at(72), ended(second)))


def test_each_attempt_is_told(world: World) -> None:
    first = begin(world, build_retry())

    told = only(world.settle(at(11), ended(first, FAILED, reason="ValueError: no")), TellEnded)

    assert (1, FAILED, "ValueError: no") == (told.attempt, told.outcome, told.reason)


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (cancel(20, "mail"), "cancelled by alice"),
        (cancel(20, run=2), "cancelled by alice"),
        (pause(20, "mail"), "paused by alice"),
        (pause(20), "all tasks paused by alice"),
        (disable(20, "mail", reason="broken"), 'disabled by alice: "broken"'),
    ],
)
def test_a_retry_that_waits_is_ended_by_a_person(
    world: World, request_: CancelRequested, reason: str
) -> None:
    first = begin(world, build_retry())
    world.settle(at(11), ended(first, FAILED))
    world.settle(at(20), request_)

    assert ("cancelled", reason) == world.ends()[1]
    assert [] == world.starts(at(80))


@pytest.mark.parametrize("request_", [pause(10.5, "mail"), disable(10.5, "mail"), pause(10.5)])
def test_a_failure_while_held_back_is_not_retried(world: World, request_: object) -> None:
    first = begin(world, build_retry())
    world.settle(at(10.5), request_)  # type: ignore[arg-type]
    world.settle(at(11), ended(first, FAILED))

    assert 1 == len(world.runs())


def test_a_manual_run_of_a_paused_task_is_retried(world: World) -> None:
    world.adopt(at(5), build_retry())
    (first,) = world.starts(at(6), pause(6, "mail"), run(6))
    world.settle(at(7), ended(first, FAILED))

    assert [6] == dues(world.starts(at(67)))


def test_a_cancelled_run_that_fails_by_itself_is_not_retried(world: World) -> None:
    first = begin(world, build_retry())
    world.settle(at(11), cancel(11, "mail"))
    world.settle(at(12), ended(first, FAILED))

    assert [("failed", "")] == world.ends()


def test_a_task_removed_meanwhile_is_not_retried(world: World) -> None:
    first = begin(world, build_retry())
    world.adopt(at(11), build_task("other"))
    world.settle(at(12), ended(first, FAILED))

    assert 1 == len(world.runs())


def test_while_linod_drains_a_retry_is_kept_for_the_next_start(world: World) -> None:
    first = begin(world, build_retry())
    world.engine.drain()
    world.settle(at(11), ended(first, FAILED))
    world.restart()
    world.adopt(at(80), build_retry())

    assert [10] == dues(world.starts(at(80), ServeStarted(at=at(80))))


@pytest.mark.parametrize("fault", ["undone", "unknown"])
def test_a_retry_whose_commit_fails_is_made_once(world: World, fault: str) -> None:
    first = begin(world, build_retry())
    world.fail(fault, at(11), ended(first, FAILED))
    world.settle(at(11.5), ended(first, FAILED))

    assert ["failed", "waiting"] == [state for state, _ in world.ends()]
    assert [10] == dues(world.starts(at(71.5)))


@pytest.mark.parametrize("fault", ["undone", "unknown"])
def test_a_retry_whose_start_fails_is_started_once(world: World, fault: str) -> None:
    first = begin(world, build_retry())
    world.settle(at(11), ended(first, FAILED))
    world.fail(fault, at(71))

    assert [10] == dues(world.starts(at(71.5)))
    assert [] == world.starts(at(72))

"""continuously: due a second or a cooldown after the former end."""

from __future__ import annotations

from datetime import timedelta

import pytest

from linod.events import Event, Outcome, ServeStarted, StartRun
from linod.specs import Chain, Cooldown, Overlap, Retry, Task

from .asking import accept_clock, cancel, disable, enable, pause, resume, run
from .building import World, at, build_chain, build_task, dues, ended, members, names, starts

FAILED = Outcome.FAILED


def build_loop(**keys: object) -> Task:
    return build_task(recurrence="continuously", **keys)


def begin(world: World, *parts: Task | Chain, **keys: object) -> list[StartRun]:
    world.adopt(at(5), *(parts or (build_loop(**keys),)))
    return go(world, 6, ServeStarted(at=at(6)))


def go(
    world: World, seconds: float, *events: Event, elapsed: float | None = None
) -> list[StartRun]:
    """Settle until nothing is due any more, as the daemon does; return what starts."""
    boot = None if elapsed is None else timedelta(seconds=elapsed)
    settled = world.settle(at(seconds), *events, elapsed=boot)
    found = starts(settled)
    while settled.wake is not None and settled.wake <= at(seconds):
        settled = world.settle(at(seconds), elapsed=boot)
        found += starts(settled)
    return found


def test_it_begins_when_the_daemon_is_ready(world: World) -> None:
    (start,) = begin(world)

    assert ("mail", at(6), "event") == (start.task.name, start.due, start.trigger)


def test_it_is_due_a_second_after_its_end(world: World) -> None:
    (start,) = begin(world)
    world.settle(at(10), ended(start, ended=at(10)))

    assert [] == go(world, 10.9)
    assert [11] == dues(go(world, 11))


def test_its_end_wakes_the_engine(world: World) -> None:
    (start,) = begin(world)

    assert at(11) == world.settle(at(10), ended(start, ended=at(10))).wake


@pytest.mark.parametrize(
    ("outcome", "expected"), [(Outcome.SUCCEEDED, 30), (FAILED, 70), (Outcome.CANCELLED, 11)]
)
def test_it_is_due_a_cooldown_after_its_end(
    world: World, outcome: Outcome, expected: float
) -> None:
    rest = Cooldown(success=timedelta(seconds=20), failure=timedelta(seconds=60))
    (start,) = begin(world, cooldown=rest)
    world.settle(at(10), ended(start, outcome, ended=at(10)))

    assert [] == go(world, expected - 0.1)
    assert [expected] == dues(go(world, expected))


def test_a_cooldown_below_a_second_is_a_second(world: World) -> None:
    (start,) = begin(world, cooldown=Cooldown(success=timedelta(milliseconds=5)))
    world.settle(at(10), ended(start, ended=at(10)))

    assert [] == go(world, 10.9)


def test_an_end_heard_late_makes_it_due_at_once_and_not_in_the_past(world: World) -> None:
    (start,) = begin(world)

    assert [20] == dues(go(world, 20, ended(start, ended=at(10))))


def test_each_due_has_a_decision_of_its_own(world: World) -> None:
    (start,) = begin(world)
    for each in (10, 20):
        world.settle(at(each), ended(start, ended=at(each)))
        (start,) = go(world, each + 1)

    assert [(6, 6, 1, "admitted"), (11, 11, 1, "admitted"), (21, 21, 1, "admitted")] == (
        world.decisions()
    )


def test_a_retry_comes_before_the_next_due(world: World) -> None:
    (start,) = begin(world, retry=Retry(attempts=2, delay=timedelta(seconds=30)))
    world.settle(at(10), ended(start, FAILED))

    assert [] == go(world, 39)
    (second,) = go(world, 40)
    assert (at(6), 2) == (second.due, second.attempt)
    world.settle(at(41), ended(second, FAILED, ended=at(41)))
    assert [42] == dues(go(world, 42))


def test_a_manual_run_counts_as_its_former_run(world: World) -> None:
    (start,) = begin(world)
    (manual,) = go(world, 10, ended(start), run(10))

    assert [] == go(world, 15)
    world.settle(at(20), ended(manual, ended=at(20)))
    assert [21] == dues(go(world, 21))


def test_none_is_due_while_it_is_paused(world: World) -> None:
    (start,) = begin(world)
    world.settle(at(10), pause(10, "mail"), ended(start))

    assert [] == go(world, 100)
    assert 1 == len(world.decisions())


def test_a_resume_makes_it_due_again(world: World) -> None:
    (start,) = begin(world)
    world.settle(at(10), pause(10, "mail"))
    world.settle(at(11), ended(start))
    world.settle(at(12.5))

    assert [20] == dues(go(world, 20, resume(20, "mail")))


def test_the_end_of_a_pause_makes_it_due_again(world: World) -> None:
    (start,) = begin(world)
    world.settle(at(10), pause(10, "mail", until=60))
    world.settle(at(11), ended(start))
    world.settle(at(13))

    assert [60] == dues(go(world, 60))


def test_the_end_of_a_pause_of_all_makes_it_due_again(world: World) -> None:
    (start,) = begin(world)
    world.settle(at(10), pause(10, until=60))
    world.settle(at(11), ended(start))
    world.settle(at(13))

    assert [60] == dues(go(world, 60))


def test_none_is_due_while_it_is_disabled(world: World) -> None:
    (start,) = begin(world)
    world.settle(at(10), disable(10, "mail"), ended(start))
    world.settle(at(13))

    assert [] == go(world, 100)
    assert [101] == dues(go(world, 101, enable(101, "mail")))


def test_failures_that_disable_it_end_the_loop(world: World) -> None:
    (start,) = begin(world, disable_after=1)
    world.settle(at(10), ended(start, FAILED))

    assert [] == go(world, 100)


def test_a_cancel_does_not_end_the_loop(world: World) -> None:
    (start,) = begin(world)
    world.settle(at(10), cancel(10, "mail"))
    world.settle(at(11), ended(start, Outcome.CANCELLED, ended=at(11)))

    assert [12] == dues(go(world, 12))


def test_an_edit_does_not_fire_it_before_its_time(world: World) -> None:
    rest = Cooldown(success=timedelta(seconds=60))
    (start,) = begin(world, cooldown=rest)
    world.settle(at(10), ended(start, ended=at(10)))

    assert [] == starts(world.adopt(at(20), build_loop(cooldown=rest, timeout=timedelta(1))))
    assert [] == go(world, 69)
    assert [70] == dues(go(world, 70))


def test_a_reload_keeps_the_loop_of_a_run_that_goes_on(world: World) -> None:
    (start,) = begin(world)
    world.adopt(at(10), build_loop())

    assert [] == go(world, 15)
    world.settle(at(20), ended(start, ended=at(20)))
    assert [21] == dues(go(world, 21))


def test_a_task_that_runs_continuously_since_a_reload_begins(world: World) -> None:
    world.adopt(at(5), build_task("other"))
    world.settle(at(6), ServeStarted(at=at(6)))
    world.adopt(at(7), build_loop())

    assert [7] == dues(go(world, 7))


def test_a_restart_goes_on_where_it_was(world: World) -> None:
    rest = Cooldown(success=timedelta(seconds=60))
    (start,) = begin(world, cooldown=rest)
    world.settle(at(10), ended(start, ended=at(10)))
    world.restart()
    world.adopt(at(20), build_loop(cooldown=rest))

    assert [] == go(world, 20, ServeStarted(at=at(20)))
    assert [70] == dues(go(world, 70))


def test_a_hand_over_goes_on_though_it_is_no_start_of_its_own(world: World) -> None:
    (start,) = begin(world)
    world.settle(at(10), ended(start, ended=at(10)))
    world.restart()
    world.adopt(at(10.5), build_loop())

    assert [11] == dues(go(world, 11))


def test_over_a_restart_the_wait_is_never_longer_than_it_was(world: World) -> None:
    # The clock stands an hour back after the restart.
    rest = Cooldown(success=timedelta(seconds=60))
    (start,) = begin(world, cooldown=rest)
    world.settle(at(10), ended(start, ended=at(10)))
    world.restart()
    world.adopt(at(-3600), build_loop(cooldown=rest), elapsed=timedelta(0))
    world.settle(at(-3600), ServeStarted(at=at(-3600)), elapsed=timedelta(0))

    assert ["mail"] == names(go(world, -3540, elapsed=60))


def test_a_long_stop_is_not_made_up_for(world: World) -> None:
    (start,) = begin(world)
    world.settle(at(10), ended(start, ended=at(10)))
    world.restart()
    world.adopt(at(100_000), build_loop())

    assert [100_000] == dues(go(world, 100_000, ServeStarted(at=at(100_000))))
    assert 2 == len(world.decisions())


def test_one_that_waits_for_a_place_is_not_due_again(world: World) -> None:
    world.adopt(at(5), build_task("other", "at start"), build_loop(), max_running=1)
    world.settle(at(6), ServeStarted(at=at(6)))

    assert [] == go(world, 100)
    assert 1 == len(world.decisions())


def test_a_clock_set_forward_does_not_hasten_it(world: World) -> None:
    rest = Cooldown(success=timedelta(seconds=60))
    world.adopt(at(5), build_loop(cooldown=rest), elapsed=timedelta(seconds=5))
    (start,) = go(world, 6, ServeStarted(at=at(6)), elapsed=6)
    world.settle(at(10), ended(start, ended=at(10)), elapsed=timedelta(seconds=10))

    assert [] == go(world, 5000, elapsed=69)
    assert [5000] == dues(go(world, 5000, elapsed=70))


def test_a_clock_set_back_does_not_hold_it_up(world: World) -> None:
    world.adopt(at(5), build_loop(), elapsed=timedelta(seconds=5))
    (start,) = go(world, 6, ServeStarted(at=at(6)), elapsed=6)
    world.settle(at(10), ended(start, ended=at(10)), elapsed=timedelta(seconds=10))

    assert [-3600] == dues(go(world, -3600, elapsed=11))


def test_a_run_that_waits_for_a_clock_that_was_ahead_does_not_end_the_loop(world: World) -> None:
    # Its spread holds back the first run by 7 s when the clock is set back by an hour.
    loop = build_loop(spread=timedelta(seconds=60))
    world.adopt(at(5), loop, elapsed=timedelta(seconds=5))
    assert [] == go(world, 6, ServeStarted(at=at(6)), elapsed=6)
    world.settle(at(-3600), accept_clock(-3600), elapsed=timedelta(seconds=7))

    world.settle(at(-3600), elapsed=timedelta(seconds=7))

    assert ["mail"] == names(go(world, -3590, elapsed=17))


def test_a_chain_runs_continuously(world: World) -> None:
    chain = build_chain("a", "b", recurrence="continuously")
    (first,) = begin(world, chain, *members("a", "b"))
    (second,) = go(world, 10, ended(first))
    world.settle(at(20), ended(second))

    assert [("a", 21)] == [(start.task.name, dues([start])[0]) for start in go(world, 21)]


def test_a_chain_rests_by_the_outcome_of_its_last_member(world: World) -> None:
    # As in yourlabs.runner: five minutes after a success, twenty after a failure.
    rest = Cooldown(success=timedelta(minutes=5), failure=timedelta(minutes=20))
    member = build_task(recurrence="manually", cooldown=rest)
    world.adopt(at(5), build_chain("mail", recurrence="continuously"), member)
    (first,) = go(world, 6, ServeStarted(at=at(6)))
    world.settle(at(10), ended(first, FAILED, ended=at(10)))

    assert [] == go(world, 10 + 1199)
    assert ["mail"] == names(go(world, 10 + 1200))


def test_it_is_due_by_the_calendar_too(world: World) -> None:
    task = build_task(recurrence=["continuously", "every hour"], overlap=Overlap.WAIT)
    (start,) = begin(world, task)

    assert [] == go(world, 3600)
    assert [3600] == dues(go(world, 3601, ended(start)))


@pytest.mark.parametrize("fault", ["undone", "unknown"])
def test_it_goes_on_where_a_commit_fails(world: World, fault: str) -> None:
    (start,) = begin(world)
    world.fail(fault, at(10), ended(start, ended=at(10)))
    world.settle(at(10.2), ended(start, ended=at(10)))
    world.fail(fault, at(11.2))

    assert ["mail"] == names(go(world, 11.7))
    assert 2 == len(world.runs())


def test_while_linod_drains_none_is_due(world: World) -> None:
    (start,) = begin(world)
    world.engine.drain()
    world.settle(at(10), ended(start))

    assert [] == go(world, 100)


def test_one_that_is_not_enabled_is_never_due(world: World) -> None:
    assert [] == begin(world, enabled=False)
    assert [] == go(world, 100)
    assert [] == world.decisions()

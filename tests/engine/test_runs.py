"""How runs begin, wait and end: leases, requests, cancels, starts of the daemon, failed commits."""

from __future__ import annotations

import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest
from attrs import evolve

from linod.events import (
    Answer,
    CancelRequested,
    Outcome,
    RunNeverStarted,
    RunRequested,
    ServeStarted,
    State,
    StopRun,
    TellEnded,
    TellStarted,
)
from linod.store.interface import StoreError

from .building import World, at, build_task, ended, only, started, starts


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "linod.db")


def request(seconds: float, task: str = "mail") -> RunRequested:
    return RunRequested(request=1, task=task, by="alice", at=at(seconds))


def cancel(run: int | None = None, task: str | None = None) -> CancelRequested:
    return CancelRequested(request=2, run=run, task=task, by="bob", at=at(0))


def test_a_start_is_recorded_and_told_with_its_lateness(world: World) -> None:
    world.adopt(at(5), build_task())
    (start,) = world.starts(at(10))

    told = only(world.settle(at(10.1), started(start, at(10.002))), TellStarted)

    assert told.late_s == 0.002


def test_an_end_that_comes_first_tells_of_the_begin_as_well(world: World) -> None:
    world.adopt(at(5), build_task())
    (start,) = world.starts(at(10))

    settled = world.settle(
        at(13), ended(start, worker="7:8", started=at(10.5), ended=at(12.5)), started(start, at(11))
    )

    assert only(settled, TellStarted).late_s == 0.5
    assert [(row.state, row.started, row.worker) for row in settled.rows] == [
        (State.RUNNING, at(10.5), "7:8"),
        (Outcome.SUCCEEDED, at(10.5), "7:8"),
    ]
    assert world.store.run(start.run) == settled.rows[-1]


def test_a_begin_that_was_told_is_not_told_again_with_the_end(world: World) -> None:
    world.adopt(at(5), build_task())
    (start,) = world.starts(at(10))
    world.settle(at(11), started(start, at(10.5)))

    settled = world.settle(at(13), ended(start, worker="1:2", started=at(10.5), ended=at(12.5)))

    assert [row.state for row in settled.rows] == [Outcome.SUCCEEDED]
    assert not any(isinstance(effect, TellStarted) for effect in settled.effects)


def test_an_end_of_another_lease_tells_of_no_begin(world: World) -> None:
    world.adopt(at(5), build_task())
    (start,) = world.starts(at(10))
    other = evolve(start, lease="other")

    settled = world.settle(at(13), ended(other, worker="7:8", started=at(10.5)))

    assert (settled.rows, settled.effects) == ((), ())
    assert world.engine.unfinished()[0].state is State.STARTING


def test_an_end_is_told_with_what_comes_next(world: World) -> None:
    world.adopt(at(5), build_task())
    (start,) = world.starts(at(10))

    told = only(world.settle(at(13), ended(start, started=at(10.5), ended=at(12.5))), TellEnded)

    assert (2.0, 0.5, at(20)) == (told.took_s, told.late_s, told.next_due)


def test_a_second_end_is_not_heard(world: World) -> None:
    world.adopt(at(5), build_task())
    (start,) = world.starts(at(10))
    world.settle(at(11), ended(start, Outcome.LOST))

    assert world.settle(at(12), ended(start)).effects == ()


def test_an_end_before_its_start_is_set_right(world: World) -> None:
    world.adopt(at(5), build_task())
    (start,) = world.starts(at(10))

    told = only(world.settle(at(13), ended(start, started=at(12), ended=at(3))), TellEnded)

    assert told.took_s == 0.0


def test_a_manual_run_starts_at_once(world: World) -> None:
    world.adopt(at(5), build_task(recurrence="manually"))

    settled = world.settle(at(7), request(7))

    (start,) = starts(settled)
    assert ("manual", at(7)) == (start.trigger, start.due)
    assert (start.run,) == only(settled, Answer).runs
    assert world.store.decisions("mail")[0].by == "alice"


def test_a_manual_run_waits_for_the_one_that_goes_on(world: World) -> None:
    world.adopt(at(5), build_task())
    (first,) = world.starts(at(10))
    settled = world.settle(at(11), request(11))

    assert starts(settled) == []
    (second,) = world.starts(at(12), ended(first))
    assert only(settled, Answer).runs == (second.run,)


def test_a_scheduled_occurrence_is_skipped_while_a_manual_run_waits(world: World) -> None:
    world.adopt(at(5), build_task())
    (first,) = world.starts(at(10))
    world.settle(at(11), request(11))

    (second,) = world.starts(at(20), ended(first))

    assert second.trigger == "manual"
    assert world.decisions()[-1] == (20, 20, 1, "overlap")


def test_the_hundred_and_first_waiting_run_is_refused(world: World) -> None:
    world.adopt(at(5), build_task(recurrence="manually"))
    for n in range(101):
        world.settle(at(6), request(6 + n / 1000))

    answer = only(world.settle(at(7), request(7)), Answer)

    assert answer.refusal == "100 runs of mail wait already"


def test_an_unknown_task_is_refused(world: World) -> None:
    world.adopt(at(5), build_task())

    assert (
        only(world.settle(at(6), request(6, "male")), Answer).refusal == 'there is no task "male"'
    )


def test_the_same_request_twice_is_one_run(world: World) -> None:
    world.adopt(at(5), build_task(recurrence="manually"))
    first = only(world.settle(at(6), request(6)), Answer)

    assert first == only(world.settle(at(7), request(6)), Answer)
    assert len(world.store.runs()) == 1


def test_a_disabled_task_can_be_run_by_hand(world: World) -> None:
    world.adopt(at(5), build_task(enabled=False))

    assert len(world.starts(at(6), request(6))) == 1


def test_linod_switched_off_refuses_a_manual_run(world: World) -> None:
    world.adopt(at(5), build_task(), is_enabled=False)

    answer = only(world.settle(at(6), request(6)), Answer)

    assert answer.refusal == "linod is switched off"


def test_cancel_stops_what_runs_and_drops_what_waits(world: World) -> None:
    world.adopt(at(5), build_task(recurrence="manually"))
    (first,) = world.starts(at(6), request(6))
    world.settle(at(7), request(7))

    settled = world.settle(at(8), cancel(task="mail"))

    assert only(settled, Answer).runs == (1, 2)
    stop = only(settled, StopRun)
    assert (first.run, first.lease, "cancelled by bob") == (stop.run, stop.lease, stop.reason)
    assert [run.outcome for run in world.store.runs() if run.outcome] == [Outcome.CANCELLED]


def test_cancel_says_why_there_is_nothing_to_cancel(world: World) -> None:
    world.adopt(at(5), build_task())
    (start,) = world.starts(at(10))
    world.settle(at(11), ended(start))

    refusals = [
        only(world.settle(at(12), event), Answer).refusal
        for event in (cancel(run=1), cancel(run=9), cancel(task="mail"), cancel(task="x"))
    ]

    assert refusals == [
        "run 1 has ended: succeeded",
        "there is no run 9",
        "no run of mail is going on",
        'there is no task "x"',
    ]


def test_at_start_is_due_when_the_daemon_is_ready(world: World) -> None:
    world.adopt(at(5), build_task(recurrence="at start"))

    (start,) = world.starts(at(6), ServeStarted(at=at(5.5)))

    assert (at(5.5), "event") == (start.due, start.trigger)


def test_at_start_does_not_fire_at_a_reload(world: World) -> None:
    world.adopt(at(5), build_task(recurrence="at start"))
    (start,) = world.starts(at(6), ServeStarted(at=at(5.5)))
    world.settle(at(7), ended(start))

    assert starts(world.adopt(at(8), build_task(recurrence="at start"))) == []
    assert world.starts(at(100)) == []


def test_the_same_serve_starts_a_task_once(world: World) -> None:
    world.adopt(at(5), build_task(recurrence="at start"))
    (start,) = world.starts(at(6), ServeStarted(at=at(5.5)))
    world.settle(at(7), ended(start))

    assert world.starts(at(8), ServeStarted(at=at(5.5))) == []


def test_a_waiting_run_survives_a_restart(world: World) -> None:
    world.adopt(at(5), build_task())
    (first,) = world.starts(at(10))
    world.settle(at(11), request(11))
    world.restart()
    world.adopt(at(12), build_task())

    (second,) = world.starts(at(13), ended(first, Outcome.LOST), ServeStarted(at=at(13)))

    assert ("manual", at(11)) == (second.trigger, second.due)


def test_a_run_that_waited_too_long_is_dropped(world: World) -> None:
    world.adopt(at(5), build_task(recurrence="manually"))
    (first,) = world.starts(at(10), request(10))
    world.settle(at(11), request(11))
    world.restart()
    world.adopt(at(200_000), build_task(recurrence="manually"))

    world.settle(at(200_000), ServeStarted(at=at(200_000)))

    (waited,) = [run for run in world.store.runs() if run.id != first.run]
    assert (waited.outcome, waited.reason) == (Outcome.CANCELLED, "missed")


def test_a_run_that_never_started_is_tried_again_at_once(world: World) -> None:
    world.adopt(at(5), build_task())
    (first,) = world.starts(at(10))
    world.restart()
    world.adopt(at(12), build_task())

    (second,) = world.starts(at(12), RunNeverStarted(run=first.run, lease=first.lease))

    assert (at(10), 2) == (second.due, second.attempt)
    lost = world.store.run(first.run)
    assert lost is not None
    assert (lost.outcome, lost.reason) == (Outcome.LOST, "never started")


def test_what_waits_of_a_removed_task_is_dropped(world: World) -> None:
    world.adopt(at(5), build_task())
    world.settle(at(10))
    world.settle(at(11), request(11))

    world.adopt(at(12), build_task("other"))

    assert world.store.runs()[0].reason == "the task was removed"


def test_a_draining_engine_starts_nothing_and_hears_ends(world: World) -> None:
    world.adopt(at(5), build_task())
    (start,) = world.starts(at(10))
    world.settle(at(11), request(11))
    world.engine.drain()

    settled = world.settle(at(20), ended(start), request(20))

    assert starts(settled) == []
    assert settled.wake is None
    assert only(settled, Answer).refusal == "linod is stopping"
    assert only(settled, TellEnded).outcome == Outcome.SUCCEEDED


def test_what_fell_due_while_draining_runs_at_the_next_start(world: World) -> None:
    world.adopt(at(5), build_task())
    world.engine.drain()
    world.settle(at(10))
    world.restart()
    world.adopt(at(12), build_task())

    assert [at(10)] == [each.due for each in world.starts(at(12))]


def test_a_locked_store_loses_nothing(world: World, tmp_path: Path) -> None:
    world.adopt(at(5), build_task())
    foreign = sqlite3.connect(tmp_path / "linod.db", isolation_level=None)
    foreign.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError):
        world.settle(at(10))
    foreign.execute("ROLLBACK")

    assert [at(10)] == [each.due for each in world.starts(at(11))]
    assert world.decisions() == [(10, 10, 1, "admitted")]


def test_an_adoption_that_fails_leaves_the_old_configuration(world: World, tmp_path: Path) -> None:
    world.adopt(at(5), build_task())
    foreign = sqlite3.connect(tmp_path / "linod.db", isolation_level=None)
    foreign.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError):
        world.adopt(at(7), build_task("other"))
    foreign.execute("ROLLBACK")

    assert [each.task.name for each in world.starts(at(10))] == ["mail"]


def test_secrets_do_not_reach_the_store(world: World) -> None:
    from linod.specs import Reference

    token = Reference("hunter2", {"env": "TOKEN"}, is_secret=True)
    task = build_task(recurrence="manually", timeout=timedelta(seconds=1))
    task = type(task)(name=task.name, procedure="a.b", arguments={"token": token, "n": [token, 1]})
    world.adopt(at(5), task)
    world.settle(at(6), request(6))

    assert world.store.runs()[0].arguments == "token = ***, n = [***, 1]"

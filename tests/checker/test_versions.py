"""What an edit of the configuration changes, and from when on."""

from __future__ import annotations

from datetime import time, timedelta

from .building import all_ran, at, begun, build, decided, found, ran, row, task, version
from .history import Adopted, Outage, Task, Version
from .oracle import Events, Every

EVERY_SEVEN = (Every(seconds=7, anchor=at(0)),)
RESTART = (Outage(begin=at(31), end=at(45), is_restart=True),)


def edited(*versions: Version) -> tuple[Task, ...]:
    return (Task(name="mail", versions=versions),)


def test_a_new_schedule_holds_from_its_adoption_on() -> None:
    tasks = edited(version(0), version(35, EVERY_SEVEN))

    assert found(build(all_ran(10, 20, 30, 42, 49, 56, 63), tasks=tasks)) == []


def test_an_old_schedule_holds_no_more_after_the_adoption_of_another() -> None:
    tasks = edited(version(0), version(35, EVERY_SEVEN))

    assert found(build(all_ran(10, 20, 30, 40, 42, 49, 56, 63), tasks=tasks)) == [("phantom", 40)]


def test_a_new_schedule_has_nothing_from_before_its_adoption() -> None:
    tasks = edited(version(0), version(38, EVERY_SEVEN))

    assert found(build(all_ran(10, 20, 30, 35, 42, 49, 56, 63), tasks=tasks)) == [("phantom", 35)]


def test_an_old_schedule_is_settled_up_to_the_adoption_of_another() -> None:
    tasks = edited(version(0), version(38, EVERY_SEVEN))

    assert ("undecided", 30) in found(build(all_ran(10, 20, 42, 49, 56, 63), tasks=tasks))


def test_an_adoption_may_have_been_earlier_by_the_tolerance() -> None:
    tasks = edited(version(0), version(30.5, EVERY_SEVEN))

    assert found(build(all_ran(10, 20, 35, 42, 49, 56, 63), tasks=tasks)) == []


def test_a_removed_task_is_due_no_more() -> None:
    tasks = edited(version(0), version(35, None))

    assert found(build(all_ran(10, 20, 30), tasks=tasks)) == []


def test_a_task_that_comes_back_begins_then() -> None:
    tasks = edited(version(0), version(25, None), version(45))

    assert found(build(all_ran(10, 20, 50, 60), tasks=tasks)) == []


def test_an_edit_of_policies_moves_no_due() -> None:
    tasks = edited(version(0), version(35, overlap="allow"))

    assert found(build(all_ran(10, 20, 30, 40, 50, 60), tasks=tasks)) == []


def test_a_policy_holds_from_its_adoption_on() -> None:
    tasks = edited(version(0), version(35, overlap="allow"))
    entries = [*all_ran(10, 20, 30), *ran(40, took=15), *ran(50, took=15), *ran(60)]

    assert found(build(entries, tasks=tasks)) == []


def test_a_policy_does_not_hold_before_its_adoption() -> None:
    tasks = edited(version(0), version(35, overlap="allow"))
    entries = [*ran(10), *ran(20, took=12), *all_ran(30, 40, 50, 60)]

    assert ("overlapping", 30) in found(build(entries, tasks=tasks))


def test_what_waits_for_its_window_is_judged_by_the_schedule_of_the_time() -> None:
    allowed = ((time(7, 0, 50), time(8, 0)),)
    tasks = (
        Task(
            name="load",
            versions=(
                version(0, allowed=allowed, after=("mail",)),
                version(31, (Events(),), allowed=allowed, after=("mail",)),
            ),
        ),
        task(),
    )
    outside = decided(10, "outside allowed", task="load", last=30, count=3)
    waits = [
        *decided(25, "admitted", task="load"),
        *row(25, task="load", trigger="after", queued=32, planned=50, started=50, ended=51),
        *begun(25, 50, 1, task="load"),
    ]

    assert found(build(all_ran(10, 20, 30, 40, 50, 60), outside, waits, tasks=tasks)) == []


def test_what_a_daemon_with_another_schedule_finds_undecided_is_superseded() -> None:
    tasks = edited(version(0), version(45, EVERY_SEVEN))
    entries = [*all_ran(10, 20, 30), *decided(40, "superseded"), *all_ran(49, 56, 63)]

    assert found(build(entries, tasks=tasks, outages=RESTART)) == []


def test_an_edit_never_fires_what_the_old_schedule_left_undecided() -> None:
    tasks = edited(version(0), version(45, EVERY_SEVEN))
    entries = [*all_ran(10, 20, 30), *ran(40, 45), *all_ran(49, 56, 63)]

    assert found(build(entries, tasks=tasks, outages=RESTART)) == [("phantom", 40)]


def test_a_reload_supersedes_nothing() -> None:
    tasks = edited(version(0), version(45, EVERY_SEVEN))
    entries = [*all_ran(10, 20, 30), *decided(40, "superseded"), *all_ran(49, 56, 63)]

    assert found(build(entries, tasks=tasks)) == [("missed", 40)]


def test_a_daemon_with_the_same_schedule_supersedes_nothing() -> None:
    tasks = edited(version(0), version(45, overlap="allow"))
    entries = [*all_ran(10, 20, 30), *decided(40, "superseded"), *all_ran(50, 60)]

    assert found(build(entries, tasks=tasks, outages=RESTART)) == [("missed", 40)]


def test_what_a_daemon_found_young_enough_may_begin_though_the_window_was_edited() -> None:
    tasks = edited(
        version(0, overlap="wait"),
        version(47, overlap="wait", catch_up_window=timedelta(seconds=20)),
    )
    entries = [
        *ran(10, took=38),
        *ran(20, 48, 1, queued=20),
        *decided(30, "overlap", "run 20 was waiting already", last=40, count=2),
    ]

    assert found(build(entries, tasks=tasks, outages=RESTART, until=49.5)) == []


def test_what_a_daemon_finds_switched_off_is_decided_so() -> None:
    tasks = edited(version(0), version(45, enabled=False))
    entries = [*all_ran(10, 20, 30), *decided(40, "switched off", last=60, count=3)]

    assert found(build(entries, tasks=tasks, outages=RESTART)) == []


def test_a_daemon_that_began_and_was_gone_ended_a_schedule_within_an_outage() -> None:
    left = decided(30, "superseded")
    outage = Outage(begin=at(25), end=at(45), looked=at(35), is_restart=True)
    history = build(
        all_ran(10, 20),
        left,
        ran(42, 45, queued=45),
        all_ran(49, 56, 63),
        tasks=edited(version(0), version(35, EVERY_SEVEN)),
        outages=(outage,),
        adopted=(Adopted(at=at(35)),),
    )

    assert found(history) == []

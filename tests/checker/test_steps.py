"""What happens when somebody sets the clock."""

from __future__ import annotations

from .building import all_ran, at, begun, build, decided, found, ran, row, task, version
from .clock import Clock
from .history import Outage, Step, Task
from .instants import ticks
from .oracle import Every, Instants


def clock(*steps: tuple[float, float]) -> Clock:
    return Clock([Step(at=at(when), by=at(by) - at(0)) for when, by in steps])


def second(ticked: int) -> float:
    return (ticked - ticks(at(0))) / 1_000_000


def test_the_clock_shows_what_was_lived_and_all_steps() -> None:
    assert second(clock((10, 5), (20, -8)).shown(ticks(at(25)))) == 22


def test_what_the_clock_reached_does_not_go_back() -> None:
    assert second(clock((10, -5)).reached(ticks(at(12)))) == 10


def test_what_the_clock_showed_twice_has_a_first_and_a_last_time() -> None:
    stepped = clock((10, -5))

    assert (8, 13) == (second(stepped.first(ticks(at(8)))), second(stepped.last(ticks(at(8)))))


def test_what_a_jump_left_out_was_passed_at_the_jump() -> None:
    assert second(clock((10, 5)).first(ticks(at(12)))) == 10


def test_what_a_jump_leaves_out_is_missed_and_the_newest_caught_up() -> None:
    jump = (Step(at=at(15), by=at(28) - at(0)),)
    missed = decided(20, "missed", last=30, count=2)
    # The clock shows 43 when 15 seconds were lived.
    caught_up = [*decided(40, "admitted"), *row(40, queued=43, ended=45), *begun(40, 15)]

    assert found(build(ran(10), missed, caught_up, steps=jump, until=18)) == []


def test_what_a_jump_leaves_out_does_not_run_one_by_one() -> None:
    jump = (Step(at=at(15), by=at(28) - at(0)),)
    one_by_one = [ran(due, 15, 0, queued=43) for due in (20, 30, 40)]
    history = build(ran(10), *one_by_one, steps=jump, until=15.5)

    assert ("phantom", 20) in found(history)


def test_what_the_clock_shows_again_is_not_decided_again() -> None:
    back = (Step(at=at(35), by=at(0) - at(20)),)

    assert found(build(all_ran(10, 20, 30), steps=back, until=54)) == []


def test_what_the_clock_shows_again_is_doubled_if_it_is_decided_again() -> None:
    back = (Step(at=at(35), by=at(0) - at(20)),)
    history = build(all_ran(10, 20, 30), decided(20, "missed"), steps=back, until=54)

    assert found(history) == [("doubled", 20)]


def test_what_had_to_run_is_missed_though_a_new_schedule_has_it_when_it_is_shown_again() -> None:
    back = (Step(at=at(35), by=at(0) - at(20)),)
    versions = (version(0), version(36, (Every(seconds=15),)))
    tasks = (Task(name="mail", versions=versions),)
    history = build(all_ran(10, 20), decided(30, "missed"), tasks=tasks, steps=back, until=54)

    assert found(history) == [("missed", 30)]


def test_what_comes_after_a_step_back_is_due_when_the_clock_shows_it() -> None:
    back = (Step(at=at(35), by=at(0) - at(20)),)
    history = build(all_ran(10, 20, 30), ran(40, 60, queued=40), steps=back, until=63)

    assert found(history) == []


def test_what_comes_after_a_step_back_is_undecided_if_the_clock_has_shown_it() -> None:
    back = (Step(at=at(35), by=at(0) - at(20)),)

    assert ("undecided", 40) in found(build(all_ran(10, 20, 30), steps=back, until=63))


FAR_BACK = (Step(at=at(35), by=at(0) - at(1000)),)
"""Everything before is shown again, later."""


def test_a_cooldown_is_judged_as_it_was_lived_though_the_clock_was_set_back_since() -> None:
    tasks = (task(cooldown_failure=at(12) - at(0)),)
    lost = [*decided(10, "admitted"), *row(10, state="lost", reason="?"), *begun(10, took=None)]
    history = build(lost, decided(20, "cooldown"), ran(30), tasks=tasks, steps=FAR_BACK)

    assert found(history) == []


def test_a_cooldown_that_was_over_is_judged_so_though_the_clock_was_set_back_since() -> None:
    tasks = (task(cooldown_success=at(5) - at(0)),)
    history = build(ran(10), decided(20, "cooldown"), ran(30), tasks=tasks, steps=FAR_BACK)

    assert found(history) == [("missed", 20)]


def rested(outages: tuple[Outage, ...]) -> list[tuple[str, float]]:
    """Twelve seconds after its end at 12 a task rests; the clock goes back by 14 at 19."""
    history = build(
        [*ran(10), *decided(20, "cooldown"), *ran(30, 44, queued=30)],
        tasks=(task(cooldown_success=at(12) - at(0)),),
        outages=outages,
        steps=(Step(at=at(19), by=at(0) - at(14)),),
        until=48,
    )
    return found(history)


def test_a_cooldown_is_read_from_the_clock_after_an_outage() -> None:
    assert rested((Outage(begin=at(15), end=at(30)),)) == []


def test_a_cooldown_is_read_from_the_clock_after_no_other_step() -> None:
    assert rested(()) == [("missed", 20)]


def test_a_cooldown_that_is_over_by_the_clock_after_an_outage_keeps_nothing() -> None:
    history = build(
        [*ran(10), *decided(20, "missed"), *decided(30, "cooldown"), *decided(40, "cooldown")],
        [*decided(50, "admitted"), *row(50, queued=50, ended=52), *begun(50, 30)],
        tasks=(task(cooldown_success=at(30) - at(0)),),
        outages=(Outage(begin=at(15), end=at(17)),),
        steps=(Step(at=at(16), by=at(20) - at(0)),),
        until=34,
    )

    assert found(history) == []


def test_a_run_beside_another_is_a_phantom_though_the_clock_was_set_back_since() -> None:
    entries = [*ran(10), *ran(20, took=11), *ran(30, 31)]

    assert found(build(entries, steps=FAR_BACK)) == [("phantom", 30)]


def test_a_run_that_was_replaced_is_not_tried_again_though_the_clock_was_set_back_since() -> None:
    history = build(
        ran(10),
        decided(20, "admitted"),
        row(20, state="timed_out", ended=31),
        begun(20, took=11),
        ran(30, 31, 1, queued=30),
        tasks=(task(overlap="replace", retry_attempts=2),),
        steps=FAR_BACK,
    )

    assert found(history) == []


def edited(at_second: float, seconds: int) -> tuple[Task, ...]:
    every = (Every(seconds=seconds, anchor=at(0)),)
    return (Task(name="mail", versions=(version(0), version(at_second, every))),)


def seen_by_nobody(outage: tuple[float, float]) -> list[tuple[str, float]]:
    """The clock goes back by 24 s at 34, and the schedule is another one from 40 on."""
    history = build(
        ran(10),
        [entry for due in (21, 28, 35) for entry in ran(due, due + 24, queued=due)],
        tasks=edited(40, 7),
        outages=(Outage(begin=at(outage[0]), end=at(outage[1])),),
        steps=(Step(at=at(34), by=at(0) - at(24)),),
        until=63,
    )
    return found(history)


def test_what_the_clock_showed_only_in_an_outage_never_came_for_the_old_schedule() -> None:
    assert seen_by_nobody((15, 36)) == []


def test_what_the_clock_showed_after_an_outage_too_is_of_the_old_schedule() -> None:
    assert ("undecided", 20) in seen_by_nobody((15, 32))


def settled_before(*verdicts: str) -> list[tuple[str, float]]:
    """Two dues are settled at 35; the clock goes back, and another schedule has one of them too."""
    history = build(
        ran(10),
        decided(20, verdicts[0], "the newest one is caught up instead"),
        ran(30, 35) if verdicts[1] == "admitted" else decided(30, verdicts[1]),
        tasks=edited(42, 30),
        outages=(Outage(begin=at(15), end=at(35)),),
        steps=(Step(at=at(40), by=at(0) - at(30)),),
        until=64,
    )
    return found(history)


def test_what_is_shown_again_under_another_schedule_was_settled_under_the_first() -> None:
    assert settled_before("missed", "admitted") == []


def test_what_was_settled_under_the_first_schedule_is_judged_by_it() -> None:
    assert ("unjustified", 20) in settled_before("missed", "missed")


def test_an_outage_that_begins_with_a_step_may_come_after_a_settle() -> None:
    history = build(
        ran(10),
        decided(20, "missed", last=30, count=2),
        [*decided(40, "admitted"), *row(40, queued=45, ended=47), *begun(40, 15)],
        [*decided(50, "admitted"), *row(50, queued=55, ended=57), *begun(50, 25)],
        outages=(Outage(begin=at(15), end=at(25)),),
        steps=(Step(at=at(15), by=at(30) - at(0)),),
        until=29,
    )

    assert found(history) == []


def beside_a_killed_one(*steps: Step, ended: float) -> list[tuple[str, float]]:
    """In a pool of two a run waits until 33, where one ends; another that began at 29 is killed."""
    history = build(
        all_ran(10, 20),
        ran(30, 33, queued=30),
        ran(28, took=5, task="short"),
        [*decided(29, "admitted", task="long"), *begun(29, took=None, task="long")],
        row(29, ended=ended, state="lost", reason="its keeper died", task="long"),
        tasks=(
            task(pool="db", pool_size=2),
            task("short", (Instants(at=(at(28),)),), pool="db", pool_size=2),
            task("long", (Instants(at=(at(29),)),), pool="db", pool_size=2),
        ),
        steps=steps,
        until=39,
    )
    return found(history)


def test_what_was_killed_when_the_clock_had_been_set_back_keeps_its_place() -> None:
    # The end is written as that of its beginning, as no run ends before it began.
    back = Step(at=at(35), by=at(0) - at(20))

    assert beside_a_killed_one(back, ended=29) == []


def test_what_was_killed_keeps_its_place_until_its_end() -> None:
    assert beside_a_killed_one(ended=31) == [("late", 30)]


def test_what_a_jump_shows_again_under_another_schedule_is_due_then() -> None:
    back, jump = Step(at=at(35), by=at(0) - at(30)), Step(at=at(40), by=at(60) - at(0))
    every = (Every(seconds=7, anchor=at(0)),)
    caught_up = [
        entry
        for number, due in enumerate(range(14, 71, 7))
        for entry in (
            *decided(due, "admitted"),
            *row(due, queued=70, started=70 + number / 10, ended=70 + number / 10),
            *begun(due, 40 + number / 10, 0),
        )
    ]
    history = build(
        all_ran(10, 20, 30),
        caught_up,
        tasks=(Task(name="mail", versions=(version(0), version(36, every, catch_up="all"))),),
        steps=(back, jump),
        until=42.5,
    )

    assert found(history) == []


def test_what_was_shown_only_in_an_outage_is_of_no_task_that_was_gone_behind_it() -> None:
    ahead = (Step(at=at(28), by=at(25) - at(0)), Step(at=at(35), by=at(0) - at(25)))
    left = decided(30, "superseded", last=40, count=2)
    history = build(
        all_ran(10, 20),
        left,
        tasks=(Task(name="mail", versions=(version(0), version(41, None))),),
        outages=(Outage(begin=at(25), end=at(41), is_restart=True),),
        steps=ahead,
    )

    assert found(history) == []


def test_what_was_too_old_to_run_is_so_though_the_clock_was_set_back_since() -> None:
    history = build(
        decided(30, "missed", 'catch_up = "none"'),
        tasks=(task(parts=(Instants(at=(at(30),)),), catch_up="none"),),
        outages=(Outage(begin=at(29), end=at(100)),),
        steps=(Step(at=at(100.4), by=at(0) - at(80)),),
        until=110,
    )

    assert found(history) == []


def test_what_was_too_old_to_be_caught_up_is_so_though_the_clock_was_set_back_since() -> None:
    window = at(40) - at(0)
    history = build(
        decided(20, "missed", "older than catch_up_window", last=30, count=2),
        tasks=(task(parts=(Instants(at=(at(20), at(30))),), catch_up_window=window),),
        outages=(Outage(begin=at(15), end=at(100)),),
        steps=(Step(at=at(100.4), by=at(0) - at(80)),),
        until=110,
    )

    assert found(history) == []

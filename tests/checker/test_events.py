"""Dues that no schedule has: of events, of `after`, and what becomes of the rest of a chain."""

from __future__ import annotations

from typing import Any

from .building import EVERY_TEN, all_ran, at, begun, build, decided, found, ran, row, task
from .history import Accepted, Asked, Hold, Outage, Step
from .oracle import Events

FIVE = all_ran(10, 20, 40, 50, 60)
"""All but the one at 30."""
LONG = [*ran(10), *ran(20, took=15), *all_ran(40, 50, 60)]
"""All but the one at 30, in which the one at 20 goes on."""
STARTING = (task(parts=(*EVERY_TEN, Events())),)


def event(due: float, **fields: Any) -> list[Any]:
    return [
        *decided(due, "admitted"),
        *row(due, trigger="event", **fields),
        *begun(due, fields.get("started", due)),
    ]


def test_an_event_runs_when_it_comes() -> None:
    assert found(build(FIVE, ran(30), event(33), tasks=STARTING)) == []


def test_an_event_that_overlaps_is_dropped() -> None:
    both = decided(30, "overlap", "run 20 was going on"), decided(33, "overlap", "run 20 went on")

    assert found(build(LONG, *both, tasks=STARTING)) == []


def test_an_event_that_nothing_kept_runs() -> None:
    dropped = decided(33, "overlap", "run 20 was going on")

    assert found(build(FIVE, ran(30), dropped, tasks=STARTING)) == [("missed", 33)]


def test_an_event_is_never_missed() -> None:
    assert found(build(FIVE, ran(30), decided(33, "missed"), tasks=STARTING)) == [("missed", 33)]


def test_an_event_beside_an_earlier_run_is_a_phantom() -> None:
    both = [*decided(30, "overlap", "run 20 was going on"), *event(33, started=36)]

    assert ("phantom", 33) in found(build(LONG, both, tasks=STARTING))


def test_an_event_in_a_pause_does_not_run() -> None:
    holds = (Hold(task="mail", verdict="paused", begin=at(31.5), end=at(38)),)

    assert ("phantom", 33) in found(build(FIVE, ran(30), event(33), tasks=STARTING, holds=holds))


def test_an_event_in_a_pause_is_paused() -> None:
    holds = (Hold(task="mail", verdict="paused", begin=at(31.5), end=at(38)),)

    assert found(build(FIVE, ran(30), decided(33, "paused"), tasks=STARTING, holds=holds)) == []


def test_an_event_that_the_clock_has_not_shown_is_not_judged() -> None:
    asked = (Asked(task="mail", due=at(90), trigger="event"),)

    assert found(build(FIVE, ran(30), decided(90, "paused"), asked=asked)) == []


def test_a_range_may_grow_from_what_an_event_brought() -> None:
    holds = (Hold(task="mail", verdict="disabled", begin=at(31.5), end=None),)
    disabled = decided(33, "disabled", last=60, count=4)

    assert found(build(FIVE[:6], ran(30), disabled, tasks=STARTING, holds=holds)) == []


def test_a_range_that_grew_from_what_an_event_brought_counts_it_too() -> None:
    holds = (Hold(task="mail", verdict="disabled", begin=at(31.5), end=None),)
    disabled = decided(33, "disabled", last=60, count=5)

    assert found(build(FIVE[:6], ran(30), disabled, tasks=STARTING, holds=holds)) == [
        ("phantom", 33)
    ]


# -- after ------------------------------------------------------------------------------------

BEHIND = (task(), task("load", (), after=("mail",)))


def behind(due: float, started: float) -> list[Any]:
    """A run of the task that comes after the other: under its due, and later."""
    times = {"queued": started, "planned": started, "started": started, "ended": started + 1}
    return [
        *decided(due, "admitted", task="load"),
        *row(due, task="load", trigger="after", **times),
        *begun(due, started, 1, task="load"),
    ]


def test_what_comes_after_another_runs_under_its_due_when_that_has_ended() -> None:
    assert found(build(FIVE, ran(30), behind(30, 32), tasks=BEHIND)) == []


def test_what_comes_after_another_is_paused_if_it_was_when_that_ended() -> None:
    holds = (Hold(task="load", verdict="paused", begin=at(31), end=at(38)),)
    paused = decided(30, "paused", task="load")

    assert found(build(FIVE, ran(30), paused, tasks=BEHIND, holds=holds)) == []


def test_what_comes_after_another_is_paused_only_if_it_was() -> None:
    paused = decided(30, "paused", task="load")

    assert found(build(FIVE, ran(30), paused, tasks=BEHIND)) == [("missed", 30)]


def test_what_comes_after_another_runs_though_its_due_lies_in_a_pause_that_is_over() -> None:
    holds = (Hold(task="load", verdict="paused", begin=at(28), end=at(31)),)

    assert found(build(FIVE, ran(30), behind(30, 32), tasks=BEHIND, holds=holds)) == []


def test_what_comes_after_another_must_not_run_in_a_pause_that_goes_on() -> None:
    holds = (Hold(task="load", verdict="paused", begin=at(28), end=at(38)),)

    assert ("phantom", 30) in found(build(FIVE, ran(30), behind(30, 32), tasks=BEHIND, holds=holds))


# -- a clock that is accepted -----------------------------------------------------------------

BACK = (Step(at=at(35), by=at(0) - at(20)),)
ACCEPTED = (Accepted(at=at(36)),)


def test_what_was_decided_before_a_clock_was_accepted_may_be_decided_again() -> None:
    history = build(
        ran(10),
        decided(20, "paused"),
        decided(30, "admitted"),
        row(30),
        begun(30),
        steps=BACK,
        accepted=ACCEPTED,
        until=51,
        holds=(Hold(task="mail", verdict="paused", begin=at(15), end=at(25)),),
    )

    assert found(history) == []


def test_what_the_clock_shows_again_after_it_was_accepted_must_be_decided() -> None:
    history = build(ran(10), ran(30), steps=BACK, accepted=ACCEPTED, until=51)

    assert found(history) == [("undecided", 20)]


def test_what_the_clock_does_not_yet_show_again_need_not_be_decided() -> None:
    assert found(build(ran(10), steps=BACK, accepted=ACCEPTED, until=39)) == []


def test_what_was_decided_through_several_outages_may_be_decided_again() -> None:
    history = build(
        all_ran(10, 20, 30),
        steps=BACK,
        accepted=ACCEPTED,
        outages=(Outage(begin=at(18), end=at(19)), Outage(begin=at(28), end=at(29))),
        until=39,
    )

    assert found(history) == []


def test_a_clock_that_did_not_step_back_is_accepted_without_effect() -> None:
    history = build(all_ran(10, 20, 30), accepted=ACCEPTED, until=39)

    assert found(history) == []

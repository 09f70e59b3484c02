"""Which occurrence a person means."""

from __future__ import annotations

import pytest

from linod.events import BackfillRequested, RunRequested

from .world import FAILED, HOUR, MAIL, Build, World, at, request

FAILED_AT_TEN = "It ran at Sat 2026-11-21 10:00 EET (run 1) and failed after 2 s: "
FINE_AT_ELEVEN = "It ran at Sat 2026-11-21 11:00 EET (run 2) and succeeded in 1 m."


def build_one_failure(build: Build) -> World:
    """At 10:00 it failed, at 11:00 it succeeded."""
    world = build(MAIL)
    world.play(world.settle(HOUR)["mail"], HOUR, HOUR + 2, **FAILED)
    world.play(world.settle(2 * HOUR)["mail"], 2 * HOUR, 2 * HOUR + 60)
    return world


def test_without_an_instant_it_is_the_last_that_was_not_expected(build: Build) -> None:
    assert build_one_failure(build).why("mail", 2 * HOUR + 90).startswith(FAILED_AT_TEN)


def test_where_all_is_well_it_is_the_last(build: Build) -> None:
    world = build(MAIL)
    world.play(world.settle(HOUR)["mail"], HOUR, HOUR + 60)

    assert world.why("mail", HOUR + 90).startswith("It ran at Sat 2026-11-21 10:00 EET (run 1) and")


def test_a_failure_that_was_made_up_for_is_expected(build: Build) -> None:
    world = build_one_failure(build)
    again = world.settle(8000, RunRequested(**request(8000, task="mail", due=at(HOUR))))["mail"]
    world.play(again, 8001, 8002)

    assert world.why("mail", 8100) == FINE_AT_ELEVEN


def test_the_last_is_the_newest_whatever_became_of_it(build: Build) -> None:
    world = build_one_failure(build)

    assert world.why("mail", 2 * HOUR + 90, is_last=True) == FINE_AT_ELEVEN


@pytest.mark.parametrize(
    "typed", ["2026-11-21 10:00", "2026-11-21 10:00:00", "2026-11-21T08:00:00Z", "2026-11-21"]
)
def test_an_instant_is_what_a_person_types(build: Build, typed: str) -> None:
    assert build_one_failure(build).why("mail", 2 * HOUR + 90, typed).startswith(FAILED_AT_TEN)


def test_the_start_of_a_run_is_an_instant_too(build: Build) -> None:
    world = build(MAIL)
    world.play(world.settle(HOUR + 30)["mail"], HOUR + 300, HOUR + 301)

    assert ", 5 m late: " in world.why("mail", 2 * HOUR - 1, "2026-11-21 10:05")


def test_a_manual_run_is_found_by_its_second(build: Build) -> None:
    world = build('[tasks.hand]\ncommand = "true"\n')
    start = world.settle(50.5, RunRequested(**request(50.5, task="hand")))["hand"]
    world.play(start, 50.6, 52)

    assert world.why("hand", 60, "2026-11-21 09:00:50") == (
        "It ran at Sat 2026-11-21 09:00:50 EET (run 1), asked for by ann, 100 ms late, "
        "and succeeded in 1.4 s."
    )


def test_an_instant_of_a_range_is_in_it(build: Build) -> None:
    world = build(MAIL + 'catch_up = "none"\n')
    world.restart()
    world.adopt(5 * HOUR + 70)
    world.settle(5 * HOUR + 70)

    assert world.why("mail", 5 * HOUR + 80, "2026-11-21 12:00").startswith(
        "It did not run at Sat 2026-11-21 12:00 EET: linod did not decide it in time"
    )


def test_what_lies_between_two_instants_of_a_range_was_not_due(build: Build) -> None:
    world = build(MAIL + 'catch_up = "none"\n')
    world.restart()
    world.adopt(5 * HOUR + 70)
    world.settle(5 * HOUR + 70)

    assert world.why("mail", 5 * HOUR + 80, "2026-11-21 12:30") == (
        "It was not due at Sat 2026-11-21 12:30 EET: it is due every hour. "
        "The nearest are Sat 2026-11-21 12:00 EET and Sat 2026-11-21 13:00 EET."
    )


def test_a_range_of_a_former_rule_is_told_as_a_whole(build: Build) -> None:
    world = build('[tasks.mail]\ncommand = "true"\nrecurrence = "every 20 minutes"\n')
    world.restart()
    world.adopt(3 * HOUR, MAIL)

    assert world.why("mail", 3 * HOUR + 5, "2026-11-21 10:30").startswith(
        "It did not run 9 times from Sat 2026-11-21 09:20 EET to 12:00: its recurrence was changed"
    )


def test_of_a_day_it_is_the_last_that_was_not_expected(build: Build) -> None:
    world = build_one_failure(build)

    assert world.why("mail", 9000, "2026-11-21").startswith(FAILED_AT_TEN)
    assert world.why("mail", 9000, "2026-11-21 11:00") == FINE_AT_ELEVEN


def test_a_run_that_made_up_for_what_was_missed_is_told_with_it(build: Build) -> None:
    world = build(MAIL + 'catch_up = "none"\n')
    world.restart()
    world.adopt(5 * HOUR + 70)
    world.settle(5 * HOUR + 70)
    fill = BackfillRequested(**request(19000, task="mail", first=at(HOUR), last=at(HOUR)))
    world.play(world.settle(19000, fill)["mail"], 19001, 19060)

    assert world.why("mail", 19100, "2026-11-21 14:16:41").endswith(
        " It ran later at Sat 2026-11-21 14:16:41 EET (run 1), filled back by ann, "
        "1 s late, and succeeded in 59 s."
    )


def test_of_the_days_to_come_the_first_instant_counts(build: Build) -> None:
    assert build(MAIL).why("mail", 10, "2026-11-23") == (
        "It is due at Mon 2026-11-23 00:00 EET, in 1 d 14 h."
    )


@pytest.mark.parametrize("typed", ["0001-01-03", "9999-12-31 23:59", "1969-07-20 20:17"])
def test_no_instant_is_too_far(build: Build, typed: str) -> None:
    assert build(MAIL).why("mail", 10, typed)


# -- what is gone -------------------------------------------------------------------------------


def test_a_task_that_was_removed_keeps_its_reasons(build: Build) -> None:
    world = build_one_failure(build)
    world.adopt(3 * HOUR - 1, MAIL.replace("mail", "other"))

    assert world.why("mail", 3 * HOUR).startswith(FAILED_AT_TEN)


def test_a_removed_task_is_known_by_what_it_left_only(build: Build) -> None:
    world = build_one_failure(build)
    world.adopt(3 * HOUR - 1, MAIL.replace("mail", "other"))

    assert world.why("mail", 3 * HOUR, "2026-11-21 10:30") == (
        "It was not due at Sat 2026-11-21 10:30 EET: it is not in the configuration any more. "
        "The nearest are Sat 2026-11-21 10:00 EET and Sat 2026-11-21 11:00 EET."
    )


def test_before_it_was_known_nothing_ran(build: Build) -> None:
    assert build(MAIL).why("mail", 10, "2026-11-21 08:00") == (
        "It did not run at Sat 2026-11-21 08:00 EET: "
        "linod saw the task first at Sat 2026-11-21 09:00:05 EET and runs nothing from before."
    )

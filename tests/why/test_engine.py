"""What the store of a real engine says of what did not run, waits, or belongs to a chain."""

from __future__ import annotations

from linod.events import (
    CancelRequested,
    EnableRequested,
    PauseRequested,
    ResumeRequested,
    ServeStarted,
)

from .world import CHAIN, FAILED, HOUR, MAIL, Build, at, request

# -- what did not run ---------------------------------------------------------------------------


def test_an_overlap_names_the_run_in_the_way(build: Build) -> None:
    world = build('[tasks.mail]\ncommand = "true"\nrecurrence = "every 10 seconds"\n')
    start = world.settle(10)["mail"]
    world.begin(start, 10)
    for seconds in (20, 30, 40):
        world.settle(seconds)
    world.play(start, 43, 44)

    assert world.why("mail", 46, "2026-11-21 09:00:20") == (
        "It did not run at Sat 2026-11-21 09:00:20 EET: the run of 09:00:10 (run 1) was going on "
        '(overlap = "skip"). That run succeeded at 09:00:44 after 34 s. '
        "It is one of 3 in a row, from Sat 2026-11-21 09:00:20 EET to 09:00:40."
    )


def test_what_was_missed_names_the_run_that_was_caught_up(build: Build) -> None:
    world = build(MAIL)
    world.restart()
    world.adopt(5 * HOUR + 70)
    world.settle(5 * HOUR + 70)

    assert "the one of 14:00 was, as run 1 (catch_up = " in world.why(
        "mail", 5 * HOUR + 80, "2026-11-21 12:00"
    )


def test_a_pause_that_was_ended_says_since_when_and_by_whom(build: Build) -> None:
    world = build(MAIL)
    world.settle(100, PauseRequested(**request(100, tasks=("mail",), reason="migration")))
    world.settle(HOUR)
    world.settle(8000, ResumeRequested(**request(8000, tasks=("mail",))))

    assert world.why("mail", 8001, "2026-11-21 10:00") == (
        'It did not run at Sat 2026-11-21 10:00 EET: it was paused by ann: "migration", '
        "since 09:01:40. It was resumed at Sat 2026-11-21 11:13:20 EET by ann. "
        "It is one of 2 in a row, from Sat 2026-11-21 10:00 EET to 11:00."
    )


def test_a_pause_of_all_says_what_ends_it(build: Build) -> None:
    world = build(MAIL)
    world.settle(100, PauseRequested(**request(100, tasks=())))
    world.settle(HOUR)

    assert world.why("mail", HOUR + 1) == (
        "It did not run at Sat 2026-11-21 10:00 EET: all tasks were paused by ann, "
        "since 09:01:40. It is so still: linod resume --all ends that."
    )


def test_a_pause_just_now_is_told_before_anything_was_due(build: Build) -> None:
    world = build(MAIL)
    world.settle(100, PauseRequested(**request(100, tasks=("mail",), until=at(9000))))

    assert world.why("mail", 200).endswith(
        " It will not run then: it is paused by ann, until Sat 2026-11-21 11:30 EET."
    )


def test_a_task_that_failures_disabled_says_which(build: Build) -> None:
    world = build(MAIL + "disable_after = 1\n")
    world.play(world.settle(HOUR)["mail"], HOUR, HOUR + 2, **FAILED)
    world.settle(2 * HOUR)

    assert world.why("mail", 2 * HOUR + 1) == (
        "It did not run at Sat 2026-11-21 11:00 EET: it was disabled after 1 failure, "
        "the last one: ValueError: no shop, since 10:00:02. "
        "It is so still: linod enable mail ends that."
    )


def test_a_task_that_was_enabled_again_says_by_whom(build: Build) -> None:
    world = build(MAIL + "disable_after = 1\n")
    world.play(world.settle(HOUR)["mail"], HOUR, HOUR + 2, **FAILED)
    world.settle(2 * HOUR)
    world.settle(7300, EnableRequested(**request(7300, tasks=("mail",))))

    assert world.why("mail", 7301).endswith(
        " It was enabled at Sat 2026-11-21 11:01:40 EET by ann."
    )


def test_a_rest_names_the_run_before(build: Build) -> None:
    world = build(MAIL + 'cooldown = { success = "2 hours" }\n')
    world.play(world.settle(HOUR)["mail"], HOUR, HOUR + 60)
    world.settle(2 * HOUR)

    assert world.why("mail", 2 * HOUR + 1) == (
        "It did not run at Sat 2026-11-21 11:00 EET: it rested until 12:01 after run 1, "
        'which succeeded at 10:01 (cooldown.success = "2 hours").'
    )


def test_a_closed_window_is_named(build: Build) -> None:
    world = build(MAIL + 'allowed = "20:00-06:00"\n')
    world.settle(HOUR)

    assert 'it was outside allowed = "20:00-06:00", which opens' in world.why("mail", HOUR + 1)


def test_a_run_that_was_cancelled_while_it_waited_says_for_what(build: Build) -> None:
    pool = 'pool = "db"\n[pools.db]\nsize = 1\n'
    world = build(MAIL + 'pool = "db"\n' + MAIL.replace("mail", "other") + pool)
    world.settle(HOUR)
    world.settle(HOUR + 90, CancelRequested(**request(HOUR + 90, run=None, task="other")))

    assert world.why("other", HOUR + 99) == (
        "It did not run at Sat 2026-11-21 10:00 EET: cancelled by ann at 10:01:30; "
        'until then run 2 waited, pool "db" was full (1 of 1).'
    )


def test_upstream_that_failed_is_named(build: Build) -> None:
    world = build(MAIL + MAIL.replace("mail", "report") + 'after = ["mail"]\n')
    world.play(world.settle(HOUR)["mail"], HOUR, HOUR + 2, **FAILED)

    assert world.why("report", HOUR + 3).startswith(
        "It did not run at Sat 2026-11-21 10:00 EET: upstream failed: mail failed (run 1) at "
    )


# -- what waits, and what is to come ------------------------------------------------------------


def test_a_run_that_waits_is_what_is_asked_about(build: Build) -> None:
    world = build(MAIL + MAIL.replace("mail", "report") + 'after = ["mail"]\n')
    world.settle(HOUR)

    assert world.why("report", HOUR + 1) == (
        "It is due since Sat 2026-11-21 10:00 EET and waits (run 2): "
        "mail was going on (run 1), since 10:00."
    )


def test_a_retry_that_waits_says_until_when(build: Build) -> None:
    world = build(MAIL + 'retry = { attempts = 3, delay = "1 minute" }\n')
    world.play(world.settle(HOUR)["mail"], HOUR, HOUR + 2, **FAILED)

    assert world.why("mail", HOUR + 3).endswith(
        " Attempt 2 (run 2) waits until 10:01:02: retry, attempt 2 of 3."
    )


def test_without_a_daemon_what_was_due_is_not_decided(build: Build) -> None:
    assert build(MAIL).why("mail", 2 * HOUR + 5, is_served=False) == (
        "It was due at Sat 2026-11-21 11:00 EET and is not decided: no daemon is running, "
        "and nothing was decided since 09:00:05. "
        'When linod serve starts, catch_up = "one" says what becomes of it.'
    )


def test_a_daemon_gets_a_minute_to_decide(build: Build) -> None:
    assert build(MAIL).why("mail", HOUR + 1).startswith("It has not been due yet, and is due at")


def test_a_task_after_others_says_whose_success_is_missing(build: Build) -> None:
    world = build(MAIL + '[tasks.report]\ncommand = "true"\nafter = ["mail"]\n')

    assert world.why("report", 10) == (
        "It has not run yet: it is due when mail succeeded anew. No new success of mail yet."
    )


def test_a_task_at_start_says_when_that_is(build: Build) -> None:
    world = build('[tasks.first]\ncommand = "true"\nrecurrence = "at start"\n')
    world.play(world.settle(6, ServeStarted(at=at(5.5)))["first"], 6, 7)

    assert world.why("first", 99, "2026-11-21 10:00") == (
        "It is not due at Sat 2026-11-21 10:00 EET: it is due when linod starts. "
        "The nearest is Sat 2026-11-21 09:00:05 EET."
    )


def test_a_clock_that_stepped_back_is_told_first(build: Build) -> None:
    world = build(MAIL)
    world.settle(24 * HOUR)

    assert world.why("mail", 100).startswith("It does not run: the clock stepped back, and all up ")


# -- chains -------------------------------------------------------------------------------------


def test_a_member_whose_turn_has_not_come_says_where_the_chain_is(build: Build) -> None:
    world = build(CHAIN)
    world.settle(HOUR)

    assert world.why("load", HOUR + 1) == (
        "Its turn has not come at Sat 2026-11-21 10:00 EET: "
        "chain nightly (run 1) is at step 1 of 2 (extract)."
    )


def test_a_member_behind_a_failure_names_it_and_the_run_of_the_chain(build: Build) -> None:
    world = build(CHAIN)
    world.play(world.settle(HOUR)["extract"], HOUR, HOUR + 2, **FAILED)

    assert world.why("load", HOUR + 3) == (
        "It did not run at Sat 2026-11-21 10:00 EET: "
        "chain nightly (run 1) did not come to it: extract failed."
    )


def test_a_chain_says_which_member_failed(build: Build) -> None:
    world = build(CHAIN)
    world.play(world.settle(HOUR)["extract"], HOUR, HOUR + 2, **FAILED)

    assert world.why("nightly", HOUR + 3) == (
        "It ran at Sat 2026-11-21 10:00 EET (run 1) and failed after 2 s: extract failed."
    )


def test_a_member_of_a_chain_that_was_paused_says_so(build: Build) -> None:
    world = build(CHAIN)
    world.settle(100, PauseRequested(**request(100, tasks=("nightly",))))
    world.settle(HOUR)

    assert world.why("load", HOUR + 1) == (
        "It did not run at Sat 2026-11-21 10:00 EET, nor did its chain nightly: "
        "it was paused by ann, since 09:01:40. "
        "Just now it is paused by ann (linod resume nightly ends that)."
    )


def test_a_member_is_due_with_its_chain(build: Build) -> None:
    assert build(CHAIN).why("load", 10, "2026-11-21 10:30") == (
        "It is not due at Sat 2026-11-21 10:30 EET: "
        "it runs in chain nightly, which is due every hour. "
        "The nearest are Sat 2026-11-21 10:00 EET and Sat 2026-11-21 11:00 EET."
    )

"""What is said of occurrences that got runs."""

from __future__ import annotations

from datetime import time, timedelta
from typing import Any

import pytest

from linod.events import Outcome, State, Trigger
from linod.specs import Allowed, DottedPath

from .building import (
    DUE,
    at,
    build_asked,
    build_dropped,
    build_run,
    build_task,
    build_waiting,
    ran,
)

FAILED: dict[str, Any] = {
    "state": Outcome.FAILED,
    "outcome": Outcome.FAILED,
    "reason": "ValueError: no shop",
}
NO_DAEMON = build_asked(is_served=False)


def test_a_run_on_time_needs_one_sentence() -> None:
    assert ran(build_run()) == "It ran at Sat 2026-11-21 03:30 EET (run 12) and succeeded in 2 m."


def test_how_late_it_began_is_said() -> None:
    late = build_run(started=DUE + timedelta(milliseconds=3))

    assert ran(late).startswith("It ran at Sat 2026-11-21 03:30 EET (run 12), 3 ms late, and ")


def test_how_it_failed_is_said() -> None:
    assert ran(build_run(**FAILED)) == (
        "It ran at Sat 2026-11-21 03:30 EET (run 12) and failed after 2 m: ValueError: no shop."
    )


def test_a_cancelled_run_says_by_whom() -> None:
    cancelled = {"state": Outcome.CANCELLED, "outcome": Outcome.CANCELLED}

    assert ran(build_run(**cancelled, reason="cancelled by ann")).endswith(
        "(run 12) and was cancelled after 2 m: by ann."
    )


def test_what_it_waited_for_is_said_with_since_when() -> None:
    late = build_run(started=at(1), held='pool "database" was full (2 of 2)', held_since=DUE)

    assert ran(late) == (
        "It ran at Sat 2026-11-21 03:31 EET (run 12), 1 m late: it waited since 03:30, "
        'pool "database" was full (2 of 2). It succeeded in 1 m.'
    )


def test_jitter_is_said() -> None:
    assert "(run 12), 1 m late: jitter moved its start. " in ran(
        build_run(started=at(1), planned=at(1), held="jitter", held_since=DUE)
    )


def test_a_window_is_said_with_its_key() -> None:
    asked = build_asked(task=build_task(allowed=Allowed(first=time(4), last=time(6))))

    assert ': it waited for allowed = "04:00-06:00" to open. ' in ran(
        build_run(started=at(1), held="outside allowed", held_since=DUE), asked=asked
    )


def test_a_late_decision_is_said() -> None:
    assert ", 1 m late: it was decided at 03:31 only. " in ran(
        build_run(started=at(1), queued=at(1))
    )


def test_what_was_caught_up_says_so() -> None:
    assert ", 1 m late: nothing decided it at 03:30, so it was caught up. " in ran(
        build_run(started=at(1), queued=at(1), is_caught_up=True)
    )


@pytest.mark.parametrize(
    ("trigger", "told"),
    [
        (Trigger.MANUAL, "(run 12), asked for by ann, and succeeded"),
        (Trigger.BACKFILL, "(run 12), filled back by ann, and succeeded"),
        (Trigger.EVENT, "(run 12) and succeeded"),
    ],
)
def test_who_wanted_it_is_said(trigger: Trigger, told: str) -> None:
    assert told in ran(build_run(trigger=trigger, by="ann"))


def test_a_run_after_others_names_them() -> None:
    asked = build_asked(task=build_task("manually", after=("extract", "load")))

    assert "(run 12), after extract and load, and succeeded" in ran(
        build_run(trigger=Trigger.AFTER), asked=asked
    )


def test_a_run_in_a_chain_names_it() -> None:
    assert "(run 12), in chain nightly, and succeeded" in ran(
        build_run(trigger=Trigger.CHAIN, parent=11), asked=build_asked(chain="nightly")
    )


def test_a_run_that_goes_on_says_since_when() -> None:
    going = build_run(state=State.RUNNING, outcome=None, ended=None)

    assert ran(going) == "It is running since Sat 2026-11-21 03:30 EET (run 12)."


def test_without_a_daemon_a_run_has_no_end_yet() -> None:
    going = build_run(state=State.RUNNING, outcome=None, ended=None)

    assert ran(going, asked=NO_DAEMON).endswith(
        " No daemon is running: the next one says what became of it."
    )


def test_a_chain_that_goes_on_says_at_which_step() -> None:
    detail = {"chain": {"steps": [["extract"], ["a", "b"], ["load"]], "at": 1}}
    going = build_run(state=State.RUNNING, outcome=None, ended=None, is_chain=True, detail=detail)

    assert ran(going).endswith(" It is at step 2 of 3 (a, b).")


def test_a_run_that_starts_says_so() -> None:
    starting = build_run(state=State.STARTING, outcome=None, started=None, ended=None)

    assert ran(starting) == "It is starting (run 12), due at Sat 2026-11-21 03:30 EET."


# -- what waits ---------------------------------------------------------------------------------


def test_a_run_that_waits_says_for_what_and_since_when() -> None:
    assert ran(build_waiting()) == (
        "It is due since Sat 2026-11-21 03:30 EET and waits (run 12): "
        'pool "database" was full (2 of 2), since 03:30.'
    )


def test_a_run_that_waits_for_its_planned_start_says_when_that_is() -> None:
    assert ran(build_waiting(planned=at(90), held="spread")) == (
        "It was due at Sat 2026-11-21 03:30 EET and starts at 05:00 (run 12): "
        "spread moved its start."
    )


def test_without_a_daemon_it_waits_for_one() -> None:
    assert ran(build_waiting(), asked=NO_DAEMON).endswith(
        " and waits (run 12): no daemon is running, linod serve starts one."
    )


# -- what was dropped ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("cancelled by ann", "cancelled by ann at 03:45"),
        (
            "replaced by the next occurrence",
            'replaced by the next occurrence (overlap = "replace") at 03:45',
        ),
        (
            "upstream failed: extract failed (run 7)",
            "upstream failed: extract failed (run 7) at 03:45",
        ),
        ("the task was removed", "the task was removed from the configuration at 03:45"),
        ("missed", 'it was older than catch_up_window = "1 day" when linod came back at 03:45'),
        ("outside allowed", "its turn came outside allowed at 03:45"),
        (
            "the next occurrence was due",
            "allowed had not opened when the next occurrence was due at 03:45",
        ),
        ('paused by ann: "migration"', 'paused by ann: "migration" at 03:45'),
        ("enabled = false", "the task was switched off (enabled = false) at 03:45"),
        ("linod is switched off", "linod was switched off at 03:45"),
    ],
)
def test_a_run_that_was_dropped_says_why(reason: str, told: str) -> None:
    assert ran(build_dropped(reason)) == (
        f"It did not run at Sat 2026-11-21 03:30 EET: {told}; until then run 12 waited."
    )


def test_a_run_that_was_dropped_says_what_it_waited_for() -> None:
    dropped = build_dropped("cancelled by ann", held="run 11 was going on")

    assert ran(dropped).endswith("; until then run 12 waited, run 11 was going on.")


def test_a_condition_that_said_no_is_named() -> None:
    asked = build_asked(task=build_task(only_if=DottedPath("shop.is_open")))

    assert ran(build_dropped("only_if", started=DUE), asked=asked) == (
        "It did not run at Sat 2026-11-21 03:30 EET: only_if (shop.is_open) said no (run 12)."
    )


def test_a_run_that_failed_before_it_began_says_so() -> None:
    failed = build_run(**FAILED, started=None)

    assert ran(failed) == (
        "It did not run at Sat 2026-11-21 03:30 EET: "
        "run 12 failed before it began: ValueError: no shop."
    )


# -- several ------------------------------------------------------------------------------------


def test_the_last_attempt_is_told_after_the_first() -> None:
    last = build_run(id=14, attempt=3, origin=12, planned=at(5), started=at(5), ended=at(6))

    assert ran(build_run(**FAILED), last) == (
        "It ran at Sat 2026-11-21 03:30 EET (run 12) and failed after 2 m: ValueError: no shop. "
        "Attempt 3 (run 14) at 03:35 succeeded in 1 m."
    )


def test_an_attempt_that_waits_says_until_when() -> None:
    waiting = build_waiting(
        id=13, attempt=2, origin=12, planned=at(90), held="retry, attempt 2 of 3"
    )

    assert ran(build_run(**FAILED), waiting).endswith(
        " Attempt 2 (run 13) waits until 05:00: retry, attempt 2 of 3."
    )


def test_an_attempt_that_was_dropped_says_why() -> None:
    dropped = build_dropped("cancelled by ann", id=13, attempt=2, origin=12)

    assert ran(build_run(**FAILED), dropped).endswith(
        " Attempt 2 (run 13) did not run: cancelled by ann at 03:45; until then run 13 waited."
    )


def test_a_run_of_the_same_due_for_a_person_is_told_too() -> None:
    times = {"planned": at(30), "started": at(30), "ended": at(31)}
    manual = build_run(id=15, attempt=2, trigger=Trigger.MANUAL, by="ann", **times)

    assert ran(build_run(**FAILED), manual).endswith(
        " It ran again at Sat 2026-11-21 04:00 EET (run 15), asked for by ann, "
        "and succeeded in 1 m."
    )


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"state": State.STARTING}, "is starting"),
        ({**FAILED, "ended": at(16)}, "failed before it began: ValueError: no shop"),
        ({"state": State.WAITING}, 'waits: pool "database" was full (2 of 2), since 03:30'),
        ({"state": State.WAITING, "held": ""}, "waits"),
    ],
)
def test_an_attempt_that_did_not_begin_says_why(changes: dict[str, Any], told: str) -> None:
    again = build_waiting(**{"id": 13, "attempt": 2, "origin": 12, **changes})

    assert ran(build_run(**FAILED), again).endswith(f" Attempt 2 (run 13) {told}.")


def test_without_a_daemon_an_attempt_waits_for_one() -> None:
    again = build_waiting(id=13, attempt=2, origin=12)

    assert ran(build_run(**FAILED), again, asked=NO_DAEMON).endswith(
        " Attempt 2 (run 13) waits: no daemon is running, linod serve starts one."
    )

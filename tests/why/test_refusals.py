"""What is said of occurrences that got no run: a sentence per verdict."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any

from linod.events import Outcome, State, Trigger, Verdict
from linod.policy import Hold, HoldKind
from linod.specs import Allowed, Cooldown
from linod.why import Finding, run_in

from .building import (
    DUE,
    at,
    build_action,
    build_asked,
    build_decision,
    build_dropped,
    build_run,
    build_task,
    build_waiting,
    refused,
    said,
)

DID_NOT = "It did not run at Sat 2026-11-21 03:30 EET: "
YESTERDAY = datetime(2026, 11, 20, 1, 30, tzinfo=UTC)
LONG = {"id": 3, "due": YESTERDAY, "planned": YESTERDAY, "started": YESTERDAY, "ended": at(42)}
UNFINISHED: dict[str, Any] = {"state": State.RUNNING, "outcome": None, "ended": None}


def hold(kind: HoldKind = HoldKind.PAUSE, until: datetime | None = None, by: str = "ann") -> Hold:
    return Hold(task="backup", kind=kind, since=at(-60), until=until, by=by)


# -- overlap ------------------------------------------------------------------------------------


def test_an_overlap_names_the_run_that_was_going_on_and_its_end() -> None:
    assert refused(Verdict.OVERLAP, "run 3 was going on", other=build_run(**LONG)) == (
        f"{DID_NOT}the run of 2026-11-20 03:30 (run 3) was going on "
        '(overlap = "skip"). That run succeeded at 04:12 after 1 d.'
    )


def test_an_overlap_with_a_run_that_goes_on_says_for_how_long() -> None:
    going = build_run(**{**LONG, **UNFINISHED})

    assert refused(Verdict.OVERLAP, "run 3 was going on", other=going).endswith(
        " That run goes on, for 1 d now."
    )


def test_an_overlap_with_a_run_that_had_not_begun_says_why() -> None:
    waiting = build_waiting(id=3, due=at(-5), held="retry, attempt 2 of 3")

    assert refused(Verdict.OVERLAP, "run 3 was going on", other=waiting) == (
        f"{DID_NOT}the run of 03:25 (run 3) had not begun yet, retry, attempt 2 of 3 "
        '(overlap = "skip"). That run is waiting still.'
    )


def test_an_overlap_with_a_run_that_never_began_says_how_it_ended() -> None:
    dropped = build_dropped("cancelled by ann", id=3, due=at(-5))

    assert refused(Verdict.OVERLAP, "run 3 was going on", other=dropped).endswith(
        " That run was cancelled."
    )


def test_an_overlap_of_two_that_wait_says_so() -> None:
    waiting = build_waiting(id=4, due=at(-5))

    assert refused(Verdict.OVERLAP, "run 4 was waiting already", other=waiting) == (
        f"{DID_NOT}the run of 03:25 (run 4) was waiting already, "
        'and only one waits (overlap = "wait").'
    )


def test_an_overlap_with_many_says_how_many() -> None:
    assert refused(Verdict.OVERLAP, "4 runs were going on (max_running = 4)") == (
        f'{DID_NOT}4 runs were going on (max_running = 4) (overlap = "allow").'
    )


def test_an_overlap_with_a_run_that_is_not_kept_has_its_number() -> None:
    assert refused(Verdict.OVERLAP, "run 3 was going on") == (
        f'{DID_NOT}run 3 was going on (overlap = "skip").'
    )


def test_the_number_of_a_run_is_found_in_a_reason() -> None:
    assert run_in("run 31 was going on") == 31
    assert run_in("extract failed (run 7)") == 7
    assert run_in("4 runs were going on") is None


# -- missed, superseded, switched off -----------------------------------------------------------

MISSED = (
    f"{DID_NOT}linod did not decide it in time, it was down, "
    "the machine slept or the clock was set. It was not caught up: "
)


def test_what_was_missed_says_why_it_was_not_caught_up() -> None:
    assert refused(Verdict.MISSED, 'catch_up = "none"') == f'{MISSED}catch_up = "none".'


def test_what_was_missed_names_the_run_that_was_caught_up_instead() -> None:
    other = build_run(id=14, due=at(30), is_caught_up=True)

    assert refused(Verdict.MISSED, "the newest one is caught up instead", other=other) == (
        f'{MISSED}the one of 04:00 was, as run 14 (catch_up = "one").'
    )


def test_what_was_too_old_to_be_caught_up_says_the_window() -> None:
    assert refused(Verdict.MISSED, "older than catch_up_window") == (
        f'{MISSED}it was older than catch_up_window = "1 day".'
    )


def test_of_a_task_that_is_gone_the_keys_are_named_without_their_values() -> None:
    gone = build_asked(task=None)

    assert refused(Verdict.MISSED, "older than catch_up_window", gone).endswith(
        " It was not caught up: it was older than catch_up_window."
    )


def test_one_of_many_says_how_many() -> None:
    row = build_decision(Verdict.MISSED, 'catch_up = "none"', due=at(-60), last=at(60), count=3)
    told = said(Finding(what=Verdict.MISSED, at=DUE, decision=row))

    assert told.endswith(" It is one of 3 in a row, from Sat 2026-11-21 02:30 EET to 04:30.")


def test_a_whole_range_is_told_without_an_instant() -> None:
    row = build_decision(Verdict.MISSED, 'catch_up = "none"', due=at(-60), last=at(60), count=3)

    assert said(Finding(what=Verdict.MISSED, decision=row)).startswith(
        "It did not run 3 times from Sat 2026-11-21 02:30 EET to 04:30: linod did not "
    )


def test_a_changed_rule_is_said() -> None:
    assert refused(Verdict.SUPERSEDED, "the rule that made it due is gone") == (
        f"{DID_NOT}its recurrence was changed or removed before anything decided it, "
        "and an edit runs nothing from before."
    )


def test_a_task_that_is_switched_off_says_by_which_key() -> None:
    assert refused(Verdict.SWITCHED_OFF, "enabled = false") == (
        f"{DID_NOT}the task was switched off (enabled = false)."
    )


def test_linod_switched_off_says_by_what() -> None:
    assert refused(Verdict.SWITCHED_OFF, "linod is switched off") == (
        f"{DID_NOT}linod was switched off ([linod] enabled = false, or LINOD_ENABLED=0)."
    )


# -- pauses and disables ------------------------------------------------------------------------

PAUSED = 'paused by ann: "migration"'


def test_a_pause_says_by_whom_since_when_and_until_when() -> None:
    assert refused(Verdict.PAUSED, PAUSED, hold=hold(until=at(300))) == (
        f'{DID_NOT}it was paused by ann: "migration", since 02:30. '
        "That pause ends at Sat 2026-11-21 08:30 EET."
    )


def test_a_pause_without_an_end_says_what_ends_it() -> None:
    assert refused(Verdict.PAUSED, PAUSED, hold=hold()).endswith(
        " It is so still: linod resume backup ends that."
    )


def test_a_pause_that_a_person_ended_says_who_did() -> None:
    told = refused(
        Verdict.PAUSED,
        PAUSED,
        begun=build_action("pause", -30, "ann"),
        ended=build_action("resume", 30),
    )

    assert told == (
        f'{DID_NOT}it was paused by ann: "migration", since 03:00. '
        "It was resumed at Sat 2026-11-21 04:00 EET by bob."
    )


def test_a_pause_of_all_tasks_says_so() -> None:
    whole = Hold(task="*", kind=HoldKind.PAUSE, since=at(-60), by="ann")

    assert refused(Verdict.PAUSED, "all tasks paused by ann", hold=whole) == (
        f"{DID_NOT}all tasks were paused by ann, since 02:30. "
        "It is so still: linod resume --all ends that."
    )


def test_a_disabled_task_says_after_which_error() -> None:
    reason = "disabled after 5 failures in a row, the last one: ValueError: no shop"

    assert refused(Verdict.DISABLED, reason, hold=hold(HoldKind.DISABLE, by="")) == (
        f"{DID_NOT}it was disabled after 5 failures in a row, the last one: "
        "ValueError: no shop, since 02:30. It is so still: linod enable backup ends that."
    )


# -- windows, rests, chains ---------------------------------------------------------------------


def test_a_window_that_was_closed_is_named() -> None:
    asked = build_asked(task=build_task(allowed=Allowed(first=time(20), last=time(2, 30, 15))))

    assert refused(Verdict.OUTSIDE_ALLOWED, asked=asked) == (
        f'{DID_NOT}it was outside allowed = "20:00-02:30:15", '
        "which opens only after the next one is due."
    )


def test_a_rest_says_until_when_and_after_which_run() -> None:
    asked = build_asked(task=build_task(cooldown=Cooldown(failure=timedelta(minutes=30))))
    other = build_run(id=11, outcome=Outcome.FAILED, state=Outcome.FAILED, ended=at(-10))

    assert refused(Verdict.COOLDOWN, "cooldown after the run before", asked, other=other) == (
        f"{DID_NOT}it rested until 03:50 after run 11, which failed at 03:20 "
        '(cooldown.failure = "30 minutes").'
    )


def test_a_rest_that_is_not_configured_any_more_still_names_the_run() -> None:
    assert refused(
        Verdict.COOLDOWN, "cooldown after the run before", other=build_run(ended=at(-10))
    ) == (f"{DID_NOT}it rested after run 12, which succeeded at 03:20 (cooldown).")


def test_a_rest_after_a_run_that_is_not_kept_says_what_was_recorded() -> None:
    assert refused(Verdict.COOLDOWN, "cooldown after the run before") == (
        f"{DID_NOT}cooldown after the run before."
    )


def test_a_member_of_a_chain_says_what_failed_before_it() -> None:
    asked = build_asked(chain="nightly", task=build_task("manually"))

    assert refused(
        Verdict.UPSTREAM_FAILED, "extract failed", asked, other=build_run(id=7, is_chain=True)
    ) == (f"{DID_NOT}chain nightly (run 7) did not come to it: extract failed.")


def test_what_is_admitted_without_a_run_is_not_kept() -> None:
    assert refused(Verdict.ADMITTED) == (
        f"{DID_NOT}it was admitted, but what came of it is not kept any more ([linod] keep)."
    )


def test_a_run_that_made_up_for_it_is_told_too() -> None:
    later = build_run(id=15, trigger=Trigger.BACKFILL, by="ann", started=at(30), ended=at(31))

    assert refused(Verdict.MISSED, 'catch_up = "none"', runs=[later]).endswith(
        ' It was not caught up: catch_up = "none". It ran later at Sat 2026-11-21 04:00 EET '
        "(run 15), filled back by ann, 30 m late, and succeeded in 1 m."
    )


# -- through a chain ----------------------------------------------------------------------------

MEMBER = build_asked(name="load", chain="nightly", task=build_task("manually"))


def test_a_member_of_a_chain_that_got_no_run_says_why() -> None:
    row = build_decision(Verdict.PAUSED, "paused by ann")
    chain = Finding(what=Verdict.PAUSED, at=DUE, decision=row)

    assert said(Finding(what=Verdict.PAUSED, at=DUE, of_chain=chain), MEMBER) == (
        "It did not run at Sat 2026-11-21 03:30 EET, nor did its chain nightly: "
        "it was paused by ann."
    )


def test_a_member_whose_turn_has_not_come_says_where_the_chain_is() -> None:
    detail = {"chain": {"steps": [["extract"], ["load"]], "at": 0}}
    run = build_run(id=7, task="nightly", is_chain=True, detail=detail, **UNFINISHED)
    chain = Finding(what=Verdict.ADMITTED, at=DUE, runs=[run])

    assert said(Finding(what=Verdict.ADMITTED, at=DUE, of_chain=chain), MEMBER) == (
        "Its turn has not come at Sat 2026-11-21 03:30 EET: "
        "chain nightly (run 7) is at step 1 of 2 (extract)."
    )


def test_a_member_of_a_chain_that_waits_says_so() -> None:
    run = build_waiting(id=7, task="nightly", is_chain=True, held="run 6 was going on")
    chain = Finding(what=Verdict.ADMITTED, at=DUE, runs=[run])

    assert said(Finding(what=Verdict.ADMITTED, at=DUE, of_chain=chain), MEMBER) == (
        "It waits at Sat 2026-11-21 03:30 EET: "
        "chain nightly (run 7) waits itself, run 6 was going on."
    )


def test_a_member_that_came_into_its_chain_later_says_so() -> None:
    chain = Finding(what=Verdict.ADMITTED, at=DUE, runs=[build_run(id=7, is_chain=True)])

    assert said(Finding(what=Verdict.ADMITTED, at=DUE, of_chain=chain), MEMBER) == (
        "It did not run at Sat 2026-11-21 03:30 EET: "
        "chain nightly (run 7) ended without it (succeeded)."
    )

"""What is said of instants on which nothing was decided."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from linod.events import Verdict
from linod.policy import Hold, HoldKind
from linod.why import Asked, Finding, NoVerdict, sentences

from .building import DUE, at, build_asked, build_decision, build_run, build_task, said

TOMORROW = at(24 * 60)
NO_DAEMON: dict[str, Any] = {"is_served": False}


def not_due(asked: Asked | None = None, **changes: Any) -> str:
    return said(Finding(**{"what": NoVerdict.NOT_DUE, "at": at(15), **changes}), asked)


def not_yet(asked: Asked | None = None, **changes: Any) -> str:
    return said(Finding(what=NoVerdict.NOT_YET, at=TOMORROW, **changes), asked)


def undecided(due: datetime = DUE, **changes: Any) -> str:
    return said(Finding(what=NoVerdict.UNDECIDED, at=due), build_asked(**changes))


# -- not due ------------------------------------------------------------------------------------


def test_what_was_not_due_says_the_rule_and_the_nearest_instants() -> None:
    assert not_due(before=DUE, after=TOMORROW) == (
        "It was not due at Sat 2026-11-21 03:45 EET: it is due every day at 03:30. "
        "The nearest are Sat 2026-11-21 03:30 EET and Sun 2026-11-22 03:30 EET."
    )


def test_what_will_not_be_due_says_is() -> None:
    assert not_due(at=at(90)).startswith("It is not due at Sat 2026-11-21 05:00 EET: ")


def test_a_rule_that_is_no_phrase_is_quoted() -> None:
    assert ': it is due "30 4 * * 1#2".' in not_due(build_asked(rule="30 4 * * 1#2"))


def test_one_nearest_instant_is_one() -> None:
    assert not_due(before=DUE).endswith(" The nearest is Sat 2026-11-21 03:30 EET.")


def test_what_is_excluded_says_by_what() -> None:
    told = not_due(what=NoVerdict.EXCLUDED, excluded_by='calendar "ee" (Christmas Day)')

    assert told == (
        'It was not due at Sat 2026-11-21 03:45 EET: excluded by calendar "ee" (Christmas Day).'
    )


@pytest.mark.parametrize(
    ("recurrence", "told"),
    [
        ("manually", "it runs only when somebody asks (linod run backup)"),
        ("at start", "it is due when linod starts"),
        ("at boot", "it is due when linod starts for the first time after a boot"),
        ("continuously", "it is due again whenever it has ended"),
    ],
)
def test_what_has_no_instants_of_its_own_says_when_it_runs(recurrence: str, told: str) -> None:
    asked = build_asked(task=build_task(recurrence), rule=recurrence)

    assert not_due(asked, at=None) == f"It has not run yet: {told}."


def test_a_task_after_others_names_those_that_are_missing() -> None:
    asked = build_asked(task=build_task("manually", after=("extract", "load")))

    assert not_due(asked, at=None, missing=["load"]) == (
        "It has not run yet: it is due when extract and load succeeded anew. "
        "No new success of load yet."
    )


def test_a_member_of_a_chain_says_when_the_chain_is_due() -> None:
    asked = build_asked(task=build_task("manually"), chain="nightly", rule="every day at 02:00")

    assert ": it runs in chain nightly, which is due every day at 02:00." in not_due(asked)


def test_a_task_that_is_gone_says_so() -> None:
    assert not_due(build_asked(task=None, rule=""), at=None) == (
        "It is not in the configuration any more."
    )


# -- to come ------------------------------------------------------------------------------------


def test_what_is_to_come_says_when() -> None:
    assert not_yet() == "It is due at Sun 2026-11-22 03:30 EET, in 23 h."


def test_the_first_of_all_says_so() -> None:
    assert not_yet(is_first=True).startswith("It has not been due yet, and is due at Sun ")


def test_without_a_daemon_it_needs_one() -> None:
    assert not_yet(build_asked(**NO_DAEMON)).endswith(
        " No daemon is running: linod serve starts one."
    )


def test_a_pause_stands_in_the_way_until_its_end() -> None:
    hold = Hold(task="backup", kind=HoldKind.PAUSE, since=DUE, until=at(2000), by="ann")

    assert not_yet(hold=hold).endswith(
        " It will not run then: it is paused by ann, until Sun 2026-11-22 12:50 EET."
    )


def test_a_disable_stands_in_the_way_until_somebody_ends_it() -> None:
    hold = Hold(task="backup", kind=HoldKind.DISABLE, since=DUE, by="ann")

    assert not_yet(hold=hold).endswith(
        " It will not run then: it is disabled by ann (linod enable backup ends that)."
    )


def test_what_is_switched_off_stands_in_the_way() -> None:
    assert not_yet(build_asked(task=build_task(enabled=False))).endswith(
        " It will not run then: it is switched off (enabled = false)."
    )


def test_linod_switched_off_stands_in_the_way() -> None:
    assert not_yet(build_asked(is_enabled=False)).endswith(
        " It will not run then: linod is switched off."
    )


def test_what_is_decided_ahead_stands_in_the_way() -> None:
    assert not_yet(build_asked(through=at(3000))).endswith(
        " It will not run then: the clock stepped back, "
        "and all up to Mon 2026-11-23 05:30 EET is decided already."
    )


# -- past, without a decision -------------------------------------------------------------------


def test_before_it_was_known_nothing_ran() -> None:
    assert undecided(first_seen=at(10)) == (
        "It did not run at Sat 2026-11-21 03:30 EET: linod saw the task first at "
        "Sat 2026-11-21 03:40 EET and runs nothing from before."
    )


def test_a_task_that_no_daemon_has_seen_needs_one() -> None:
    assert undecided(first_seen=None, through=None, **NO_DAEMON) == (
        "It was due at Sat 2026-11-21 03:30 EET, but no daemon is running: linod serve starts one."
    )


def test_a_task_that_the_daemon_has_not_seen_needs_a_reload() -> None:
    assert undecided(first_seen=None, through=None).endswith(
        ", but the daemon does not know the task: linod reload."
    )


def test_what_is_decided_and_not_kept_says_so() -> None:
    assert undecided(through=at(1)) == (
        "Nothing is kept of Sat 2026-11-21 03:30 EET: "
        "its recurrence was another one then, or it is older than keep in [linod]."
    )


def test_without_a_daemon_nothing_is_decided() -> None:
    assert undecided(through=at(-1), traced=at(-5), **NO_DAEMON) == (
        "It was due at Sat 2026-11-21 03:30 EET and is not decided: no daemon is running, "
        "and nothing was decided since 03:25. "
        'When linod serve starts, catch_up = "one" says what becomes of it.'
    )


def test_a_daemon_in_trouble_says_what_is_wrong() -> None:
    assert undecided(through=at(-1), trouble="the store var/linod.db is full") == (
        "It was due at Sat 2026-11-21 03:30 EET and is not decided: "
        "the daemon cannot, the store var/linod.db is full."
    )


def test_a_daemon_that_is_busy_needs_a_moment() -> None:
    assert undecided(through=at(-1)).endswith(" and is not decided yet.")


# -- the clock, and now -------------------------------------------------------------------------


def test_a_clock_that_stepped_back_says_what_to_do() -> None:
    assert said(Finding(what=NoVerdict.CLOCK_AHEAD), build_asked(through=at(3000))) == (
        "It does not run: the clock stepped back, "
        "and all up to Mon 2026-11-23 05:30 EET is decided already. "
        "If the clock is right now, say so: linod clock accept."
    )


def test_a_decision_on_what_lies_ahead_says_how_that_can_be() -> None:
    row = build_decision(Verdict.SUPERSEDED, due=TOMORROW, last=TOMORROW)
    finding = Finding(what=Verdict.SUPERSEDED, at=TOMORROW, decision=row)

    assert said(finding, build_asked(through=at(3000))).endswith(
        " That lies ahead: the clock stepped back since. "
        "If the clock is right now, say so: linod clock accept."
    )


def test_what_holds_it_now_is_told_where_nothing_else_was_asked() -> None:
    hold = Hold(task="*", kind=HoldKind.PAUSE, since=DUE, by="ann", reason="migration")
    finding = Finding(what=Verdict.ADMITTED, at=DUE, runs=[build_run()])

    told = sentences(build_asked(hold=hold), finding, is_present=True)

    assert told[-1] == (
        'Just now all tasks are paused by ann: "migration" (linod resume --all ends that).'
    )


def test_what_is_switched_off_now_is_told_where_nothing_else_was_asked() -> None:
    finding = Finding(what=Verdict.ADMITTED, at=DUE, runs=[build_run()])
    asked = build_asked(task=build_task(enabled=False))

    assert sentences(asked, finding, is_present=True)[-1] == (
        "Just now it is switched off (enabled = false)."
    )

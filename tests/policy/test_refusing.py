"""Why nothing of a task is decided to run: switched off, paused, disabled."""

from __future__ import annotations

import pytest

from linod.events import Trigger, Verdict
from linod.policy import Hold, HoldKind, Refusal, refusal

from .building import T, at, build_task

PAUSE = Hold(task="mail", kind=HoldKind.PAUSE, since=T, by="uid 1000", reason="migration")
DISABLE = Hold(task="mail", kind=HoldKind.DISABLE, since=T, by="alice")
BY_FAILURES = Hold(
    task="mail", kind=HoldKind.DISABLE, since=T, reason="after 5 failures in a row, the last one: x"
)
ASKED_FOR = [Trigger.MANUAL, Trigger.BACKFILL]
NOT_ASKED_FOR = [each for each in Trigger if each not in ASKED_FOR]


def test_nothing_is_refused_where_nothing_holds() -> None:
    assert refusal(build_task(), None, is_enabled=True) is None


@pytest.mark.parametrize("trigger", NOT_ASKED_FOR)
def test_a_pause_refuses_what_nobody_asks_for(trigger: Trigger) -> None:
    found = refusal(build_task(), PAUSE, is_enabled=True, trigger=trigger)

    reason = 'paused by uid 1000: "migration"'
    assert Refusal(verdict=Verdict.PAUSED, reason=reason, by="uid 1000") == found


@pytest.mark.parametrize("hold", [PAUSE, DISABLE, BY_FAILURES])
@pytest.mark.parametrize("trigger", ASKED_FOR)
def test_a_person_may_run_what_is_held_back(hold: Hold, trigger: Trigger) -> None:
    assert refusal(build_task(), hold, is_enabled=True, trigger=trigger) is None


@pytest.mark.parametrize("trigger", ASKED_FOR)
def test_a_person_may_run_a_task_that_is_not_enabled(trigger: Trigger) -> None:
    assert refusal(build_task(enabled=False), None, is_enabled=True, trigger=trigger) is None


@pytest.mark.parametrize("trigger", Trigger)
def test_linod_switched_off_refuses_all(trigger: Trigger) -> None:
    found = refusal(build_task(), None, is_enabled=False, trigger=trigger)

    assert Refusal(verdict=Verdict.SWITCHED_OFF, reason="linod is switched off") == found


def test_a_task_that_is_not_enabled_is_switched_off_rather_than_paused() -> None:
    found = refusal(build_task(enabled=False), PAUSE, is_enabled=True)

    assert Refusal(verdict=Verdict.SWITCHED_OFF, reason="enabled = false") == found


def test_a_disable_by_a_person_says_who() -> None:
    found = refusal(build_task(), DISABLE, is_enabled=True)

    assert Refusal(verdict=Verdict.DISABLED, reason="disabled by alice", by="alice") == found


def test_a_disable_by_failures_says_which() -> None:
    found = refusal(build_task(), BY_FAILURES, is_enabled=True)

    reason = "disabled after 5 failures in a row, the last one: x"
    assert Refusal(verdict=Verdict.DISABLED, reason=reason) == found


def test_a_pause_of_all_tasks_says_so() -> None:
    hold = Hold(task="*", kind=HoldKind.PAUSE, since=T, until=at(60), by="bob")

    assert "all tasks paused by bob" == hold.sentence

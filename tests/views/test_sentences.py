"""The lines of `linod serve`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from linod.events import Outcome, TellChanged, TellDecided, TellEnded, TellStarted, Verdict
from linod.specs import LogLevel
from linod.views import changed, clean, columns, decided, ended, localized, started, terminal_line

NOW = datetime(2026, 11, 21, 5, 10, 1, tzinfo=UTC)
DUE = datetime(2026, 11, 21, 5, 10, tzinfo=UTC)


def build_ended(**changes: Any) -> TellEnded:
    values: dict[str, Any] = {
        "run": 7,
        "task": "send_mail",
        "due": DUE,
        "attempt": 1,
        "outcome": Outcome.SUCCEEDED,
        "reason": "",
        "took_s": 1.2,
        "late_s": 0.002,
        "next_due": datetime(2026, 11, 21, 5, 15, tzinfo=UTC),
        "zone": "Europe/Tallinn",
    }
    return TellEnded(**{**values, **changes})


def test_a_success_says_how_long_how_late_and_what_is_next() -> None:
    told = ended(build_ended(), NOW)

    assert told == (LogLevel.INFO, "send_mail succeeded in 1.2 s, 2 ms late, next 07:15")


def test_a_failure_says_why_and_where_to_look() -> None:
    level, text = ended(
        build_ended(outcome=Outcome.FAILED, reason="ValueError: no shop", late_s=0.0), NOW
    )

    assert level == LogLevel.ERROR
    assert (
        text == "send_mail failed after 1.2 s: ValueError: no shop, next 07:15  (linod history 7)"
    )


def test_a_timeout_needs_no_reason() -> None:
    _, text = ended(
        build_ended(
            outcome=Outcome.TIMED_OUT, reason="after 30 s", took_s=30.0, late_s=None, next_due=None
        ),
        NOW,
    )

    assert text == "send_mail timed out after 30 s  (linod history 7)"


def test_a_run_that_never_started_took_no_time() -> None:
    told = build_ended(
        outcome=Outcome.CANCELLED,
        reason="cancelled by ann",
        took_s=None,
        late_s=None,
        next_due=None,
    )

    assert ended(told, NOW) == (LogLevel.INFO, "send_mail was cancelled: by ann")


def test_a_second_attempt_is_named() -> None:
    _, text = ended(build_ended(attempt=2, late_s=None, next_due=None), NOW)

    assert text == "send_mail succeeded in 1.2 s (attempt 2)"


def test_a_failed_attempt_says_when_it_is_tried_again() -> None:
    _, text = ended(
        build_ended(
            outcome=Outcome.TIMED_OUT,
            took_s=30.0,
            late_s=None,
            attempts_max=3,
            again=timedelta(seconds=10),
        ),
        NOW,
    )

    assert text == "send_mail timed out after 30 s (attempt 1 of 3), again in 10 s"


def test_a_lost_run_is_tried_again_at_once() -> None:
    told = build_ended(outcome=Outcome.LOST, took_s=None, late_s=None, again=timedelta(0))

    assert ended(told, NOW)[1] == "send_mail was lost, again at once"


def test_a_long_reason_gives_way_to_when_it_is_tried_again() -> None:
    told = build_ended(
        outcome=Outcome.FAILED,
        reason="ValueError: " + "x" * 80,
        late_s=3.0,
        attempts_max=3,
        again=timedelta(minutes=10),
    )

    _, text = ended(told, NOW)

    assert "(attempt 1 of 3): ValueError: xxx" in text
    assert text.endswith("x…, again in 10 m")
    assert columns(text) + len("07:10:01 WARNING ") == 100


def test_what_people_should_know_is_one_clean_line() -> None:
    told = TellChanged(level=LogLevel.INFO, task="send_mail", text='paused by ann: "a\nb"')

    assert changed(told, "UTC") == (LogLevel.INFO, 'send_mail paused by ann: "a\\nb"')


def test_instants_of_a_sentence_are_written_in_the_zone() -> None:
    text = 'paused by ann: "x" until 2026-11-23T00:00:00+00:00, 2026-11-21 07:00:05.000001+00:00'

    assert localized(text, "Europe/Tallinn") == (
        'paused by ann: "x" until Mon 2026-11-23 02:00 EET, Sat 2026-11-21 09:00:05 EET'
    )


@pytest.mark.parametrize("text", ["2026-13-23T00:00:00+00:00", "at 2026-11-23", ""])
def test_what_is_no_instant_stays_as_it_is(text: str) -> None:
    assert localized(text, "Europe/Tallinn") == text


def test_a_start_is_for_debugging() -> None:
    told = TellStarted(run=7, task="send_mail", due=DUE, late_s=0.5)

    assert started(told) == (LogLevel.DEBUG, "send_mail started (run 7), 500 ms late")


def build_decided(**changes: Any) -> TellDecided:
    values: dict[str, Any] = {
        "task": "send_mail",
        "first": DUE,
        "last": DUE,
        "count": 1,
        "verdict": Verdict.OVERLAP,
        "reason": "run 6 is going on",
        "zone": "Europe/Tallinn",
    }
    return TellDecided(**{**values, **changes})


def test_one_occurrence_without_a_run_is_named() -> None:
    told = decided(build_decided(), NOW)

    assert told == (
        LogLevel.WARNING,
        "send_mail did not run at 07:10 (overlap): run 6 is going on",
    )


def test_many_occurrences_without_a_run_are_counted() -> None:
    level, text = decided(
        build_decided(
            last=datetime(2026, 11, 22, 5, 10, tzinfo=UTC),
            count=1440,
            verdict=Verdict.SWITCHED_OFF,
            reason="",
        ),
        NOW,
    )

    assert level == LogLevel.INFO
    assert text == "send_mail did not run 1,440 times from 07:10 to Sun 07:10 (switched off)"


def test_a_line_of_the_terminal_is_cut_and_clean() -> None:
    line = terminal_line(NOW, "Europe/Tallinn", LogLevel.ERROR, "bad\x1b[2J " + "x" * 200)

    assert line.startswith("07:10:01 ERROR   bad\\x1b[2J xxx")
    assert columns(line) == 100


def test_a_line_that_is_cut_keeps_where_to_look() -> None:
    text = "x" * 100 + "  (linod history 1234)"

    line = terminal_line(NOW, "Europe/Tallinn", LogLevel.ERROR, text)

    assert line.endswith("xxx…  (linod history 1234)")
    assert columns(line) == 100


@pytest.mark.parametrize("pointer", ["  (linod enable send_mail)", "  (run 12)"])
def test_a_line_that_is_cut_keeps_every_pointer(pointer: str) -> None:
    line = terminal_line(NOW, "Europe/Tallinn", LogLevel.ERROR, "x" * 100 + pointer)

    assert line.endswith("xxx…" + pointer)
    assert columns(line) == 100


def test_a_full_line_does_without_a_lateness_below_a_second() -> None:
    fields = {"outcome": Outcome.FAILED, "reason": "x" * 30, "task": "a_task_with_a_name"}

    assert "2 ms late" not in ended(build_ended(**fields), NOW)[1]
    assert "2 s late" in ended(build_ended(**fields, late_s=2.0), NOW)[1]


@given(
    reason=some.text(max_size=200),
    task=some.text("abc_-", min_size=1, max_size=100),
    outcome=some.sampled_from(Outcome),
    late_s=some.floats(0, 1e6),
    took_s=some.none() | some.floats(0, 1e6),
    again=some.none() | some.timedeltas(timedelta(0), timedelta(days=400)),
    attempts_max=some.none() | some.integers(1, 1000),
)
def test_a_line_of_the_terminal_is_never_too_wide_nor_raw(
    reason: str,
    task: str,
    outcome: Outcome,
    late_s: float,
    took_s: float | None,
    again: timedelta | None,
    attempts_max: int | None,
) -> None:
    told = build_ended(
        reason=reason,
        task=task,
        outcome=outcome,
        late_s=late_s,
        took_s=took_s,
        again=again,
        attempts_max=attempts_max,
    )

    level, text = ended(told, NOW)
    line = terminal_line(NOW, "Europe/Tallinn", level, text)

    assert columns(line) <= 100
    assert clean(line) == line
    assert (again is None) == (", again " not in text)

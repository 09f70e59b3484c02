"""`linod next`."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from click.testing import Result

from linod.policy import Hold, HoldKind

Linod = Callable[..., Result]
pytestmark = pytest.mark.usefixtures("project")


def test_instants_are_in_the_zone_of_the_task(linod: Linod) -> None:
    lines = linod("next", "nightly_backup", "--from", "2030-06-01").stdout.splitlines()

    assert lines[0].split() == ["TASK", "NEXT", "IN", "RECURRENCE"]
    assert lines[1].startswith("nightly_backup  Sat 2030-06-01 03:30 EEST  ")
    assert lines[1].endswith("  every day at 03:30")


def test_a_moved_instant_is_noted(linod: Linod) -> None:
    lines = linod("next", "nightly_backup", "--from", "2030-03-31", "-n", "2").stdout.splitlines()

    assert "Sun 2030-03-31 04:00 EEST" in lines[1]
    assert "moved: 03:30 does not exist that day" in lines[1] + lines[2]
    assert "Mon 2030-04-01 03:30 EEST" in lines[-1]


def test_json_has_due_in_utc_and_local(linod: Linod) -> None:
    result = linod("next", "nightly_backup", "--from", "2030-03-31", "--json")

    assert json.loads(result.stdout) == [
        {
            "task": "nightly_backup",
            "due": "2030-03-31T01:00:00Z",
            "local": "2030-03-31T04:00:00+03:00",
            "note": "moved: 03:30 does not exist that day",
        }
    ]


def test_from_includes_its_instant(linod: Linod) -> None:
    result = linod("next", "send_mail", "--from", "2030-06-01 12:05", "--json")

    assert json.loads(result.stdout)[0]["due"] == "2030-06-01T09:05:00Z"


def test_from_with_an_offset_is_that_instant(linod: Linod) -> None:
    result = linod("next", "send_mail", "--from", "2030-06-01T12:01:00Z", "--json")

    assert json.loads(result.stdout)[0]["due"] == "2030-06-01T12:05:00Z"


def test_until_a_date_includes_that_day(linod: Linod) -> None:
    result = linod(
        "next", "nightly_backup", "--from", "2030-06-01", "--until", "2030-06-03", "--json"
    )

    assert [each["local"] for each in json.loads(result.stdout)] == [
        "2030-06-01T03:30:00+03:00",
        "2030-06-02T03:30:00+03:00",
        "2030-06-03T03:30:00+03:00",
    ]


def test_utc_prints_in_utc(linod: Linod) -> None:
    lines = linod("next", "nightly_backup", "--from", "2030-06-01", "--utc").stdout.splitlines()

    assert "Sat 2030-06-01 00:30 UTC" in lines[1]


def test_a_task_without_instants_shows_its_words(linod: Linod) -> None:
    line = linod("next", "by_hand").stdout.splitlines()[1]

    assert line.split() == ["by_hand", "-", "-", "manually"]
    assert json.loads(linod("next", "by_hand", "--json").stdout) == []


def test_a_task_that_is_switched_off_says_so(linod: Linod) -> None:
    assert "switched off" in linod("next", "off").stdout


def test_all_tasks_come_in_the_order_of_the_file(linod: Linod) -> None:
    found = json.loads(linod("next", "--json").stdout)

    assert [each["task"] for each in found] == ["send_mail", "nightly_backup", "off"]


def test_an_unknown_task_is_answered_with_the_nearest(linod: Linod) -> None:
    result = linod("next", "send_mial")

    assert result.exit_code == 2
    assert result.stderr == ('linod: there is no task "send_mial": did you mean "send_mail"?\n')


@pytest.mark.parametrize("when", ["yesterday", "2030-13-01", "9999-12-31T23:59:59-14:00", ""])
def test_what_is_no_instant_is_a_usage_error(linod: Linod, when: str) -> None:
    result = linod("next", "send_mail", "--from", when)

    assert "Traceback" not in result.output
    assert result.exit_code == 2


@pytest.mark.parametrize("arguments", [(), ("-n", "30"), ("--utc",), ("--until", "2031-01-01")])
def test_no_line_is_too_wide(linod: Linod, arguments: tuple[str, ...]) -> None:
    lines = linod("next", *arguments).stdout.splitlines()

    assert [line for line in lines if len(line) > 100] == []


def test_an_end_before_the_beginning_is_a_usage_error(linod: Linod) -> None:
    result = linod("next", "--from", "2026-12-02", "--until", "2026-12-01")

    assert result.exit_code == 2
    assert result.stderr == 'linod: --until "2026-12-01" is before --from\n'


def test_the_last_day_there_is_has_its_instants(linod: Linod) -> None:
    result = linod("next", "send_mail", "--from", "9999-12-31 23:56", "-n", "2")

    assert result.exit_code == 0
    assert "Fri 9999-12-31 22:00 UTC" in result.stdout


def test_what_is_paused_until_then_is_noted(linod: Linod, keep: Callable[..., list[int]]) -> None:
    pause = Hold(
        task="*",
        kind=HoldKind.PAUSE,
        since=datetime(2026, 11, 1, tzinfo=UTC),
        until=datetime(2030, 6, 1, 9, 10, tzinfo=UTC),
        by="alice",
        reason="migration",
    )
    keep(pause)

    rows = json.loads(
        linod("next", "send_mail", "--from", "2030-06-01 12:05", "-n", "2", "--json").stdout
    )

    assert [row["note"] for row in rows] == ['all tasks paused by alice: "migration"', None]

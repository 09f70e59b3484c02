"""The fields of requests: what is right is taken, whatever else comes is refused in one line."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from linod.daemon.requests import FIELDS, FIRST, LAST, Refusal, Request

JSON = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text(),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(), inner, max_size=3),
    max_leaves=6,
)
NAMES = some.sampled_from(sorted({name for names in FIELDS.values() for name in names}))
READERS = (
    lambda request: request.task(),
    lambda request: request.tasks(instead="all"),
    lambda request: request.tasks(instead="failed"),
    lambda request: request.tasks(instead=""),
    lambda request: request.run(),
    lambda request: request.instant("until"),
    lambda request: request.maybe_instant("due"),
    lambda request: request.text("reason"),
    lambda request: request.flag("again"),
)


def refused(read: Callable[[], Any]) -> Refusal | None:
    try:
        read()
    except Refusal as refusal:
        return refusal
    return None


@given(verb=some.sampled_from(sorted(FIELDS)), fields=some.dictionaries(NAMES, JSON, max_size=3))
def test_whatever_a_field_holds_it_is_taken_or_refused(verb: str, fields: dict[str, Any]) -> None:
    found = [refused(lambda: read(Request({"verb": verb, **fields}))) for read in READERS]  # noqa: B023

    assert {refusal.exit_code for refusal in found if refusal} <= {2}
    assert all(str(refusal).isprintable() for refusal in found)


@given(verb=JSON)
def test_whatever_a_verb_is_it_is_known_or_refused(verb: Any) -> None:
    refusal = refused(lambda: Request({"verb": verb}))

    assert (refusal is None) == (isinstance(verb, str) and verb in FIELDS)


@given(due=some.datetimes(timezones=some.none() | some.timezones()))
def test_an_instant_with_an_offset_is_taken_and_another_refused(due: datetime) -> None:
    is_right = due.tzinfo is not None and FIRST <= due < LAST
    refusal = refused(lambda: Request({"verb": "run", "due": due.isoformat()}).instant("due"))

    assert (refusal is None) == is_right


def _read(read: int, **fields: Any) -> None:
    READERS[read](Request(fields))


@pytest.mark.parametrize(
    ("read", "fields", "error"),
    [
        (0, {"verb": "run"}, '"task" is the name of a task or chain'),
        (0, {"verb": "run", "task": 7}, '"task" is the name of a task or chain'),
        (1, {"verb": "pause"}, '"tasks" names at least one task or chain, or "all" is true'),
        (1, {"verb": "pause", "tasks": "a"}, '"tasks" is a list of names of tasks and chains'),
        (1, {"verb": "pause", "tasks": [1]}, '"tasks" is a list of names of tasks and chains'),
        (1, {"verb": "pause", "tasks": ["a"] * 1001}, '"tasks" has 1,000 names at most'),
        (
            1,
            {"verb": "pause", "tasks": ["a"], "all": True},
            '"tasks" and "all" exclude each other',
        ),
        (1, {"verb": "pause", "all": 1}, '"all" is true or false'),
        (3, {"verb": "disable"}, '"tasks" names at least one task or chain'),
        (4, {"verb": "cancel", "run": True}, '"run" is the number of a run'),
        (4, {"verb": "cancel", "run": 2**63}, '"run" is the number of a run'),
        (5, {"verb": "pause", "until": "soon"}, '"until" is an instant of the years 1970 to 8999'),
        (5, {"verb": "pause", "until": 5}, '"until" is an instant of the years 1970 to 8999'),
        (5, {"verb": "pause", "until": "2026-11-21T07:00"}, '"until" is an instant of the years'),
        (5, {"verb": "pause"}, '"until" is missing: an instant of the years 1970 to 8999'),
        (7, {"verb": "pause", "reason": ["a"]}, '"reason" is a text'),
        (7, {"verb": "pause", "reason": "a" * 501}, '"reason" has 500 characters at most'),
        (0, {"verb": "run", "tsk": "a"}, '"run" has no field "tsk": did you mean "task"?'),
        (0, {"verb": "stop", "now": True}, '"stop" has no field "now": it has none'),
    ],
)
def test_a_wrong_field_is_refused_by_its_name(
    read: int, fields: dict[str, Any], error: str
) -> None:
    with pytest.raises(Refusal) as found:
        _read(read, **fields)

    assert str(found.value).startswith(error)


def test_a_field_that_is_null_counts_as_left_out() -> None:
    request = Request({"verb": "pause", "tasks": ["a", "a"], "until": None, "reason": None})

    assert request.tasks(instead="all") == ("a",)
    assert (request.maybe_instant("until"), request.text("reason")) == (None, "")


def test_an_instant_is_turned_into_utc() -> None:
    request = Request({"verb": "run", "due": "2026-11-21T07:00+02:00"})

    assert request.maybe_instant("due") == datetime(2026, 11, 21, 5, tzinfo=UTC)

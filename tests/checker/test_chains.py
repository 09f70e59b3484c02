"""Chains: one decision and one run for the whole, and runs of its members in its steps."""

from __future__ import annotations

from typing import Any

from .building import at, begun, build, decided, findings, found, row, task
from .history import History, Hold
from .oracle import Instants

PARTS = (Instants(at=(at(10), at(30))),)
STEPS = (("extract",), ("load", "count"), ("tell",))


def whole(due: float, took: float, state: str = "succeeded", **fields: Any) -> list[Any]:
    """The run of the chain."""
    shared = {"task": "nightly", "state": state}
    times = {"started": due, "ended": due + took}
    return [
        *decided(due, "admitted", task="nightly"),
        *row(due, **times, **shared, **fields),
        *begun(due, due, took, task="nightly"),
    ]


def member(name: str, due: float, started: float, took: float = 3, **fields: Any) -> list[Any]:
    """A member of the chain as it should be."""
    number = int(due) * 100 + int(started)
    shared = {"task": name, "trigger": "chain"}
    times = {"queued": started, "planned": started, "started": started, "ended": started + took}
    fields = {"id": number, "chain": int(due), **fields}
    return [
        *decided(due, "admitted", task=name),
        *row(due, **times, **shared, **fields),
        *begun(due, started, took, run=number, **shared),
    ]


def left_out(due: float, *names: str, verdict: str = "upstream failed") -> list[Any]:
    return [entry for name in names for entry in decided(due, verdict, "extract failed", task=name)]


def all_well(due: float) -> list[Any]:
    return [
        *whole(due, 9),
        *member("extract", due, due),
        *member("load", due, due + 3),
        *member("count", due, due + 3, 2),
        *member("tell", due, due + 6),
    ]


def chained(*entries: Any, holds: tuple[Hold, ...] = (), **policy: Any) -> History:
    """A chain of three steps, due at 10 and 30."""
    chain = task("nightly", PARTS, steps=STEPS, **policy)
    members = [task(name, ()) for step in STEPS for name in step]
    return build(*entries, until=45, tasks=(chain, *members), holds=holds)


def test_a_chain_whose_members_ran_in_order_is_right() -> None:
    assert found(chained(all_well(10), all_well(30))) == []


def test_a_step_that_begins_before_the_one_before_has_ended_overlaps() -> None:
    history = chained(
        whole(10, 9),
        *[member("extract", 10, 10), member("load", 10, 12), member("count", 10, 13)],
        member("tell", 10, 16),
        all_well(30),
    )

    (finding,) = findings(history)

    assert ("overlapping", "load") == (str(finding.kind), finding.task)


def test_a_chain_that_stops_at_a_failure_is_right() -> None:
    history = chained(
        *[whole(10, 3, "failed"), member("extract", 10, 10, state="failed")],
        left_out(10, "load", "count", "tell"),
        all_well(30),
    )

    assert found(history) == []


def test_a_step_behind_a_failure_is_a_phantom() -> None:
    history = chained(
        *[whole(10, 9, "failed"), member("extract", 10, 10, state="failed")],
        *[member("load", 10, 13), member("count", 10, 13), member("tell", 10, 16)],
        all_well(30),
    )

    assert ("phantom", 10) in found(history)


def test_a_chain_that_continues_goes_on_behind_a_failure() -> None:
    history = chained(
        *[whole(10, 9, "failed"), member("extract", 10, 10, state="failed")],
        *[member("load", 10, 13), member("count", 10, 13), member("tell", 10, 16)],
        all_well(30),
        goes_on=True,
    )

    assert found(history) == []


def test_a_member_that_is_left_out_of_a_chain_that_succeeded_is_missed() -> None:
    history = chained(
        *[whole(10, 6), member("extract", 10, 10), member("load", 10, 13)],
        *[member("count", 10, 13), left_out(10, "tell"), all_well(30)],
    )

    assert found(history) == [("missed", 10)]


def test_a_member_that_is_held_needs_a_hold() -> None:
    entries = [
        *[whole(10, 3, "cancelled", reason="load did not run: paused by ann")],
        *[member("extract", 10, 10), left_out(10, "load", "count", verdict="paused")],
        *[left_out(10, "tell"), all_well(30)],
    ]
    holds = tuple(
        Hold(task=name, verdict="paused", begin=at(11), end=at(20)) for name in ("load", "count")
    )

    assert found(chained(*entries, holds=holds)) == []
    assert found(chained(*entries)) == [("unjustified", 10), ("unjustified", 10)]


def test_a_chain_of_which_nothing_ran_since_it_was_held_is_cancelled() -> None:
    holds = (Hold(task="extract", verdict="paused", begin=at(5), end=at(20)),)
    history = chained(
        decided(10, "admitted", task="nightly"),
        row(10, task="nightly", state="cancelled", reason="extract did not run", started=None),
        decided(10, "paused", task="extract"),
        left_out(10, "load", "count", "tell"),
        all_well(30),
        holds=holds,
    )

    assert found(history) == []


def test_a_chain_that_was_cancelled_though_all_could_run_is_missed() -> None:
    history = chained(
        decided(10, "admitted", task="nightly"),
        row(10, task="nightly", state="cancelled", reason="extract did not run", started=None),
        all_well(30),
    )

    assert found(history) == [("missed", 10)]


def test_a_chain_that_is_paused_while_its_first_member_waits_goes_on() -> None:
    holds = (Hold(task="nightly", verdict="paused", begin=at(12), end=at(20)),)
    entries = [
        *[decided(10, "admitted", task="nightly"), row(10, task="nightly", ended=24)],
        *[member("extract", 10, 15), member("load", 10, 18), member("count", 10, 18)],
        *[member("tell", 10, 21), all_well(30)],
    ]

    assert found(chained(*entries, holds=holds)) == []


def test_a_chain_that_goes_on_does_not_wait_though_its_first_member_does() -> None:
    history = chained(
        *[decided(10, "admitted", task="nightly"), row(10, task="nightly", ended=44)],
        *[member("extract", 10, 35), member("load", 10, 38), member("count", 10, 38)],
        *[member("tell", 10, 41), decided(30, "admitted", task="nightly")],
        row(30, task="nightly", state="waiting", started=None, ended=None),
        overlap="wait",
    )

    assert found(history) == []


def test_a_chain_that_begins_while_it_is_paused_is_a_phantom() -> None:
    holds = (Hold(task="nightly", verdict="paused", begin=at(8), end=at(20)),)

    assert ("phantom", 10) in found(chained(all_well(10), all_well(30), holds=holds))


def test_an_admitted_chain_without_a_run_is_missed() -> None:
    history = chained(decided(10, "admitted", task="nightly"), all_well(30))

    assert found(history) == [("missed", 10)]


def test_a_member_under_a_due_at_which_its_chain_did_not_run_is_a_phantom() -> None:
    history = chained(all_well(10), all_well(30), member("load", 20, 20))

    assert {("load", "phantom")} == {(each.task, str(each.kind)) for each in findings(history)}


def test_a_chain_that_goes_on_under_two_dues_overlaps() -> None:
    history = chained(
        *[whole(10, 30), member("extract", 10, 10, 30), left_out(10, "load", "count", "tell")],
        all_well(30),
    )

    assert ("overlapping", 30) in found(history)


def test_a_failed_member_may_be_tried_again_by_another_run_of_the_chain() -> None:
    again = {"task": "extract", "trigger": "chain", "attempt": 2}
    history = chained(
        *[whole(10, 3, "failed"), member("extract", 10, 10, state="failed")],
        left_out(10, "load", "count", "tell"),
        row(10, id=19, chain=18, queued=20, planned=20, started=20, ended=21, **again),
        begun(10, 20, 1, run=19, **again),
        all_well(30),
    )

    assert found(history) == []

"""Chains that somebody interferes with: cancels, pauses and disables of them and of members."""

from __future__ import annotations

from datetime import timedelta

from linod.events import Answer, Outcome, ServeStarted, StartRun, StopRun
from linod.specs import Chain, OnFailed, Overlap, Retry, Task

from .asking import cancel, disable, pause, resume, run
from .building import (
    World,
    at,
    build_chain,
    ended,
    members,
    names,
    only,
)

FAILED = Outcome.FAILED
RETRY = Retry(attempts=2, delay=timedelta(seconds=30))


def begin(world: World, *steps: str | list[str], **keys: object) -> list[StartRun]:
    """Adopt a chain with plain members and let it begin at 10."""
    world.adopt(at(5), *build_all(*steps, **keys))
    return world.starts(at(10))


def build_all(*steps: str | list[str], **keys: object) -> list[Chain | Task]:
    flat = [name for step in steps for name in ([step] if isinstance(step, str) else step)]
    return [build_chain(*steps, **keys), *members(*flat)]


def stops(effects: object) -> list[int]:
    return [each.run for each in effects if isinstance(each, StopRun)]  # type: ignore[attr-defined]


def test_cancel_ends_all_that_runs_of_it(world: World) -> None:
    found = begin(world, ["a", "b"], "c")

    settled = world.settle(at(11), cancel(11, "nightly"))

    assert [start.run for start in found] == stops(settled.effects)


def test_a_cancelled_chain_ends_with_its_last_member(world: World) -> None:
    first, second = begin(world, ["a", "b"], "c")
    world.settle(at(11), cancel(11, "nightly"))
    world.settle(at(12), ended(first, Outcome.CANCELLED))

    assert "running" == world.runs("nightly")[0].state
    assert [] == world.starts(at(13), ended(second, Outcome.CANCELLED))
    assert [("cancelled", "cancelled by alice")] == world.ends("nightly")


def test_a_cancelled_chain_starts_nothing_where_a_member_succeeds_after_all(world: World) -> None:
    (first,) = begin(world, "a", "b")
    world.settle(at(11), cancel(11, "nightly"))

    assert [] == world.starts(at(12), ended(first))
    assert [("cancelled", "cancelled by alice")] == world.ends("nightly")


def test_a_cancelled_chain_that_continues_starts_nothing(world: World) -> None:
    (first,) = begin(world, "a", "b", on_failed=OnFailed.CONTINUE)
    world.settle(at(11), cancel(11, "nightly"))

    assert [] == world.starts(at(12), ended(first, FAILED))


def test_a_member_of_a_cancelled_chain_is_not_retried(world: World) -> None:
    world.adopt(at(5), build_chain("a", "b"), *members("a", "b", retry=RETRY))
    (first,) = world.starts(at(10))
    world.settle(at(11), cancel(11, "nightly"))
    world.settle(at(12), ended(first, FAILED))

    assert [("failed", "")] == world.ends("a")
    assert [("cancelled", "cancelled by alice")] == world.ends("nightly")


def test_a_member_of_a_cancelled_chain_is_not_retried_after_a_restart(world: World) -> None:
    parts = [build_chain("a", "b"), *members("a", "b", retry=RETRY)]
    world.adopt(at(5), *parts)
    (first,) = world.starts(at(10))
    world.settle(at(11), cancel(11, "nightly"))
    world.restart()
    world.adopt(at(12), *parts)
    world.settle(at(12), ended(first, FAILED), ServeStarted(at=at(12)))

    assert [("cancelled", "cancelled by alice")] == world.ends("nightly")


def test_cancel_drops_a_member_that_waits_for_a_retry(world: World) -> None:
    world.adopt(at(5), build_chain("a", "b"), *members("a", "b", retry=RETRY))
    (first,) = world.starts(at(10))
    world.settle(at(11), ended(first, FAILED))
    world.settle(at(12), cancel(12, "nightly"))

    assert [("failed", ""), ("cancelled", "cancelled by alice")] == world.ends("a")
    assert [("cancelled", "cancelled by alice")] == world.ends("nightly")


def test_later_tasks_of_a_cancelled_chain_say_why(world: World) -> None:
    (first,) = begin(world, "a", "b")
    world.settle(at(11), cancel(11, "nightly"), ended(first, Outcome.CANCELLED))
    world.settle(at(12), ended(first, Outcome.CANCELLED))

    assert (10, "upstream failed") == world.verdicts("b")[0][:2]


def test_a_member_that_is_cancelled_stops_the_chain(world: World) -> None:
    (first,) = begin(world, "a", "b")
    world.settle(at(11), cancel(11, "a"))

    assert [] == world.starts(at(12), ended(first, Outcome.CANCELLED, reason="cancelled by alice"))
    assert [("cancelled", "a was cancelled by alice")] == world.ends("nightly")


def test_a_member_that_is_cancelled_does_not_stop_a_chain_that_continues(world: World) -> None:
    (first,) = begin(world, "a", "b", on_failed=OnFailed.CONTINUE)
    world.settle(at(11), cancel(11, "a"))

    assert ["b"] == names(world.starts(at(12), ended(first, Outcome.CANCELLED)))


def test_a_member_that_only_if_kept_from_running_does_not_stop_the_chain(world: World) -> None:
    (first,) = begin(world, "a", "b")

    found = world.starts(at(11), ended(first, Outcome.CANCELLED, reason="only_if"))

    assert ["b"] == names(found)
    world.settle(at(12), ended(found[0]))
    assert [("succeeded", "")] == world.ends("nightly")


def test_cancel_of_a_chain_that_waits_drops_it(world: World) -> None:
    begin(world, "a", overlap=Overlap.WAIT)
    world.settle(at(20))
    number = world.runs("nightly")[1].id

    answer = only(world.settle(at(21), cancel(21, run=number)), Answer)

    assert (number,) == answer.runs
    assert ("cancelled", "cancelled by alice") == world.ends("nightly")[1]


def test_a_member_that_is_paused_gets_no_run_and_stops_the_chain(world: World) -> None:
    (first,) = begin(world, "a", "b", "c")
    world.settle(at(11), pause(11, "b"))

    assert [] == world.starts(at(12), ended(first))
    assert (10, "paused", "paused by alice") == world.verdicts("b")[0]
    assert [("cancelled", "b did not run: paused by alice")] == world.ends("nightly")
    assert (10, "upstream failed", "b did not run: paused by alice") == world.verdicts("c")[0]


def test_a_chain_that_continues_goes_on_past_a_paused_member(world: World) -> None:
    (first,) = begin(world, "a", "b", "c", on_failed=OnFailed.CONTINUE)
    world.settle(at(11), pause(11, "b"))

    assert ["c"] == names(world.starts(at(12), ended(first)))


def test_of_an_inner_list_the_others_run_beside_a_paused_member(world: World) -> None:
    world.adopt(at(5), *build_all(["a", "b"], "c"))
    world.settle(at(6), pause(6, "a"))
    (second,) = world.starts(at(10))

    assert "b" == second.task.name
    assert [] == world.starts(at(11), ended(second))


def test_a_pause_of_a_member_that_runs_leaves_it(world: World) -> None:
    (first,) = begin(world, "a", "b")
    world.settle(at(11), pause(11, "a"))

    assert ["b"] == names(world.starts(at(12), ended(first)))


def test_a_pause_drops_a_member_that_waits(world: World) -> None:
    world.adopt(at(5), build_chain("a", "b"), *members("a", "b", retry=RETRY))
    (first,) = world.starts(at(10))
    world.settle(at(11), ended(first, FAILED))
    world.settle(at(12), pause(12, "a"))

    assert ("cancelled", "a did not run: paused by alice") == world.ends("nightly")[0]


def test_a_pause_of_all_ends_a_chain_at_its_next_step(world: World) -> None:
    (first,) = begin(world, "a", "b")
    world.settle(at(11), pause(11))

    assert [] == world.starts(at(12), ended(first))
    assert ("cancelled", "b did not run: all tasks paused by alice") == world.ends("nightly")[0]


def test_a_chain_that_a_person_asked_for_is_retried_while_all_is_paused(world: World) -> None:
    chain = build_chain("a", "b", recurrence="manually")
    world.adopt(at(5), chain, *members("a", "b", retry=RETRY))
    (first,) = world.starts(at(6), pause(6), run(6, "nightly"))
    world.settle(at(7), ended(first, FAILED))
    world.restart()
    world.adopt(at(8), chain, *members("a", "b", retry=RETRY))

    assert ["a"] == names(world.starts(at(37), ServeStarted(at=at(8))))


def test_a_chain_that_a_person_asked_for_runs_no_member_that_is_paused(world: World) -> None:
    world.adopt(at(5), *build_all("a", "b", recurrence="manually"))
    world.settle(at(6), pause(6.1, "a", until=60), pause(6.2))

    assert [] == world.starts(at(7), run(7, "nightly"))
    assert ("cancelled", "a did not run: paused by alice") == world.ends("nightly")[0]


def test_a_chain_whose_members_all_are_disabled_ends_at_once(world: World) -> None:
    world.adopt(at(5), *build_all("a", "b", on_failed=OnFailed.CONTINUE))
    world.settle(at(6), disable(6, "a", "b"))

    assert [] == world.starts(at(10))
    assert [("cancelled", "a did not run: disabled by alice")] == world.ends("nightly")


def test_a_resumed_member_runs_at_the_next_due(world: World) -> None:
    world.adopt(at(5), *build_all("a"))
    world.settle(at(6), pause(6, "a"))
    world.settle(at(10))
    world.settle(at(11), resume(11, "a"))

    assert ["a"] == names(world.starts(at(20)))


def test_a_member_that_the_end_of_linod_cancels_stops_the_chain_and_says_so(world: World) -> None:
    (first,) = begin(world, "a", "b")
    stopped = ended(first, Outcome.CANCELLED, reason="linod was stopped", started=at(10))
    world.settle(at(11), stopped)

    assert [("cancelled", "a was cancelled: linod was stopped")] == world.ends("nightly")

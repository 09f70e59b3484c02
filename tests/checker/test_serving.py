"""When a due can first be decided, and until when it may be undecided."""

from __future__ import annotations

from .building import T, at
from .clock import Clock
from .history import Drain, History, Outage
from .instants import Spans, longest_free, ticks
from .serving import Serving


def second(ticked: int | None) -> float | None:
    return None if ticked is None else (ticked - ticks(T)) / 1_000_000


def serving(*outages: Outage, late_max: float = 1, drains: tuple[Drain, ...] = ()) -> Serving:
    bounds = (ticks(T), ticks(at(100)))
    history = History(begin=T, until=at(100), tasks=(), outages=outages, drains=drains)
    return Serving(Clock(), history, bounds, int(late_max * 1_000_000))


def outage(begin: float, end: float, **fields: bool) -> Outage:
    return Outage(begin=at(begin), end=at(end), **fields)


def moment(served: Serving, due: float) -> float | None:
    return second(served.moment(ticks(at(due))))


def deadline(served: Serving, due: float) -> float | None:
    return second(served.deadline(ticks(at(due))))


def test_a_due_has_its_moment_at_once() -> None:
    assert moment(serving(), 10) == 10


def test_a_due_in_an_outage_has_its_moment_at_the_end() -> None:
    assert moment(serving(outage(5, 20)), 10) == 20


def test_a_due_at_the_beginning_of_an_outage_has_its_moment_then() -> None:
    assert moment(serving(outage(10, 20)), 10) == 10


def test_a_due_in_outages_that_overlap_has_its_moment_at_the_last_end() -> None:
    assert moment(serving(outage(5, 15), outage(8, 12), outage(11, 20)), 10) == 20


def test_a_due_where_two_outages_meet_has_its_moment_there() -> None:
    assert moment(serving(outage(5, 12), outage(12, 20)), 10) == 12


def test_a_due_in_an_unsure_outage_has_its_moment_at_once() -> None:
    assert moment(serving(outage(5, 20, is_unsure=True)), 10) == 10


def test_a_due_in_a_drain_has_its_moment_at_the_end() -> None:
    assert moment(serving(drains=(Drain(begin=at(5), end=at(20)),)), 10) == 20


def test_a_due_in_an_outage_without_end_has_none() -> None:
    assert moment(serving(outage(5, 200)), 10) is None


def test_an_outage_that_comes_after_all_changes_nothing() -> None:
    assert moment(serving(outage(150, 200)), 10) == 10


def test_a_deadline_is_just_before_the_tolerance_is_used_up() -> None:
    assert deadline(serving(), 10) == 10.999999


def test_without_tolerance_the_deadline_is_the_moment() -> None:
    assert deadline(serving(late_max=0), 10) == 10


def test_an_outage_stops_the_time_to_the_deadline() -> None:
    assert deadline(serving(outage(10.5, 20)), 10) == 20.499999


def test_an_unsure_outage_stops_the_time_to_the_deadline() -> None:
    assert deadline(serving(outage(5, 20, is_unsure=True), late_max=0), 10) == 20


def test_what_is_open_within_its_tolerance_at_the_end_has_no_deadline() -> None:
    assert deadline(serving(), 99.5) is None


def test_the_decider_was_able_beside_an_outage_and_at_its_ends() -> None:
    able = serving(outage(10, 20)).able(ticks(at(5)), ticks(at(25)))

    assert [(second(begin), second(end)) for begin, end in able] == [(5, 10), (20, 25)]


def test_the_decider_saw_nothing_of_what_the_clock_showed_in_an_outage() -> None:
    assert second(serving(outage(10, 20)).reached(ticks(at(15)))) == 10


def test_spans_are_found_by_what_they_touch() -> None:
    spans = Spans([(0, 9, "long"), (1, 2, "short"), (5, 6, "late")])

    assert ["late", "long"] == [item for _, _, item in spans.touching(4, 5)]


def test_the_longest_free_stretch_lies_between_what_is_taken() -> None:
    assert longest_free(0, 20, [(2, 5), (4, 9), (16, 17)]) == 7


def test_the_longest_free_stretch_may_be_the_last() -> None:
    assert longest_free(0, 20, [(2, 5)]) == 15

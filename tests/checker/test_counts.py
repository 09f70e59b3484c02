"""How much a history gave to look at."""

from __future__ import annotations

from .building import all_ran, at, build, decided, ran
from .checking import report
from .findings import Counts, Kind
from .history import Outage


def test_what_had_to_run_is_required() -> None:
    counts = report(build(all_ran(10, 20, 30, 40, 50, 60))).counts

    assert Counts(occurrences=6, required=6, optional=0, runs=6, decided=6) == counts


def test_what_something_may_have_kept_is_optional() -> None:
    history = build(ran(10), ran(20, took=15), decided(30, "overlap", "run 20"), ran(40), until=45)

    assert (
        Counts(occurrences=4, required=3, optional=1, runs=3, decided=4) == report(history).counts
    )


def test_of_what_was_missed_only_the_one_that_is_caught_up_is_required() -> None:
    history = build(
        ran(10),
        decided(20, "missed", last=30, count=2),
        ran(40, 45),
        all_ran(50, 60),
        outages=(Outage(begin=at(15), end=at(45)),),
    )

    assert (
        Counts(occurrences=6, required=4, optional=2, runs=4, decided=6) == report(history).counts
    )


def test_the_same_finding_on_several_dues_is_written_once() -> None:
    history = build(all_ran(10, 50, 60), decided(20, "overlap", "run 10", last=40, count=3))
    (finding,) = report(history).findings

    assert (Kind.MISSED, at(20), 3) == (finding.kind, finding.due, finding.count)


def test_a_finding_is_one_sentence() -> None:
    (finding,) = report(build(all_ran(10, 20), decided(30, "missed"), until=35)).findings

    assert (
        str(finding)
        == "missed: mail due 2026-11-21 07:00:30.000000: decided missed, though it had to run"
    )

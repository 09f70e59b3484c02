"""Correct histories have no findings, and each defect that is planted in one is reported."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, TypeVar

import pytest
from attrs import evolve
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as some

from .checking import check
from .history import Begun, DecisionRow, History, Policy, RunRow
from .oracle import Instants
from .reference import Scheduler, World

SECOND = timedelta(seconds=1)
EXACTLY = timedelta(0)
UNTIL = 100
Row = TypeVar("Row")


@some.composite
def worlds(draw: some.DrawFn) -> World:
    """Draw what a scheduler cannot choose."""
    period = draw(some.sampled_from([3, 7, 20, 50]))
    dues = draw(
        some.one_of(
            some.just(tuple(range(5, UNTIL - 5, period))),
            some.sets(some.integers(1, UNTIL - 1), min_size=1, max_size=8).map(sorted).map(tuple),
        )
    )
    return World(
        dues=dues,
        policy=Policy(
            overlap=draw(some.sampled_from(["skip", "wait", "allow"])),
            catch_up=draw(some.sampled_from(["one", "all", "none"])),
            catch_up_window=SECOND * draw(some.sampled_from([5, 30, 70, 1000])),
            retry_attempts=draw(some.sampled_from([1, 1, 3])),
        ),
        outages=_spans(draw(some.lists(some.integers(0, UNTIL - 3), max_size=4, unique=True))),
        are_deadly=draw(some.booleans()),
        holds=_spans(draw(some.lists(some.integers(0, UNTIL - 3), max_size=2, unique=True))),
        lengths=tuple(draw(some.lists(some.sampled_from([0, 1, 2, 3, 10, 30]), min_size=1))),
        outcomes=tuple(draw(some.lists(some.sampled_from(["succeeded", "failed"]), min_size=1))),
        until=UNTIL,
    )


def _spans(edges: list[int]) -> tuple[tuple[int, int], ...]:
    ordered = sorted(edges)
    return tuple(zip(ordered[::2], ordered[1::2], strict=False))


@settings(max_examples=500)
@given(worlds(), some.sampled_from([0, 1, 3]))
def test_a_correct_history_has_no_findings(world: World, late_max: int) -> None:
    assert check(Scheduler(world).play(), late_max=late_max * SECOND) == []


Draw = Callable[[some.SearchStrategy[int]], int]


def _one(draw: Draw, rows: list[int]) -> int:
    assume(rows)
    return rows[draw(some.integers(0, len(rows) - 1))]


def _with_decision(history: History, index: int, **fields: Any) -> History:
    rows = list(history.decisions)
    rows[index] = evolve(rows[index], **fields)
    return evolve(history, decisions=tuple(rows))


def _with_begun(history: History, index: int, **fields: Any) -> History:
    noted = list(history.begun)
    noted[index] = evolve(noted[index], **fields)
    return evolve(history, begun=tuple(noted))


def _without(rows: tuple[Row, ...], index: int) -> tuple[Row, ...]:
    return (*rows[:index], *rows[index + 1 :])


def _decisions(history: History, fits: Callable[[DecisionRow], bool]) -> list[int]:
    return [index for index, row in enumerate(history.decisions) if fits(row)]


def _dues(history: History) -> tuple[datetime, ...]:
    (part,) = history.tasks[0].versions[0].parts or ()
    assert isinstance(part, Instants)
    return part.at


def _row_of(history: History, begun: Begun) -> RunRow:
    return next(row for row in history.runs if row.id == begun.run)


# -- defects ----------------------------------------------------------------------------------


def drop_a_run(history: History, draw: Draw) -> History:
    done = [i for i, each in enumerate(history.begun) if _row_of(history, each).state != "lost"]
    index = _one(draw, [i for i in done if _row_of(history, history.begun[i]).state != "running"])
    row = _row_of(history, history.begun[index])
    runs = tuple(evolve(each, state="succeeded") if each == row else each for each in history.runs)
    return evolve(history, runs=runs, begun=_without(history.begun, index))


def begin_a_run_twice(history: History, draw: Draw) -> History:
    index = _one(draw, list(range(len(history.begun))))
    return evolve(history, begun=(*history.begun, history.begun[index]))


def begin_a_run_early(history: History, draw: Draw) -> History:
    index = _one(draw, [i for i, each in enumerate(history.begun) if each.attempt == 1])
    return _with_begun(history, index, started=history.begun[index].due - SECOND)


def begin_a_run_late(history: History, draw: Draw) -> History:
    """Where nothing keeps the run: a task that lets runs overlap, well away from outages."""
    policy = history.tasks[0].versions[0].policy
    assume(policy.overlap == "allow")
    # All that is caught up comes one after another, so there an earlier one may keep the run.
    is_in_turn = policy.catch_up == "all"
    free = [
        index
        for index, each in enumerate(history.begun)
        if not any(
            outage.begin <= each.started + SECOND and each.started <= outage.end
            for outage in history.outages
        )
        and not (
            is_in_turn and any(outage.begin <= each.due <= outage.end for outage in history.outages)
        )
    ]
    index = _one(draw, free)
    return _with_begun(history, index, started=history.begun[index].started + SECOND / 2)


def lose_a_run_row(history: History, draw: Draw) -> History:
    index = _one(draw, [i for i, row in enumerate(history.runs) if row.attempt == 1])
    return evolve(history, runs=_without(history.runs, index))


def double_a_run_row(history: History, draw: Draw) -> History:
    index = _one(draw, list(range(len(history.runs))))
    return evolve(history, runs=(*history.runs, history.runs[index]))


def forget_a_decision(history: History, draw: Draw) -> History:
    index = _one(draw, list(range(len(history.decisions))))
    return evolve(history, decisions=_without(history.decisions, index))


def double_a_decision(history: History, draw: Draw) -> History:
    index = _one(draw, list(range(len(history.decisions))))
    return evolve(history, decisions=(*history.decisions, history.decisions[index]))


def move_a_decision(history: History, draw: Draw) -> History:
    index = _one(draw, list(range(len(history.decisions))))
    row, by = history.decisions[index], SECOND / 2
    return _with_decision(history, index, due=row.due + by, last=row.last + by)


def count_wrongly(history: History, draw: Draw) -> History:
    index = _one(draw, _decisions(history, lambda row: row.verdict != "admitted"))
    by = 1 if draw(some.integers(0, 1)) else -1
    return _with_decision(history, index, count=history.decisions[index].count + by)


def lengthen_a_range(history: History, draw: Draw) -> History:
    """Over the next due, which has its own decision."""
    dues = _dues(history)
    index = _one(draw, _decisions(history, lambda row: any(due > row.last for due in dues)))
    row = history.decisions[index]
    following = min(due for due in dues if due > row.last)
    assume(following <= history.through["mail"])
    return _with_decision(history, index, last=following, count=row.count + 1)


def shorten_a_range(history: History, draw: Draw) -> History:
    index = _one(draw, _decisions(history, lambda row: row.count > 1))
    row = history.decisions[index]
    return _with_decision(history, index, last=row.due, count=1)


def admit_what_was_not(history: History, draw: Draw) -> History:
    index = _one(draw, _decisions(history, lambda row: row.verdict != "admitted"))
    return _with_decision(history, index, verdict="admitted", reason="")


def refuse_what_was_admitted(history: History, draw: Draw) -> History:
    index = _one(draw, _decisions(history, lambda row: row.verdict == "admitted"))
    verdicts = ["missed", "overlap", "paused", "superseded", "outside allowed", "cooldown"]
    verdict = verdicts[draw(some.integers(0, len(verdicts) - 1))]
    return _with_decision(history, index, verdict=verdict)


def mistake_an_overlap(history: History, draw: Draw) -> History:
    index = _one(draw, _decisions(history, lambda row: row.verdict == "overlap"))
    verdicts = ["disabled", "superseded", "outside allowed", "cooldown", "switched off", "missed"]
    verdict = verdicts[draw(some.integers(0, len(verdicts) - 1))]
    return _with_decision(history, index, verdict=verdict, reason="")


def mistake_a_miss(history: History, draw: Draw) -> History:
    index = _one(draw, _decisions(history, lambda row: row.verdict == "missed"))
    verdicts = ["disabled", "superseded", "outside allowed", "cooldown", "switched off", "overlap"]
    verdict = verdicts[draw(some.integers(0, len(verdicts) - 1))]
    return _with_decision(history, index, verdict=verdict, reason="run 1 was going on")


def name_another_run(history: History, draw: Draw) -> History:
    index = _one(draw, _decisions(history, lambda row: row.verdict == "overlap"))
    return _with_decision(history, index, reason="run 99 was going on")


def give_another_reason(history: History, draw: Draw) -> History:
    index = _one(draw, _decisions(history, lambda row: row.verdict == "missed"))
    row, policy = history.decisions[index], history.tasks[0].versions[0].policy
    wrong = "the newest one is caught up instead"
    if row.reason == wrong or policy.catch_up == "all":
        wrong = 'catch_up = "none"'
    return _with_decision(history, index, reason=wrong)


def overlap(history: History, draw: Draw) -> History:
    """Let a run go on into the next one of a task that must not overlap."""
    assume(history.tasks[0].versions[0].policy.overlap != "allow")
    pairs = [
        index
        for index in range(len(history.begun) - 1)
        if history.begun[index].started < history.begun[index + 1].started
    ]
    index = _one(draw, pairs)
    return _with_begun(history, index, ended=history.begun[index + 1].started + SECOND / 10)


def begin_what_was_never_due(history: History, draw: Draw) -> History:
    index = _one(draw, list(range(len(history.begun))))
    begun = history.begun[index]
    return evolve(history, begun=(*history.begun, evolve(begun, due=begun.due + SECOND / 2)))


def begin_what_waits(history: History, draw: Draw) -> History:
    ids = {row.id: number for number, row in enumerate(history.runs)}
    index = _one(draw, [ids[each.run] for each in history.begun])
    runs = list(history.runs)
    runs[index] = evolve(runs[index], state="waiting", started=None, ended=None)
    return evolve(history, runs=tuple(runs))


def give_up_without_a_reason(history: History, draw: Draw) -> History:
    ids = {row.id: index for index, row in enumerate(history.runs)}
    index = _one(draw, list(range(len(history.begun))))
    number = ids[history.begun[index].run]
    runs = list(history.runs)
    dropped = evolve(runs[number], state="cancelled", reason="", started=None)
    runs[number] = evolve(dropped, ended=dropped.queued)
    return evolve(history, runs=tuple(runs), begun=_without(history.begun, index))


def try_once_more(history: History, draw: Draw) -> History:
    index = _one(draw, [i for i, row in enumerate(history.runs) if row.state == "succeeded"])
    row = history.runs[index]
    more = evolve(row, id=99, attempt=row.attempt + 1, state="waiting", started=None, ended=None)
    return evolve(history, runs=(*history.runs, more))


DEFECTS = [
    drop_a_run,
    begin_a_run_twice,
    begin_a_run_early,
    begin_a_run_late,
    lose_a_run_row,
    double_a_run_row,
    forget_a_decision,
    double_a_decision,
    move_a_decision,
    count_wrongly,
    lengthen_a_range,
    shorten_a_range,
    admit_what_was_not,
    refuse_what_was_admitted,
    mistake_an_overlap,
    mistake_a_miss,
    name_another_run,
    give_another_reason,
    overlap,
    begin_what_was_never_due,
    begin_what_waits,
    give_up_without_a_reason,
    try_once_more,
]


@pytest.mark.parametrize("plant", DEFECTS, ids=lambda plant: plant.__name__)
@settings(max_examples=40, suppress_health_check=list(HealthCheck))
@given(world=worlds(), data=some.data())
def test_a_planted_defect_is_reported(
    plant: Callable[[History, Draw], History], world: World, data: some.DataObject
) -> None:
    damaged = plant(Scheduler(world).play(), data.draw)

    assert check(damaged, late_max=EXACTLY) != []

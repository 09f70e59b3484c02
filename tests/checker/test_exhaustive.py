"""The checker and the exhaustive definition agree on thousands of small histories."""

from __future__ import annotations

from datetime import datetime, timedelta

from attrs import evolve
from hypothesis import event, given, settings
from hypothesis import strategies as some

from .checking import check
from .exhaustive import STEP, Ran, Told, history_of, is_allowed
from .history import History, Policy
from .reference import BEGIN, Scheduler, World

UNTIL = 15
VERDICTS = ("admitted", "missed", "overlap", "paused")


@some.composite
def worlds(draw: some.DrawFn, overlaps: tuple[str, ...], holds: int) -> World:
    """Draw what a scheduler cannot choose."""
    return World(
        dues=tuple(
            STEP * each for each in sorted(draw(some.sets(_steps(1, 13), min_size=1, max_size=5)))
        ),
        policy=Policy(
            overlap=draw(some.sampled_from(overlaps)),
            catch_up=draw(some.sampled_from(["one", "all", "none"])),
            catch_up_window=timedelta(seconds=STEP * draw(some.sampled_from([2, 5, 8, 100]))),
        ),
        outages=_spans(draw(some.lists(_steps(0, 14), max_size=4, unique=True))),
        holds=_spans(draw(some.lists(_steps(0, 14), max_size=holds, unique=True))),
        lengths=tuple(STEP * each for each in draw(some.lists(_steps(0, 5), min_size=1))),
        until=STEP * UNTIL,
    )


def _steps(first: int, last: int) -> some.SearchStrategy[int]:
    return some.integers(first, last)


def _spans(edges: list[int]) -> tuple[tuple[int, int], ...]:
    ordered = [STEP * each for each in sorted(edges)]
    return tuple(zip(ordered[::2], ordered[1::2], strict=False))


def told(world: World, late_max: int, history: History) -> Told:
    """Write a played history as a small one."""
    dues = {run.id: _second(run.due) for run in history.runs}
    rows = [(row, due) for row in history.decisions for due in world.dues
            if _second(row.due) <= due <= _second(row.last)]  # fmt: skip
    return Told(
        world=world,
        late_max=late_max,
        verdicts={due: row.verdict for row, due in rows},
        named={
            due: dues[int(row.reason.split()[1])] for row, due in rows if row.verdict == "overlap"
        },
        ran={
            _second(run.due): Ran(
                state=run.state,
                started=None if run.started is None else _second(run.started),
                ended=None if run.ended is None else _second(run.ended),
            )
            for run in history.runs
        },
    )


def _second(instant: datetime) -> int:
    return int((instant - BEGIN).total_seconds())


@some.composite
def changed(draw: some.DrawFn, played: Told) -> Told:
    """Draw a history with something changed in it, for better or worse."""
    if not played.world.dues:
        return played
    due = draw(some.sampled_from(played.world.dues))
    if due in played.ran and draw(some.booleans()):
        return _with_run(draw, played, due)
    return _with_verdict(draw, played, due)


def _with_run(draw: some.DrawFn, played: Told, due: int) -> Told:
    ran = played.ran[due]
    by = STEP * draw(some.sampled_from([-2, -1, 1, 2]))
    started, ended = ran.started, ran.ended
    if started is not None and draw(some.booleans()):
        started = max(started + by, 0)
        ended = None if ended is None else max(ended, started)
    elif ended is not None and started is not None:
        ended = max(ended + by, started)
    elif draw(some.booleans()):
        return evolve(played, ran={**played.ran, due: Ran(state="succeeded")})
    return evolve(played, ran={**played.ran, due: evolve(ran, started=started, ended=ended)})


def _with_verdict(draw: some.DrawFn, played: Told, due: int) -> Told:
    verdict = draw(some.sampled_from([*VERDICTS, None]))
    verdicts, ran = dict(played.verdicts), dict(played.ran)
    verdicts.pop(due, None)
    ran.pop(due, None)
    if verdict is not None:
        verdicts[due] = verdict
    if verdict == "admitted":
        started = due + STEP * draw(some.sampled_from([0, 0, 1, 2]))
        ended = started + STEP * draw(_steps(0, 3))
        ran[due] = Ran(state="succeeded", started=started, ended=ended)
    named = {**played.named, due: draw(some.sampled_from([*ran, due]))}
    return evolve(played, verdicts=verdicts, ran=ran, named=named)


def _draw(data: some.DataObject, world: World, late_max: int) -> Told:
    small = told(world, late_max, Scheduler(world).play())
    for _ in range(data.draw(some.integers(0, 3))):
        small = data.draw(changed(small))
    return small


def _agrees(small: Told) -> bool:
    findings = check(history_of(small), late_max=timedelta(seconds=small.late_max))
    is_right = is_allowed(small)
    event("allowed" if is_right else "not allowed")
    return is_right == (not findings)


@settings(max_examples=2000)
@given(worlds(("skip", "wait", "allow"), holds=2), some.data())
def test_they_agree_on_a_decider_that_is_never_late(world: World, data: some.DataObject) -> None:
    assert _agrees(_draw(data, world, 0))


@settings(max_examples=1000)
@given(worlds(("allow",), holds=0), some.data())
def test_they_agree_on_a_decider_that_may_be_late(world: World, data: some.DataObject) -> None:
    assert _agrees(_draw(data, world, 2 * STEP))

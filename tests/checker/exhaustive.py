"""What is allowed, said a second time and as plainly as can be, for very small histories.

It walks a short stretch of time in half steps and tries every settle at every one of them. One
task, one attempt per due, every instant a whole step; no restarts and no steps of the clock.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from attrs import field, frozen

from .history import Begun, DecisionRow, History, Hold, Outage, RunRow, Task, Version
from .oracle import Instants
from .reference import LATE_MAX, NAME, World, at

STEP = 10
HALF = 5


@frozen(kw_only=True)
class Ran:
    """The run of an admitted due; instants are seconds."""

    state: str
    started: int | None = None
    ended: int | None = None


@frozen(kw_only=True)
class Told:
    """A small history: what was decided on each due, and what ran."""

    world: World
    late_max: int
    verdicts: dict[int, str] = field(factory=dict)
    named: dict[int, int] = field(factory=dict)
    """The due of the run that the reason of an overlap names."""
    ran: dict[int, Ran] = field(factory=dict)


def is_allowed(told: Told) -> bool:
    """Tell whether any sequence of settles, followed by right starts, gives this history."""
    admitted = {due for due, verdict in told.verdicts.items() if verdict == "admitted"}
    return (
        told.ran.keys() == admitted
        and all(_began_rightly(told, due) for due in told.ran)
        and _none_overlap(told)
        and _explain(told, 0, -1)
    )


# -- settles ----------------------------------------------------------------------------------


def _explain(told: Told, now: int, through: int) -> bool:
    """Tell whether settles from now on can give what was decided on the dues behind `through`."""
    open_ones = [due for due in told.world.dues if due > through]
    if now > told.world.until:
        return all(due not in told.verdicts and _may_stay_open(told, due) for due in open_ones)
    group = [due for due in open_ones if due <= now]
    may_settle = bool(group) and _is_able(told.world, now)
    may_settle = may_settle and all(_is_timely(told, due, now) for due in group)
    if may_settle and _settles(told, group, now) and _explain(told, now + HALF, now):
        return True
    return _explain(told, now + HALF, through)


def _may_stay_open(told: Told, due: int) -> bool:
    moment = _moment(told.world, due)
    if moment > told.world.until:
        return True
    return bool(told.late_max) and _waited(told.world, moment, told.world.until) < told.late_max


def _is_timely(told: Told, due: int, now: int) -> bool:
    moment = _moment(told.world, due)
    return now == moment or _waited(told.world, moment, now) < told.late_max


def _is_able(world: World, now: float) -> bool:
    return not any(begin < now < end for begin, end in world.outages)


def _moment(world: World, due: int) -> int:
    now = due
    while not _is_able(world, now):
        now += HALF
    return now


def _waited(world: World, first: int, last: int) -> int:
    """Count the seconds between two instants in which the decider was able to decide."""
    return sum(HALF for now in range(first, last, HALF) if _is_able(world, now + HALF / 2))


def _settles(told: Told, group: Sequence[int], now: int) -> bool:
    """Tell whether one settle at this instant decides a group as it was decided."""
    open_ones = []
    for due in group:
        if told.verdicts.get(due) == "paused":
            if not _may_be_paused(told.world, due, now):
                return False
        elif any(begin < due < end for begin, end in told.world.holds):
            return False
        else:
            open_ones.append(due)
    return not open_ones or any(
        _is_decided(told, open_ones, number, now) for number in _numbers(told.world, open_ones, now)
    )


def _may_be_paused(world: World, due: int, now: int) -> bool:
    is_late = now > due
    return any(
        begin <= due <= end or (is_late and begin <= now <= end) for begin, end in world.holds
    )


def _numbers(world: World, dues: Sequence[int], now: int) -> set[int]:
    """Say how many of the newest are chosen."""
    if len(dues) == 1 and now - dues[0] <= LATE_MAX:
        return {1}
    window = world.policy.catch_up_window.total_seconds()
    recent = sum(now - due <= window for due in dues)
    return {{"none": 0, "one": min(recent, 1), "all": recent}[world.policy.catch_up]}


def _is_decided(told: Told, dues: Sequence[int], number: int, now: int) -> bool:
    missed, chosen = dues[: len(dues) - number], dues[len(dues) - number :]
    return all(told.verdicts.get(due) == "missed" for due in missed) and all(
        _is_admission(told, due, now) for due in chosen
    )


def _is_admission(told: Told, due: int, now: int) -> bool:
    """Tell whether a chosen due was admitted, or dropped for another run, as its policy says."""
    policy, verdict = told.world.policy, told.verdicts.get(due)
    sure = [other for other in told.ran if other != due and _was_going_on(told, other, now)]
    possible = [other for other in told.ran if other != due and _may_go_on(told, other, now)]
    if verdict == "admitted":
        if policy.overlap == "wait" and policy.catch_up != "all":
            return not any(_waits_after(told, other, now) for other in sure)
        return policy.overlap != "skip" or not sure
    if verdict != "overlap" or told.named.get(due) not in possible:
        return False
    if policy.overlap == "wait":
        return any(_may_wait(told, other, now) for other in possible)
    return policy.overlap == "skip"


def _end(told: Told, due: int) -> float:
    ended = told.ran[due].ended
    return float("inf") if ended is None else ended


def _was_going_on(told: Told, due: int, now: int) -> bool:
    return _moment(told.world, due) < now < _end(told, due)


def _may_go_on(told: Told, due: int, now: int) -> bool:
    return _moment(told.world, due) <= now <= _end(told, due)


def _waits_after(told: Told, due: int, now: int) -> bool:
    started = told.ran[due].started
    return told.ran[due].state in ("waiting", "cancelled") if started is None else started > now


def _may_wait(told: Told, due: int, now: int) -> bool:
    started = told.ran[due].started
    return told.ran[due].state in ("waiting", "cancelled") if started is None else started >= now


# -- starts -----------------------------------------------------------------------------------


def _began_rightly(told: Told, due: int) -> bool:
    ran, world = told.ran[due], told.world
    queued = _moment(world, due)
    if ran.state == "cancelled":
        ended = ran.ended or 0
        return any(begin <= ended and queued <= end for begin, end in world.holds)
    if ran.started is None:
        return ran.state == "waiting" and _is_kept(told, due, world.until)
    if ran.started < queued or any(begin < ran.started < end for begin, end in world.holds):
        return False
    return _is_kept(told, due, ran.started)


def _is_kept(told: Told, due: int, until: int) -> bool:
    """Tell whether something kept a run from starting, but for the tolerance at a time."""
    free = 0
    for now in range(due, until, STEP):
        free = 0 if _is_taken(told, due, now + STEP / 2) else free + STEP
        if free > told.late_max:
            return False
    return True


def _is_taken(told: Told, due: int, now: float) -> bool:
    if not _is_able(told.world, now):
        return True
    if told.world.policy.overlap == "allow":
        return any(
            _moment(told.world, other) <= now < _end(told, other)
            for other in _one_by_one(told)
            if other < due
        ) and due in _one_by_one(told)
    return any(other != due and begin <= now < end for other, begin, end in _lived(told))


def _one_by_one(told: Told) -> set[int]:
    """Name the dues whose runs come one after another: decided with one that came too late.

    Or behind one that was missed.
    """
    moments = {due: _moment(told.world, due) for due in told.ran}
    late = {moment for due, moment in moments.items() if moment - due > told.late_max}
    behind = {
        due
        for former, due in pairwise(sorted(told.verdicts))
        if (told.verdicts[former], told.verdicts[due]) == ("missed", "admitted")
    }
    return {due for due, moment in moments.items() if moment in late or due in behind}


def _lived(told: Told) -> Iterator[tuple[int, int, float]]:
    for due, ran in told.ran.items():
        if ran.started is not None:
            yield due, ran.started, _end(told, due)


def _none_overlap(told: Told) -> bool:
    if told.world.policy.overlap == "allow":
        return True
    spans = sorted((begin, end) for _, begin, end in _lived(told))
    return all(
        end <= other for index, (_, end) in enumerate(spans) for other, _ in spans[index + 1 :]
    )


# -- the same for the checker -----------------------------------------------------------------


def history_of(told: Told) -> History:
    """Write a small history as the checker reads it: a row for each due."""
    world = told.world
    numbers = {due: number for number, due in enumerate(sorted(told.ran), 1)}
    version = Version(
        since=at(-1), parts=(Instants(at=tuple(map(at, world.dues))),), policy=world.policy
    )
    return History(
        begin=at(-1),
        until=at(world.until),
        tasks=(Task(name=NAME, versions=(version,)),),
        outages=tuple(Outage(begin=at(begin), end=at(end)) for begin, end in world.outages),
        holds=tuple(
            Hold(task=NAME, verdict="paused", begin=at(begin), end=at(end))
            for begin, end in world.holds
        ),
        decisions=tuple(_decision(told, due, numbers) for due in told.verdicts),
        runs=tuple(_row(told, due, number) for due, number in numbers.items()),
        begun=tuple(_begun(told, due, numbers[due]) for due, _, _ in _lived(told)),
    )


def _decision(told: Told, due: int, numbers: dict[int, int]) -> DecisionRow:
    verdict = told.verdicts[due]
    number = numbers.get(told.named.get(due, -1), 0)
    reason = f"run {number} was going on" if verdict == "overlap" else ""
    return DecisionRow(
        task=NAME, due=at(due), last=at(due), count=1, verdict=verdict, reason=reason
    )


def _row(told: Told, due: int, number: int) -> RunRow:
    ran = told.ran[due]
    return RunRow(
        id=number,
        task=NAME,
        due=at(due),
        attempt=1,
        trigger="schedule",
        state=ran.state,
        queued=at(_moment(told.world, due)),
        planned=at(due),
        started=None if ran.started is None else at(ran.started),
        ended=None if ran.ended is None else at(ran.ended),
        reason="paused by alice" if ran.state == "cancelled" else "",
    )


def _begun(told: Told, due: int, number: int) -> Begun:
    ran = told.ran[due]
    assert ran.started is not None
    return Begun(
        task=NAME,
        due=at(due),
        attempt=1,
        started=at(ran.started),
        ended=None if ran.ended is None else at(ran.ended),
        run=number,
    )

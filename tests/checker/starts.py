"""Whether each run began when it should: never before its time, and soon after it.

A run is late where, after its planned start, there was a stretch longer than the tolerance in
which nothing kept it: no outage, no other run of its task, no full pool, no closed window.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property

from . import windows
from .attempts import is_never_started
from .case import Case
from .findings import Found, Kind
from .instants import SECOND, length, longest_free
from .kept import Kept
from .lived import Life
from .rests import Rests
from .stays import UNFINISHED, Stay

CAUGHT_UP_EVERY = SECOND // 10
"""Caught-up runs start at most ten a second."""
SCHEDULED = ("schedule", "event", "after")


class Starts:
    """Judges when runs began, and those that have not yet."""

    def __init__(self, case: Case, lived: Sequence[Life]) -> None:
        self._case = case
        self._kept = Kept(case, lived)
        self._rests = Rests(case)

    def judge(self) -> Iterator[Found]:
        """Judge every run of a known task."""
        for task in self._case.dues:
            for stay in self._case.stays.get(task, ()):
                yield from self._plan_faults(stay)
                if stay.started is not None:
                    yield from self._begun(stay, stay.started)
                elif stay.row.state in UNFINISHED:
                    yield from self._late(stay, self._case.until)
                elif is_never_started(stay):
                    # It was to start until the daemon was gone that had let it.
                    yield from self._late(stay, min(stay.end_first, self._case.until))

    def _begun(self, stay: Stay, started: int) -> Iterator[Found]:
        yield from self._early(stay, started)
        if stay.begun is None:
            return  # a chain that nobody noted: its first member may have waited since
        if stay.row.task not in self._plain:
            yield from self._forbidden(stay, started)
        yield from self._late(stay, started)

    # -- planned ----------------------------------------------------------------------------

    def _plan_faults(self, stay: Stay) -> Iterator[Found]:
        """Find a start that was planned outside what spread and jitter allow."""
        is_first = stay.row.attempt == 1 and stay.row.trigger == "schedule"
        case = self._case
        # A chain waits for the cooldowns of its members, which is no jitter.
        if stay.planned == stay.due or not is_first or case.is_chain(stay.row.task):
            return
        moment = case.serving.moment(stay.due)
        policies = case.dues[stay.row.task].policies(stay.queued_first, stay.queued_last)
        if moment is None or any(each.allowed or each.members for each in policies):
            return
        moved = max(length(each.spread + each.jitter) for each in policies)
        latest = case.clock.shown(moment) + moved
        if stay.planned < stay.due:
            yield self._found(Kind.EARLY, stay, "its start was planned before it was due")
        elif stay.planned > latest:
            yield self._found(Kind.LATE, stay, "its start was planned later than jitter and spread")

    # -- early ------------------------------------------------------------------------------

    def _early(self, stay: Stay, started: int) -> Iterator[Found]:
        clock = self._case.clock
        if not stay.is_by_people and clock.reached(started) < stay.due:
            yield self._found(Kind.EARLY, stay, "it began before it was due")
        elif started < stay.queued_first:
            yield self._found(Kind.EARLY, stay, "it began before it was decided")
        elif started < stay.planned - max(clock.shifts_within(stay.queued_first, started)):
            yield self._found(Kind.EARLY, stay, "it began before its planned start")
        elif started < self._rests.earliest(stay, started):
            yield self._found(Kind.EARLY, stay, "it began before its wait was over")

    def _forbidden(self, stay: Stay, started: int) -> Iterator[Found]:
        """Find a start while nothing was to start."""
        case, task = self._case, stay.row.task
        earliest = case.serving.committed(started) - case.late_max
        last, first = case.clock.shown(started), case.clock.shown(earliest)
        policies = case.dues[task].policies(earliest, started)
        if case.serving.is_stopping(started):
            yield self._found(Kind.PHANTOM, stay, "it began while linod was stopping")
        are_closed = [each.allowed and windows.is_outside(each, first, last) for each in policies]
        if all(are_closed) and not stay.is_by_people:
            yield self._found(Kind.EARLY, stay, "it began while its window was closed")
        if self._is_too_old(stay, started):
            yield self._found(Kind.PHANTOM, stay, "it began though it waited beyond its window")
        is_held = case.circumstances[task].is_held(earliest, started)
        if stay.row.trigger in SCHEDULED and is_held:
            yield self._found(Kind.PHANTOM, stay, "it began while its task was held")
        if stay.row.trigger in SCHEDULED and not any(each.enabled for each in policies):
            yield self._found(Kind.PHANTOM, stay, "it began while its task was switched off")

    def _is_too_old(self, stay: Stay, started: int) -> bool:
        """Tell whether a daemon found a run waiting that was too old to start."""
        restart = self._case.serving.restart_before(self._given_away(started))
        if restart is None or restart <= stay.queued_last:
            return False
        policies = self._case.dues[stay.row.task].policies(restart, restart)
        age = self._case.clock.shown(restart) - stay.planned
        return age > max(length(each.catch_up_window) for each in policies)

    def _given_away(self, started: int) -> int:
        """Say when a run was given to its worker at the latest: not while nobody could decide."""
        blocked = self._case.serving.blocked.touching(started, started)
        return min((begin for begin, end, _ in blocked if begin < started < end), default=started)

    # -- late -------------------------------------------------------------------------------

    def _late(self, stay: Stay, started: int) -> Iterator[Found]:
        ready = self._ready(stay, started)
        most = self._case.late_max + self._pace(stay)
        if started - ready <= most:
            return
        taken = [
            (max(begin, ready), min(end, started))
            for begin, end in self._kept.between(stay, ready, started)
            if begin < started and end > ready
        ]
        free = longest_free(ready, started, taken)
        if free > most:
            what = "it has not begun" if stay.started is None else "it began late"
            text = f"{what}: nothing kept it for {free / SECOND:g} s"
            yield self._found(Kind.LATE, stay, text)

    def _ready(self, stay: Stay, started: int) -> int:
        """Say since when a run was to begin, in lived time."""
        if self._rests.is_one(stay):
            return self._rests.latest(stay, started)
        clock = self._case.clock
        shifts = clock.shifts_within(stay.queued_first, max(started, stay.queued_first))
        planned = max(stay.planned - min(shifts), clock.first(stay.planned))
        is_again = stay.due in self._case.dues[stay.row.task].again
        if stay.row.trigger == "schedule" and stay.row.attempt == 1 and not is_again:
            # A clock that jumps over a planned start shows it only then.
            moment = self._case.serving.moment(stay.due)
            return planned if moment is None else max(planned, moment)
        return max(planned, stay.queued_last)

    def _pace(self, stay: Stay) -> int:
        policies = self._case.dues[stay.row.task].policies(stay.queued_first, stay.queued_last)
        return CAUGHT_UP_EVERY if any(each.catch_up == "all" for each in policies) else 0

    @cached_property
    def _plain(self) -> set[str]:
        """Tasks of which every start was allowed whenever it was due."""
        if self._case.history.drains or any(each.is_restart for each in self._case.history.outages):
            return set()
        held = {hold.task for hold in self._case.history.holds}
        forbidding = {
            name
            for name, dues in self._case.dues.items()
            for version in dues.task.versions
            if version.policy.allowed or not version.policy.enabled
        }
        return set() if None in held else self._case.dues.keys() - held - forbidding

    def _found(self, kind: Kind, stay: Stay, text: str) -> Found:
        return kind, stay.row.task, stay.due, text

"""Whether each run began when it should: never before its time, and soon after it.

A run is late where, after its planned start, there was a stretch longer than the tolerance in
which nothing kept it: no outage, no other run of its task, no full pool, no closed window.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import pairwise
from typing import Any

from . import windows
from .case import Case, by_task
from .findings import Found, Kind
from .history import Policy, Verdict
from .instants import NEVER, SECOND, Spans, length, longest_free, ticks
from .lived import Life, full, pool_of
from .stays import UNFINISHED, Stay

CAUGHT_UP_EVERY = SECOND // 10
"""Caught-up runs start at most ten a second."""
SCHEDULED = ("schedule", "event", "after")

Taken = tuple[int, int]


class Starts:
    """Judges when runs began, and those that have not yet."""

    def __init__(self, case: Case, lived: Sequence[Life]) -> None:
        self._case = case
        self._lived = lived

    def judge(self) -> Iterator[Found]:
        """Judge every run of a known task."""
        for task in self._case.dues:
            for stay in self._case.stays.get(task, ()):
                yield from self._plan_faults(stay)
                if stay.started is not None:
                    yield from self._early(stay, stay.started)
                    if task not in self._plain:
                        yield from self._forbidden(stay, stay.started)
                    yield from self._late(stay, stay.started)
                elif stay.row.state in UNFINISHED:
                    yield from self._late(stay, self._case.until)

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

    def _forbidden(self, stay: Stay, started: int) -> Iterator[Found]:
        """Find a start while nothing was to start."""
        case, task = self._case, stay.row.task
        last, first = case.clock.shown(started), case.clock.shown(started - case.late_max)
        policies = case.dues[task].policies(started - case.late_max, started)
        if case.serving.is_stopping(started):
            yield self._found(Kind.PHANTOM, stay, "it began while linod was stopping")
        are_closed = [each.allowed and windows.is_outside(each, first, last) for each in policies]
        if all(are_closed) and not stay.is_by_people:
            yield self._found(Kind.EARLY, stay, "it began while its window was closed")
        if self._is_too_old(stay, started, policies):
            yield self._found(Kind.PHANTOM, stay, "it began though it waited beyond its window")
        is_held = case.circumstances[task].is_held(started - case.late_max, started)
        if stay.row.trigger in SCHEDULED and is_held:
            yield self._found(Kind.PHANTOM, stay, "it began while its task was held")
        if stay.row.trigger in SCHEDULED and not any(each.enabled for each in policies):
            yield self._found(Kind.PHANTOM, stay, "it began while its task was switched off")

    def _is_too_old(self, stay: Stay, started: int, policies: Sequence[Policy]) -> bool:
        """Tell whether a daemon found a run waiting that was too old to start."""
        restart = self._case.serving.restart_before(self._given_away(started))
        if restart is None or restart <= stay.queued_last:
            return False
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
            for begin, end in self._taken(stay, ready, started)
            if begin < started and end > ready
        ]
        free = longest_free(ready, started, taken)
        if free > most:
            what = "it has not begun" if stay.started is None else "it began late"
            text = f"{what}: nothing kept it for {free / SECOND:g} s"
            yield self._found(Kind.LATE, stay, text)

    def _ready(self, stay: Stay, started: int) -> int:
        """Say since when a run was to begin, in lived time."""
        clock = self._case.clock
        shifts = clock.shifts_within(stay.queued_first, max(started, stay.queued_first))
        planned = max(stay.planned - min(shifts), clock.first(stay.planned))
        if stay.row.trigger == "schedule" and stay.row.attempt == 1:
            # A clock that jumps over a planned start shows it only then.
            moment = self._case.serving.moment(stay.due)
            return planned if moment is None else max(planned, moment)
        return max(planned, stay.queued_last)

    def _pace(self, stay: Stay) -> int:
        policies = self._case.dues[stay.row.task].policies(stay.queued_first, stay.queued_last)
        return CAUGHT_UP_EVERY if any(each.catch_up == "all" for each in policies) else 0

    def _taken(self, stay: Stay, ready: int, started: int) -> Iterator[Taken]:
        """Give what kept a run from starting."""
        case = self._case
        policy = case.policy(stay.row.task, started)
        full_ones: list[Spans[Any]] = [case.serving.blocked, self._full]
        if pool_of(policy) is not None:
            full_ones.append(self._full_pools[policy.pool, policy.pool_size])
        for spans in full_ones:
            yield from ((begin, end) for begin, end, _ in spans.touching(ready, started))
        yield from self._own(stay, policy, ready, started)
        for name in case.dues.keys() & set(policy.after):
            for other in case.circumstances[name].lane.going_on(ready, started):
                if other.due <= stay.due:
                    yield other.queued_first, other.end_last
        if policy.allowed:
            shown = case.clock.shown(ready), case.clock.shown(started)
            for begin, end in windows.closed(policy, *shown):
                yield case.clock.first(begin), case.clock.last(end)

    def _own(self, stay: Stay, policy: Policy, ready: int, started: int) -> Iterator[Taken]:
        """Give the runs of the same task that had begun before."""
        task = stay.row.task
        if policy.overlap != "allow":
            yield from self._behind_retries(stay)
        if policy.overlap != "allow":
            for begin, end, other in self._ahead[task].touching(ready, started):
                if other is not stay:
                    yield begin, end
            return
        yield from self._behind_series(stay)
        if policy.max_running is not None:
            spans = self._full_tasks[task, policy.max_running]
            yield from ((begin, end) for begin, end, _ in spans.touching(ready, started))

    def _behind_series(self, stay: Stay) -> Iterator[Taken]:
        """Give those that were caught up and came before one that was: they run one by one."""
        if stay.row.trigger == "backfill":
            stays = self._case.stays[stay.row.task]
            others = [each for each in stays if each.row.trigger == "backfill" and each != stay]
            for other in others:
                yield other.started or other.queued_first, other.end_last
            return
        series = self._caught_up[stay.row.task]
        if stay.row.trigger == "schedule" and stay.due in series:
            for other in self._case.stays[stay.row.task]:
                if other.due in series and other.due < stay.due:
                    yield other.queued_first, other.end_last

    @cached_property
    def _caught_up(self) -> dict[str, set[int]]:
        """Per task, the dues that were decided together with one that came too late."""
        found: dict[str, set[int]] = defaultdict(set)
        for task, stays in self._case.stays.items():
            first = [s for s in stays if s.row.attempt == 1 and s.row.trigger == "schedule"]
            late = {stay.row.queued for stay in first if self._is_decided_late(stay)}
            found[task] = {stay.due for stay in first if stay.row.queued in late}
        for task, rows in by_task(self._case.history.decisions).items():
            ordered = sorted(rows, key=lambda row: row.due)
            found[task] |= {
                ticks(row.due)
                for former, row in pairwise(ordered)
                if former.verdict == Verdict.MISSED and row.verdict == Verdict.ADMITTED
            }
        return found

    def _is_decided_late(self, stay: Stay) -> bool:
        return ticks(stay.row.queued) - stay.due > self._case.late_max

    def _behind_retries(self, stay: Stay) -> Iterator[Taken]:
        """Give the times in which an earlier occurrence waited for its next attempt."""
        for other in self._case.stays[stay.row.task]:
            is_alike = other.is_by_people == stay.is_by_people
            if other.row.attempt > 1 and other.due != stay.due and is_alike:
                begun = other.end_last if other.started is None else other.started
                yield other.queued_first, begun

    @cached_property
    def _plain(self) -> set[str]:
        """Tasks of which every start was allowed whenever it was due."""
        if self._case.history.drains or any(each.is_restart for each in self._case.history.outages):
            return set()
        held = {hold.task for hold in self._case.history.holds}
        forbidding = {name for name, each in self._policies() if each.allowed or not each.enabled}
        return set() if None in held else self._case.dues.keys() - held - forbidding

    @cached_property
    def _ahead(self) -> dict[str, Spans[Stay]]:
        """Per task, what took its place: runs that began, and those that were given up to start."""
        found: dict[str, list[tuple[int, int, Stay]]] = defaultdict(list)
        for task, stays in self._case.stays.items():
            for stay in stays:
                if stay.started is not None:
                    found[task].append((stay.started, max(stay.started, stay.end_last), stay))
                elif not stay.is_waiting:
                    found[task].append((stay.queued_first, stay.end_last, stay))
        return defaultdict(Spans, {task: Spans(items) for task, items in found.items()})

    @cached_property
    def _full(self) -> Spans[None]:
        case = self._case
        processes = [life for life in self._lived if not case.is_chain(life.stay.row.task)]
        return _full_spans(processes, case.history.max_running or NEVER)

    @cached_property
    def _full_tasks(self) -> dict[tuple[str, int], Spans[None]]:
        tasks: dict[str, list[Life]] = defaultdict(list)
        for life in self._lived:
            tasks[life.stay.row.task].append(life)
        sizes = {(n, p.max_running) for n, p in self._policies() if p.max_running is not None}
        return {(name, size): _full_spans(tasks[name], size) for name, size in sizes}

    @cached_property
    def _full_pools(self) -> dict[tuple[str | None, int | None], Spans[None]]:
        pools: dict[str, list[Life]] = defaultdict(list)
        for life in self._lived:
            pool = pool_of(self._case.policy(life.stay.row.task, life.begin))
            if pool is not None:
                pools[pool].append(life)
        sizes = {(p.pool, p.pool_size) for _, p in self._policies() if p.pool}
        return {
            (pool, size): _full_spans(pools[pool], size)
            for pool, size in sizes
            if pool is not None and size is not None
        }

    def _policies(self) -> Iterator[tuple[str, Policy]]:
        for name, dues in self._case.dues.items():
            yield from ((name, version.policy) for version in dues.task.versions)

    def _found(self, kind: Kind, stay: Stay, text: str) -> Found:
        return kind, stay.row.task, stay.due, text


def _full_spans(lived: Sequence[Life], size: int) -> Spans[None]:
    return Spans((begin, end, None) for begin, end in full(lived, size))

"""What kept runs from starting: outages, others of the task, full pools, windows, upstream."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import pairwise
from typing import Any

from attrs import evolve

from . import windows
from .case import Case, by_task
from .facts import FAILURES
from .history import DecisionRow, Policy, Verdict
from .instants import NEVER, Spans, ticks
from .lived import Life, full, pool_of
from .stays import Stay

Taken = tuple[int, int]


class Kept:
    """Says when a run could not start, in lived time."""

    def __init__(self, case: Case, lived: Sequence[Life]) -> None:
        self._case = case
        self._lived = [_known_to_end(life) for life in lived]

    def between(self, stay: Stay, ready: int, started: int) -> Iterator[Taken]:
        """Give what kept a run from starting, by any policy that held meanwhile."""
        for spans in (self._case.serving.blocked, self._full):
            yield from _touching(spans, ready, started)
        yield from self._behind_series(stay, ready, started)
        for policy in self._case.dues[stay.row.task].policies(ready, started):
            yield from self._own(stay, policy, ready, started)
            if pool_of(policy) is not None:
                spans = self._full_pools[policy.pool, policy.pool_size]
                yield from _touching(spans, ready, started)
            yield from self._upstream(stay, policy, ready, started)
            if policy.allowed:
                yield from self._closed(policy, ready, started)

    def _own(self, stay: Stay, policy: Policy, ready: int, started: int) -> Iterator[Taken]:
        """Give what went on of the same task, if it excludes the run."""
        task = stay.row.task
        if policy.overlap != "allow":
            for begin, end, other in self._ahead[task].touching(ready, started):
                if other is not stay:
                    yield begin, end
            for begin, end, other in self._waiting[task].touching(ready, started):
                if other.due != stay.due and other.is_by_people == stay.is_by_people:
                    yield begin, end
        elif policy.max_running is not None:
            yield from _touching(self._full_tasks[task, policy.max_running], ready, started)

    def _behind_series(self, stay: Stay, ready: int, started: int) -> Iterator[Taken]:
        """Give the others of many that run one by one: caught up, in order, or filled in."""
        task = stay.row.task
        if stay.row.trigger == "backfill":
            for begin, end, other in self._filled_in[task].touching(ready, started):
                if other is not stay:
                    yield begin, end
        elif self._is_caught_up(stay):
            for begin, end, other in self._caught_up[task].touching(ready, started):
                if other.due < stay.due:
                    yield begin, end

    def _upstream(self, stay: Stay, policy: Policy, ready: int, started: int) -> Iterator[Taken]:
        for name in self._case.dues.keys() & set(policy.after):
            for other in self._case.circumstances[name].lane.going_on(ready, started):
                if other.due <= stay.due:
                    yield other.queued_first, other.end_last

    def _closed(self, policy: Policy, ready: int, started: int) -> Iterator[Taken]:
        clock = self._case.clock
        for begin, end in windows.closed(policy, clock.shown(ready), clock.shown(started)):
            yield clock.first(begin), clock.last(end)

    @cached_property
    def _caught_up(self) -> dict[str, Spans[Stay]]:
        """Per task, what was decided together with one that came too late."""
        return {
            task: Spans(
                (stay.queued_first, stay.end_last, stay)
                for stay in stays
                if self._is_caught_up(stay)
            )
            for task, stays in self._case.stays.items()
        }

    @cached_property
    def _filled_in(self) -> dict[str, Spans[Stay]]:
        """Per task, its backfills: each from its start on, and while it waits to be tried again."""
        return {
            task: Spans(
                (self._taken_since(stay), stay.end_last, stay)
                for stay in stays
                if stay.row.trigger == "backfill"
            )
            for task, stays in self._case.stays.items()
        }

    def _taken_since(self, stay: Stay) -> int:
        former = [
            each.row.state in FAILURES
            for each in self._case.stays_at(stay.row.task, stay.due)
            if each.row.attempt == stay.row.attempt - 1 and each.row.trigger == "backfill"
        ]
        return stay.queued_first if stay.started is None or any(former) else stay.started

    def _is_caught_up(self, stay: Stay) -> bool:
        return stay.row.trigger == "schedule" and (stay.row.task, stay.due) in self._series

    @cached_property
    def _series(self) -> set[tuple[str, int]]:
        """The dues that were decided together with one that came too late, or was missed."""
        first = [
            stay
            for stays in self._case.stays.values()
            for stay in stays
            if stay.row.attempt == 1 and stay.row.trigger == "schedule"
        ]
        late = {
            (stay.row.task, stay.row.queued)
            for stay in first
            if ticks(stay.row.queued) - stay.due > self._case.late_max
        }
        found = {
            (stay.row.task, stay.due) for stay in first if (stay.row.task, stay.row.queued) in late
        }
        return found.union(*map(_behind_missed, by_task(self._case.history.decisions).values()))

    @cached_property
    def _ahead(self) -> dict[str, Spans[Stay]]:
        """Per task, what took its place: runs that began, and those that were given up to start."""
        found: dict[str, list[tuple[int, int, Stay]]] = defaultdict(list)
        for task, stays in self._case.stays.items():
            for stay in stays:
                if stay.begun is not None and stay.started is not None:
                    found[task].append((stay.started, max(stay.started, stay.end_last), stay))
                elif not stay.is_waiting:
                    found[task].append((stay.queued_first, stay.end_last, stay))
        return defaultdict(Spans, {task: Spans(items) for task, items in found.items()})

    @cached_property
    def _waiting(self) -> dict[str, Spans[Stay]]:
        """Per task, what kept its place before it began: retries, and what was planned for later.

        What people asked for and what a schedule brought do not wait for each other's time.
        """
        found: dict[str, list[tuple[int, int, Stay]]] = defaultdict(list)
        for task, stays in self._case.stays.items():
            for stay in stays:
                if stay.row.attempt > 1 or stay.row.planned > stay.row.queued:
                    until = stay.end_last if stay.started is None else stay.started
                    found[task].append((stay.queued_first, until, stay))
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


def _known_to_end(life: Life) -> Life:
    """Let a run that was killed keep its place for as long as it may have: by a clock that was set
    back, its end may have been written as that of its beginning.
    """
    if life.stay.begun is not None and life.stay.begun.ended is None:
        return evolve(life, end=max(life.end, life.stay.end_last))
    return life


def _touching(spans: Spans[Any], first: int, last: int) -> Iterator[Taken]:
    return ((begin, end) for begin, end, _ in spans.touching(first, last))


def _behind_missed(rows: Sequence[DecisionRow]) -> set[tuple[str, int]]:
    """Give what was admitted right behind what was missed."""
    ordered = sorted(rows, key=lambda row: row.due)
    return {
        (row.task, ticks(row.due))
        for former, row in pairwise(ordered)
        if former.verdict == Verdict.MISSED and row.verdict == Verdict.ADMITTED
    }


def _full_spans(lived: Sequence[Life], size: int) -> Spans[None]:
    return Spans((begin, end, None) for begin, end in full(lived, size))

"""Tasks that meet nothing are counted instead of played: what the engine would do is certain.

It admits each of their occurrences and starts it at its due; each run ends before the next one is
due. That holds where a task hangs on no other (chain, `after`), has no policy that moves or
refuses a start, and its runs succeed within a known time. What cannot be known beforehand is
looked at while it happens: where such a run would still be going on at the next due, or would
have to wait for its pool or for [linod] max_running, `Met` is raised, all is played again from
the beginning, and the engine plays these tasks.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterator
from datetime import datetime, timedelta

from attrs import define

from linod.events import Outcome, Verdict
from linod.planner import Planner
from linod.recurrence.model import Event
from linod.simulation.load import PoolLoad
from linod.simulation.scenario import Scenario
from linod.simulation.tally import Tally, TaskTally
from linod.specs import Task, Warn
from linod.store.interface import to_microseconds

TICK = timedelta(microseconds=1)

_END, _BEGIN = 0, 1
_MICROSECOND = timedelta(microseconds=1)


class Met(Exception):  # noqa: N818 - it reads as what happened
    """Tasks that were taken to be alone were not."""

    def __init__(self, tasks: Collection[str]) -> None:
        super().__init__(*tasks)
        self.tasks = frozenset(tasks)


def tasks_alone(scenario: Scenario, met: Collection[str]) -> list[Task]:
    """Choose the tasks that can be counted; `met` are those that were found not to be alone."""
    config = scenario.config
    if scenario.events or not config.linod.enabled:
        return []
    members = {name for chain in config.chains.values() for step in chain.tasks for name in step}
    upstream = {name for task in config.tasks.values() for name in task.after}
    shared = {*members, *upstream, *met}
    return [
        task
        for task in config.tasks.values()
        if task.name not in shared
        and _is_plain(task)
        and scenario.fates.is_certain(task)
        and _is_dense(scenario, task)
    ]


def _is_plain(task: Task) -> bool:
    moved = (task.allowed, task.jitter, task.spread, task.cooldown)
    has_events = any(isinstance(part, Event) for part in task.recurrence.parts)
    is_bound = bool(any(moved) or task.after or task.exclude or has_events)
    return task.enabled and not is_bound and task.warn == Warn()


def _is_dense(scenario: Scenario, task: Task) -> bool:
    planner = Planner.of(task, scenario.config.zone_of(task))
    after, until = scenario.begins - TICK, scenario.ends - TICK
    return planner.count(after, until, scenario.dense) >= scenario.dense


@define(kw_only=True, eq=False)
class _Line:
    """One task on its way."""

    task: Task
    tally: TaskTally
    dues: Iterator[datetime]
    due: datetime
    pool: PoolLoad | None = None


class Alone:
    """Advances the tasks that are alone beside the engine."""

    def __init__(self, scenario: Scenario, tasks: Collection[Task], tally: Tally) -> None:
        self._fates = scenario.fates
        self._tally = tally
        self._ends = scenario.ends
        self._max = scenario.config.linod.max_running
        self._lines: list[_Line] = []
        self._pools: dict[str, PoolLoad] = {}
        """Those in which they have places."""
        self._heap: list[tuple[int, int, int, int]] = []
        """Instant, end or begin, the place in `_lines`, and of an end when the run began."""
        for task in tasks:
            self._add(scenario, task)

    def _add(self, scenario: Scenario, task: Task) -> None:
        dues = dues_of(scenario, task)
        line = _Line(task=task, tally=self._tally.tasks[task.name], dues=dues, due=next(dues))
        if task.pool:
            self._pools[task.pool] = line.pool = self._tally.pools[task.pool]
        line.tally.is_alone = True
        line.tally.first_due = line.due
        heapq.heappush(self._heap, (to_microseconds(line.due), _BEGIN, len(self._lines), 0))
        self._lines.append(line)

    def advance(self, upto: datetime) -> None:
        """Let begin what is due before an instant, and end what ends until then.

        At the end of all nothing happens any more, as in the engine.
        """
        bound = (to_microseconds(upto), _BEGIN if upto < self._ends else _END)
        heap = self._heap
        while heap and heap[0][:2] < bound:
            at_us, kind, number, began_us = heapq.heappop(heap)
            if kind == _END:
                self._end(self._lines[number], began_us, at_us)
            else:
                self._begin(number, at_us)

    def look(self) -> None:
        """Make sure that the engine would not have let anything wait for room."""
        if self._lines and self._tally.load.running > self._max:
            raise Met([line.task.name for line in self._lines])
        for name, pool in self._pools.items():
            if pool.places > pool.size:
                raise Met([line.task.name for line in self._lines if line.task.pool == name])

    def _begin(self, number: int, at_us: int) -> None:
        line = self._lines[number]
        tally, due = line.tally, line.due
        tally.verdicts[Verdict.ADMITTED] += 1
        tally.last_due = due
        self._tally.load.begin(at_us, is_first=tally.begin(at_us))
        if line.pool is not None:
            line.pool.change(1, at_us)
        self.look()
        end_us = at_us + self._fates.of(line.task, due, 1).length // _MICROSECOND
        heapq.heappush(self._heap, (end_us, _END, number, at_us))
        following = next(line.dues, None)
        if following is None:
            return
        line.due, following_us = following, to_microseconds(following)
        if following_us < end_us:
            raise Met([line.task.name])
        heapq.heappush(self._heap, (following_us, _BEGIN, number, 0))

    def _end(self, line: _Line, began_us: int, at_us: int) -> None:
        line.tally.end(Outcome.SUCCEEDED, at_us - began_us)
        self._tally.load.end(began_us, at_us)
        if line.pool is not None:
            line.pool.change(-1, at_us)

    def finish(self, at: datetime) -> None:
        """Count the time of what goes on still."""
        at_us = to_microseconds(at)
        for _end_us, kind, _number, began_us in self._heap:
            if kind == _END:
                self._tally.load.add(began_us, at_us)


def dues_of(scenario: Scenario, task: Task) -> Iterator[datetime]:
    """The occurrences of a task in a scenario."""
    planner = Planner.of(task, scenario.config.zone_of(task))
    return planner.between(scenario.begins - TICK, scenario.ends - TICK)

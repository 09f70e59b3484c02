"""Counts what happens in a simulation while it happens; nothing is read again afterwards.

A wait is counted from the rows of a run: each change of what it waits for ends one wait and
begins another.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from attrs import define, field, frozen

from linod.events import Outcome, State, Verdict
from linod.policy import WarningKind
from linod.simulation.load import MINUTE_US, Load, PoolLoad
from linod.simulation.waits import kind_of
from linod.specs import Config
from linod.store.interface import DecisionRow, RunRow, WarningRow, to_microseconds


@define(kw_only=True)
class Wait:
    """How often and how long runs of a task waited for one thing."""

    count: int = 0
    longest_us: int = 0
    longest_due: datetime | None = None


@define(kw_only=True, eq=False)
class TaskTally:
    """Of one task or chain."""

    verdicts: Counter[Verdict] = field(factory=Counter)
    first_due: datetime | None = None
    last_due: datetime | None = None
    runs: int = 0
    """Attempts that began."""
    retries: int = 0
    outcomes: Counter[Outcome] = field(factory=Counter)
    """Of the runs that began and ended."""
    dropped: Counter[str] = field(factory=Counter)
    """Reasons for which admitted runs never began."""
    reasons: Counter[str] = field(factory=Counter)
    """Why runs that began were cancelled."""
    took_us: int = 0
    longest_us: int = 0
    late_us: array[int] = field(factory=lambda: array("q"))
    """Of the runs that started later than planned."""
    behind_us: array[int] = field(factory=lambda: array("q"))
    """From the due of a chain to its end."""
    waits: dict[str, Wait] = field(factory=dict)
    warnings: Counter[WarningKind] = field(factory=Counter)
    going: int = 0
    at_once: int = 0
    """Most runs of it that went on together."""
    is_alone: bool = False
    last_minute: int = -1
    """In which a run of it began last, counted since 1970."""

    @property
    def occurrences(self) -> int:
        """All that were decided, with a run or without."""
        return self.verdicts.total()

    def see(self, first: datetime, last: datetime) -> None:
        """Note the dues between which it was due."""
        if self.first_due is None:
            self.first_due = first
        self.last_due = last if self.last_due is None else max(self.last_due, last)

    def begin(self, at_us: int) -> bool:
        """A run begins; tell whether it is the first one in its minute."""
        self.runs += 1
        self.going += 1
        if self.going > self.at_once:
            self.at_once = self.going
        minute, self.last_minute = self.last_minute, at_us // MINUTE_US
        return minute != self.last_minute

    def end(self, outcome: Outcome, took_us: int) -> None:
        """A run that began ends."""
        self.going -= 1
        self.outcomes[outcome] += 1
        self.took_us += took_us
        if took_us > self.longest_us:
            self.longest_us = took_us


@frozen
class _Begun:
    pool: str
    began_us: int
    is_chain: bool


class Tally:
    """Hears the rows of each settlement."""

    def __init__(self, config: Config, begins: datetime) -> None:
        self.tasks = {name: TaskTally() for name in config.planned}
        self.load = Load()
        begins_us = to_microseconds(begins)
        self.pools = {
            name: PoolLoad(size=pool.size, since_us=begins_us)
            for name, pool in config.pools.items()
        }
        self.occurrences = 0
        """Decided by the engine."""
        self._begun: dict[int, _Begun] = {}
        self._held: dict[int, RunRow] = {}
        """The rows of those that wait for something, as they were when that began."""

    # -- what the store is told -----------------------------------------------------------------

    def decided(self, row: DecisionRow, last: datetime, count: int) -> None:
        """Occurrences got a verdict."""
        task = self.tasks[row.task]
        task.verdicts[row.verdict] += count
        task.see(row.due, last)
        self.occurrences += count

    def warned(self, row: WarningRow) -> None:
        """People are told of something."""
        self.tasks[row.task].warnings[row.kind] += 1

    # -- what the engine settles ----------------------------------------------------------------

    def hear(self, rows: Sequence[RunRow], now: datetime) -> None:
        """Take the changes of one settlement."""
        now_us = to_microseconds(now)
        for row in rows:
            if row.outcome is not None:
                self._end(row, row.outcome, now_us)
            elif row.state is State.WAITING:
                self._wait(row, now_us)
            elif row.id not in self._begun:
                self._begin(row, now_us)

    def _wait(self, row: RunRow, now_us: int) -> None:
        before = self._held.get(row.id)
        if before is not None and before.held_since == row.held_since:
            return
        self._stop_waiting(row, now_us)
        if row.held and row.held_since is not None:
            self._held[row.id] = row

    def _stop_waiting(self, row: RunRow, now_us: int) -> None:
        held = self._held.pop(row.id, None)
        if held is None or held.held_since is None:
            return
        waited_us = now_us - to_microseconds(held.held_since)
        if waited_us > 0:
            wait = self.tasks[row.task].waits.setdefault(kind_of(held.held), Wait())
            wait.count += 1
            if waited_us > wait.longest_us:
                wait.longest_us, wait.longest_due = waited_us, row.due

    def _begin(self, row: RunRow, now_us: int) -> None:
        self._stop_waiting(row, now_us)
        task = self.tasks[row.task]
        is_first = task.begin(now_us)
        task.retries += bool(row.origin)
        late_us = now_us - to_microseconds(row.planned)
        if late_us > 0:
            task.late_us.append(late_us)
        self._begun[row.id] = _Begun(row.pool, now_us, row.is_chain)
        if not row.is_chain:
            self.load.begin(now_us, is_first=is_first)
            if row.pool:
                self.pools[row.pool].change(1, now_us)

    def _end(self, row: RunRow, outcome: Outcome, now_us: int) -> None:
        self._stop_waiting(row, now_us)
        task, begun = self.tasks[row.task], self._begun.pop(row.id, None)
        if begun is None:
            task.dropped[row.reason] += 1
            return
        task.end(outcome, now_us - begun.began_us)
        if outcome is Outcome.CANCELLED:
            task.reasons[row.reason] += 1
        if row.is_chain:
            task.behind_us.append(now_us - to_microseconds(row.due))
        else:
            self._leave(begun, now_us)

    def _leave(self, begun: _Begun, now_us: int) -> None:
        self.load.end(begun.began_us, now_us)
        if begun.pool:
            self.pools[begun.pool].change(-1, now_us)

    def finish(self, at: datetime) -> None:
        """Count the time of what goes on still."""
        at_us = to_microseconds(at)
        for begun in self._begun.values():
            if not begun.is_chain:
                self.load.add(begun.began_us, at_us)
        for pool in self.pools.values():
            pool.reach(at_us)

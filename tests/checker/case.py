"""A history laid out for judgement: everything by task and by due, each thing looked up once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import cached_property

from attrs import evolve

from .clock import Clock
from .coverage import Coverage
from .dues import Dues
from .facts import Circumstances
from .history import DecisionRow, History, Policy, Verdict
from .instants import ticks
from .serving import Serving
from .stays import BY_PEOPLE, Lane, Stay, stay_of


class Case:
    """One history, and what follows from it at once."""

    def __init__(self, history: History, late_max: timedelta) -> None:
        self.history = history
        self.late_max = int(late_max / timedelta(microseconds=1))
        self.clock = Clock(history.steps)
        self.until = ticks(history.until)
        bounds = (ticks(history.begin), self.until)
        self.serving = Serving(self.clock, history, bounds, self.late_max)
        accepted = [ticks(each.at) for each in history.accepted]
        self.dues = {
            task.name: Dues(task, self.clock, self.serving, self.late_max, accepted)
            for task in history.tasks
        }
        self.members = {
            name: {m for version in dues.task.versions for m in version.policy.members}
            for name, dues in self.dues.items()
        }
        """Of each chain; of a task none."""
        self.stays = self._stays()
        self._begin_chains()
        self.asked = None if history.asked is None else {(a.task, a.due) for a in history.asked}
        self.chain_of = {
            member: name for name, members in self.members.items() for member in members
        }
        self._triggers = {
            (stay.row.task, stay.row.due): stay.row.trigger
            for stays in self.stays.values()
            for stay in sorted(stays, key=lambda stay: -stay.row.attempt)
        }
        """Of the first attempt at each due."""
        self._admitted = {
            (row.task, row.due) for row in history.decisions if row.verdict == Verdict.ADMITTED
        }
        self.coverages = self._coverages()
        self.circumstances = {name: self._circumstances(name) for name in self.dues}

    def stays_at(self, task: str, due: int) -> list[Stay]:
        """Give the attempts at a due, the first one first."""
        return self._by_due.get((task, due), [])

    @cached_property
    def _by_due(self) -> dict[tuple[str, int], list[Stay]]:
        found: dict[tuple[str, int], list[Stay]] = defaultdict(list)
        for task, stays in self.stays.items():
            for stay in sorted(stays, key=lambda stay: stay.row.attempt):
                found[task, stay.due].append(stay)
        return found

    def policy(self, task: str, instant: int) -> Policy:
        """Give the policy of a task at a lived instant."""
        return self.dues[task].policy(instant)

    def is_chain(self, task: str) -> bool:
        """Tell whether a name is that of a chain, whose runs have no process."""
        return any(version.policy.members for version in self.dues[task].task.versions)

    def has_run(self, task: str, due: datetime) -> bool:
        """Tell whether a task or chain had a run under a due."""
        return (task, due) in self._triggers

    def is_admitted(self, task: str, due: datetime) -> bool:
        """Tell whether the store says that a due was admitted."""
        return (task, due) in self._admitted

    def is_asked(self, row: DecisionRow) -> bool:
        """Tell whether a row was written because a person or a chain wanted a run."""
        trigger = self._triggers.get((row.task, row.due))
        is_wanted = bool(row.by) or trigger == "chain" or trigger in BY_PEOPLE
        return row.verdict == Verdict.ADMITTED and is_wanted

    def lane(self, task: str) -> list[Stay]:
        """Give what excludes runs of a task or a chain: its own."""
        return self.stays.get(task, [])

    def _stays(self) -> dict[str, list[Stay]]:
        begun = {(each.task, each.due, each.attempt): each for each in self.history.begun}
        stays: dict[str, list[Stay]] = defaultdict(list)
        for row in self.history.runs:
            noted = begun.get((row.task, row.due, row.attempt))
            stays[row.task].append(stay_of(row, noted, self.clock, self.serving))
        return stays

    def _begin_chains(self) -> None:
        """Let the run of a chain begin with the first of its members, where nobody noted it."""
        for chain in [name for name, members in self.members.items() if members]:
            self.stays[chain] = [
                stay if stay.started is not None else evolve(stay, started=self._begun(stay))
                for stay in self.stays.get(chain, ())
            ]

    def _begun(self, whole: Stay) -> int | None:
        members = self.members[whole.row.task]
        begun = [
            stay.started
            for name in members
            for stay in self.stays.get(name, ())
            if stay.row.chain == whole.row.id and stay.started is not None
        ]
        return min(begun, default=None)

    def _coverages(self) -> dict[str, Coverage]:
        rows = by_task(self.history.decisions)
        return {
            name: Coverage(dues, rows.get(name, ()), self._is_foreign)
            for name, dues in self.dues.items()
        }

    def _is_foreign(self, row: DecisionRow) -> bool:
        """Tell whether a row may stand at a due that no schedule has."""
        key = (row.task, row.due)
        trigger = self._triggers.get(key)
        if row.task in self.chain_of and self.has_run(self.chain_of[row.task], row.due):
            return True
        if self.asked is not None:
            return key in self.asked
        has_others = self.dues[row.task].has_events or self.dues[row.task].is_triggered
        return has_others or trigger not in (None, "schedule")

    def _circumstances(self, task: str) -> Circumstances:
        return Circumstances(
            self.dues[task],
            Lane(self.lane(task)),
            self.history.holds,
            self.clock,
            self.serving,
            self.late_max,
        )


def by_task(rows: Iterable[DecisionRow]) -> dict[str, list[DecisionRow]]:
    """Sort decisions into tasks."""
    found: dict[str, list[DecisionRow]] = defaultdict(list)
    for row in rows:
        found[row.task].append(row)
    return found

"""What a store holds after all, and the same in the words of the checker."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from attrs import evolve, frozen

from checker import history as checked
from linod.store import open_reader
from linod.store.interface import DecisionRow, RunRow
from simulation.told import told_decision, told_run

from .building import Daemon

_ALL = 10**9


@frozen
class Rows:
    """All decisions and runs, and how far each task is decided."""

    decisions: list[DecisionRow]
    runs: list[RunRow]
    through: Mapping[str, datetime]
    handed: list[datetime]
    """When daemons were asked to make room, the oldest first."""

    def told_decisions(self) -> tuple[checked.DecisionRow, ...]:
        """Tell the decisions."""
        return tuple(map(told_decision, self.decisions))

    def told_runs(self, noted: Collection[int]) -> tuple[checked.RunRow, ...]:
        """Tell the runs; of those that noted their end themselves, that is the one that counts.

        A row has the time at which the worker was gone: the daemon heard of it a little later.
        """
        told = map(told_run, self.runs)
        return tuple(evolve(run, ended=None) if run.id in noted else run for run in told)


def rows_of(daemon: Daemon) -> Rows:
    """Read the store of a daemon."""
    reader = open_reader(daemon.directory / "linod.db")
    try:
        through = {name: cursor.through for name, cursor in reader.cursors().items()}
        actions = [row for row in reader.actions(limit=_ALL) if row.verb == "hand over"]
        handed = sorted(row.at for row in actions)
        return Rows(reader.decisions(limit=_ALL), reader.runs(limit=_ALL), through, handed)
    finally:
        reader.close()

"""Whose processes are these: attributes what lives below a keeper to the runs it keeps.

The keeper is a subreaper, so whatever a run starts stays below it: in the worker's session, below
the worker, or, once its parent died, as a child of the keeper itself. Such a stray is known by its
environment; one that cleared it belongs to one of the runs that went on when it was first seen,
and is ended with the last of these.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Collection, Mapping

from linod.executor import tree
from linod.executor.kept import KeptRun
from linod.executor.tree import Process


class Strays:
    """Finds the processes of runs; remembers of whom the unnamed ones may be."""

    def __init__(self, directory: str, workers: Callable[[], set[int]]) -> None:
        self._directory = directory
        self._workers = workers
        """Those of the keeper's children that are no strays."""
        self._pid = os.getpid()
        self._unnamed: dict[tuple[int, int], set[int]] = {}
        self._are_none: bool | None = None
        """Whether there are no strays, where that was looked up in this turn."""

    def look_anew(self) -> None:
        """Begin a turn: who is over is known, and what is ours is looked up once for all."""
        self._are_none = None

    def of(self, run: KeptRun, runs: Mapping[int, KeptRun]) -> list[Process]:
        """Return what lives of a run whose worker is dead, or done with it."""
        if run.member is not None and run.member.is_async and len(run.member.runs) > 1:
            return []  # what is below it may be of the others
        if self._has_no_strays() and not _has_children(run):
            return []
        return self.all_of(run, runs)

    def all_of(self, run: KeptRun, runs: Mapping[int, KeptRun]) -> list[Process]:
        """Return all that lives of a run."""
        table = tree.processes()
        return self._of(run, runs, table) if table else _without_proc(run)

    def near(self, run: KeptRun, runs: Mapping[int, KeptRun]) -> list[Process]:
        """Return what lives of a run, with a look at our own descendants only."""
        children = tree.children(self._pid)
        if children is None:
            return self.all_of(run, runs)
        others = self._workers() - {run.pid}
        return self._of(run, runs, tree.below(set(children) - others))

    def _of(
        self, run: KeptRun, runs: Mapping[int, KeptRun], table: dict[int, Process]
    ) -> list[Process]:
        # Only what is below us can be of a run; a reused number of a dead session is not.
        members = tree.of_session(run.pid, table) & tree.descendants([self._pid], table)
        if run.status is None and run.pid in table:
            members |= {run.pid} | tree.descendants([run.pid], table)
        if run.has_left and run.status is None:
            below = tree.descendants([run.pid], table) - {run.pid}
            members = below if _has_children(run) else set()
        adopted = self._adopted(run, runs, table)
        members |= adopted | tree.descendants(adopted, table)
        return [table[pid] for pid in members]

    def signal(self, processes: Collection[Process], number: signal.Signals) -> None:
        """Signal them all."""
        for process in processes:
            tree.send(number, process)

    def forget(self, runs: Mapping[int, KeptRun]) -> None:
        """Forget about unnamed strays once no run goes on."""
        if not runs:
            self._unnamed.clear()

    def _has_no_strays(self) -> bool:
        """Look at our own children only: what is left of a dead worker is among or below them."""
        if self._are_none is None:
            children = tree.children(self._pid)
            self._are_none = children is not None and self._workers().issuperset(children)
        return self._are_none

    def _adopted(
        self, run: KeptRun, runs: Mapping[int, KeptRun], table: dict[int, Process]
    ) -> set[int]:
        workers = self._workers()
        adopted = [
            process
            for process in table.values()
            if process.parent == self._pid and process.pid not in workers
        ]
        return {process.pid for process in adopted if self._is_of(run, runs, process)}

    def _is_of(self, run: KeptRun, runs: Mapping[int, KeptRun], process: Process) -> bool:
        marks = tree.marks(process.pid)
        if marks.get("LINOD_DIRECTORY") == self._directory and "LINOD_RUN_ID" in marks:
            return marks["LINOD_RUN_ID"] == str(run.order.run)
        if str(run.order.run) in tree.runs_held(process.pid, self._directory):
            return True
        owner = next((other for other in runs.values() if other.pid == process.session), None)
        if owner is not None:
            return owner is run
        suspects = self._unnamed.setdefault((process.pid, process.start), set(runs))
        return not (suspects & runs.keys()) - {run.order.run}


def _has_children(run: KeptRun) -> bool:
    """Say whether a worker that lives on has children of a run.

    One that may have begun the next run says so at the end, and waits until they are gone.
    """
    if not run.has_left or run.status is not None:
        return False
    is_async = run.member is not None and run.member.is_async
    return tree.children(run.pid) != [] if is_async else run.left_children


def _without_proc(run: KeptRun) -> list[Process]:
    try:
        os.killpg(run.pid, 0)
    except OSError:
        return []
    return [Process(-run.pid, 0, run.pid, 0)]

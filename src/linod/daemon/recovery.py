"""Finds out what became of the runs of a former daemon: which go on, and how the others ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from linod.events import Event, RunNeverStarted, State
from linod.executor import runfiles, tree
from linod.executor.executor import Going
from linod.executor.takeover import Kept
from linod.specs import Task
from linod.store.interface import RunRow


class Past:
    """The keepers that were taken over, and the runs that the store says are not over."""

    def __init__(self, kept: Sequence[Kept], runs: Sequence[RunRow]) -> None:
        self.kept = kept
        self._unfinished = runs
        self._begun = [run for run in runs if run.state is not State.WAITING and not run.is_chain]

    def going(self, kept: Kept, tasks: Mapping[str, Task]) -> list[Going]:
        """The runs that a keeper goes on with, as the store knows them."""
        return [
            Going(
                run=run.id,
                lease=run.lease,
                user=run.keeper or None,
                task=tasks.get(run.task),
            )
            for run in self._begun
            if _has(kept, run)
        ]

    def events(self, directory: Path) -> list[Event]:
        """Report each end, and end what is left of the others; blocks, so call it in a thread.

        Raises OSError where run files cannot be read or made.
        """
        known = {run.id for run in self._unfinished}
        runfiles.sweep(directory, known.union(*(kept.runs for kept in self.kept)))
        rest = [run for run in self._begun if not any(_has(kept, run) for kept in self.kept)]
        living = tree.living_runs(str(directory.resolve())) if rest else set()
        return [self._end(directory, run, may_live=str(run.id) in living) for run in rest]

    def _end(self, directory: Path, run: RunRow, *, may_live: bool) -> Event:
        for kept in self.kept:
            message = kept.ends.get(run.id)
            if message is not None and message.get("lease") == run.lease:
                end = runfiles.end_of([message], run.id, run.lease)
                if end is not None:
                    return end
        return _recovered(directory, run, may_live=may_live)


def _has(kept: Kept, run: RunRow) -> bool:
    return run.id in kept.runs and kept.runs[run.id].lease == run.lease


def _recovered(directory: Path, run: RunRow, *, may_live: bool) -> Event:
    found = runfiles.recover(
        directory,
        run.id,
        run.lease,
        boot=run.boot,
        user=run.keeper or None,
        is_running=run.state is State.RUNNING,
        may_live=may_live,
    )
    if found.proof is runfiles.Proof.NEVER_STARTED:
        return RunNeverStarted(run=run.id, lease=run.lease)
    return found.end

"""Finds out what became of the runs of a former daemon that did not end in order."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from linod.events import Event, RunNeverStarted, State
from linod.executor import runfiles
from linod.store.interface import RunRow


def recover(directory: Path, runs: Sequence[RunRow]) -> list[Event]:
    """End what still lives of them and report each end; blocks, so call it in a thread."""
    runfiles.end_former_keepers(directory)
    runfiles.sweep(directory, {run.id for run in runs})
    begun = [run for run in runs if run.state is not State.WAITING and not run.is_chain]
    return [_recovered(directory, run) for run in begun]


def _recovered(directory: Path, run: RunRow) -> Event:
    user = run.keeper or None
    found = runfiles.recover(
        directory,
        run.id,
        run.lease,
        boot=run.boot,
        user=user,
        is_running=run.state is State.RUNNING,
    )
    if found.proof is runfiles.Proof.NEVER_STARTED:
        return RunNeverStarted(run=run.id, lease=run.lease)
    return found.end

"""Finds out what became of the runs of a former daemon: which go on, and how the others ended."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from linod.advice import why
from linod.daemon.service import TROUBLE_AGAIN_S, Service
from linod.daemon.teller import Teller
from linod.events import Event, RunNeverStarted, State
from linod.executor import register, runfiles, takeover, tree
from linod.executor.executor import Executor, Going
from linod.executor.takeover import Kept
from linod.specs import Config, LogLevel, Task
from linod.store.interface import RunRow

RECOVER_AGAIN_S = 0.5
"""Where run files cannot be read or made: nothing starts before it is known what began."""


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


class Recovery:
    """Has a daemon begin where the former one ended."""

    def __init__(
        self, service: Service, executor: Executor, teller: Teller, stopped: asyncio.Event
    ) -> None:
        self._service = service
        self._executor = executor
        self._teller = teller
        self._stopped = stopped
        self._told: float | None = None
        """When it was said last that run files are in trouble."""

    async def take_over(self, directory: Path, *, may_reuse: bool) -> list[Kept]:
        """Ask the keepers of the former daemon; those that are as ours would be may be ours."""
        former = register.former_keepers(directory)
        kept = await asyncio.to_thread(takeover.take_over, former)
        if may_reuse:
            self._executor.offer(kept)
        return kept

    async def look_back(self, kept: Sequence[Kept], config: Config) -> bool:
        """Learn what became of the former daemon's runs; False where a signal came first."""
        past = Past(kept, tuple(self._service.board.unfinished.values()))
        while not self._stopped.is_set():
            try:
                events = await asyncio.to_thread(past.events, config.directory)
            except OSError as error:
                self._bear(error)
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._stopped.wait(), RECOVER_AGAIN_S)
                continue
            self._service.trouble = ""
            for each in kept:
                self._executor.adopt(each, past.going(each, config.tasks))
            for event in events:
                self._service.hear(event)
            return True
        return False  # the next start asks again

    def _bear(self, error: OSError) -> None:
        """Say what is wrong, at first and then once a minute."""
        present = asyncio.get_running_loop().time()
        self._service.trouble = f"former runs cannot be looked up: {why(error)}"
        if self._told is None or present - self._told >= TROUBLE_AGAIN_S:
            self._told = present
            self._teller.say(LogLevel.ERROR, f"{self._service.trouble}; nothing starts")


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

"""The run with which a loop begins: anew, whatever was left of a former one."""

from __future__ import annotations

import asyncio

from attrs import frozen

from linod.daemon.service import Service
from linod.engine import Engine
from linod.events import Answer, CancelRequested, Outcome, RunRequested
from linod.store.interface import Reader

BY = "linod loop"
_CANCEL, _RUN = -1, 0
"""Numbers of requests; those of people begin with 1."""


@frozen(kw_only=True)
class FirstRun:
    """What is run as the daemon starts; with `is_only` it stops when that run has ended."""

    task: str
    is_only: bool = False

    def begin(self, service: Service, engine: Engine) -> asyncio.Future[Answer] | None:
        """Ask for it, in place of what waits or runs still; not while a person holds it up."""
        is_held = any(hold.task in ("*", self.task) for hold in engine.holds)
        if is_held and not self.is_only:
            return None
        at = service.instant_of_request
        service.wish(CancelRequested(request=_CANCEL, by=BY, at=at(), run=None, task=self.task))
        return service.wish(RunRequested(request=_RUN, by=BY, at=at(), task=self.task))


async def end_of(asked: asyncio.Future[Answer], service: Service, reader: Reader) -> Outcome | str:
    """Wait for the run that was asked for: how it ended, or why there was none."""
    answer = await asked
    if not answer.runs:
        return answer.refusal or "nothing ran"
    (run,) = answer.runs
    if run in service.board.unfinished:
        row = await service.end_of(run)
    else:
        found = await service.in_store(lambda: reader.run(run))
        assert found is not None
        row = found
    assert row.outcome is not None
    return row.outcome

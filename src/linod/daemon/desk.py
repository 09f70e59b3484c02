"""Answers the verbs of the control socket."""

from __future__ import annotations

import asyncio
import difflib
import os
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import linod
from linod.control.server import Peer
from linod.daemon import clock
from linod.daemon.service import Service
from linod.errors import LinodError
from linod.events import CancelRequested, RunRequested, State
from linod.executor import Executor
from linod.specs import Config
from linod.store.interface import Reader, RunRow

ANSWER_WITHIN_S = 10.0
"""Of a request that has to be recorded: then the person is told that the store is in trouble."""
FOLLOWED_MAX = 10_000
"""Lines that wait for a follower who does not read; more are left out, with a mark."""

USAGE = 2


class Refusal(LinodError):  # noqa: N818 - it reads as what happened
    """A request that is not carried out."""

    def __init__(self, message: str, exit_code: int = 1, **details: Any) -> None:
        super().__init__(message)
        self.exit_code = exit_code
        self.details = details
        """What the answer carries beside the message."""


class Desk:
    """One per daemon; `reload` and `stop` are the shell's."""

    def __init__(
        self,
        service: Service,
        executor: Executor,
        reader: Reader,
        *,
        reload: Callable[[], Awaitable[dict[str, Any]]],
        stop: Callable[[], None],
        config: Callable[[], Config],
        since: datetime,
    ) -> None:
        self._service = service
        self._executor = executor
        self._reader = reader
        self._reload = reload
        self._stop = stop
        self._config = config
        self._since = since
        self._number = 0
        self.is_enabled = True
        self.is_stopping = False
        self._verbs: dict[str, Callable[[dict[str, Any], Peer], Awaitable[dict[str, Any]]]] = {
            "status": self._answer_status,
            "run": self._answer_run,
            "cancel": self._answer_cancel,
            "reload": self._answer_reload,
            "stop": self._answer_stop,
            "follow": self._answer_follow,
        }

    async def answer(self, request: dict[str, Any], peer: Peer) -> dict[str, Any]:
        """Answer one request; a LinodError is its refusal."""
        verb = request.get("verb")
        if not isinstance(verb, str) or verb not in self._verbs:
            raise Refusal(f"no such verb; there are {', '.join(self._verbs)}", USAGE)
        try:
            return {"ok": True, **await self._verbs[verb](request, peer)}
        except Refusal as refusal:
            told = {"error": str(refusal), "exit": refusal.exit_code}
            return {"ok": False, **told, **refusal.details}

    async def _answer_status(self, _request: dict[str, Any], _peer: Peer) -> dict[str, Any]:
        config = self._config()
        return {
            "version": linod.__version__,
            "pid": os.getpid(),
            "since": self._since.isoformat().replace("+00:00", "Z"),
            "config": os.fspath(config.path),
            "directory": os.fspath(config.directory),
            "zone": config.zone,
            "is_enabled": self.is_enabled,
            "is_stopping": self.is_stopping,
            "trouble": self._service.trouble,
            **self._service.board.whole_json(clock.now()),
            "tasks": self._service.board.tasks_json(clock.now()),
        }

    async def _answer_run(self, request: dict[str, Any], peer: Peer) -> dict[str, Any]:
        event = RunRequested(
            request=self._next_number(),
            task=self._task_of(request),
            by=peer.by,
            at=self._service.instant_of_request(),
        )
        (run,) = await self._ask(event)
        row = self._service.board.unfinished.get(run)
        return {"run": run, "is_waiting": row is not None and row.state is State.WAITING}

    async def _answer_cancel(self, request: dict[str, Any], peer: Peer) -> dict[str, Any]:
        run = _number_of(request) if "run" in request else None
        task = self._task_of(request) if run is None else None
        event = CancelRequested(
            request=self._next_number(),
            run=run,
            task=task,
            by=peer.by,
            at=self._service.instant_of_request(),
        )
        return {"runs": list(await self._ask(event))}

    async def _answer_reload(self, _request: dict[str, Any], _peer: Peer) -> dict[str, Any]:
        return await self._reload()

    async def _answer_stop(self, _request: dict[str, Any], _peer: Peer) -> dict[str, Any]:
        self._stop()
        return {"pid": os.getpid()}

    async def _answer_follow(self, request: dict[str, Any], peer: Peer) -> dict[str, Any]:
        run = _number_of(request)
        if run in self._service.board.unfinished:
            return await self._follow(run, peer)
        row = await self._service.in_store(lambda: self._reader.run(run))
        if row is None:
            raise Refusal(f"there is no run {run}", USAGE)
        await self._send_kept(row, peer)
        return _ended(row)

    async def _follow(self, run: int, peer: Peer) -> dict[str, Any]:
        lines: asyncio.Queue[str] = asyncio.Queue(FOLLOWED_MAX)
        end, gone = self._service.end_of(run), asyncio.ensure_future(peer.gone())
        unfollow = self._executor.follow(run, lambda line: _put(lines, line))
        try:
            is_any = await _forward(lines, end, gone, peer)
            row = await end
        finally:
            unfollow()
            gone.cancel()
            end.cancel()
        if not is_any:
            await self._send_kept(row, peer)
        return _ended(row)

    async def _send_kept(self, row: RunRow, peer: Peer) -> None:
        log = await self._service.in_store(lambda: self._reader.log_text(row.id))
        for line in log.splitlines():
            await peer.send({"line": line})

    async def _ask(self, event: RunRequested | CancelRequested) -> tuple[int, ...]:
        answer = await self._service.ask(event, ANSWER_WITHIN_S)
        if answer is None:
            trouble = self._service.trouble or "the store does not answer"
            raise Refusal(f"nothing was done: {trouble}")
        if answer.refusal is not None:
            raise Refusal(answer.refusal)
        return answer.runs

    def _task_of(self, request: dict[str, Any]) -> str:
        task, board = request.get("task"), self._service.board
        if not isinstance(task, str):
            raise Refusal('"task" is the name of a task', USAGE)
        if task not in board:
            near = difflib.get_close_matches(task[:200], board.tasks, 1)
            hint = f'did you mean "{near[0]}"?' if near else "linod status lists them"
            raise Refusal(f'there is no task "{task[:200]}": {hint}', USAGE)
        return task

    def _next_number(self) -> int:
        self._number += 1
        return self._number


def _number_of(request: dict[str, Any]) -> int:
    run = request.get("run")
    if not isinstance(run, int) or isinstance(run, bool) or not 0 < run < 2**63:
        raise Refusal('"run" is the number of a run', USAGE)
    return run


def _put(lines: asyncio.Queue[str], line: str) -> None:
    if lines.qsize() < FOLLOWED_MAX - 1:
        lines.put_nowait(line)
    elif not lines.full():
        lines.put_nowait("(lines are left out here: the follower did not read)")


async def _forward(
    lines: asyncio.Queue[str],
    end: asyncio.Future[RunRow],
    gone: asyncio.Future[None],
    peer: Peer,
) -> bool:
    """Send lines as they come until the run ended; tell whether there were any."""
    is_any = False
    while True:
        line = asyncio.ensure_future(lines.get())
        waits: set[asyncio.Future[Any]] = {line, end, gone}
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        if line.done():
            is_any = True
            await peer.send({"line": line.result()})
            continue
        line.cancel()
        if gone.done():
            raise ConnectionResetError
        return is_any


def _ended(row: RunRow) -> dict[str, Any]:
    assert row.outcome is not None
    return {"ended": row.outcome.value, "reason": row.reason, "run": row.to_json()}

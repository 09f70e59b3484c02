"""Lets a peer follow a run: the lines of its log, or the members of a chain, until it ends."""

from __future__ import annotations

import asyncio
from typing import Any

from linod.control.server import Peer
from linod.daemon.requests import USAGE, Refusal
from linod.daemon.service import Service
from linod.events import State
from linod.executor import Executor
from linod.store.interface import Reader, RunRow

FOLLOWED_MAX = 10_000
"""Messages that wait for a follower who does not read; more are left out, with a mark."""
_LEFT_OUT = {"line": "(lines are left out here: the follower did not read)"}

_Messages = asyncio.Queue[dict[str, Any]]


class Following:
    """Answers the verb follow."""

    def __init__(self, service: Service, executor: Executor, reader: Reader) -> None:
        self._service = service
        self._executor = executor
        self._reader = reader

    async def follow(self, run: int, peer: Peer) -> dict[str, Any]:
        """Send what is there and what comes; return how the run ended."""
        going = self._service.board.unfinished.get(run)
        if going is not None:
            return await (self._follow_chain if going.is_chain else self._follow_run)(run, peer)
        row = await self._service.in_store(lambda: self._reader.run(run))
        if row is None:
            raise Refusal(f"there is no run {run}", USAGE)
        await (self._send_members if row.is_chain else self._send_kept)(row.id, peer)
        return self._ended(row)

    async def _follow_run(self, run: int, peer: Peer) -> dict[str, Any]:
        messages = _Messages(FOLLOWED_MAX)
        end = self._service.end_of(run)
        unfollow = self._executor.follow(run, lambda line: _put(messages, {"line": line}))
        try:
            is_any = await _forward(messages, end, peer)
            row = await end
        finally:
            unfollow()
            end.cancel()
        if not is_any:
            await self._send_kept(run, peer)
        return self._ended(row)

    async def _follow_chain(self, run: int, peer: Peer) -> dict[str, Any]:
        messages, told = _Messages(FOLLOWED_MAX), _Told()

        def heard(row: RunRow) -> None:
            if row.parent == run and told.is_news(row):
                _put(messages, {"member": row.to_json()})

        end = self._service.end_of(run)
        unwatch = self._service.watch(heard)
        try:
            # What began before somebody followed it is in the store.
            for row in await self._service.in_store(lambda: self._reader.children(run)):
                heard(row)
            await _forward(messages, end, peer)
            return self._ended(await end)
        finally:
            unwatch()
            end.cancel()

    async def _send_kept(self, run: int, peer: Peer) -> None:
        log = await self._service.in_store(lambda: self._reader.log_text(run))
        for line in log.splitlines():
            await peer.send({"line": line})

    async def _send_members(self, run: int, peer: Peer) -> None:
        for row in await self._service.in_store(lambda: self._reader.children(run)):
            await peer.send({"member": row.to_json()})

    def _ended(self, row: RunRow) -> dict[str, Any]:
        assert row.outcome is not None
        again = (
            run
            for run in self._service.board.unfinished.values()
            if run.task == row.task and run.series == row.series
        )
        return {
            "ended": row.outcome.value,
            "reason": row.reason,
            "run": row.to_json(),
            "again": next((run.to_json() for run in again), None),
        }


class _Told:
    """What a follower knows of members: those that began, and those that ended."""

    def __init__(self) -> None:
        self._known: set[tuple[int, bool]] = set()

    def is_news(self, row: RunRow) -> bool:
        is_begun = row.is_ended or row.state is State.RUNNING
        fact = row.id, row.is_ended
        if not is_begun or fact in self._known or (row.id, True) in self._known:
            return False
        self._known.add(fact)
        return True


def _put(messages: _Messages, message: dict[str, Any]) -> None:
    if messages.qsize() < FOLLOWED_MAX - 1:
        messages.put_nowait(message)
    elif not messages.full():
        messages.put_nowait(_LEFT_OUT)


async def _forward(messages: _Messages, end: asyncio.Future[RunRow], peer: Peer) -> bool:
    """Send messages as they come until the run ended; tell whether there were any."""
    is_any = False
    gone = asyncio.ensure_future(peer.gone())
    try:
        while True:
            message = asyncio.ensure_future(messages.get())
            waits: set[asyncio.Future[Any]] = {message, end, gone}
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            if message.done():
                is_any = True
                await peer.send(message.result())
                continue
            message.cancel()
            if gone.done():
                raise ConnectionResetError
            return is_any
    finally:
        gone.cancel()

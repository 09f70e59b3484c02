"""Answers the verbs of the control socket."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from datetime import datetime
from typing import Any

import linod
from linod.control.server import Peer
from linod.daemon import clock
from linod.daemon.following import Following
from linod.daemon.requests import USAGE, Refusal, Request
from linod.daemon.service import Service
from linod.events import (
    Answer,
    BackfillRequested,
    CancelRequested,
    ClockAccepted,
    DisableRequested,
    EnableRequested,
    ForgetRequested,
    PauseRequested,
    Requested,
    ResumeRequested,
    RunRequested,
    State,
)
from linod.executor import Executor
from linod.specs import Config
from linod.store.interface import Reader, StoreError
from linod.units import nearest
from linod.views import clean, localized

ANSWER_WITHIN_S = 10.0
"""Of a request that has to be recorded: then the person is told that the store is in trouble."""
BACKFILL_WITHIN_S = 60.0
"""Of 10,000 runs that are written in one transaction."""

_Verb = Callable[[Request, Peer], Awaitable[dict[str, Any]]]


class Desk:
    """One per daemon; `reload`, `stop` and `hand_over` are the shell's."""

    def __init__(
        self,
        service: Service,
        executor: Executor,
        reader: Reader,
        *,
        reload: Callable[[], Awaitable[dict[str, Any]]],
        stop: Callable[[], dict[str, Any]],
        hand_over: Callable[[], dict[str, Any]],
        config: Callable[[], Config],
        since: datetime,
    ) -> None:
        self._service = service
        self._executor = executor
        self._reader = reader
        self._following = Following(service, executor, reader)
        self._reload = reload
        self._stop = stop
        self._hand_over = hand_over
        self._config = config
        self._since = since
        self._number = 0
        self.is_enabled = True
        self.is_stopping = False
        self._verbs: dict[str, _Verb] = {
            "status": self._answer_status,
            "run": self._answer_run,
            "follow": self._answer_follow,
            "cancel": self._answer_cancel,
            "pause": self._answer_pause,
            "resume": self._answer_resume,
            "enable": self._answer_enable,
            "disable": self._answer_disable,
            "backfill": self._answer_backfill,
            "forget": self._answer_forget,
            "clock_accept": self._answer_clock_accept,
            "reload": self._answer_reload,
            "stop": self._answer_stop,
            "hand_over": self._answer_hand_over,
        }

    async def answer(self, message: dict[str, Any], peer: Peer) -> dict[str, Any]:
        """Answer one request; a LinodError is its refusal."""
        try:
            request = Request(message)
            return {"ok": True, **await self._verbs[request.verb](request, peer)}
        except Refusal as refusal:
            told = {"error": clean(str(refusal)), "exit": refusal.exit_code}
            return {"ok": False, **told, **refusal.details}

    async def _answer_status(self, _request: Request, _peer: Peer) -> dict[str, Any]:
        config, present = self._config(), clock.now()
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
            **self._service.board.whole_json(present),
            "tasks": self._service.board.tasks_json(present, self._executor.progress),
        }

    # -- runs -------------------------------------------------------------------------------

    async def _answer_run(self, request: Request, peer: Peer) -> dict[str, Any]:
        answer = await self._ask(
            RunRequested,
            peer,
            task=self._known(request.task()),
            due=request.maybe_instant("due"),
            is_from_failed=request.flag("from_failed"),
        )
        (run,) = answer.runs
        row = self._service.board.unfinished.get(run)
        return {
            "run": run,
            "is_waiting": row is not None and row.state is State.WAITING,
            "held": row.held if row is not None else "",
            "is_chain": row is not None and row.is_chain,
        }

    async def _answer_follow(self, request: Request, peer: Peer) -> dict[str, Any]:
        return await self._following.follow(request.run(), peer)

    async def _answer_cancel(self, request: Request, peer: Peer) -> dict[str, Any]:
        if "run" in request and "task" in request:
            raise Refusal('"run" and "task" exclude each other', USAGE)
        run = request.run() if "run" in request else None
        task = self._known(request.task()) if run is None else None
        answer = await self._ask(CancelRequested, peer, run=run, task=task)
        return {"runs": list(answer.runs)}

    async def _answer_backfill(self, request: Request, peer: Peer) -> dict[str, Any]:
        answer = await self._ask(
            BackfillRequested,
            peer,
            within_s=BACKFILL_WITHIN_S,
            task=self._known(request.task()),
            first=request.instant("from"),
            last=request.instant("until"),
            is_newest_first=request.flag("newest_first"),
            is_again=request.flag("again"),
        )
        return {"runs": list(answer.runs), "note": answer.note}

    # -- holds ------------------------------------------------------------------------------

    async def _answer_pause(self, request: Request, peer: Peer) -> dict[str, Any]:
        tasks = self._all_known(request.tasks(instead="all"))
        until, reason = request.maybe_instant("until"), request.text("reason")
        answer = await self._ask(PauseRequested, peer, tasks=tasks, until=until, reason=reason)
        return self._changed(answer, tasks)

    async def _answer_resume(self, request: Request, peer: Peer) -> dict[str, Any]:
        tasks = self._all_known(request.tasks(instead="all"))
        return self._changed(await self._ask(ResumeRequested, peer, tasks=tasks), ())

    async def _answer_disable(self, request: Request, peer: Peer) -> dict[str, Any]:
        tasks, reason = self._all_known(request.tasks(instead="")), request.text("reason")
        answer = await self._ask(DisableRequested, peer, tasks=tasks, reason=reason)
        return self._changed(answer, tasks)

    async def _answer_enable(self, request: Request, peer: Peer) -> dict[str, Any]:
        tasks = self._all_known(request.tasks(instead="failed"))
        return self._changed(await self._ask(EnableRequested, peer, tasks=tasks), ())

    def _changed(self, answer: Answer, held: Iterable[str]) -> dict[str, Any]:
        """Say what was changed, and which runs of what is held back go on."""
        names = set(held)
        going_on = [run.id for run in self._service.board.begun if run.task in names]
        return {"tasks": list(answer.tasks), "going_on": going_on, "note": answer.note}

    # -- the store --------------------------------------------------------------------------

    async def _answer_forget(self, request: Request, peer: Peer) -> dict[str, Any]:
        task = request.task()
        if task not in self._service.board:
            stored = await self._service.in_store(self._reader.cursors)
            known = stored.keys() - set(self._service.board.tasks)
            if task not in known:
                raise Refusal(f'nothing is kept of "{task}": {_hint(task, known)}', USAGE)
        answer = await self._ask(ForgetRequested, peer, task=task)
        return {"tasks": list(answer.tasks), "note": answer.note}

    async def _answer_clock_accept(self, _request: Request, peer: Peer) -> dict[str, Any]:
        answer = await self._ask(ClockAccepted, peer)
        return {"tasks": list(answer.tasks)}

    # -- the daemon -------------------------------------------------------------------------

    async def _answer_reload(self, _request: Request, peer: Peer) -> dict[str, Any]:
        answer = await self._reload()
        await self._record("reload", peer)
        return answer

    async def _answer_stop(self, _request: Request, peer: Peer) -> dict[str, Any]:
        answer = self._stop()
        await self._record("stop", peer)
        return answer

    async def _answer_hand_over(self, _request: Request, peer: Peer) -> dict[str, Any]:
        answer = self._hand_over()
        await self._record("hand over", peer)
        return answer

    async def _record(self, verb: str, peer: Peer) -> None:
        # It is done, whether the store takes it or not; and a store in trouble is told elsewhere.
        with suppress(StoreError):
            await self._service.record(verb, peer.by)

    # -- what they share --------------------------------------------------------------------

    async def _ask(
        self,
        kind: type[Requested],
        peer: Peer,
        *,
        within_s: float = ANSWER_WITHIN_S,
        **fields: Any,
    ) -> Answer:
        self._number += 1
        event = kind(
            request=self._number, by=peer.by, at=self._service.instant_of_request(), **fields
        )
        answer = await self._service.ask(event, within_s)
        if answer is None and self._service.trouble:
            raise Refusal(f"nothing was done: {self._service.trouble}")
        if answer is None:
            raise Refusal("the store does not answer: linod audit says later what was done")
        if answer.refusal is not None:
            zone = self._service.board.zone_of(fields.get("task") or "") or self._config().zone
            raise Refusal(localized(answer.refusal, zone))
        return answer

    def _known(self, task: str) -> str:
        board = self._service.board
        if task not in board:
            raise Refusal(f'there is no task "{task}": {_hint(task, board.tasks)}', USAGE)
        return task

    def _all_known(self, tasks: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(self._known(task) for task in tasks)


def _hint(task: str, names: Iterable[str]) -> str:
    near = nearest(task, names)
    return f'did you mean "{near}"?' if near else "linod status lists them"

"""Answers what people ask for; each wish is recorded with who and when."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from linod.engine.chaining import Chaining
from linod.engine.clock_accepting import accept_clock
from linod.engine.ending import Ending
from linod.engine.situation import Situation
from linod.engine.wished_holds import WishedHolds, record
from linod.engine.wished_runs import WishedRuns
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
)
from linod.views import count_of


class Wishing:
    """Hears requests of people."""

    def __init__(self, situation: Situation, ending: Ending, chaining: Chaining) -> None:
        self._situation = situation
        runs, holds = WishedRuns(situation, ending, chaining), WishedHolds(situation, ending)
        self._wishes: dict[type[Requested], Callable[[Any], Answer]] = {
            RunRequested: runs.run,
            CancelRequested: runs.cancel,
            BackfillRequested: runs.backfill,
            PauseRequested: holds.pause,
            ResumeRequested: holds.resume,
            DisableRequested: holds.disable,
            EnableRequested: holds.enable,
            ForgetRequested: self._forget,
            ClockAccepted: self._accept_clock,
        }

    def hear(self, event: Requested) -> None:
        """Do what is asked for, and answer."""
        answer = self._wishes[type(event)](event)
        if answer.refusal is not None:
            answer = self._known(event) or answer
        self._situation.draft.answers.append(answer)

    def _known(self, event: Requested) -> Answer | None:
        """Answer what was done before, where nobody knew that it was committed."""
        done = self._situation.store.actions_at(event.at, event.by)
        tasks = tuple(row.task for row in done if row.task)
        return Answer(request=event.request, tasks=tasks) if done else None

    def _forget(self, event: ForgetRequested) -> Answer:
        situation, task = self._situation, event.task
        if task in situation.agenda:
            refusal = f"{task} is in the configuration: remove it there first"
            return Answer(request=event.request, refusal=refusal)
        if situation.roster.going_on(task):
            run = situation.roster.going_on(task)[0]
            refusal = f"run {run.id} of {task} is {run.state.value}: linod cancel {run.id}"
            return Answer(request=event.request, refusal=refusal)
        if task not in situation.store.cursors():
            return Answer(request=event.request, refusal=f'nothing is known of "{task}"')
        gone = situation.store.forget_task(task)
        situation.ledger.forget_memory()
        situation.holding.load()
        record(self._situation, event, "forget", task, count_of(gone, "run"))
        note = f"forgotten with {count_of(gone, 'run')}"
        return Answer(request=event.request, tasks=(task,), note=note)

    def _accept_clock(self, event: ClockAccepted) -> Answer:
        tasks = accept_clock(self._situation)
        record(self._situation, event, "clock accept", "", ", ".join(tasks))
        return Answer(request=event.request, tasks=tasks)

"""Answers what people ask for about holds: pause, resume, disable, enable."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from linod.engine.ending import Ending
from linod.engine.situation import Situation
from linod.engine.timers import EndPauses
from linod.events import (
    Answer,
    DisableRequested,
    EnableRequested,
    PauseRequested,
    Requested,
    ResumeRequested,
    State,
)
from linod.policy import ALL, Hold, HoldKind
from linod.specs import LogLevel
from linod.store.interface import ActionRow

STOPPING = "linod is stopping: ask again when it serves"
"""What fell due in a hold is decided at the next start, by the hold: so it has to be there."""


class WishedHolds:
    """Holds tasks back for people, and lets them go."""

    def __init__(self, situation: Situation, ending: Ending) -> None:
        self._situation = situation
        self._ending = ending

    def pause(self, event: PauseRequested) -> Answer:
        """Hold tasks back until a person or an instant ends it."""
        refusal = self._unknown(event.tasks)
        if event.until is not None and event.until <= event.at:
            refusal = "the pause would have ended already"
        if refusal:
            return Answer(request=event.request, refusal=refusal)
        if event.until is not None:
            self._situation.timers.at(event.until, EndPauses())
        return self._hold(event, event.tasks or (ALL,), HoldKind.PAUSE, event.reason, event.until)

    def disable(self, event: DisableRequested) -> Answer:
        """Hold tasks back until they are enabled."""
        refusal = self._unknown(event.tasks)
        if refusal:
            return Answer(request=event.request, refusal=refusal)
        return self._hold(event, event.tasks, HoldKind.DISABLE, event.reason, None)

    def _hold(
        self,
        event: Requested,
        tasks: Sequence[str],
        kind: HoldKind,
        reason: str,
        until: datetime | None,
    ) -> Answer:
        situation, verb = self._situation, kind.value
        for task in tasks:
            hold = Hold(
                task=task, kind=kind, since=event.at, until=until, reason=reason, by=event.by
            )
            situation.holding.put(hold)
            until_text = "" if until is None else f" until {until.isoformat()}"
            text = ": ".join(filter(None, (until_text.strip(), reason)))
            record(self._situation, event, verb, "" if task == ALL else task, text)
            if until is None or until > situation.draft.now:
                # One that was heard of only after its end holds nothing back any more.
                self._drop_waiting(task, hold.sentence)
            named = "linod" if task == ALL else task
            situation.tell(
                LogLevel.INFO, named, hold.sentence.removeprefix("all tasks ") + until_text
            )
        return Answer(request=event.request, tasks=tuple(task for task in tasks if task != ALL))

    def _drop_waiting(self, task: str, reason: str) -> None:
        for run in self._situation.roster.all().values():
            if run.state is State.WAITING and task in (run.task, ALL):
                self._ending.drop(run, reason)

    def resume(self, event: ResumeRequested) -> Answer:
        """End pauses."""
        if self._situation.is_closed:
            return Answer(request=event.request, refusal=STOPPING)
        holding = self._situation.holding
        tasks = event.tasks or (ALL,)
        held = [hold for task in tasks if (hold := holding.get(task, HoldKind.PAUSE))]
        if not held:
            return Answer(request=event.request, refusal=self._why_no_resume(event.tasks))
        for hold in held:
            self._release(event, hold, "resume")
        whole = holding.get(ALL, HoldKind.PAUSE)
        note = f"{whole.sentence}: nothing runs until linod resume --all" if whole else ""
        left = [hold.task for hold in holding.all() if hold.kind is HoldKind.PAUSE]
        if left and not event.tasks:
            note = f"paused by name, and still so: {', '.join(left)}"
        names = tuple(hold.task for hold in held if hold.task != ALL)
        return Answer(request=event.request, tasks=names, note=note)

    def _why_no_resume(self, tasks: Sequence[str]) -> str:
        if refusal := self._unknown(tasks):
            return refusal
        holding = self._situation.holding
        if not tasks:
            paused = [hold.task for hold in holding.all() if hold.kind is HoldKind.PAUSE]
            hint = f": linod resume {' '.join(paused)}" if paused else ""
            return f"linod as a whole is not paused{hint}"
        if whole := holding.get(ALL, HoldKind.PAUSE):
            return f"{whole.sentence}: linod resume --all"
        if holding.get(tasks[0], HoldKind.DISABLE):
            return f"{tasks[0]} is disabled, not paused: linod enable {tasks[0]}"
        return f"{', '.join(tasks)}: not paused"

    def enable(self, event: EnableRequested) -> Answer:
        """End what a person or failures disabled."""
        if self._situation.is_closed:
            return Answer(request=event.request, refusal=STOPPING)
        holding = self._situation.holding
        if event.tasks:
            held = [hold for task in event.tasks if (hold := holding.get(task, HoldKind.DISABLE))]
        else:
            held = [hold for hold in holding.all() if hold.kind is HoldKind.DISABLE and not hold.by]
        if not held:
            return Answer(request=event.request, refusal=self._why_no_enable(event.tasks))
        for hold in held:
            self._release(event, hold, "enable")
            plan = self._situation.agenda.get(hold.task)
            if plan is not None:
                self._situation.set_failures(plan, 0)
            else:
                self._situation.store.set_failures(hold.task, 0)
        return Answer(request=event.request, tasks=tuple(hold.task for hold in held))

    def _why_no_enable(self, tasks: Sequence[str]) -> str:
        if not tasks:
            return "no task was disabled by its failures"
        if refusal := self._unknown(tasks):
            return refusal
        plan = self._situation.agenda[tasks[0]]
        if not plan.task.enabled:
            return f"{plan.name} has enabled = false in linod.toml: change it there"
        return f"{', '.join(tasks)}: not disabled"

    def _release(self, event: Requested, hold: Hold, verb: str) -> None:
        situation = self._situation
        situation.holding.remove(hold)
        record(self._situation, event, verb, "" if hold.task == ALL else hold.task)
        done = "resumed" if verb == "resume" else "enabled"
        named = "linod" if hold.task == ALL else hold.task
        situation.tell(LogLevel.INFO, named, f"{done} by {event.by}")
        for plan in situation.agenda:
            if hold.task in (plan.name, ALL):
                last = next(iter(situation.store.runs(plan.name, limit=1)), None)
                self._ending.continue_after(plan, last)

    def _unknown(self, tasks: Sequence[str]) -> str | None:
        unknown = next((task for task in tasks if task not in self._situation.agenda), None)
        return None if unknown is None else f'there is no task "{unknown}"'


def record(situation: Situation, event: Requested, verb: str, task: str, text: str = "") -> None:
    """Record what a person did, to whom and when."""
    row = ActionRow(at=event.at, verb=verb, task=task, by=event.by, text=text)
    situation.store.add_action(row)

"""Sentences on instants without a decision: not due, not due yet, not decided, not decidable."""

from __future__ import annotations

from datetime import datetime

from linod.policy import Hold, is_ahead
from linod.recurrence.model import Event
from linod.specs import Task
from linod.views import duration
from linod.why.finding import Asked, Finding, NoVerdict
from linod.why.refusals import end_of
from linod.why.settings import catch_up
from linod.why.wording import beside, reason_of, sentence, when

_NO_DAEMON = "no daemon is running: linod serve starts one"


# -- not due ------------------------------------------------------------------------------------


def not_due(asked: Asked, finding: Finding) -> list[str]:
    """Say that it is not due at an instant, and when it is."""
    told = [sentence(_not_then(asked, finding))]
    near = [when(asked, each) for each in (finding.before, finding.after) if each is not None]
    if near:
        are = "the nearest are" if len(near) == 2 else "the nearest is"
        told.append(sentence(f"{are} {' and '.join(near)}"))
    if finding.missing:
        told.append(sentence(f"no new success of {', '.join(finding.missing)} yet"))
    return told


def _not_then(asked: Asked, finding: Finding) -> str:
    rule = why_due(asked)
    if finding.at is None:
        return f"it has not run yet: {rule}" if asked.task is not None else rule
    verb = "was" if finding.at <= asked.now else "is"
    not_then = f"it {verb} not due at {when(asked, finding.at)}"
    if finding.excluded_by:
        return f"{not_then}: excluded by {reason_of(finding.excluded_by)}"
    return f"{not_then}: {rule}"


def why_due(asked: Asked) -> str:
    """Say when a task is due, in words."""
    task = asked.task
    if task is None:
        return "it is not in the configuration any more"
    if asked.chain:
        return f"it runs in chain {asked.chain}, which is due {_rule(asked)}"
    events = [part for part in task.recurrence.parts if isinstance(part, Event)]
    if len(events) < len(task.recurrence.parts) or not events:
        return f"it is due {_rule(asked)}"
    return _when_it_happens(asked, task, events[0])


def _rule(asked: Asked) -> str:
    """Write a rule as part of a sentence: a phrase as it is, what is no English in quotes."""
    is_phrase = asked.rule.startswith(("every ", "once ", "at ", "continuously"))
    return reason_of(asked.rule) if is_phrase else f'"{reason_of(asked.rule)}"'


def _when_it_happens(asked: Asked, task: Task, event: Event) -> str:
    if event is Event.MANUALLY and task.after:
        return f"it is due when {' and '.join(task.after)} succeeded anew"
    return {
        Event.MANUALLY: f"it runs only when somebody asks (linod run {asked.name})",
        Event.AT_START: "it is due when linod starts",
        Event.AT_BOOT: "it is due when linod starts for the first time after a boot",
        Event.CONTINUOUSLY: "it is due again whenever it has ended",
    }[event]


# -- due, but not decided -----------------------------------------------------------------------


def not_yet(asked: Asked, finding: Finding) -> list[str]:
    """Say when it will be due, and what stands in the way."""
    at = finding.at
    assert at is not None
    opening = "it has not been due yet, and is" if finding.is_first else "it is"
    told = [sentence(f"{opening} due at {when(asked, at)}, in {_length(asked.now, at)}")]
    obstacle = _obstacle(asked, finding, at)
    return [*told, sentence(obstacle)] if obstacle else told


def _length(now: datetime, at: datetime) -> str:
    return duration(max(0.0, (at - now).total_seconds()))


def _obstacle(asked: Asked, finding: Finding, at: datetime) -> str:
    if asked.through is not None and at <= asked.through:
        return f"it will not run then: {_stepped_back(asked, asked.through)}"
    if off := _switched_off(asked):
        return f"it will not run then: {off}"
    if finding.hold is not None:
        return f"it will not run then: {_held(asked, finding.hold)}"
    return "" if asked.is_served else _NO_DAEMON


def _held(asked: Asked, hold: Hold) -> str:
    told = hold.sentence.replace("all tasks paused", "all tasks are paused", 1)
    told = told if told != hold.sentence else f"it is {told}"
    if hold.until is not None:
        return f"{reason_of(told)}, until {when(asked, hold.until)}"
    return f"{reason_of(told)} ({end_of(hold)} ends that)"


def present(asked: Asked) -> list[str]:
    """Say what keeps it from running just now."""
    if off := _switched_off(asked):
        return [sentence(f"just now {off}")]
    if asked.hold is None:
        return []
    return [sentence(f"just now {_held(asked, asked.hold)}")]


def _switched_off(asked: Asked) -> str:
    if not asked.is_enabled:
        return "linod is switched off"
    is_off = asked.task is not None and not asked.task.enabled
    return "it is switched off (enabled = false)" if is_off else ""


def undecided(asked: Asked, finding: Finding) -> list[str]:
    """Say why an instant that is past has no decision."""
    at = finding.at
    assert at is not None
    if asked.first_seen is None:
        known = "the daemon does not know the task: linod reload" if asked.is_served else _NO_DAEMON
        return [sentence(f"it was due at {when(asked, at)}, but {known}")]
    if at <= asked.first_seen:
        seen = when(asked, asked.first_seen)
        told = f"linod saw the task first at {seen} and runs nothing from before"
        return [sentence(f"it did not run at {when(asked, at)}: {told}")]
    if asked.through is not None and at <= asked.through:
        return [_not_kept(asked, at)]
    return _pending(asked, at)


def _not_kept(asked: Asked, at: datetime) -> str:
    told = "its recurrence was another one then, or it is older than keep in [linod]"
    return sentence(f"nothing is kept of {when(asked, at)}: {told}")


def _pending(asked: Asked, at: datetime) -> list[str]:
    opening = f"it was due at {when(asked, at)} and is not decided"
    if asked.is_served:
        cannot = f": the daemon cannot, {reason_of(asked.trouble)}" if asked.trouble else " yet"
        return [sentence(f"{opening}{cannot}")]
    since = beside(asked, asked.traced, at) if asked.traced is not None else ""
    idle = f", and nothing was decided since {since}" if since else ""
    after = f"when linod serve starts, {catch_up(asked)} says what becomes of it"
    return [sentence(f"{opening}: no daemon is running{idle}"), sentence(after)]


# -- the clock ----------------------------------------------------------------------------------


def clock_ahead(asked: Asked, _finding: Finding) -> list[str]:
    """Say that the clock stepped back."""
    if asked.through is None:
        return []
    return [sentence(f"it does not run: {_stepped_back(asked, asked.through)}"), _ACCEPT]


def decided_ahead(asked: Asked, finding: Finding) -> list[str]:
    """Say of a decision on what lies ahead how that can be."""
    if isinstance(finding.what, NoVerdict) or finding.at is None or finding.at <= asked.now:
        return []
    is_back = asked.through is not None and is_ahead(asked.through, asked.now)
    return ["That lies ahead: the clock stepped back since.", _ACCEPT] if is_back else []


_ACCEPT = "If the clock is right now, say so: linod clock accept."


def _stepped_back(asked: Asked, through: datetime) -> str:
    return f"the clock stepped back, and all up to {when(asked, through)} is decided already"

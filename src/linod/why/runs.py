"""Sentences on occurrences that got runs: when they began and why then, and how they ended."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from linod.events import ONLY_IF, Outcome, State, Trigger
from linod.policy import OUTSIDE, REMOVED, SWITCHED_OFF, SWITCHED_OFF_TASK, TOO_OLD, YIELDED
from linod.views import PAST, duration
from linod.why.finding import SUCCESS, Asked, series
from linod.why.rows import Run
from linod.why.settings import allowed, catch_up_window
from linod.why.wording import beside, both, reason_of, run_named, sentence, when

LATE_MIN_S = 1.0
"""Of a run that is this late it is said why; below it is what starting a process takes."""
_TOLD_MIN_S = 0.001


def ran(asked: Asked, runs: Sequence[Run]) -> list[str]:
    """Say what became of all runs of one occurrence."""
    first, *others = series(runs)
    return [*_one_series(asked, first), *(again(asked, others[-1], "ran again") if others else ())]


def again(asked: Asked, attempts: Sequence[Run], verb: str) -> list[str]:
    """Say what became of a later series of the same occurrence: a person wanted it."""
    last = attempts[-1]
    return _begun(asked, last, verb) if _has_begun(last) else [_idle(asked, last)]


def _one_series(asked: Asked, attempts: Sequence[Run]) -> list[str]:
    first = next((run for run in attempts if _has_begun(run)), None)
    last = attempts[-1]
    if first is None:
        return [_idle(asked, last)]
    told = _begun(asked, first, "ran")
    return told if last is first else [*told, _attempt(asked, last)]


def _has_begun(run: Run) -> bool:
    """Tell whether it did something: only_if is asked in its worker, before."""
    return run.started is not None and run.reason != ONLY_IF


# -- a run that began ---------------------------------------------------------------------------


def _begun(asked: Asked, run: Run, verb: str) -> list[str]:
    assert run.started is not None
    late, why = _late(asked, run)
    about = [f"({run_named(run)})", *_asked_for(asked, run), *late]
    if run.outcome is None:
        going = f"it is running since {when(asked, run.started)} {', '.join(about)}"
        return [sentence(going + (f": {why}" if why else "")), *_still(asked, run)]
    opening, end = f"it {verb} at {when(asked, run.started)}", _end(run)
    if why:
        return [sentence(f"{opening} {', '.join(about)}: {why}"), sentence(f"it {end}")]
    return [sentence(f"{opening} {both(about)} {end}")]


def _asked_for(asked: Asked, run: Run) -> list[str]:
    if run.trigger is Trigger.MANUAL:
        return [f"asked for by {run.by}" if run.by else "asked for"]
    if run.trigger is Trigger.BACKFILL:
        return [f"filled back by {run.by}" if run.by else "filled back"]
    if run.trigger is Trigger.CHAIN and asked.chain:
        return [f"in chain {asked.chain}"]
    if run.trigger is Trigger.AFTER and asked.task is not None and asked.task.after:
        return [f"after {' and '.join(asked.task.after)}"]
    return []


def _late(asked: Asked, run: Run) -> tuple[list[str], str]:
    """Say how late it began, and why where that is more than a process takes to start."""
    assert run.started is not None
    late_s = (run.started - _expected(run)).total_seconds()
    if late_s < _TOLD_MIN_S:
        return [], ""
    why = _why_late(asked, run) if late_s >= LATE_MIN_S else ""
    return [f"{duration(late_s)} late"], why


def _expected(run: Run) -> datetime:
    """When a person expects it: at its due, where it is not said by something else."""
    if run.series != run.id:
        return run.planned
    if run.trigger in (Trigger.SCHEDULE, Trigger.EVENT):
        return run.due
    return max(run.planned, run.queued)


def _why_late(asked: Asked, run: Run) -> str:
    if run.is_caught_up:
        return f"nothing decided it at {beside(asked, run.due, run.queued)}, so it was caught up"
    if run.held:
        return _waited(asked, run)
    if (run.queued - _expected(run)).total_seconds() >= LATE_MIN_S:
        return f"it was decided at {beside(asked, run.queued, run.due)} only"
    return ""


def _waited(asked: Asked, run: Run) -> str:
    """Say what it waited for last."""
    if run.held in _MOVED:
        return _MOVED[run.held]
    if run.held == OUTSIDE:
        return f"it waited for {allowed(asked)} to open"
    if run.held_since is None:
        return reason_of(run.held)
    since = beside(asked, run.held_since, run.due)
    return f"it waited since {since}, {reason_of(run.held)}"


_MOVED = {
    "spread": "spread moved its start",
    "jitter": "jitter moved its start",
    "spread and jitter": "spread and jitter moved its start",
    "cooldown": "it rested first (cooldown)",
}


def _end(run: Run) -> str:
    """Say how a run ended, as the end of a sentence."""
    outcome = run.outcome or Outcome.LOST
    preposition = "in" if outcome in (Outcome.SUCCEEDED, Outcome.WARNED) else "after"
    took = "" if run.took is None else f" {preposition} {duration(run.took.total_seconds())}"
    is_plain = outcome in (Outcome.SUCCEEDED, Outcome.TIMED_OUT) or not run.reason
    # "was cancelled: cancelled by ann" would say it twice.
    because = "" if is_plain else f": {reason_of(run.reason.removeprefix('cancelled '))}"
    return f"{PAST[outcome]}{took}{because}"


def _still(asked: Asked, run: Run) -> list[str]:
    """Say of a run without an end how far it is."""
    told = []
    if run.is_chain and (step := step_of(run)):
        told.append(sentence(f"it is at {step}"))
    if not asked.is_served:
        told.append("No daemon is running: the next one says what became of it.")
    return told


def step_of(run: Run) -> str:
    """Say at which step a chain is: "step 2 of 3 (transform)"."""
    kept = run.detail.get("chain")
    steps = kept.get("steps") if isinstance(kept, dict) else None
    at = kept.get("at") if isinstance(kept, dict) else None
    if not isinstance(steps, list) or not isinstance(at, int) or not 0 <= at < len(steps):
        return ""
    names = steps[at] if isinstance(steps[at], list) else [steps[at]]
    return f"step {at + 1} of {len(steps)} ({reason_of(', '.join(map(str, names)))})"


# -- a run that did not begin -------------------------------------------------------------------


def _idle(asked: Asked, run: Run) -> str:
    """Say of a run that did not begin what it waits for, or how it ended."""
    if run.state is State.WAITING:
        return sentence(_waiting(asked, run))
    if run.outcome is None:
        return sentence(f"it is starting ({run_named(run)}), due at {when(asked, run.due)}")
    if run.outcome is Outcome.CANCELLED:
        return sentence(f"it did not run at {when(asked, run.due)}: {_dropped(asked, run)}")
    if run.outcome in SUCCESS:
        return sentence(f"it was due at {when(asked, run.due)}, and {run_named(run)} {_end(run)}")
    failed = f"{run_named(run)} {_failed_before(run)}"
    return sentence(f"it did not run at {when(asked, run.due)}: {failed}")


def _failed_before(run: Run) -> str:
    because = f": {reason_of(run.reason)}" if run.reason else ""
    return f"{PAST[run.outcome or Outcome.LOST]} before it began{because}"


def _waiting(asked: Asked, run: Run) -> str:
    due = when(asked, run.due)
    tail = _why_waiting(asked, run)
    if run.planned > max(asked.now, run.due):
        starts = beside(asked, run.planned, run.due)
        return f"it was due at {due} and starts at {starts} ({run_named(run)}){tail}"
    return f"it is due since {due} and waits ({run_named(run)}){tail}"


def _why_waiting(asked: Asked, run: Run) -> str:
    if not asked.is_served:
        return ": no daemon is running, linod serve starts one"
    return f": {_waits(asked, run)}" if run.held else ""


def _waits(asked: Asked, run: Run) -> str:
    """Say what it waits for now."""
    if run.held in _MOVED or run.held == OUTSIDE or run.held_since is None:
        return _waited(asked, run)
    return f"{reason_of(run.held)}, since {beside(asked, run.held_since, run.due)}"


def _dropped(asked: Asked, run: Run) -> str:
    """Say why a run that waited ended, and what it had waited for."""
    why = _why_dropped(asked, run)
    if run.reason == ONLY_IF or run.ended is None:
        return f"{why} ({run_named(run)})"
    at = beside(asked, run.ended, run.due)
    # What dropped it is not said again as what it waited for.
    is_more = run.held and run.held not in _MOVED and run.held not in run.reason
    held = f", {reason_of(run.held)}" if is_more else ""
    return f"{why} at {at}; until then {run_named(run)} waited{held}"


def _why_dropped(asked: Asked, run: Run) -> str:
    task = asked.task
    condition = f"only_if ({task.only_if})" if task is not None and task.only_if else "only_if"
    told = {
        ONLY_IF: f"{condition} said no",
        "replaced by the next occurrence": 'replaced by the next occurrence (overlap = "replace")',
        OUTSIDE: f"its turn came outside {allowed(asked)}",
        YIELDED: f"{allowed(asked)} had not opened when the next occurrence was due",
        TOO_OLD: f"it was older than {catch_up_window(asked)} when linod came back",
        REMOVED: "the task was removed from the configuration",
        SWITCHED_OFF: "linod was switched off",
        SWITCHED_OFF_TASK: "the task was switched off (enabled = false)",
    }
    return told.get(run.reason) or reason_of(run.reason) or "dropped"


# -- a later attempt ----------------------------------------------------------------------------


def _attempt(asked: Asked, run: Run) -> str:
    name = f"attempt {run.attempt} ({run_named(run)})"
    if run.started is not None and _has_begun(run):
        at = beside(asked, run.started, run.due)
        going = f"is running since {at}" if run.outcome is None else f"at {at} {_end(run)}"
        return sentence(f"{name} {going}")
    if run.state is State.WAITING:
        return sentence(f"{name} {_next_try(asked, run)}")
    if run.outcome is None:
        return sentence(f"{name} is starting")
    if run.outcome is Outcome.CANCELLED:
        return sentence(f"{name} did not run: {_dropped(asked, run)}")
    return sentence(f"{name} {_failed_before(run)}")


def _next_try(asked: Asked, run: Run) -> str:
    if not asked.is_served:
        return "waits: no daemon is running, linod serve starts one"
    if run.planned - asked.now > timedelta(0):
        return f"waits until {beside(asked, run.planned, run.due)}: {reason_of(run.held)}"
    return f"waits: {_waits(asked, run)}" if run.held else "waits"

"""What a person should look at: sentences, the most important one first."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from attrs import evolve, frozen

from linod.events import Outcome, Verdict
from linod.policy import WarningKind
from linod.simulation.report import PoolReport, Report, TaskReport
from linod.views import count_of, duration

STORM_MIN = 20
"""So many tasks that start in one minute are worth a word."""
WAIT_MIN_S = 60.0
FULL_MIN = 0.5

_NEVER, _DISABLED, _NOT_DONE, _REFUSED, _CUT, _FULL, _WAITS, _STORM = (
    *(100.0, 90.0, 80.0, 40.0, 35.0, 30.0, 20.0, 15.0),
)
_SHARE = 50.0
"""What a finding gains that is true of all runs of a task, or of the whole time."""


@frozen
class _Finding:
    weight: float
    text: str


def with_findings(report: Report) -> Report:
    """Look a report over."""
    found = [
        *(finding for task in report.tasks for finding in _of_task(task)),
        *(finding for pool in report.pools for finding in _of_pool(pool)),
        *_of_minutes(report),
    ]
    found.sort(key=lambda finding: -finding.weight)
    return evolve(report, findings=tuple(finding.text for finding in found))


def _of_task(task: TaskReport) -> Iterator[_Finding]:
    for verdict, count in task.not_run.items():
        yield _refused(task, verdict, count)
    yield from _warned(task)
    yield from _ended(task)
    for wait in task.waits:
        is_pool = wait.kind.startswith("pool ")
        seconds = wait.longest.total_seconds()
        if seconds >= WAIT_MIN_S and not wait.is_asked_for and not is_pool:
            times = count_of(wait.count, "time")
            text = f"{task.task} waits up to {duration(seconds)} for {wait.kind}, {times}"
            yield _Finding(_WAITS + _part(wait.count, task.runs), text)


def _refused(task: TaskReport, verdict: Verdict, count: int) -> _Finding:
    share = _part(count, task.occurrences)
    times = f"{count_of(count, 'time')} of {task.occurrences:,}"
    if not task.runs and count == task.occurrences:
        return _Finding(_NEVER, f"{task.task} never runs: {_SAID.get(verdict, verdict)}, {times}")
    if verdict is Verdict.DISABLED:
        return _Finding(_DISABLED + share, f"{task.task} is disabled by its failures, {times}")
    if verdict is Verdict.OVERLAP and task.took_mean is not None and task.every is not None:
        text = f"{task.task} is skipped {times}: {_why_overlap(task, task.took_mean, task.every)}"
        return _Finding(_REFUSED + share, text)
    text = f"{task.task} gets no run {times}: {_SAID.get(verdict, verdict)}"
    return _Finding(_REFUSED + share, text)


def _why_overlap(task: TaskReport, mean: timedelta, every: timedelta) -> str:
    due = f"it is due every {duration(every.total_seconds())}"
    if mean >= every:
        return f"its runs take {duration(mean.total_seconds())} on average and {due}"
    if task.took_longest is not None and task.took_longest >= every:
        return f"its runs take up to {duration(task.took_longest.total_seconds())} and {due}"
    waits = [wait for wait in task.waits if not wait.is_asked_for]
    if waits and waits[0].longest + mean >= every:
        return f"it waits up to {duration(waits[0].longest.total_seconds())} for {waits[0].kind}"
    return "its retries still go on" if task.retries else "its run before still goes on"


_SAID = {
    Verdict.OVERLAP: "its run before goes on",
    Verdict.OUTSIDE_ALLOWED: "it is outside allowed",
    Verdict.COOLDOWN: "it rests (cooldown)",
    Verdict.UPSTREAM_FAILED: "what is before it failed",
    Verdict.SWITCHED_OFF: "it is switched off",
}


def _warned(task: TaskReport) -> Iterator[_Finding]:
    for kind, text in _WARNED.items():
        count = task.warnings.get(kind, 0)
        if count:
            yield _Finding(_NOT_DONE, f"{task.task} {text} {count_of(count, 'time')}")


_WARNED = {
    WarningKind.DONE_BY: "is not done in time (warn.done_by)",
    WarningKind.NO_SUCCESS: "goes without a success (warn.no_success)",
    WarningKind.LATE: "starts late (warn.late)",
    WarningKind.RUNNING: "runs for long (warn.running)",
}


def _ended(task: TaskReport) -> Iterator[_Finding]:
    timed_out = task.outcomes.get(Outcome.TIMED_OUT, 0)
    if timed_out:
        text = f"{task.task} times out in {timed_out:,} of {count_of(task.runs, 'run')}"
        yield _Finding(_REFUSED + _part(timed_out, task.runs), text)
    for reason, count in task.stopped.items():
        text = f"{task.task} is stopped {count_of(count, 'time')}: {reason}"
        yield _Finding(_CUT + _part(count, task.runs), text)
    for reason, count in task.dropped.items():
        text = f"{task.task} is dropped {count_of(count, 'time')} while it waits: {reason}"
        yield _Finding(_CUT + _part(count, task.occurrences), text)


def _of_pool(pool: PoolReport) -> Iterator[_Finding]:
    longest = pool.longest
    seconds = longest.longest.total_seconds() if longest is not None else 0.0
    if pool.full < FULL_MIN and seconds < WAIT_MIN_S:
        return
    text = f'pool "{pool.pool}" (size = {pool.size}) is full {pool.full:.0%} of the time'
    if longest is not None:
        text += f": {longest.task} waits up to {duration(seconds)} for it"
    yield _Finding(_FULL + _SHARE * pool.full, text)


def _of_minutes(report: Report) -> Iterator[_Finding]:
    for peak in report.peaks[:1]:
        if peak.tasks >= STORM_MIN:
            text = f"{peak.tasks} tasks start within the minute {peak.at:%H:%M}: spread parts them"
            yield _Finding(_STORM, text)


def _part(count: int, whole: int) -> float:
    return _SHARE * count / whole if whole else 0.0

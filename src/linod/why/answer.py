"""The answer to `linod why`: as sentences, and as the facts behind them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from linod.events import State, Verdict
from linod.views import clean
from linod.why.finding import Asked, Finding, NoVerdict, is_expected, series
from linod.why.refusals import clause, refused
from linod.why.rows import Run
from linod.why.runs import again, ran, step_of
from linod.why.undecided import clock_ahead, decided_ahead, not_due, not_yet, present, undecided
from linod.why.wording import run_named, sentence, when


def sentences(asked: Asked, finding: Finding, *, is_present: bool = False) -> list[str]:
    """Say in sentences what became of an occurrence; with `is_present` also how it is now."""
    told = [*_told(asked, finding), *decided_ahead(asked, finding)]
    told += _now(asked, finding) if is_present else []
    return [clean(each) for each in told]


def _told(asked: Asked, finding: Finding) -> list[str]:
    if finding.of_chain is not None:
        return _in_chain(asked, finding, finding.of_chain)
    if isinstance(finding.what, NoVerdict):
        return _NO_VERDICT[finding.what](asked, finding)
    if finding.what is Verdict.ADMITTED:
        return ran(asked, finding.runs) if finding.runs else refused(asked, finding)
    later = again(asked, series(finding.runs)[-1], "ran later") if finding.runs else []
    return [*refused(asked, finding), *later]


_NO_VERDICT: Mapping[NoVerdict, Callable[[Asked, Finding], list[str]]] = {
    NoVerdict.NOT_DUE: not_due,
    NoVerdict.EXCLUDED: not_due,
    NoVerdict.NOT_YET: not_yet,
    NoVerdict.UNDECIDED: undecided,
    NoVerdict.CLOCK_AHEAD: clock_ahead,
}


def _now(asked: Asked, finding: Finding) -> list[str]:
    """Say what holds it now, unless that is what the answer is about."""
    is_said = finding.hold is not None or finding.what in (Verdict.SWITCHED_OFF, NoVerdict.NOT_YET)
    return [] if is_said else present(asked)


# -- members of chains --------------------------------------------------------------------------


def _in_chain(asked: Asked, finding: Finding, chain: Finding) -> list[str]:
    """Say what kept the chain of a task from coming to it."""
    at = f" at {when(asked, finding.at)}" if finding.at is not None else ""
    if chain.runs:
        return [sentence(_not_reached(asked, chain.runs[-1], at))]
    if chain.decision is None:
        return _told(asked, Finding(what=chain.what, at=chain.at, hold=chain.hold))
    why = clause(asked, chain)
    return [sentence(f"it did not run{at}, nor did its chain {asked.chain}: {why}")]


def _not_reached(asked: Asked, run: Run, at: str) -> str:
    name = f"chain {asked.chain} ({run_named(run)})"
    if run.outcome is not None:
        return f"it did not run{at}: {name} ended without it ({run.outcome.replace('_', ' ')})"
    if run.state is State.WAITING:
        return f"it waits{at}: {name} waits itself" + (f", {run.held}" if run.held else "")
    return f"its turn has not come{at}: {name} is at {step_of(run) or 'an earlier step'}"


# -- facts --------------------------------------------------------------------------------------


def facts(asked: Asked, finding: Finding, *, is_present: bool = False) -> dict[str, Any]:
    """Give what the sentences are made of, for programs; what does not apply is None."""
    found = finding.of_chain or finding
    row, runs = found.decision, list(found.runs)
    run = runs[-1] if runs else None
    return {
        "task": asked.name,
        "at": finding.at,
        "verdict": finding.what.value,
        "is_expected": _is_expected(finding),
        "text": " ".join(sentences(asked, finding, is_present=is_present)),
        "due": row.due if row is not None else run.due if run is not None else None,
        "last": row.last if row is not None else None,
        "count": row.count if row is not None else None,
        "reason": _reason(found),
        "by": row.by if row is not None else "",
        "run": _run(run),
        "runs": [each.id for each in runs],
        "other": _run(found.other),
        "before": found.before,
        "after": found.after,
        "excluded_by": found.excluded_by or None,
        "rule": asked.rule,
        "chain": asked.chain or None,
        "through": asked.through,
        "daemon": asked.is_served,
    }


def _is_expected(finding: Finding) -> bool:
    if finding.what is Verdict.ADMITTED:
        return bool(finding.runs) and is_expected(finding.runs[-1])
    return finding.what in (NoVerdict.NOT_DUE, NoVerdict.EXCLUDED, NoVerdict.NOT_YET)


def _reason(finding: Finding) -> str:
    if finding.decision is not None and finding.what is not Verdict.ADMITTED:
        return finding.decision.reason
    return finding.runs[-1].reason if finding.runs else ""


def _run(run: Run | None) -> dict[str, Any] | None:
    if run is None:
        return None
    return {
        "run": run.id,
        "task": run.task,
        "due": run.due,
        "attempt": run.attempt,
        "trigger": run.trigger.value,
        "state": run.state.value,
        "queued": run.queued,
        "planned": run.planned,
        "started": run.started,
        "ended": run.ended,
        "late_s": _seconds(run.planned, run.started),
        "took_s": run.took.total_seconds() if run.took is not None else None,
        "reason": run.reason,
        "by": run.by,
        "chain": run.parent,
        "held": run.held,
        "held_since": run.held_since,
        "is_caught_up": run.is_caught_up,
        "result": run.detail.get("result"),
    }


def _seconds(planned: datetime, started: datetime | None) -> float | None:
    return None if started is None else max(0.0, (started - planned).total_seconds())

"""Sentences on occurrences that got no run: one function per verdict."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime

from linod.events import Outcome, Verdict
from linod.policy import ALL, SWITCHED_OFF, Hold, HoldKind
from linod.views import PAST, coarse, count_of, duration
from linod.why.finding import Asked, Finding
from linod.why.rows import Action, Decision, Run
from linod.why.settings import allowed, catch_up, catch_up_window, cooldown
from linod.why.wording import beside, reason_of, run_named, sentence, when


def refused(asked: Asked, finding: Finding) -> list[str]:
    """Say that an occurrence got no run, and why."""
    row = finding.decision
    assert row is not None
    because, *more = _CLAUSES[row.verdict](asked, finding, row)
    opening = f"it did not run {_which(asked, finding, row)}"
    told = [sentence(f"{opening}: {because}"), *map(sentence, more)]
    if finding.at is not None and row.count > 1:
        told.append(sentence(f"it is one of {row.count:,} in a row, {_span(asked, row)}"))
    return told


def clause(asked: Asked, finding: Finding) -> str:
    """Say why, as part of a sentence about something else."""
    row = finding.decision
    return _CLAUSES[row.verdict](asked, finding, row)[0] if row is not None else ""


def _which(asked: Asked, finding: Finding, row: Decision) -> str:
    if finding.at is not None:
        return f"at {when(asked, finding.at)}"
    return f"{count_of(row.count, 'time')} {_span(asked, row)}"


def _span(asked: Asked, row: Decision) -> str:
    return f"from {when(asked, row.due)} to {beside(asked, row.last, row.due)}"


def _at(finding: Finding, row: Decision) -> datetime:
    return finding.at if finding.at is not None else row.last


# -- overlap ------------------------------------------------------------------------------------


def _overlap(asked: Asked, finding: Finding, row: Decision) -> list[str]:
    other, at = finding.other, _at(finding, row)
    policy = _policy_of(row.reason)
    if other is None:
        return [f"{reason_of(row.reason)} (overlap = {policy})"]
    named = f"the run of {beside(asked, other.due, at)} ({run_named(other)})"
    if row.reason.endswith("was waiting already"):
        return [f"{named} was waiting already, and only one waits (overlap = {policy})"]
    if other.started is None or other.started > at:
        held = f", {reason_of(other.held)}" if other.held else ""
        return [f"{named} had not begun yet{held} (overlap = {policy})", _then(asked, other, at)]
    return [f"{named} was going on (overlap = {policy})", _then(asked, other, at)]


def _policy_of(reason: str) -> str:
    if reason.endswith("was waiting already"):
        return '"wait"'
    return '"allow"' if "max_running" in reason else '"skip"'


def _then(asked: Asked, other: Run, at: datetime) -> str:
    """Say what became of the run that was in the way."""
    if other.outcome is None:
        if other.started is None:
            return f"that run is {other.state.value} still"
        return f"that run goes on, for {coarse((asked.now - other.started).total_seconds())} now"
    if other.ended is None or other.took is None:
        return f"that run {PAST[other.outcome]}"
    took = duration(other.took.total_seconds())
    return f"that run {PAST[other.outcome]} at {beside(asked, other.ended, at)} after {took}"


# -- missed, superseded -------------------------------------------------------------------------


def _missed(asked: Asked, finding: Finding, row: Decision) -> list[str]:
    missed = "linod did not decide it in time, it was down, the machine slept or the clock was set"
    return [missed, f"it was not caught up: {_not_caught_up(asked, finding, row)}"]


def _not_caught_up(asked: Asked, finding: Finding, row: Decision) -> str:
    other = finding.other
    if other is not None:
        at = beside(asked, other.due, _at(finding, row))
        return f"the one of {at} was, as {run_named(other)} ({catch_up(asked)})"
    if row.reason == "older than catch_up_window":
        return f"it was older than {catch_up_window(asked)}"
    return reason_of(row.reason)


def _superseded(_asked: Asked, _finding: Finding, _row: Decision) -> list[str]:
    changed = "its recurrence was changed or removed before anything decided it"
    return [f"{changed}, and an edit runs nothing from before"]


# -- held back ----------------------------------------------------------------------------------


def _switched_off(_asked: Asked, _finding: Finding, row: Decision) -> list[str]:
    if row.reason == SWITCHED_OFF:
        return ["linod was switched off ([linod] enabled = false, or LINOD_ENABLED=0)"]
    return [f"the task was switched off ({reason_of(row.reason) or 'enabled = false'})"]


def _paused(asked: Asked, finding: Finding, row: Decision) -> list[str]:
    was = row.reason.replace("all tasks paused", "all tasks were paused", 1)
    was = was if was != row.reason else f"it was {row.reason or 'paused'}"
    return [f"{reason_of(was)}{_since(asked, finding, row)}", *_ended(asked, finding, "resumed")]


def _disabled(asked: Asked, finding: Finding, row: Decision) -> list[str]:
    was = f"it was {reason_of(row.reason) or 'disabled'}"
    return [f"{was}{_since(asked, finding, row)}", *_ended(asked, finding, "enabled")]


def _since(asked: Asked, finding: Finding, row: Decision) -> str:
    hold, at = finding.hold, _at(finding, row)
    since = hold.since if hold is not None else _began(finding.begun)
    return f", since {beside(asked, since, at)}" if since is not None else ""


def _began(action: Action | None) -> datetime | None:
    return action.at if action is not None else None


def _ended(asked: Asked, finding: Finding, done: str) -> list[str]:
    """Say until when it was held back, or what ends that."""
    if finding.ended is not None:
        by = f" by {finding.ended.by}" if finding.ended.by else ""
        return [f"it was {done} at {when(asked, finding.ended.at)}{by}"]
    return [_lasts(asked, finding.hold)] if finding.hold is not None else []


def _lasts(asked: Asked, hold: Hold) -> str:
    if hold.until is not None:
        return f"that pause ends at {when(asked, hold.until)}"
    return f"it is so still: {end_of(hold)} ends that"


def end_of(hold: Hold) -> str:
    """Write the command that ends a hold."""
    if hold.kind is HoldKind.DISABLE:
        return f"linod enable {hold.task}"
    return "linod resume --all" if hold.task == ALL else f"linod resume {hold.task}"


# -- windows, rests, chains ---------------------------------------------------------------------


def _outside(asked: Asked, _finding: Finding, _row: Decision) -> list[str]:
    return [f"it was outside {allowed(asked)}, which opens only after the next one is due"]


def _cooldown(asked: Asked, finding: Finding, row: Decision) -> list[str]:
    other = finding.other
    if other is None or other.ended is None:
        return [reason_of(row.reason) or "it rested after the run before"]
    at = _at(finding, row)
    ended = f"{PAST[other.outcome or Outcome.LOST]} at {beside(asked, other.ended, at)}"
    after = f"after {run_named(other)}, which {ended}"
    rest = cooldown(asked, other)
    if rest is None:
        return [f"it rested {after} (cooldown)"]
    written, until = rest
    return [f"it rested until {beside(asked, until, at)} {after} ({written})"]


def _upstream(asked: Asked, finding: Finding, row: Decision) -> list[str]:
    chain = f"chain {asked.chain}" if asked.chain else "its chain"
    run = f" ({run_named(finding.other)})" if finding.other is not None else ""
    return [f"{chain}{run} did not come to it: {reason_of(row.reason) or 'upstream failed'}"]


def _admitted(_asked: Asked, _finding: Finding, _row: Decision) -> list[str]:
    return ["it was admitted, but what came of it is not kept any more ([linod] keep)"]


_CLAUSES: Mapping[Verdict, Callable[[Asked, Finding, Decision], list[str]]] = {
    Verdict.ADMITTED: _admitted,
    Verdict.OVERLAP: _overlap,
    Verdict.MISSED: _missed,
    Verdict.SUPERSEDED: _superseded,
    Verdict.SWITCHED_OFF: _switched_off,
    Verdict.PAUSED: _paused,
    Verdict.DISABLED: _disabled,
    Verdict.OUTSIDE_ALLOWED: _outside,
    Verdict.COOLDOWN: _cooldown,
    Verdict.UPSTREAM_FAILED: _upstream,
}


# -- what a reason names ------------------------------------------------------------------------


def run_in(reason: str) -> int | None:
    """Find the number of the run that a reason names."""
    found = re.search(r"\brun ([0-9]{1,18})\b", reason, re.ASCII)
    return int(found[1]) if found else None

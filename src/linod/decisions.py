"""The page on decisions and runs in Markdown, made from the tables of what they mean.

What `linod why` says is shown by letting it say it, of rows such as a store has.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any

from linod.events import Outcome, State, Trigger, Verdict
from linod.meanings import OUTCOMES, STATES, TRANSITIONS, TRIGGERS, VERDICTS, Transition
from linod.policy import Hold, HoldKind
from linod.recurrence import in_words, parse
from linod.specs import Allowed, Cooldown, Task, TaskName
from linod.store.interface import DecisionRow, RunRow
from linod.why import Asked, Finding, NoVerdict, sentences

_MADE = "<!-- Made by python -m linod.reference docs; edit linod.meanings instead. -->"

_INTRODUCTION = f"""{_MADE}

# Decisions and runs

Every occurrence of a task gets one decision: a *verdict* with its reason, on record before anything starts.
What is admitted gets a *run*; a run ends with an *outcome*.
`linod why TASK` says in a sentence what became of an occurrence, and `linod history TASK` lists them.

```console
linod why backup                            # the last that did not run as expected
linod why backup --at "2026-11-20 03:30"    # one instant: when it was due, or when it ran
linod why backup --at 2026-11-20            # the last of that day that did not run as expected
linod why backup --last                     # the newest, whatever became of it
linod why backup --json                     # the facts behind the sentence
```

`linod why` reads the store and needs no daemon.
"""  # noqa: E501 - one sentence on a line


def decisions() -> str:
    """Write the page on decisions and runs."""
    return "\n".join([_INTRODUCTION, *_verdicts(), *_without_verdict(), *_triggers(), *_runs()])


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [heads, ["---"] * len(heads), *rows]
    return [f"| {' | '.join(line)} |" for line in lines]


def _verdicts() -> list[str]:
    rows = [
        (f"`{verdict}`", meaning.says, meaning.then, _example(_FINDINGS[verdict]))
        for verdict, meaning in VERDICTS.items()
    ]
    heads = ("verdict", "when", "what to do", "what `linod why` says, for example")
    return ["## Verdicts", "", *_table(heads, rows), ""]


_NO_VERDICTS: Mapping[NoVerdict, str] = {
    NoVerdict.NOT_DUE: "The recurrence has no such instant.",
    NoVerdict.EXCLUDED: "The recurrence has it, and `exclude` takes it out.",
    NoVerdict.NOT_YET: "It is to come.",
    NoVerdict.UNDECIDED: "It is past, and nothing has decided it.",
    NoVerdict.CLOCK_AHEAD: "The clock stepped back: what is decided is not decided again.",
}


def _without_verdict() -> list[str]:
    rows = [
        (what.value, says, _example(_FINDINGS[what], is_served=what is not NoVerdict.UNDECIDED))
        for what, says in _NO_VERDICTS.items()
    ]
    heads = ("", "when", "what `linod why` says, for example")
    return ["## Instants without a verdict", "", *_table(heads, rows), ""]


def _triggers() -> list[str]:
    rows = [(f"`{trigger}`", says) for trigger, says in TRIGGERS.items()]
    return ["## Why a run exists", "", *_table(("trigger", "why"), rows), ""]


def _runs() -> list[str]:
    states = [(f"`{state}`", says) for state, says in STATES.items()]
    outcomes = [(f"`{each}`", meaning.says, meaning.then) for each, meaning in OUTCOMES.items()]
    ways = [(_state(way.before), _state(way.after), _by(way)) for way in TRANSITIONS]
    return [
        *("## The way of a run", "", "```text", *diagram(), "```", ""),
        *_table(("state", "meaning"), states),
        "",
        *_table(("outcome", "meaning", "what follows"), outcomes),
        "",
        "All changes of state that there are:",
        "",
        *_table(("from", "to", "when"), ways),
        "",
        _CLOSING,
    ]


_CLOSING = """An outcome never changes: the first end that is recorded stays.
Another attempt is a run of its own, which begins to wait.
"""


def _state(state: State | Outcome | None) -> str:
    return f"`{state}`" if state is not None else ""


def _by(way: Transition) -> str:
    return f"{way.by} (of a chain)" if way.is_of_chain else way.by


# -- the diagram --------------------------------------------------------------------------------


def diagram() -> list[str]:
    """Draw the states of a run as lines of text, and below each the outcomes it can have."""
    boxes = {state: f"│  {state}  │" for state in State}
    labels = {
        way.before: way.by
        for way in TRANSITIONS
        if isinstance(way.after, State) and not way.is_of_chain
    }
    columns, line = {}, f"{labels[None]} ──▶"
    for state, box in boxes.items():
        columns[state] = len(line), len(line) + len(box) // 2
        line += box
        if state in labels:
            line += f"─ {labels[state]} ─▶"
    above = {at: "┌" + "─" * (len(boxes[state]) - 2) + "┐" for state, (at, _) in columns.items()}
    below = {at: cell.translate(_UPSIDE_DOWN) for at, cell in above.items()}
    middles = {state: middle for state, (_, middle) in columns.items()}
    return [*_over(middles), _row(above), line, _row(below), *_ends(middles)]


_UPSIDE_DOWN = str.maketrans("┌┐", "└┘")


def _row(cells: Mapping[int, str]) -> str:
    """Put texts at columns."""
    line = ""
    for at, text in cells.items():
        line = line.ljust(at) + text
    return line


def _over(middles: Mapping[State, int]) -> list[str]:
    """Draw the ways of chains above the boxes."""
    lines = []
    for way in TRANSITIONS:
        if way.is_of_chain and way.before is not None and isinstance(way.after, State):
            first, last = middles[way.before], middles[way.after]
            text = f" {_by(way)} ".center(last - first - 1, "─")
            lines += [_row({first: f"┌{text}┐"}), _row({first: "│", last: "▼"})]
    return lines


def _ends(middles: Mapping[State, int]) -> list[str]:
    """Draw below each box the outcomes that a run in this state can have."""
    ends = {state: [way.after for way in TRANSITIONS if way.before is state] for state in State}
    found = {state: [end for end in ends[state] if isinstance(end, Outcome)] for state in State}
    depth = max(map(len, found.values()))
    rows = [
        {
            middle - len(found[state][at]) // 2: found[state][at]
            for state, middle in middles.items()
            if at < len(found[state])
        }
        for at in range(depth)
    ]
    arrows = [_row(dict.fromkeys(middles.values(), sign)) for sign in "│▼"]
    return [*arrows, *map(_row, rows)]


# -- examples -----------------------------------------------------------------------------------

_DUE = datetime(2026, 11, 21, 1, 30, tzinfo=UTC)
_DAY, _MINUTE = timedelta(days=1), timedelta(minutes=1)
_TASK = Task(
    name=TaskName("backup"),
    shell="true",
    recurrence=parse("every day at 03:30"),
    allowed=Allowed(first=time(20), last=time(2)),
    cooldown=Cooldown(failure=30 * _MINUTE),
)


def _example(finding: Finding, *, is_served: bool = True) -> str:
    """Let `linod why` say it."""
    is_ahead = finding.what is NoVerdict.CLOCK_AHEAD
    asked = Asked(
        name=_TASK.name,
        now=_DUE + 60 * _MINUTE,
        zone="Europe/Tallinn",
        task=_TASK,
        rule=in_words(_TASK.recurrence),
        chain="nightly" if finding.what is Verdict.UPSTREAM_FAILED else "",
        is_served=is_served,
        first_seen=_DUE - 90 * _DAY,
        through=_DUE + _DAY if is_ahead else _DUE - _DAY,
        traced=_DUE - 10 * _MINUTE,
    )
    return " ".join(sentences(asked, finding)).replace("|", "&#124;")


def _run(**changes: Any) -> RunRow:
    values: dict[str, Any] = {
        "id": 12,
        "task": _TASK.name,
        "due": _DUE,
        "attempt": 1,
        "trigger": Trigger.SCHEDULE,
        "state": Outcome.SUCCEEDED,
        "outcome": Outcome.SUCCEEDED,
        "queued": _DUE,
        "planned": _DUE,
        "started": _DUE + 4 * _MINUTE,
        "ended": _DUE + 6 * _MINUTE,
        "held": 'pool "database" was full (2 of 2)',
        "held_since": _DUE,
    }
    return RunRow(**{**values, **changes})


def _refused(verdict: Verdict, reason: str = "", **changes: Any) -> Finding:
    row = DecisionRow(task=_TASK.name, due=_DUE, last=_DUE, count=1, verdict=verdict, reason=reason)
    return Finding(what=verdict, at=_DUE, decision=row, **changes)


def _hold(kind: HoldKind, **changes: Any) -> Hold:
    return Hold(task=_TASK.name, kind=kind, since=_DUE - 60 * _MINUTE, **changes)


_BEFORE = _run(id=11, due=_DUE - _DAY, started=_DUE - _DAY, ended=_DUE + 42 * _MINUTE)
_FAILED = _run(id=11, state=Outcome.FAILED, outcome=Outcome.FAILED, ended=_DUE - 10 * _MINUTE)
_DISABLED = "after 5 failures in a row, the last one: ValueError: no shop"

_FINDINGS: Mapping[Verdict | NoVerdict, Finding] = {
    Verdict.ADMITTED: Finding(what=Verdict.ADMITTED, at=_DUE, runs=[_run()]),
    Verdict.OVERLAP: _refused(Verdict.OVERLAP, "run 11 was going on", other=_BEFORE),
    Verdict.MISSED: _refused(Verdict.MISSED, 'catch_up = "none"'),
    Verdict.SUPERSEDED: _refused(Verdict.SUPERSEDED),
    Verdict.SWITCHED_OFF: _refused(Verdict.SWITCHED_OFF, "enabled = false"),
    Verdict.PAUSED: _refused(
        Verdict.PAUSED,
        'paused by alice: "migration"',
        hold=_hold(HoldKind.PAUSE, until=_DUE + 2 * _DAY, by="alice"),
    ),
    Verdict.DISABLED: _refused(
        Verdict.DISABLED, f"disabled {_DISABLED}", hold=_hold(HoldKind.DISABLE, reason=_DISABLED)
    ),
    Verdict.OUTSIDE_ALLOWED: _refused(Verdict.OUTSIDE_ALLOWED),
    Verdict.COOLDOWN: _refused(Verdict.COOLDOWN, other=_FAILED),
    Verdict.UPSTREAM_FAILED: _refused(
        Verdict.UPSTREAM_FAILED, "extract failed", other=_run(id=10, is_chain=True)
    ),
    NoVerdict.NOT_DUE: Finding(
        what=NoVerdict.NOT_DUE, at=_DUE + 15 * _MINUTE, before=_DUE, after=_DUE + _DAY
    ),
    NoVerdict.EXCLUDED: Finding(
        what=NoVerdict.EXCLUDED, at=_DUE, excluded_by='calendar "ee"', before=_DUE - _DAY
    ),
    NoVerdict.NOT_YET: Finding(what=NoVerdict.NOT_YET, at=_DUE + _DAY),
    NoVerdict.UNDECIDED: Finding(what=NoVerdict.UNDECIDED, at=_DUE),
    NoVerdict.CLOCK_AHEAD: Finding(what=NoVerdict.CLOCK_AHEAD),
}

"""Whatever is in the rows, the answer is whole sentences, each one clean line."""

from __future__ import annotations

import json
from datetime import UTC, time, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as some

from linod.events import Outcome, State, Trigger, Verdict
from linod.policy import Hold, HoldKind
from linod.specs import Allowed, Cooldown
from linod.store.interface import ActionRow, DecisionRow, RunRow
from linod.views import clean, columns, wrap
from linod.why import Asked, Finding, NoVerdict, facts, sentences

from .building import build_task

INSTANTS = some.datetimes(timezones=some.just(UTC))
HELD = some.sampled_from(
    ["", "spread", "cooldown", "outside allowed", "retry, attempt 2 of 3", "run 3 was going on"]
)
REASONS = some.one_of(
    some.text(max_size=40),
    some.sampled_from(["run 3 was going on", "only_if", "missed", "all tasks paused by x", ""]),
)
TASKS = some.sampled_from(
    [
        None,
        build_task(),
        build_task("manually", after=("extract",)),
        build_task("at start", allowed=Allowed(first=time(1), last=time(2)), enabled=False),
        build_task(cooldown=Cooldown(success=timedelta.max)),
    ]
)
DETAILS = some.sampled_from(
    [{}, {"chain": 3}, {"chain": {"steps": [["a", "b"], 4], "at": 1}}, {"chain": {"at": "x"}}]
)


@some.composite
def runs(draw: some.DrawFn) -> RunRow:
    outcome = draw(some.none() | some.sampled_from(Outcome))
    return RunRow(
        id=draw(some.integers(1, 9)),
        task="backup",
        due=draw(INSTANTS),
        attempt=draw(some.integers(1, 4)),
        trigger=draw(some.sampled_from(Trigger)),
        state=outcome or draw(some.sampled_from(State)),
        outcome=outcome,
        queued=draw(INSTANTS),
        planned=draw(INSTANTS),
        started=draw(some.none() | INSTANTS),
        ended=draw(INSTANTS) if outcome else None,
        reason=draw(REASONS),
        detail=draw(DETAILS),
        by=draw(some.text(max_size=8)),
        is_chain=draw(some.booleans()),
        origin=draw(some.integers(0, 2)),
        is_caught_up=draw(some.booleans()),
        held=draw(HELD),
        held_since=draw(some.none() | INSTANTS),
    )


DECISIONS = some.builds(
    DecisionRow,
    task=some.just("backup"),
    due=INSTANTS,
    last=INSTANTS,
    count=some.integers(1, 3),
    verdict=some.sampled_from(Verdict),
    reason=REASONS,
)
HOLDS = some.none() | some.builds(
    Hold,
    task=some.sampled_from(["backup", "*"]),
    kind=some.sampled_from(HoldKind),
    since=INSTANTS,
    until=some.none() | INSTANTS,
    reason=REASONS,
    by=some.text(max_size=8),
)
ACTIONS = some.none() | some.builds(
    ActionRow, at=INSTANTS, verb=some.just("resume"), task=some.just(""), by=some.text(max_size=8)
)
ASKED = some.builds(
    Asked,
    name=some.just("backup"),
    now=INSTANTS,
    zone=some.sampled_from(["Europe/Tallinn", "America/New_York", "Asia/Kathmandu"]),
    task=TASKS,
    rule=some.text(max_size=50),
    chain=some.sampled_from(["", "nightly"]),
    is_served=some.booleans(),
    trouble=some.text(max_size=20),
    hold=HOLDS,
    first_seen=some.none() | INSTANTS,
    through=some.none() | INSTANTS,
    traced=some.none() | INSTANTS,
)


@some.composite
def findings(draw: some.DrawFn, *, is_member: bool = False) -> Finding:
    """As who looks makes them: a verdict has its decision, an instant without one is an instant."""
    row = draw(DECISIONS)
    what = draw(some.sampled_from([row.verdict, *NoVerdict]))
    is_open = what in (Verdict.ADMITTED, NoVerdict.NOT_DUE, NoVerdict.CLOCK_AHEAD)
    values: dict[str, Any] = {
        "what": what,
        "at": draw(INSTANTS | some.none() if is_open or isinstance(what, Verdict) else INSTANTS),
        "decision": row if isinstance(what, Verdict) else None,
        "runs": draw(some.lists(runs(), max_size=4)),
        "other": draw(some.none() | runs()),
        "hold": draw(HOLDS),
        "begun": draw(ACTIONS),
        "ended": draw(ACTIONS),
        "before": draw(some.none() | INSTANTS),
        "after": draw(some.none() | INSTANTS),
        "excluded_by": draw(some.text(max_size=20)),
        "missing": draw(some.lists(some.text(max_size=5), max_size=2)),
        "of_chain": None if is_member else draw(some.none() | findings(is_member=True)),
    }
    return Finding(**values)


@settings(max_examples=200, deadline=None)
@given(ASKED, findings(), some.booleans())
def test_each_sentence_is_one_clean_line(asked: Asked, finding: Finding, is_present: bool) -> None:
    told = sentences(asked, finding, is_present=is_present)

    assert told or finding.of_chain or finding.what is NoVerdict.CLOCK_AHEAD
    assert all(each == clean(each) and "\n" not in each for each in told)
    assert all(each.endswith((".", "!", "?", "…")) for each in told)
    assert max(map(columns, wrap(" ".join(told))), default=0) <= 100


@settings(max_examples=50, deadline=None)
@given(ASKED, findings())
def test_the_facts_are_json(asked: Asked, finding: Finding) -> None:
    told = facts(asked, finding)

    assert json.loads(json.dumps(told, default=str))["text"] == " ".join(sentences(asked, finding))

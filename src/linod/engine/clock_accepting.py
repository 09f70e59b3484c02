"""`linod clock accept`: the clock was ahead, and what was decided beyond now stood in the way."""

from __future__ import annotations

from datetime import datetime

from attrs import evolve

from linod.engine.agenda import Agenda, Plan
from linod.engine.ledger import TICK
from linod.engine.situation import Situation
from linod.events import Verdict
from linod.policy import is_ahead


def ahead(situation: Situation, now: datetime) -> dict[str, datetime]:
    """The tasks of which more than an hour beyond now is decided already, with how far."""
    return {plan.name: plan.through for plan in situation.agenda if is_ahead(plan.through, now)}


def accept_clock(situation: Situation) -> tuple[str, ...]:
    """Set cursors beyond now to now, and take back what is decided beyond and got no run.

    What was not admitted got a run all the same where a person asked for it: its verdict stays.
    """
    now = situation.draft.now
    plans = [plan for plan in situation.agenda if plan.through > now]
    cursors = situation.store.cursors()
    for plan in plans:
        _take_back(situation, plan)
        plan.through, plan.first_seen = now, min(plan.first_seen, now)
        plan.next_due = plan.planner.next(now)
        cursor = evolve(cursors[plan.name], through=now, first_seen=plan.first_seen)
        situation.store.put_cursor(cursor)
    situation.ledger.forget_memory()
    situation.agenda = Agenda({plan.name: plan for plan in situation.agenda})
    return tuple(plan.name for plan in plans)


def _take_back(situation: Situation, plan: Plan) -> None:
    store, now = situation.store, situation.draft.now
    beyond = now + TICK, plan.reached
    kept = [
        evolve(row, due=due, last=due, count=1)
        for due in store.asked_dues(plan.name, *beyond)
        if (row := store.decision_at(plan.name, due)) is not None
    ]
    for row in store.decisions_between(plan.name, *beyond):
        if row.verdict is Verdict.ADMITTED:
            continue
        if row.due > now:
            store.remove_decision(row)
            continue
        last = plan.planner.previous(now + TICK) or row.due
        # What lies beyond is taken off, since the range may begin with an occurrence of an event.
        count = row.count - plan.planner.count(now, row.last)
        store.cut_decision(row, max(last, row.due), max(1, count))
    for row in kept:
        store.add_decision(row)

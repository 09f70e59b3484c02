"""Chains: their runs begin, go on from step to step, and end with their last member."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from attrs import evolve

from linod import policy
from linod.engine.agenda import Plan
from linod.engine.deciding import decision, new_run
from linod.engine.ending import Ending
from linod.engine.situation import Situation
from linod.events import Outcome, State, Trigger, Verdict
from linod.policy import Member, Progress
from linod.policy.reasons import REMOVED
from linod.store.interface import RunRow

_NO_REST = timedelta(0)
_ASKED_FOR = (Trigger.MANUAL, Trigger.BACKFILL)


class Chaining:
    """Works on the rows of chains; progress is in their detail."""

    def __init__(self, situation: Situation, ending: Ending) -> None:
        self._situation = situation
        self._ending = ending

    def begin(self, run: RunRow, plan: Plan) -> None:
        """Begin a chain whose turn has come, on its current definition."""
        assert plan.chain is not None
        is_fixed = "chain" in run.detail
        progress = Progress.read(run.detail) if is_fixed else Progress.of(plan.chain)
        begun = self._situation.roster.begin_chain(self._situation.draft, run, progress.to_detail())
        self._go_on(begun, progress, _NO_REST)

    def member_concluded(self, member: RunRow) -> None:
        """Go on when the last member of a step is concluded."""
        roster = self._situation.roster
        run = roster.get(member.parent) if member.parent is not None else None
        if run is None or roster.members(run.id) or run.state is State.WAITING:
            return
        progress = Progress.read(run.detail)
        children = self._children(run, progress)
        progress = policy.after_step(progress, [_member(row) for row in children])
        self._go_on(run, progress, self._rest(children))

    def stop(self, run: RunRow, reason: str) -> None:
        """End a chain that goes on, with all its members."""
        situation = self._situation
        situation.stopping[run.id] = reason
        progress = evolve(Progress.read(run.detail), stopped=reason)
        run = situation.roster.put_detail(situation.draft, run, progress.to_detail())
        members = situation.roster.members(run.id)
        for member in members:
            if member.state is State.WAITING:
                self._ending.drop(member, reason)
            else:
                situation.stop(member, reason)
        if not members:
            self._finish(run, progress, _NO_REST)

    # -- from step to step --------------------------------------------------------------------

    def _go_on(self, run: RunRow, progress: Progress, rest: timedelta) -> None:
        """Begin the next step of which a member runs, or finish."""
        situation = self._situation
        while not progress.is_over:
            progress = evolve(progress, at=progress.at + 1)
            refused = [self._refused(name, run) for name in progress.steps[progress.at]]
            free = [
                name
                for name, member in zip(progress.steps[progress.at], refused, strict=True)
                if member is None
            ]
            progress = policy.after_step(progress, [each for each in refused if each is not None])
            if free:
                run = situation.roster.put_detail(situation.draft, run, progress.to_detail())
                for name in free:
                    self._add(situation.agenda[name], run, rest)
                return
        self._finish(run, progress, rest)

    def _refused(self, name: str, run: RunRow) -> Member | None:
        """Record why a member gets no run in this chain; None where it gets one."""
        situation = self._situation
        plan = situation.agenda.get(name)
        if plan is None:
            return Member(task=name, reason=REMOVED)
        refused = situation.refusal(plan, chain=run)
        if refused is None:
            return None
        row = decision(plan, run.due, refused.verdict, refused.reason, refused.by)
        self._record(row.task, run, row.verdict, row.reason, row.by)
        return Member(task=name, reason=refused.reason)

    def _add(self, plan: Plan, run: RunRow, rest: timedelta) -> None:
        situation, now = self._situation, self._situation.draft.now
        if not situation.ledger.has(plan.name, run.due):
            situation.ledger.add(decision(plan, run.due, Verdict.ADMITTED))
        if plan.cool_until is not None and run.trigger not in _ASKED_FOR:
            rest = max(rest, plan.cool_until - situation.draft.elapsed)
        waits: dict[str, Any] = {"planned": now}
        if rest > _NO_REST:
            waits = {"planned": now + rest, "delay": rest, "held": "cooldown", "held_since": now}
        member = new_run(plan, run.due, Trigger.CHAIN, now, parent=run.id, by=run.by, **waits)
        situation.add_run(plan, member)

    def _finish(self, run: RunRow, progress: Progress, rest: timedelta) -> None:
        situation = self._situation
        outcome, why = policy.chain_outcome(progress)
        for step in progress.following:
            for name in step:
                self._record(name, run, Verdict.UPSTREAM_FAILED, why)
        ended = situation.roster.end(
            situation.draft,
            run.id,
            run.lease,
            outcome,
            ended=situation.draft.now,
            reason=why,
            detail=progress.to_detail(),
        )
        if ended is not None:
            situation.stopping.pop(ended.id, None)
            self._rest_after(ended, outcome, rest)
            situation.look_at(ended.task)
            self._ending.conclude(ended)

    def _rest_after(self, ended: RunRow, outcome: Outcome, rest: timedelta) -> None:
        plan = self._situation.agenda.get(ended.task)
        if plan is not None and ended.ended is not None:
            length = max(rest, policy.cooldown_after(plan.task.cooldown, outcome))
            self._ending.rest(plan, ended.ended, length)

    def _record(self, task: str, run: RunRow, verdict: Verdict, reason: str, by: str = "") -> None:
        """Record that a member gets no run under this due, unless it has a row."""
        situation = self._situation
        plan = situation.agenda.get(task)
        if plan is not None and not situation.ledger.has(task, run.due):
            row = decision(plan, run.due, verdict, reason, by)
            situation.ledger.record_alone(situation.draft, row)

    def _children(self, run: RunRow, progress: Progress) -> list[RunRow]:
        """The last run of each member of the step that went on."""
        step = progress.steps[progress.at] if progress.at >= 0 else ()
        rows = {row.task: row for row in self._situation.store.children(run.id)}
        return [rows[name] for name in step if name in rows]

    def _rest(self, children: Sequence[RunRow]) -> timedelta:
        """What follows a step waits for the cooldown of each of its members."""
        now, rests = self._situation.draft.now, [_NO_REST]
        for row in children:
            plan = self._situation.agenda.get(row.task)
            if plan is not None and row.ended is not None and row.outcome is not None:
                length = policy.cooldown_after(plan.task.cooldown, row.outcome)
                rests.append(min(length, row.ended + length - now))
        return max(rests)


def _member(row: RunRow) -> Member:
    is_begun = row.started is not None
    return Member(task=row.task, outcome=row.outcome, reason=row.reason, is_begun=is_begun)

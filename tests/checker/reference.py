"""A naive scheduler of one task: it plays a small world second by second, and does all rightly.

It exists to make correct histories, which tests then damage. It shares no rule with the checker
but the words, and no line.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from attrs import define, field, frozen

from .history import Begun, DecisionRow, History, Hold, Outage, Policy, RunRow, Task, Version
from .oracle import Instants

BEGIN = datetime(2026, 11, 21, 7, 0, 0, tzinfo=UTC)
NAME = "mail"
LATE_MAX = 60


def at(second: float) -> datetime:
    """Give an instant of the played world."""
    return BEGIN + timedelta(seconds=second)


@frozen(kw_only=True)
class World:
    """What a scheduler cannot choose; instants are seconds from the beginning."""

    dues: tuple[int, ...]
    policy: Policy = field(factory=Policy)
    outages: tuple[tuple[int, int], ...] = ()
    are_deadly: bool = False
    """Outages end the daemon, and with it all that runs."""
    holds: tuple[tuple[int, int], ...] = ()
    lengths: tuple[int, ...] = (2,)
    """How long runs take, one after another, over and over."""
    outcomes: tuple[str, ...] = ("succeeded",)
    until: int = 100


@define(kw_only=True)
class Run:
    """A run as this scheduler remembers it."""

    id: int
    due: int
    attempt: int
    queued: int
    started: int | None = None
    ends: int | None = None
    """When it will end, which only the task knows."""
    outcome: str = ""
    ended: int | None = None
    state: str = "waiting"
    reason: str = ""

    @property
    def planned(self) -> int:
        """When it was to start: a retry at once."""
        return self.due if self.attempt == 1 else self.queued


@define
class Scheduler:
    """Plays a world."""

    world: World
    runs: list[Run] = field(factory=list)
    decided: list[tuple[int, str, str]] = field(factory=list)
    through: int = -1

    def play(self) -> History:
        """Let every second pass, then say what happened."""
        for now in range(self.world.until + 1):
            outage = next((pair for pair in self.world.outages if pair[0] < now <= pair[1]), None)
            if outage is None or now == outage[1]:
                if outage and self.world.are_deadly:
                    self._recover(outage[0], now)
                self._hear(now)
                self._drop(now)
                self._decide(now)
                while self._start(now):
                    self._hear(now)
        return self._history()

    def _recover(self, died: int, now: int) -> None:
        window = self.world.policy.catch_up_window.total_seconds()
        for run in self._going_on():
            if run.state == "running" and (run.ends is None or run.ends > died):
                run.ends, run.outcome = None, "lost"
                run.ended, run.state, run.reason = now, "lost", "its keeper died"
            elif run.state == "waiting" and now - run.planned > window:
                run.ended, run.state, run.reason = now, "cancelled", "missed"

    def _hear(self, now: int) -> None:
        for run in self._going_on():
            if run.ends is not None and run.ends <= now:
                run.ended, run.state = run.ends, run.outcome
                failures = sum(other.due == run.due for other in self.runs)
                if run.state == "failed" and failures < self.world.policy.retry_attempts:
                    self._queue(run.due, now, run.attempt + 1)

    def _drop(self, now: int) -> None:
        if any(begin <= now < end for begin, end in self.world.holds):
            for run in self._going_on():
                if run.state == "waiting":
                    run.ended, run.state, run.reason = now, "cancelled", "paused by alice"

    def _decide(self, now: int) -> None:
        undecided = [due for due in self.world.dues if self.through < due <= now]
        is_held = any(begin <= now < end for begin, end in self.world.holds)
        held = [due for due in undecided if is_held or self._is_held(due)]
        open_ones = [due for due in undecided if due not in held]
        chosen, why = self._chosen(open_ones, now)
        earlier = [run.id for run in self._going_on()]
        for due in sorted([*held, *open_ones]):
            if due in held:
                self.decided.append((due, "paused", "by alice"))
            elif due not in chosen:
                self.decided.append((due, "missed", why))
            else:
                self._admit(due, now, earlier)
        self.through = now

    def _admit(self, due: int, now: int, earlier: list[int]) -> None:
        overlap = self.world.policy.overlap
        waiting = {run.id for run in self._going_on() if run.state == "waiting"}
        hindering = {"skip": earlier, "wait": [each for each in earlier if each in waiting]}
        named = hindering.get(overlap, [])
        if named:
            self.decided.append((due, "overlap", f"run {named[0]} was going on"))
        else:
            self.decided.append((due, "admitted", ""))
            self._queue(due, now, 1)

    def _chosen(self, dues: list[int], now: int) -> tuple[list[int], str]:
        """Choose what runs, and say why the rest does not."""
        if len(dues) == 1 and now - dues[0] <= LATE_MAX:
            return dues, ""
        window = self.world.policy.catch_up_window.total_seconds()
        recent = [due for due in dues if now - due <= window]
        if self.world.policy.catch_up == "none":
            return [], 'catch_up = "none"'
        if self.world.policy.catch_up == "all" or not recent:
            return recent, "older than catch_up_window"
        return recent[-1:], "the newest one is caught up instead"

    def _start(self, now: int) -> bool:
        """Start what may start; tell whether anything did."""
        has_started = False
        for run in self._going_on():
            is_free = not any(other.state == "running" for other in self._going_on())
            if run.state == "waiting" and (is_free or self.world.policy.overlap == "allow"):
                world, number = self.world, sum(each.started is not None for each in self.runs)
                run.started, run.state = now, "running"
                run.ends = now + world.lengths[number % len(world.lengths)]
                run.outcome = world.outcomes[number % len(world.outcomes)]
                has_started = True
        return has_started

    def _queue(self, due: int, now: int, attempt: int) -> None:
        self.runs.append(Run(id=len(self.runs) + 1, due=due, attempt=attempt, queued=now))

    def _going_on(self) -> list[Run]:
        return [run for run in self.runs if run.state in ("waiting", "running")]

    def _is_held(self, due: int) -> bool:
        return any(begin <= due <= end for begin, end in self.world.holds)

    # -- what it leaves behind --------------------------------------------------------------

    def _history(self) -> History:
        world = self.world
        version = Version(
            since=at(-0.5), parts=(Instants(at=tuple(map(at, world.dues))),), policy=world.policy
        )
        return History(
            begin=at(-0.5),
            until=at(world.until),
            tasks=(Task(name=NAME, versions=(version,)),),
            begun=tuple(_begun(run) for run in self.runs if run.started is not None),
            outages=tuple(
                Outage(begin=at(begin), end=at(end), is_restart=world.are_deadly)
                for begin, end in world.outages
            ),
            holds=tuple(
                Hold(task=NAME, verdict="paused", begin=at(begin), end=at(end))
                for begin, end in world.holds
            ),
            deaths=tuple(at(begin) for begin, _ in world.outages) if world.are_deadly else (),
            decisions=tuple(self._rows()),
            runs=tuple(map(_row, self.runs)),
            through={NAME: at(self.through)},
        )

    def _rows(self) -> list[DecisionRow]:
        rows: list[DecisionRow] = []
        for due, verdict, reason in self.decided:
            newest = rows[-1] if rows and verdict != "admitted" else None
            if newest and (newest.verdict, newest.reason) == (verdict, reason):
                rows[-1] = _decision(newest.due, at(due), newest.count + 1, verdict, reason)
            else:
                rows.append(_decision(at(due), at(due), 1, verdict, reason))
        return rows


def _decision(
    first: datetime, last: datetime, count: int, verdict: str, reason: str
) -> DecisionRow:
    return DecisionRow(task=NAME, due=first, last=last, count=count, verdict=verdict, reason=reason)


def _begun(run: Run) -> Begun:
    assert run.started is not None
    return Begun(
        task=NAME,
        due=at(run.due),
        attempt=run.attempt,
        started=at(run.started),
        ended=None if run.ends is None or run.ended is None else at(run.ends),
        run=run.id,
    )


def _row(run: Run) -> RunRow:
    return RunRow(
        id=run.id,
        task=NAME,
        due=at(run.due),
        attempt=run.attempt,
        trigger="schedule",
        state=run.state,
        queued=at(run.queued),
        planned=at(run.planned),
        started=None if run.started is None else at(run.started),
        ended=None if run.ended is None else at(run.ended),
        reason=run.reason,
    )

"""What holds under every mix of policies: through deaths, reloads, clocks and lost commits."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, time, timedelta
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from linod.engine import Settled
from linod.events import Event, Outcome, RunNeverStarted, ServeStarted, StartRun, State, Trigger
from linod.planner import Planner
from linod.policy import is_open
from linod.specs import (
    Allowed,
    CatchUp,
    Chain,
    Cooldown,
    OnFailed,
    OnLost,
    Overlap,
    Pool,
    Retry,
    Task,
)
from linod.store.interface import RunRow, StoreError
from linod.store.verifying import problems

from . import asking
from .building import (
    World,
    at,
    build_chain,
    build_pool,
    build_task,
    ended,
    members,
    started,
    starts,
)

EXAMPLES = int(os.environ.get("LINOD_TEST_EXAMPLES", "150"))
MEMORY = Path("/dev/shm")
MAX_RUNNING = 4
TICK = timedelta(microseconds=1)
ASKED_FOR = (Trigger.MANUAL, Trigger.BACKFILL)

_LENGTHS = st.sampled_from([0, 1, 9, 40, 400]).map(lambda number: timedelta(seconds=number))
_POLICIES = st.fixed_dictionaries(
    {},
    optional={
        "overlap": st.sampled_from(Overlap),
        "max_running": st.integers(1, 3),
        "catch_up": st.sampled_from(CatchUp),
        "catch_up_window": st.sampled_from([timedelta(seconds=30), timedelta(hours=2)]),
        "retry": st.builds(Retry, attempts=st.integers(1, 3), delay=_LENGTHS),
        "on_lost": st.just(OnLost.RETRY),
        "cooldown": st.builds(Cooldown, success=_LENGTHS, failure=_LENGTHS),
        "disable_after": st.integers(1, 3),
        "allowed": st.just(Allowed(first=time(7), last=time(9))),
        "spread": _LENGTHS,
        "jitter": _LENGTHS,
        "pool": st.just("db"),
        "priority": st.integers(-1, 1),
        "enabled": st.booleans(),
    },
)
_CHAINS = st.fixed_dictionaries(
    {},
    optional={
        "overlap": st.sampled_from(Overlap),
        "catch_up": st.sampled_from(CatchUp),
        "on_failed": st.sampled_from(OnFailed),
        "cooldown": st.builds(Cooldown, success=_LENGTHS, failure=_LENGTHS),
    },
)
_WISHES = ["run", "cancel", "pause", "pause_all", "resume", "resume_all", "enable", "backfill"]
_STEPS = st.one_of(
    st.tuples(st.just("wait"), st.sampled_from([0.1, 1, 3, 8, 30, 61, 600, 9000])),
    st.tuples(st.just("end"), st.sampled_from(Outcome)),
    st.tuples(st.just("begin"), st.just(0)),
    st.tuples(st.just("clock"), st.sampled_from([-4000, -70, -1, 70, 5000])),
    st.tuples(st.sampled_from(["restart", "reload"]), st.booleans()),
    st.tuples(st.just("accept_clock"), st.just(0)),
    st.tuples(st.sampled_from(["undone", "unknown"]), st.just(0)),
    st.tuples(st.sampled_from(_WISHES), st.sampled_from(["mail", "load", "nightly", "report"])),
)


Parts = list[Task | Chain | Pool]
Keys = tuple[dict[str, Any], dict[str, Any], dict[str, Any]]
"""Of mail, of load and of the chain nightly."""
Steps = list[tuple[str, Any]]


class History:
    """Plays steps against an engine, as its daemon and its keepers would.

    A reload changes between two configurations, which have the same tasks and recurrences.
    """

    def __init__(self, folder: str, parts: Parts, others: Parts) -> None:
        self.path = Path(folder) / "linod.db"
        self.world = World(self.path)
        self.parts, self.others = parts, others
        self.tasks = {part.name: part for part in parts if not isinstance(part, Pool)}
        self.most = {name: self.limit(name) for name in self.tasks}
        self.beginning = self.now = self.latest = at(0.5)
        self.elapsed = timedelta(hours=1)
        self.going: dict[int, StartRun] = {}
        self.ever: Counter[tuple[str, datetime, int]] = Counter()
        self.pending: list[Event] = []
        self.adopt(is_restart=True)

    def limit(self, name: str) -> int:
        """How many runs of a task go on at most, in whichever configuration."""
        both = [part for part in (*self.parts, *self.others) if part.name == name]
        most = 0
        for part in both:
            is_alone = isinstance(part, Pool) or part.overlap is not Overlap.ALLOW
            limit = 1000 if isinstance(part, Chain) else part.max_running or 1000
            most = max(most, 1 if is_alone else limit)
        return most

    def play(self, step: str, value: Any) -> None:
        if step == "wait":
            self.pass_time(value)
        elif step == "clock":
            self.now += timedelta(seconds=value)
        elif step in ("restart", "reload"):
            if value:
                self.parts, self.others = self.others, self.parts
            self.adopt(is_restart=step == "restart")
        elif step == "accept_clock":
            self.beginning = min(self.beginning, self.now)
            self.pending.append(self.wish(step, ""))
        elif step in ("undone", "unknown"):
            self.world.store.faults = [step]
        else:
            self.pending += self.events(step, value)
        self.settle()

    def pass_time(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        self.elapsed += timedelta(seconds=seconds)

    def events(self, step: str, value: Any) -> list[Event]:
        if step == "end" and self.going:
            _, start = self.going.popitem()
            return [ended(start, value, reason="why")]
        if step == "begin":
            return [started(start, self.now) for start in self.going.values()]
        return [] if step == "end" else [self.wish(step, value)]

    def wish(self, step: str, task: str) -> Event:
        self.pass_time(0.000001)
        now = (self.now - at(0)).total_seconds()
        if step == "backfill":
            return asking.backfill(now, now - 20, now - 1, task)
        wishes = {
            "run": lambda: asking.run(now, task),
            "cancel": lambda: asking.cancel(now, task),
            "pause": lambda: asking.pause(now, task, until=now + 50),
            "pause_all": lambda: asking.pause(now, until=now + 20),
            "resume": lambda: asking.resume(now, task),
            "resume_all": lambda: asking.resume(now),
            "enable": lambda: asking.enable(now, task),
            "accept_clock": lambda: asking.accept_clock(now),
        }
        return wishes[step]()

    def adopt(self, *, is_restart: bool) -> None:
        if is_restart:
            self.world.restart()
        try:
            settled = self.world.adopt(
                self.now, *self.parts, elapsed=self.elapsed, max_running=MAX_RUNNING
            )
        except StoreError:
            if not is_restart:
                return
            settled = self.world.adopt(
                self.now, *self.parts, elapsed=self.elapsed, max_running=MAX_RUNNING
            )
        self.carry_out(settled)
        if is_restart:
            self.pending = [*self.lost(), ServeStarted(at=self.now)]

    def lost(self) -> list[Event]:
        """What the next daemon learns of the runs of the one before."""
        found: list[Event] = []
        for run in self.world.engine.unfinished():
            start = self.going.pop(run.id, None)
            if start is not None:
                found.append(ended(start, Outcome.LOST))
            elif run.lease:
                found.append(RunNeverStarted(run=run.id, lease=run.lease))
        return found

    def settle(self) -> None:
        events, self.pending = self.pending, []
        self.latest = max(self.latest, self.now)
        try:
            settled = self.world.settle(self.now, *events, elapsed=self.elapsed)
        except StoreError:
            settled = self.world.settle(self.now, *events, elapsed=self.elapsed)
        self.carry_out(settled)

    def carry_out(self, settled: Settled) -> None:
        for start in starts(settled):
            self.check_start(start)
            self.going[start.run] = start
            self.ever[start.task.name, start.due, start.attempt] += 1
        self.check_limits()

    def check_start(self, start: StartRun) -> None:
        row = whole = self.row(start.run)
        if row.parent is not None:
            # A chain that began goes on, also where the clock steps back behind its due.
            whole = self.row(row.parent)
        began = whole.started or self.now
        assert whole.due <= began or not is_first(whole), "nothing starts before its due"
        assert row.planned <= self.now or not is_first(row), "nor before its planned start"
        if start.trigger not in ASKED_FOR:
            assert is_open(start.task.allowed, start.zone, self.now), "nor outside its window"

    def row(self, run: int) -> RunRow:
        row = self.world.store.run(run)
        assert row is not None
        return row

    def check_limits(self) -> None:
        going = [run for run in self.world.engine.unfinished() if run.lease]
        assert len(going) <= MAX_RUNNING
        assert sum(run.pool == "db" for run in going) <= 2
        for name, number in Counter(run.task for run in going).items():
            assert number <= self.most[name], "no more runs of a task go on than it says"

    def finish(self) -> None:
        """Let everything end and time pass: nothing that waits may wait for ever."""
        self.world.store.faults = []
        self.now = max(self.now, self.latest)
        left, idle = {run.id for run in self.world.engine.unfinished()}, 0
        while left:
            # Twice: what ends makes room before more is due, which may come first in its pool.
            for _ in range(2):
                self.pending += [ended(start) for start in self.going.values()]
                self.going = {}
                self.settle()
            ahead = left & {run.id for run in self.world.engine.unfinished()}
            idle = idle + 1 if ahead == left else 0
            assert idle < 300, f"{left} wait for ever"
            left = ahead
            wake = self.world.engine.wake(self.now, self.elapsed) or self.now
            # A window may be shut for a day; what is due meanwhile is of no interest here.
            rest = (wake - self.now).total_seconds()
            self.pass_time(rest if idle < 50 else max(rest, 600))


def is_first(row: RunRow) -> bool:
    """Tell whether a run waits for an instant of the clock, not for a length of time."""
    return row.delay is None and not row.origin


@contextmanager
def build_history(parts: Parts, others: Parts) -> Iterator[History]:
    with TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        history = History(folder, parts, others)
        yield history
        history.world.store.close()


def check_decisions(history: History) -> None:
    """Each due of the calendar is in one row; what events bring has a row, which may grow."""
    for name, part in history.tasks.items():
        task = part.as_task() if isinstance(part, Chain) else part
        planner = Planner.of(task, "UTC")
        through = history.world.store.cursors()[name].through
        rows = [
            row
            for row in history.world.store.decisions(name, limit=100_000)[::-1]
            # What begins before the beginning began with an event.
            if history.beginning <= row.last and row.due <= through
        ]
        events = [row for row in rows if planner.previous(row.due + TICK) != row.due]
        calendar = [row for row in rows if row not in events or row.count > 1]
        assert all(one.last < other.due for one, other in pairwise(calendar)), "one verdict each"
        count = sum(row.count for row in rows) - len(events)
        assert count == planner.count(history.beginning, through), "and none without"


def check_runs(history: History) -> None:
    assert max(history.ever.values(), default=1) == 1, "each attempt starts once"
    store = history.world.store
    for run in store.runs(limit=100_000):
        assert store.decision_at(run.task, run.due) is not None, "no run without a verdict"
    unfinished = history.world.engine.unfinished()
    chains = {run.id for run in unfinished if run.is_chain and run.state is State.RUNNING}
    assert chains == {run.parent for run in unfinished if run.parent is not None}
    assert problems(history.path) == [], "the store is sound"


def build_parts(
    recurrence: str, mail: dict[str, Any], load: dict[str, Any], nightly: dict[str, Any]
) -> Parts:
    return [
        build_pool("db", 2),
        build_task("mail", recurrence, **mail),
        build_task("load", ["every 30 seconds", "at start"], after=("mail",), **load),
        build_task("report", "manually", after=("load", "nightly"), **mail),
        build_chain(["a", "b"], "c", recurrence="every minute", **nightly),
        *members("a", "b", pool="db"),
        *members("c", retry=Retry(attempts=2, delay=timedelta(seconds=5))),
    ]


_PLAIN: Keys = ({}, {}, {})
_SWITCHED_OFF: Keys = ({}, {"enabled": False}, {})
_STEPS_BACK_BEHIND_A_CHAIN: Steps = [
    ("clock", 5000),
    ("clock", -4000),
    ("end", Outcome.SUCCEEDED),
    ("end", Outcome.SUCCEEDED),
    ("end", Outcome.SUCCEEDED),
]
_CUTS_A_RANGE_THAT_AN_EVENT_BEGAN: Steps = [
    ("begin", 0),
    ("wait", 9000),
    ("clock", -70),
    ("accept_clock", 0),
]

_PAUSES_AHEAD: Steps = [
    ("wait", 30),
    ("clock", 5000),
    ("pause_all", "mail"),
    ("clock", -4000),
    ("accept_clock", 0),
    ("wait", 600),
    ("wait", 9000),
]
_FILLS_BACK_AHEAD: Steps = [
    ("begin", 0),
    ("wait", 30),
    ("wait", 7),
    ("backfill", "load"),
    ("clock", -4000),
    ("accept_clock", 0),
]
_ALLOWED: Keys = ({"allowed": Allowed(first=time(7), last=time(9))}, {}, {})
_STEPS_BACK_INTO_A_WINDOW: Steps = [
    ("clock", 5000),
    ("restart", False),
    ("clock", 5000),
    ("restart", True),
    ("clock", -4000),
    ("restart", True),
]
_STARTS_BEFORE_ITS_BEGINNING: Steps = [
    ("begin", 0),
    ("clock", -1),
    ("restart", False),
    ("wait", 0.1),
    ("accept_clock", 0),
    ("wait", 1),
]


@settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(["every 7 seconds", "every minute", "every hour", "continuously"]),
    st.lists(st.tuples(_POLICIES, _POLICIES, _CHAINS), min_size=2, max_size=2),
    st.lists(_STEPS, max_size=30),
)
@example("every 7 seconds", [_PLAIN, _PLAIN], _STEPS_BACK_BEHIND_A_CHAIN)
@example("every 7 seconds", [_SWITCHED_OFF, _PLAIN], _CUTS_A_RANGE_THAT_AN_EVENT_BEGAN)
@example("every 7 seconds", [_PLAIN, _PLAIN], _PAUSES_AHEAD)
@example("every 7 seconds", [_PLAIN, _PLAIN], _FILLS_BACK_AHEAD)
@example("continuously", [_PLAIN, _ALLOWED], _STEPS_BACK_INTO_A_WINDOW)
@example("every 7 seconds", [_SWITCHED_OFF, _PLAIN], _STARTS_BEFORE_ITS_BEGINNING)
def test_each_occurrence_is_decided_once_and_each_run_started_once_and_none_waits_for_ever(
    recurrence: str,
    keys: list[Keys],
    steps: Steps,
) -> None:
    parts, others = (build_parts(recurrence, *each) for each in keys)
    with build_history(parts, others) as history:
        for step, value in steps:
            history.play(step, value)
        check_decisions(history)
        check_runs(history)
        history.finish()

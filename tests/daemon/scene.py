"""A daemon of many tasks that somebody makes trouble for, and its history for the checker.

What the checker is told does not come from the daemon: the scene notes when it started, killed and
stopped daemons, the tasks note when they began. Two things do: the instant of each daemon's first
settle, at which it queued its first run: at the latest that of `begun` (recurrence `at start`); and
that at which it was asked to hand over.
"""

from __future__ import annotations

import signal
import time
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import pairwise, zip_longest
from pathlib import Path
from typing import Self

from attrs import evolve, frozen

from checker import history as checked
from checker.oracle import Events
from linod.daemon.draining import STOPPED
from linod.errors import LinodError
from linod.events import Outcome
from linod.executor import runfiles
from linod.executor.ending import DISMISSED
from linod.store.interface import RunRow

from .building import LIMIT_S, POLL_S, Daemon
from .mixture import Mixed, noted, place, toml_of
from .told import Rows, rows_of

BEGUN = """
[tasks.begun]
shell = "sh working.sh 0 0"
recurrence = "at start"
overlap = "allow"
"""
MAX_RUNNING = 64
LOOK_EVERY_S = 0.2
"""To ask oftener takes a daemon that starts a part of its processor."""
LINES_SHOWN = 3_000
"""Characters of the terminal's end, where a daemon does not what it should."""
_NEWEST = ("current", "last")
ENDED_BY_DAEMON = (STOPPED, runfiles.KEEPER_DIED, DISMISSED)


@frozen(kw_only=True)
class Life:
    """One daemon."""

    spawned: datetime
    ending: datetime
    """Just before it was killed, told to stop or asked to make room."""
    gone: datetime
    is_killed: bool
    is_handed_over: bool = False
    settled: datetime | None = None
    """The instant of its first settle; None: it never decided."""

    @property
    def decided_until(self) -> datetime:
        """From when on it decided nothing more: one that was asked to make room does not."""
        return self.ending if self.is_handed_over else self.gone


class Scene:
    """One folder, in which daemons follow each other; none is left when it is over."""

    def __init__(self, folder: Path, mixed: list[Mixed], linod: str = "") -> None:
        place(folder)
        self.daemon = Daemon(folder, linod + toml_of(mixed) + BEGUN)
        self.lives: list[Life] = []
        self.troubles: list[checked.Outage] = []
        """What a daemon that went on bore."""
        self.others: list[checked.Task] = []
        """Tasks beside the mixture."""
        self.deciding_s: list[float] = []
        """From each start until the socket told of a decision."""
        self.handing_s: list[float] = []
        """From each start of a replacement until the former one was gone."""
        self._mixed = mixed
        self._spawned = now()
        self._is_deciding = False
        self._look_at = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.daemon.end()

    # -- one daemon -------------------------------------------------------------------------

    def start(self) -> None:
        """Start one; it may be killed while it starts."""
        self._spawned, self._is_deciding = now(), False
        self.daemon.start(is_awaited=False)

    def live(self, seconds: float) -> None:
        """Let it serve for so long."""
        limit = time.monotonic() + seconds
        while time.monotonic() < limit:
            assert self.daemon.process.poll() is None, self.daemon.terminal()[-LINES_SHOWN:]
            self._look()
            time.sleep(POLL_S)

    def await_decision(self) -> None:
        """Let it serve until it has decided."""
        limit = time.monotonic() + LIMIT_S
        while not self._is_deciding:
            assert time.monotonic() < limit, self.daemon.terminal()[-LINES_SHOWN:]
            self.live(POLL_S)

    def kill(self) -> None:
        """kill -9 of the daemon alone."""
        ending = now()
        self.daemon.kill()
        self._note(ending, is_killed=True)

    def hand_over(self) -> None:
        """Start another one in its place, which goes on with its runs."""
        old, ending, began = self.daemon.process, now(), time.monotonic()
        self.daemon.start("--replace", is_awaited=False)
        assert old.wait(LIMIT_S) == 0, self.daemon.terminal()[-LINES_SHOWN:]
        self._note(ending, is_killed=False, is_handed_over=True)
        self._spawned, self._is_deciding = now(), False
        self.handing_s.append(time.monotonic() - began)

    def stop(self, signals: int = 1) -> int:
        """Stop it, in order or with more signals at once; return its exit code."""
        ending = now()
        for _ in range(signals):
            self.daemon.process.send_signal(signal.SIGTERM)
            self._await_stopping()
        code = self.daemon.process.wait(LIMIT_S)
        self._note(ending, is_killed=False)
        return code

    # -- what became of it ------------------------------------------------------------------

    def history(self) -> checked.History:
        """Tell the checker all."""
        rows = rows_of(self.daemon)
        lives = list(self._settled(rows))
        begin, until = lives[0].settled, lives[-1].gone
        assert begin is not None
        begun = noted(self.daemon.folder)
        return checked.History(
            begin=begin,
            until=until,
            tasks=(*(each.told(begin) for each in self._mixed), _begun_task(begin), *self.others),
            begun=begun,
            outages=(*_outages(lives), *self.troubles),
            drains=tuple(_drains(lives)),
            deaths=tuple(_ended_runs(lives)),
            max_running=MAX_RUNNING,
            decisions=rows.told_decisions(),
            runs=rows.told_runs({each.run for each in begun if each.ended}),
            through=rows.through,
        )

    def lags(self) -> list[float]:
        """Seconds from due to start of all that nothing held up, shortest first."""
        rows = rows_of(self.daemon)
        lives = [(life.settled, life.ending) for life in self._settled(rows) if life.settled]
        troubles = [(trouble.begin, trouble.end) for trouble in self.troubles]
        return sorted(
            (run.started - run.due).total_seconds()
            for run in rows.runs
            if run.started is not None
            and _is_prompt(run)
            and _is_within(run.due, lives)
            and not _is_within(run.due, troubles)
        )

    def lost(self) -> list[RunRow]:
        """The runs that ended because their daemon did, before the last one stopped."""
        until = self.lives[-1].ending
        return [
            run
            for run in rows_of(self.daemon).runs
            if run.outcome in (Outcome.LOST, Outcome.CANCELLED)
            and run.started is not None
            and run.ended is not None
            and run.ended < until
            and run.reason in ENDED_BY_DAEMON
        ]

    def gaps(self) -> list[float]:
        """Seconds in which nobody decided, of each hand-over; shortest first."""
        lives = list(self._settled(rows_of(self.daemon)))
        return sorted(
            (other.settled - one.ending).total_seconds()
            for one, other in pairwise(lives)
            if one.is_handed_over and other.settled is not None
        )

    def _await_stopping(self) -> None:
        """Wait until it has heard a signal: two that come at once the kernel makes one."""
        limit = time.monotonic() + LIMIT_S
        while self.daemon.process.poll() is None and time.monotonic() < limit:
            with suppress(LinodError):
                if self.daemon.client.request("status")["is_stopping"]:
                    return
            time.sleep(POLL_S)

    def _look(self) -> None:
        if self._is_deciding or time.monotonic() < self._look_at:
            return
        self._look_at = time.monotonic() + LOOK_EVERY_S
        if self._has_decided():
            self._is_deciding = True
            self.deciding_s.append((now() - self._spawned).total_seconds())

    def _has_decided(self) -> bool:
        """Ask whether the socket tells of a run that this daemon queued at its first settle."""
        with suppress(LinodError):
            tasks = self.daemon.client.request("status")["tasks"]
            runs = [each[key] for each in tasks for key in _NEWEST]
            queued = [datetime.fromisoformat(run["queued"]) for run in runs if run]
            return max(queued, default=self._spawned) > self._spawned
        return False

    def _note(self, ending: datetime, *, is_killed: bool, is_handed_over: bool = False) -> None:
        life = Life(
            spawned=self._spawned,
            ending=ending,
            gone=now(),
            is_killed=is_killed,
            is_handed_over=is_handed_over,
        )
        self.lives.append(life)

    def _settled(self, rows: Rows) -> Iterator[Life]:
        queued = sorted({run.queued for run in rows.runs})
        handed = iter(rows.handed)
        asked: datetime | None = None
        for each in self.lives:
            # The next one loads its file before it asks; until then the former one decides. It may
            # itself decide before the scene knows that the former one is gone.
            life = evolve(each, ending=next(handed)) if each.is_handed_over else each
            spawned = asked or life.spawned
            index = bisect_right(queued, spawned)
            found = [each for each in queued[index : index + 1] if each <= life.gone]
            asked = life.ending if life.is_handed_over else None
            yield evolve(life, spawned=spawned, settled=found[0] if found else None)


def now() -> datetime:
    """The present; cut to the microsecond, as linod does."""
    return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=time.time_ns() // 1000)


def _is_prompt(run: RunRow) -> bool:
    return run.attempt == 1 and not (run.is_caught_up or run.held or run.task == "begun")


def _is_within(instant: datetime, spans: Sequence[tuple[datetime, datetime]]) -> bool:
    return any(begin < instant < end for begin, end in spans)


def _begun_task(since: datetime) -> checked.Task:
    policy = checked.Policy(overlap="allow")
    version = checked.Version(since=since, parts=(Events(),), policy=policy)
    return checked.Task(name="begun", versions=(version,))


def _outages(lives: list[Life]) -> Iterator[checked.Outage]:
    """Give the times in which no daemon decided: from an end to the next first settle."""
    deciding = [life for life in lives if life.settled]
    for one, other in pairwise(deciding):
        assert other.settled is not None
        if one.is_killed:
            # What was being committed when the kill came may have been.
            yield checked.Outage(begin=one.ending, end=one.gone, is_unsure=True)
        for life in lives:
            # Also one that never decided may have looked at what waits.
            if one.decided_until <= life.spawned <= other.settled:
                end = other.settled if life is other else life.gone
                yield _restart(one.decided_until, life.spawned, end)


def _restart(begin: datetime, spawned: datetime, end: datetime) -> checked.Outage:
    return checked.Outage(begin=begin, end=end, is_restart=True, looked=spawned)


def _ended_runs(lives: list[Life]) -> Iterator[datetime]:
    """Give when runs may have been ended: what a killed daemon left goes on."""
    for life in lives:
        if not (life.is_killed or life.is_handed_over):
            yield life.gone


def _drains(lives: list[Life]) -> Iterator[checked.Drain]:
    for life, heir in zip_longest(lives, lives[1:]):
        if life.is_killed:
            continue
        end = life.gone
        if life.is_handed_over and heir is not None and heir.settled is not None:
            # The next one starts runs already while the former one goes.
            end = min(end, heir.settled)
        yield checked.Drain(begin=life.ending, end=end)

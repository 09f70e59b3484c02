"""One simulated machine: a daemon that dies and comes back, its store, its keepers, its people.

The engine and the SQLite store are those of linod. A seed plays the same history each time: all
chance comes from one generator, and nothing reads a real clock.
"""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from random import Random

from attrs import define, field, frozen

from linod.engine import Engine, Settled
from linod.events import (
    Event,
    Outcome,
    Requested,
    RunNeverStarted,
    ServeStarted,
    StartRun,
    State,
    StopRun,
)
from linod.policy import Hold, HoldKind
from linod.specs import Config
from linod.store import open_store
from linod.store.interface import RunRow, StoreError

from .clock import Clock, beginning
from .configuration import Chooser, Setting
from .faults import COMMITTED, Fault, FaultyStore
from .keepers import Keepers, as_told
from .people import People

CLEARING = timedelta(seconds=1000)
"""Fair weather at the end: what waits or is tried again comes to its end."""
RETRY_AFTER = timedelta(seconds=0.5)
"""As the daemon does after a store error."""
AT_ONCE_MAX = 10_000
"""An engine that wants to be asked more often while no time passes runs in circles."""
LEAD = timedelta(milliseconds=4)
"""So long before it is due the daemon begins to decide; how late it may be by chance."""
GIVEN_UP_EACH = 7


class GivenUp(Exception):  # noqa: N818 - it reads as what happened
    """What was decided ahead is not committed."""


@frozen(kw_only=True)
class Weather:
    """How often what goes wrong: mean seconds between two of a kind; 0: never."""

    daemon_dies: float = 300
    keepers_die: float = 900
    worker_dies: float = 200
    store_fails: float = 300
    clock_steps: float = 2000
    suspends: float = 2500
    reboots: float = 4000
    stops: float = 700
    reloads: float = 400
    people: float = 120
    dies_at_effect: float = 0.002
    """Chance per effect, before and after it."""
    edits: float = 0.2
    """Chance per death of a daemon that the next one finds another configuration."""


FAIR = Weather()
STORM = Weather(
    daemon_dies=120,
    keepers_die=300,
    worker_dies=100,
    store_fails=60,
    clock_steps=200,
    suspends=400,
    reboots=1000,
    stops=400,
    reloads=120,
    people=60,
    dies_at_effect=0.01,
    edits=0.5,
)
"""All at once: what goes wrong meets what went wrong just before."""
CALM = Weather(
    daemon_dies=0,
    keepers_die=0,
    worker_dies=0,
    store_fails=0,
    clock_steps=0,
    suspends=0,
    reboots=0,
    stops=0,
    reloads=0,
    people=0,
    dies_at_effect=0,
    edits=0,
)


@define(kw_only=True)
class Chained:
    """When the run of a chain began and ended; lived."""

    row: RunRow
    begun: datetime
    ended: datetime | None = None


@define(kw_only=True)
class Down:
    """A time in which nothing could be decided; lived."""

    since: datetime
    until: datetime | None = None
    unsure: list[datetime] = field(factory=list)
    """When commits were made of which nobody heard."""
    begun: list[datetime] = field(factory=list)
    """When daemons began, and decided nothing yet."""


@define
class Diary:
    """What happened to the decider, for the checker; instants are lived unless said otherwise."""

    settings: list[tuple[datetime, Setting]] = field(factory=list)
    down: list[Down] = field(factory=list)
    """Times in which nothing could be decided."""
    drains: list[tuple[datetime, datetime]] = field(factory=list)
    steps: list[tuple[datetime, timedelta]] = field(factory=list)
    deaths: list[datetime] = field(factory=list)
    committed: list[tuple[datetime, datetime, Requested]] = field(factory=list)
    """Requests that were granted: lived, written."""
    chains: dict[int, Chained] = field(factory=dict)
    holds: list[tuple[Hold, datetime, datetime | None]] = field(factory=list)
    """With the begin, and when it was gone."""
    serves: list[datetime] = field(factory=list)
    """Written."""
    settles: int = 0


class World:
    """Plays one history."""

    def __init__(
        self,
        path: Path,
        seed: int,
        weather: Weather | None = None,
        plan: Callable[[int, str], Fault | None] | None = None,
    ) -> None:
        self.random = Random(seed)
        self._at_once = (None, 1, 3)[seed % 3]
        self.weather = weather or FAIR
        lived, zone = beginning(self.random)
        self.clock = Clock(lived, booted=lived - timedelta(hours=1))
        self.begin = self.clock.lived
        self.diary = Diary()
        self.is_adopting = self.random.random() < 0.5
        """Keepers outlive their daemon, and the next one adopts their runs."""
        self._path = path
        self._chooser = Chooser(self.random, zone)
        self._setting = self._chooser.setting()
        self.keepers = Keepers(self.random, self.clock, self._setting.habits)
        self._people = People(self.random)
        self._leases = count(1)
        self._boot = 1
        self._numbers = count()
        self._happenings: list[tuple[datetime, int, Callable[[], None]]] = []
        self.store = FaultyStore(open_store(path))
        if plan is not None:
            self.store.plan = plan
        self._engine: Engine | None = None
        self._inbox: list[Event] = []
        self._wake: datetime | None = None
        """Written."""
        self._retry_at: datetime | None = None
        self._drain_since: datetime | None = None
        self._holds: dict[tuple[str, HoldKind], tuple[datetime, Hold]] = {}
        self._down: Down | None = None
        self._taken_back_at: datetime | None = None
        """An adoption was committed then and given up: the former setting went on."""
        self._lives_at_once = 0
        self._waits = 0
        self._trace = hashlib.sha256()
        self._begin_happenings()
        self._serve()

    # -- the way of time ----------------------------------------------------------------------

    def play(self, length: timedelta, clearing: timedelta = CLEARING) -> None:
        """Live for a while, then let the weather clear and everything be decided."""
        until = self.clock.lived + length
        while self.clock.lived < until:
            self._live_until(min(until, self._next()))
        self._clear_up(clearing)

    @property
    def trace(self) -> str:
        """The hash of all that was asked for and told: the same for the same seed."""
        return self._trace.hexdigest()

    def _next(self) -> datetime:
        """When something happens next, and never before it does."""
        if self._engine is not None and self._inbox and self._retry_at is None:
            return self.clock.lived
        moments = [self._happenings[0][0]] if self._happenings else []
        if self.keepers.next_end is not None:
            moments.append(self.keepers.next_end)
        if self._retry_at is not None:
            moments.append(self._retry_at)
        elif self._engine is not None and self._wake is not None:
            slow = timedelta(microseconds=self.random.randint(0, 3000))
            moments.append(self.clock.lived_at(self._wake) + slow)
        soonest = min(moments, default=self.clock.lived + timedelta(hours=1))
        return max(self.clock.lived, soonest)

    def _live_until(self, moment: datetime) -> None:
        self._lives_at_once = self._lives_at_once + 1 if moment == self.clock.lived else 0
        assert self._lives_at_once < AT_ONCE_MAX, "the engine runs in circles"
        self.clock.lived = moment
        self._inbox += self.keepers.end_due() if self._engine else self._end_unseen()
        while self._happenings and self._happenings[0][0] <= moment:
            heapq.heappop(self._happenings)[2]()
        if self._retry_at is not None and self._retry_at > moment:
            return
        self._retry_at = None
        if self._engine is not None:
            self._settle()

    def _end_unseen(self) -> list[Event]:
        """Without a daemon an end is kept in the run file, until one asks."""
        self.keepers.end_due()
        return []

    # -- the daemon ---------------------------------------------------------------------------

    def _serve(self) -> None:
        """Start a daemon, which learns what became of the runs of the one before."""
        self.store.is_committed = False
        try:
            engine = Engine(
                self.store,
                lease=lambda: f"lease-{next(self._leases)}",
                boot=f"boot-{self._boot}",
                at_once=self._at_once,
            )
            settled = engine.adopt(
                self._setting.config, self.clock.written, elapsed=self.clock.elapsed
            )
        except (StoreError, RuntimeError):
            if self.store.is_committed:
                self._note_begun()
                self._note_holds()
                self._note_chains()
            self._later(RETRY_AFTER, self._serve)
            return
        self._engine, self._inbox, self._retry_at = engine, [], None
        self._note_begun()
        self._inbox = [*self._look_back(engine), ServeStarted(at=self.clock.written)]
        self.diary.serves.append(self.clock.written)
        self._carry_out(settled)

    def _look_back(self, engine: Engine) -> list[Event]:
        events = []
        for run in engine.unfinished():
            if run.state is State.WAITING or run.is_chain:
                continue
            if run.id in self.keepers.going and not self.is_adopting:
                self.diary.deaths.append(self.clock.lived)
                events.append(self.keepers.lose(run.id))
                continue
            proof = self.keepers.prove(run.id, run.lease)
            if isinstance(proof, RunNeverStarted) or proof is not None:
                events.append(proof)
        return events

    def _settle(self) -> None:
        assert self._engine is not None
        events, self._inbox = as_told(self._inbox), []
        try:
            settled = self._decide(self._engine, events)
        except (StoreError, RuntimeError) as error:
            self._fail(error, events)
            return
        self.diary.settles += 1
        self._come_up()
        self._note_holds()
        self._note_granted(settled, events)
        self._carry_out(settled)

    def _decide(self, engine: Engine, events: list[Event]) -> Settled:
        """Settle as the daemon does: ahead of what is due, where that is foreseen, or else now."""
        written, elapsed, instant = self.clock.written, self.clock.elapsed, self._wake
        if not events and instant is not None and instant <= written:
            past = written - instant
            foreseen = engine.foreseen(instant - LEAD, elapsed=elapsed - past - LEAD)
            if foreseen == instant and past <= LEAD:
                with suppress(GivenUp):
                    return engine.settle_ahead(
                        instant, self._wait, elapsed=elapsed - past, at_once=self._at_once
                    )
        return engine.settle(written, events, elapsed=elapsed)

    def _wait(self, _starts: object) -> None:
        """Wait for the instant that is decided ahead, now and then in vain."""
        self._waits += 1
        if self._waits % GIVEN_UP_EACH == 0:
            raise GivenUp

    def _fail(self, error: Exception, events: list[Event]) -> None:
        down = self._go_down()
        if self.store.is_committed:
            self._note_requests(events)
            self._note_holds()
            self._note_taken_back()
            self._note_chains()
            down.unsure.append(self.clock.lived)
        self._inbox = [*events, *self._inbox]
        self._retry_at = self.clock.lived + RETRY_AFTER
        self._remember(f"failed {error}")

    def _carry_out(self, settled: Settled) -> None:
        self._wake = settled.wake
        for row in settled.rows:
            self._note_chain(row)
            self._remember(f"{row.id} {row.task} {row.due} {row.attempt} {row.state} {row.reason}")
        for effect in settled.effects:
            if self._is_dying():
                return
            if isinstance(effect, StartRun):
                self._inbox.append(self.keepers.start(effect))
            elif isinstance(effect, StopRun):
                self.keepers.stop(effect)
            if self._is_dying():
                return

    def _stop(self) -> None:
        """Stop the daemon in order: nothing starts any more, what runs is ended."""
        if self._engine is None or self._drain_since is not None:
            return
        self._engine.drain()
        self._drain_since = self.clock.lived
        self._later(timedelta(seconds=self.random.choice([0, 1, 5])), self._end_runs)

    def _end_runs(self) -> None:
        if self._drain_since is None:
            return
        for note in self.keepers.going.values():
            self.keepers.stop(_stopped(note.command))
        self._later(timedelta(seconds=4), self._leave)

    def _leave(self) -> None:
        if self._drain_since is not None:
            self._die()

    def _is_dying(self) -> bool:
        if self.random.random() >= self.weather.dies_at_effect:
            return False
        self._die()
        return True

    def _die(self) -> None:
        """Kill the daemon; what it had not heard or not done is gone with it."""
        if self._engine is None:
            return
        if self._drain_since is not None:
            self.diary.drains.append((self._drain_since, self.clock.lived))
            self._drain_since = None
        self._go_down()
        self._engine, self._inbox, self._wake, self._retry_at = None, [], None, None
        self._taken_back_at = None
        self.store.close()
        self.store = FaultyStore(open_store(self._path))
        if self.random.random() < self.weather.edits:
            self._setting = self._edited()
        pause = self.random.choice([0.05, 0.5, 1, 5, 45, 70, 400])
        self._later(timedelta(seconds=pause), self._serve)

    def _reload(self) -> None:
        is_busy = self._retry_at is not None or self._drain_since is not None
        if self._engine is None or is_busy:
            return
        changed = self._edited()
        try:
            settled = self._engine.adopt(
                changed.config, self.clock.written, elapsed=self.clock.elapsed
            )
        except (StoreError, RuntimeError) as error:
            self._fail(error, [])
            if self.store.is_committed:
                self.diary.settings.append((self.clock.lived, changed))
                self._taken_back_at = self.clock.lived + timedelta(microseconds=1)
            return
        self._setting = changed
        self.diary.settings.append((self.clock.lived, changed))
        self._carry_out(settled)

    def _edited(self) -> Setting:
        changed = self._chooser.changed(self._setting)
        self.keepers.habits |= changed.habits
        return changed

    # -- what is noted ------------------------------------------------------------------------

    def _go_down(self) -> Down:
        """Begin an outage, or go on with it: what happened in it adds up."""
        self._down = self._down or Down(since=self.clock.lived)
        return self._down

    def _note_begun(self) -> None:
        """Note that a daemon began; before its first settle it has decided nothing."""
        self.diary.settings.append((self.clock.lived, self._setting))
        if self._down is not None:
            self._down.begun.append(self.clock.lived)

    def _come_up(self) -> None:
        if self._down is not None:
            self._down.until = self.clock.lived
            self.diary.down.append(self._down)
            self._down = None
        self._note_taken_back()

    def _note_taken_back(self) -> None:
        if self._taken_back_at is not None:
            self.diary.settings.append((self._taken_back_at, self._setting))
            self._taken_back_at = None

    def _note_holds(self) -> None:
        """Note which holds began and ended with what was committed just now."""
        held = {(hold.task, hold.kind): hold for hold in self.store.seen.holds()}
        for key in [key for key, hold in self._holds.items() if held.get(key) != hold[1]]:
            began, hold = self._holds.pop(key)
            self.diary.holds.append((hold, began, self.clock.lived))
        for key, hold in held.items():
            self._holds.setdefault(key, (self.clock.lived, hold))

    def _note_chain(self, row: RunRow) -> None:
        if not row.is_chain or row.started is None:
            return
        known = self.diary.chains.setdefault(row.id, Chained(row=row, begun=self.clock.lived))
        if row.outcome is not None and known.ended is None:
            known.ended = self.clock.lived

    def _note_chains(self) -> None:
        """Note of chains what was committed just now and nobody heard of."""
        seen, known = self.store.seen, self.diary.chains
        for number in [number for number, each in known.items() if each.ended is None]:
            row = seen.run(number)
            if row is not None:
                self._note_chain(row)
        for row in seen.unfinished():
            self._note_chain(row)

    def _note_granted(self, settled: Settled, events: list[Event]) -> None:
        refused = {
            effect.request
            for effect in settled.effects
            if getattr(effect, "refusal", None) is not None
        }
        self._note_requests(
            [
                event
                for event in events
                if isinstance(event, Requested) and event.request not in refused
            ]
        )

    def _note_requests(self, events: list[Event]) -> None:
        known = {request.request for _, _, request in self.diary.committed}
        for event in events:
            if isinstance(event, Requested) and event.request not in known:
                self.diary.committed.append((self.clock.lived, self.clock.written, event))

    def _remember(self, text: str) -> None:
        self._trace.update(f"{self.clock.lived} {text}\n".encode())

    # -- the weather --------------------------------------------------------------------------

    def _begin_happenings(self) -> None:
        weather = self.weather
        for mean, happen in (
            (weather.daemon_dies, self._die),
            (weather.keepers_die, self._keepers_die),
            (weather.worker_dies, self._worker_dies),
            (weather.store_fails, self._store_fails),
            (weather.clock_steps, self._clock_steps),
            (weather.suspends, self._suspend),
            (weather.reboots, self._reboot),
            (weather.stops, self._stop),
            (weather.reloads, self._reload),
            (weather.people, self._ask),
        ):
            if mean:
                self._again(mean, happen)

    def _again(self, mean: float, happen: Callable[[], None]) -> None:
        def happen_again() -> None:
            happen()
            self._again(mean, happen)

        self._later(timedelta(seconds=self.random.expovariate(1 / mean)), happen_again)

    def _later(self, wait: timedelta, happen: Callable[[], None]) -> None:
        entry = (self.clock.lived + wait, next(self._numbers), happen)
        heapq.heappush(self._happenings, entry)

    def _keepers_die(self) -> None:
        self.diary.deaths.append(self.clock.lived)
        if self._engine is None:
            self.keepers.vanish()
        else:
            self._inbox += self.keepers.lose_all()

    def _worker_dies(self) -> None:
        if self.keepers.going and self._engine is not None:
            self.diary.deaths.append(self.clock.lived)
            self._inbox.append(self.keepers.kill(self.random.choice(list(self.keepers.going))))

    def _store_fails(self) -> None:
        kind = self.random.choice(list(Fault))
        first = self.random.randint(1, 3 if kind in COMMITTED else 60)
        last = first + self.random.choice([0, 0, 2, 30])
        self.store.plan = _failing(kind, range(first, last + 1))

    def _clock_steps(self) -> None:
        by = timedelta(seconds=self.random.choice([-7200, -3540, -61, -59, -1, 1, 59, 61, 10_800]))
        self.clock.ahead += by
        self.diary.steps.append((self.clock.lived, by))

    def _suspend(self) -> None:
        """The machine sleeps: lived time goes on, and nothing else."""
        length = timedelta(seconds=self.random.choice([2, 30, 90, 4000]))
        begin = self.clock.lived
        if self._engine is not None:
            self._go_down()
        self.clock.lived += length
        for note in self.keepers.going.values():
            note.ends += length
        self._postpone(begin, length)

    def _postpone(self, begin: datetime, length: timedelta) -> None:
        self._happenings = [(at + length, number, do) for at, number, do in self._happenings]
        if self._retry_at is not None and self._retry_at > begin:
            self._retry_at += length

    def _reboot(self) -> None:
        if self._engine is not None:
            self._die()
        self.diary.deaths.append(self.clock.lived)
        self.keepers.vanish()
        self._boot += 1
        self.clock.booted = self.clock.lived

    def _ask(self) -> None:
        if self._engine is None:
            return
        self._inbox += self._people.ask(self._engine.plans, self.clock.written, self._seen())

    def _seen(self) -> list[int]:
        return list(self.keepers.going)

    # -- the end ------------------------------------------------------------------------------

    def _clear_up(self, clearing: timedelta) -> None:
        """Let all be well, so that everything is decided and what goes on comes to its end."""
        self.weather = CALM
        needed = (self._serve, self._end_runs, self._leave)
        self._happenings = sorted(each for each in self._happenings if each[2] in needed)
        self.store.plan = lambda _call, _name: None
        until = self.clock.lived + clearing
        while self.clock.lived < until or self._engine is None or self._retry_at is not None:
            self._live_until(self._next())
        self.until = self.clock.lived
        for began, hold in self._holds.values():
            self.diary.holds.append((hold, began, None))

    @property
    def config(self) -> Config:
        """What is served now."""
        return self._setting.config


def _stopped(command: StartRun) -> StopRun:
    return StopRun(
        run=command.run,
        lease=command.lease,
        outcome=Outcome.CANCELLED,
        reason="linod was stopped",
    )


def _failing(kind: Fault, numbers: range) -> Callable[[int, str], Fault | None]:
    """Let some calls fail from now on: of a commit of which nobody knows, those that commit."""
    fitting = count(1)

    def plan(_call: int, name: str) -> Fault | None:
        is_fitting = name == "commit" or kind not in COMMITTED
        return kind if is_fitting and next(fitting) in numbers else None

    return plan

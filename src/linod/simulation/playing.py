"""Jumps from wake to wake and from end to end, until the time of the scenario is over."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import count
from pathlib import Path
from weakref import finalize

from attrs import evolve

from linod.engine import Engine, Settled
from linod.errors import LinodError
from linod.events import Answer, Event, ServeStarted, StartRun, StopRun
from linod.simulation.alone import TICK, Alone, Met, tasks_alone
from linod.simulation.executor import FakeExecutor
from linod.simulation.scenario import Scenario
from linod.simulation.store import SimulatedStore, temporary_directory
from linod.simulation.tally import Tally
from linod.specs import Task
from linod.store.interface import Store, StoreError

_STEP = timedelta(hours=1)
"""At least so often a player says how far it is."""
_SETTLES_AT_ONCE_MAX = 100_000
"""At one instant; more would be an engine that never finds rest."""


class Cut(StrEnum):
    """What ended a simulation before its end."""

    LIMIT = "limit"
    PERSON = "person"


class Simulation:
    """One scenario; close it, or the store stays until nobody holds it."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self._met: frozenset[str] = frozenset()
        self._begin()

    def _begin(self) -> None:
        scenario = self.scenario
        alone = tasks_alone(scenario, self._met)
        self.counted: dict[str, Task] = {task.name: task for task in alone}
        """The tasks that are counted, not played: what they do is certain."""
        self.tally = Tally(scenario.config, scenario.begins)
        self.reached = scenario.begins
        """How far it is played."""
        self.cut_by: Cut | None = None
        """What ended it before its end."""
        made = temporary_directory(scenario.limit)
        self.directory = Path(made.name)
        """Where the store is, until it is closed."""
        self._store = SimulatedStore(
            self.directory / "linod.db", decided=self.tally.decided, warned=self.tally.warned
        )
        self.close = finalize(self, _remove, self._store, made.cleanup)
        self._player = _Player(scenario, self.counted, self._store, self.tally)

    @property
    def store(self) -> Store:
        """What the engine wrote, until it is closed."""
        return self._store

    def play(self) -> Iterator[datetime]:
        """Play to the end, or to the limit; give the instant that is reached, again and again."""
        while True:
            try:
                for instant in self._player.play():
                    self.reached = instant
                    yield instant
            except Met as met:
                self._met |= met.tasks
                self.close()
                self._begin()
            except StoreError as error:
                hint = "TMPDIR names another place for it"
                raise LinodError(f"the store in {self.directory}: {error}; {hint}") from error
            else:
                self.cut_by = self._player.cut_by
                return

    def stop(self) -> None:
        """End it where it is; what goes on is counted until then."""
        self._player.cut_by = Cut.PERSON


def _remove(store: SimulatedStore, cleanup: object) -> None:
    store.close()
    assert callable(cleanup)
    cleanup()


class _Player:
    """One attempt at a scenario, with a choice of the tasks that are counted."""

    def __init__(
        self, scenario: Scenario, counted: dict[str, Task], store: SimulatedStore, tally: Tally
    ) -> None:
        self._scenario = scenario
        self._tally = tally
        leases = count(1)
        self._engine = Engine(store, lease=lambda: str(next(leases)), boot="simulation")
        self._executor = FakeExecutor(scenario.fates)
        self._alone = Alone(scenario, counted.values(), tally)
        self._counted = counted
        self._asked = sorted(scenario.events, key=lambda event: event.at)
        self._wake: datetime | None = None
        self._settles = 0
        self._now = scenario.begins
        self.cut_by: Cut | None = None

    def play(self) -> Iterator[datetime]:
        scenario = self._scenario
        self._adopt()
        self._settle([ServeStarted(at=scenario.begins)])
        while self._now < scenario.ends:
            yield self._now
            if not self.cut_by and self._tally.occurrences >= scenario.limit:
                self.cut_by = Cut.LIMIT
            if self.cut_by:
                break
            self._advance()
        self._finish()
        yield self._now

    def _finish(self) -> None:
        """Tell what has just begun, and count the time of what goes on."""
        begun = self._executor.take_begun()
        last = min(self._now, self._scenario.ends - TICK)
        self._tally.hear(self._engine.settle(last, begun).rows, last)
        self._tally.finish(self._now)
        self._alone.finish(self._now)

    def _adopt(self) -> None:
        """Adopt just before the beginning: what is due at the beginning is decided."""
        config = self._scenario.config
        played = {name: task for name, task in config.tasks.items() if name not in self._counted}
        before = self._scenario.begins - TICK
        self._carry_out(self._engine.adopt(evolve(config, tasks=played), before))

    def _advance(self) -> None:
        """Go to where something happens next, but not far."""
        following = self._next()
        at = min(following, self._now + _STEP, self._scenario.ends)
        self._alone.advance(at)
        self._settles = self._settles + 1 if at == self._now else 0
        assert self._settles < _SETTLES_AT_ONCE_MAX, f"the engine finds no rest at {at}"
        self._now = at
        if following <= at < self._scenario.ends:
            self._settle()

    def _next(self) -> datetime:
        asked = self._asked[0].at if self._asked else None
        instants = (self._wake, self._executor.next_event, asked)
        following = min((each for each in instants if each is not None), default=None)
        return self._scenario.ends if following is None else max(following, self._now)

    def _settle(self, events: list[Event] | None = None) -> None:
        heard = [*self._executor.take(self._now), *(events or [])]
        while self._asked and self._asked[0].at <= self._now:
            heard.append(self._asked.pop(0))
        self._carry_out(self._engine.settle(self._now, heard))

    def _carry_out(self, settled: Settled) -> None:
        for effect in settled.effects:
            if isinstance(effect, StartRun):
                self._executor.start(effect, self._now)
            elif isinstance(effect, StopRun):
                self._executor.stop(effect, self._now)
            elif isinstance(effect, Answer) and effect.refusal:
                raise LinodError(f"what was asked for at {self._now} is refused: {effect.refusal}")
        self._wake = settled.wake
        self._tally.hear(settled.rows, self._now)
        self._alone.look()

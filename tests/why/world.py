"""A store that a real engine wrote under a virtual clock, and what `linod why` says of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

from linod.checking import prepare
from linod.cli.why import Daemon, find, finder_of
from linod.engine import Engine, Settled
from linod.events import Event, Outcome, RunEnded, RunStarted, StartRun
from linod.specs import Config
from linod.store import open_store
from linod.why import sentences

T = datetime(2026, 11, 21, 7, 0, 0, tzinfo=UTC)
"""Saturday 09:00 in Tallinn."""
HOUR = 3600


MAIL = '[tasks.mail]\ncommand = "true"\nrecurrence = "every hour"\n'
CHAIN = """
[tasks.extract]
command = "true"
[tasks.load]
command = "true"
[chains.nightly]
tasks = ["extract", "load"]
recurrence = "every hour"
"""
FAILED: dict[str, Any] = {"outcome": Outcome.FAILED, "reason": "ValueError: no shop"}

Build = Callable[[str], "World"]


def at(seconds: float) -> datetime:
    return T + timedelta(seconds=seconds)


def request(seconds: float, **fields: Any) -> dict[str, Any]:
    """What all requests of a person have."""
    return {"request": 1, "by": "ann", "at": at(seconds), **fields}


class World:
    """One configuration, its engine, and who asks; without a daemon there is no engine."""

    def __init__(self, folder: Path, toml: str) -> None:
        self._folder = folder
        self._leases: Iterator[int] = count(1)
        (folder / "var").mkdir(mode=0o700)
        self.config = self.configure(toml)
        self.store = open_store(self.config.store_path)
        self.restart()

    def configure(self, toml: str) -> Config:
        path = self._folder / "linod.toml"
        path.write_text(f'[linod]\ntimezone = "Europe/Tallinn"\n{toml}')
        loaded = prepare(path, {}, is_importing=False)
        assert loaded.config is not None, loaded.errors
        return loaded.config

    def restart(self) -> None:
        """As if the daemon had been killed."""
        self.engine = Engine(self.store, lease=lambda: f"lease-{next(self._leases)}", boot="boot")

    def adopt(self, seconds: float, toml: str | None = None) -> dict[str, StartRun]:
        if toml is not None:
            self.config = self.configure(toml)
        return _starts(self.engine.adopt(self.config, at(seconds)))

    def settle(self, seconds: float, *events: Event) -> dict[str, StartRun]:
        return _starts(self.engine.settle(at(seconds), events))

    def begin(self, start: StartRun, seconds: float) -> None:
        """Let a run begin."""
        began = RunStarted(run=start.run, lease=start.lease, worker="1:2", at=at(seconds))
        self.settle(seconds, began)

    def play(self, start: StartRun, first: float, last: float, **end: Any) -> dict[str, StartRun]:
        """Let a run begin and end."""
        self.begin(start, first)
        outcome = end.pop("outcome", Outcome.SUCCEEDED)
        ended = RunEnded(run=start.run, lease=start.lease, outcome=outcome, ended=at(last), **end)
        return self.settle(last, ended)

    def why(
        self,
        task: str,
        seconds: float,
        when: str | None = None,
        *,
        is_last: bool = False,
        is_served: bool = True,
    ) -> str:
        """Ask so many seconds after T."""
        daemon = Daemon(is_there=is_served)
        asked, finder = finder_of(self.config, self.store, task, at(seconds), daemon)
        found = find(asked, finder, when, is_last=is_last)
        return " ".join(sentences(asked, found, is_present=when is None and not is_last))


def _starts(settled: Settled) -> dict[str, StartRun]:
    effects = settled.effects
    return {each.task.name: each for each in effects if isinstance(each, StartRun)}

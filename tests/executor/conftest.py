"""A stage for real runs: modules on disk, a configuration, an Executor on an event loop."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from linod.events import Event, Outcome, RunEnded, RunStarted, StartRun, StopRun, Trigger
from linod.executor import Executor, tree
from linod.log.plan import LogPlan
from linod.specs import Config, Linod, Log, LogFormat, Task

DUE = datetime(2026, 3, 2, 5, 0, tzinfo=UTC)


def what(link: str) -> str:
    """Say of a descriptor's link what it is: "book", "gate", "mark of 7", or as it stands there."""
    if link == "anon_inode:[eventfd]":
        return "gate"
    path = Path(link.removesuffix(" (deleted)"))
    if link.startswith("/memfd:linod-run-"):
        return f"mark of {path.name.rpartition('-')[2]}"
    return "book" if path.name.startswith("book-") else link


class Stage:
    """Modules, tasks and an Executor; `play` runs a scene on an event loop."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "linod.toml"
        self.directory = folder / "var"
        self.linod: dict[str, Any] = {}
        self.tasks: dict[str, Task] = {}
        self.events: list[Event] = []
        self.limits: dict[str, float] = {}
        self.log_format = LogFormat.TEXT
        self.executor: Executor

    def module(self, name: str, text: str) -> None:
        path = self.folder / f"{name}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)

    def task(self, name: str, **keys: Any) -> None:
        self.tasks[name] = Task(name=name, **keys)

    def config(self) -> Config:
        linod = Linod(directory=self.directory, import_path=(self.folder,), **self.linod)
        log = Log(directory=self.folder / "log", format=self.log_format)
        return Config(path=self.path, linod=linod, log=log, tasks=self.tasks)

    def play(self, scene: Callable[[], Awaitable[Any]]) -> Any:
        async def run() -> Any:
            (self.folder / "log").mkdir(exist_ok=True)
            plan = LogPlan.of(self.config(), {})
            self.executor = Executor(self.directory, plan, self.events.append, **self.limits)
            self.executor.configure(self.config())
            try:
                return await scene()
            finally:
                await self.executor.close()

        return asyncio.run(run())

    def run(self, name: str, number: int = 1) -> RunEnded:
        """Play one run of a task."""

        async def scene() -> RunEnded:
            self.start(name, number)
            return await self.ended(number)

        return self.play(scene)

    def start(self, name: str, number: int = 1, **fields: Any) -> None:
        self.executor.start(self.order(name, number, **fields))

    def order(self, name: str, number: int = 1, **fields: Any) -> StartRun:
        values = {
            "run": number,
            "lease": f"lease{number}",
            "task": self.tasks[name],
            "due": DUE,
            "planned": DUE,
            "attempt": 1,
            "trigger": Trigger.SCHEDULE,
            "zone": "Europe/Tallinn",
        }
        return StartRun(**{**values, **fields})

    def stop(self, number: int, *, is_forced: bool = False) -> None:
        self.executor.stop(
            StopRun(
                run=number,
                lease=f"lease{number}",
                outcome=Outcome.CANCELLED,
                reason="by alice",
                is_forced=is_forced,
            )
        )

    async def ended(self, number: int = 1, within_s: float = 15.0) -> RunEnded:
        return await self.event(RunEnded, number, within_s)

    async def started(self, number: int = 1) -> RunStarted:
        return await self.event(RunStarted, number, 15.0)

    async def event(self, kind: Any, number: int, within_s: float) -> Any:
        def found() -> Any:
            of_run = (event for event in self.events if getattr(event, "run", 0) == number)
            return next((event for event in of_run if isinstance(event, kind)), None)

        await self.until(lambda: found() is not None, within_s)
        return found()

    async def until(self, is_true: Callable[[], Any], within_s: float = 10.0) -> None:
        limit = time.monotonic() + within_s
        while not is_true():
            assert time.monotonic() < limit, self.events
            await asyncio.sleep(0.01)

    def text(self, name: str) -> str:
        path = self.folder / name
        return path.read_text() if path.exists() else ""

    def log(self) -> str:
        return self.text("log/linod.log")

    def keepers(self) -> list[int]:
        folder = self.directory / "keepers"
        files = folder.iterdir() if folder.exists() else ()
        return sorted(int(path.name) for path in files if path.name.isdigit())

    def marked(self) -> list[int]:
        """Pids of what lives of any run of this stage."""
        wanted = str(self.directory.resolve())
        return [pid for pid in tree.processes() if tree.marks(pid).get("LINOD_DIRECTORY") == wanted]


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    made = Stage(tmp_path)
    yield made
    for pid in made.marked():
        with suppress(ProcessLookupError):  # its keeper has ended it
            os.kill(pid, signal.SIGKILL)

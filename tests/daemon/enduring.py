"""One daemon that runs without end, and what it and its keeper hold meanwhile."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path

from attrs import frozen

from . import orphans
from .building import Daemon

MAX_RUNNING = 8
AGAIN_S = 0.2
SAMPLES = 20
"""Of which the least counts: what is just being done comes on top."""
STUCK_S = 60.0
TASK = """
[tasks.t{number:04}]
procedure = "called.nothing"
recurrence = "continuously"
"""


@frozen(kw_only=True)
class Held:
    """What there is after so many runs."""

    runs: int
    daemon_kb: int
    keeper_kb: int
    daemon_files: int
    keeper_files: int
    run_files: int
    """More than MAX_RUNNING are of runs that have ended."""
    zombies: int


class Enduring:
    """One folder with a daemon whose tasks run again and again."""

    def __init__(self, folder: Path, tasks: int) -> None:
        (folder / "called.py").write_text("def nothing():\n    pass\n")
        head = f'max_running = {MAX_RUNNING}\nimport_path = ["."]\n'
        # What the daemon tells of each run would be in the way.
        log = '[log]\ndirectory = "log"\nlevel = "WARNING"\n'
        tables = "".join(TASK.format(number=number) for number in range(tasks))
        self.daemon = Daemon(folder, head + log + tables)

    def runs(self) -> int:
        """Return how many runs there were."""
        path = self.daemon.directory / "linod.db"
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as reader:
            return int(reader.execute("SELECT coalesce(max(id), 0) FROM run").fetchone()[0])

    def await_runs(self, count: int) -> None:
        """Wait until there were so many."""
        runs, limit = self.runs(), time.monotonic() + STUCK_S
        while runs < count:
            assert time.monotonic() < limit, f"no run in {STUCK_S} s: {self.daemon.terminal()}"
            time.sleep(AGAIN_S)
            if (more := self.runs()) > runs:
                runs, limit = more, time.monotonic() + STUCK_S

    def held(self) -> Held:
        """Look at it a few times, and give the least of each figure."""
        samples = []
        for _ in range(SAMPLES):
            samples.append(self._sample())
            time.sleep(AGAIN_S)
        names = ("daemon_kb", "keeper_kb", "daemon_files", "keeper_files", "run_files", "zombies")
        least = {name: min(getattr(each, name) for each in samples) for name in names}
        return Held(runs=samples[-1].runs, **least)

    def _sample(self) -> Held:
        daemon = self.daemon.process.pid
        (keeper,) = self.daemon.keepers()
        return Held(
            runs=self.runs(),
            daemon_kb=orphans.memory_kb(daemon),
            keeper_kb=orphans.memory_kb(keeper),
            daemon_files=orphans.descriptors(daemon),
            keeper_files=orphans.descriptors(keeper),
            run_files=len(list((self.daemon.directory / "runs").glob("*/*"))),
            zombies=orphans.zombies(daemon) + orphans.zombies(keeper),
        )

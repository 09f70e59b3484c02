"""Makes trouble for the store of a real daemon: foreign locks, a full disk, limits, long readers.

python scripts/soak/trouble.py [--minutes 10] [--longest 40] [--seed 0] [--tasks 50] [--late 1]

As root: the store is on a file system in memory. While a trouble lasts status must answer within
1 s and at most one line a minute be said; when it is over linod decides within 10 s; the checker
judges what became of the tasks. Then a store is made under a limit on the size of files at many
sizes: it is refused in one line, and made when the limit is gone.
"""

from __future__ import annotations

import argparse
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))

from checker import report
from checker.history import Outage
from daemon.building import POLL_S
from daemon.figures import print_all, spread
from daemon.mixture import mixture
from daemon.scene import Scene, now
from disks import fill, small_disk

DISK = "64m"
QUIET_S = 3.0
"""Between two troubles."""
ERROR = " ERROR   the store"
LIMITS = range(0, 120_000, 1_777)


class Troubling:
    """One daemon in all kinds of trouble."""

    def __init__(self, scene: Scene, random: Random) -> None:
        self._scene = scene
        self._random = random
        self._store = scene.daemon.directory / "linod.db"
        self._kinds = {"lock": self._lock, "full": self._full, "limit": self._limit}
        self._kinds["reader"] = self._reader
        self.counts: Counter[str] = Counter()
        self.status_s: list[float] = []
        self.again_s: list[float] = []
        self.faults: list[str] = []

    def step(self, longest_s: float) -> None:
        """Make one trouble, and see that it passes."""
        kind = self._random.choice(list(self._kinds))
        self.counts[kind] += 1
        told, begin, lasts_s = self._told(), now(), self._random.uniform(0.5, longest_s)
        with self._kinds[kind]():
            self._watch(time.monotonic() + lasts_s)
        self._recover()
        self._scene.troubles.append(Outage(begin=begin, end=now(), is_unsure=True))
        lines = self._told() - told
        if lines > 1 + lasts_s // 60:
            self.faults.append(f"{kind} of {lasts_s:.0f} s: {lines} lines")

    def _watch(self, limit: float) -> None:
        while time.monotonic() < limit:
            self._trouble()
            time.sleep(POLL_S)

    def _recover(self) -> None:
        """Wait until a task notes something new."""
        began, size = time.monotonic(), self._size()
        while self._trouble() or self._size() == size:
            time.sleep(POLL_S)
        self.again_s.append(time.monotonic() - began)

    def _trouble(self) -> str:
        began = time.monotonic()
        answer = self._scene.daemon.client.request("status")
        self.status_s.append(time.monotonic() - began)
        return str(answer["trouble"])

    def _size(self) -> int:
        return (self._scene.daemon.folder / "notes").stat().st_size

    def _told(self) -> int:
        return self._scene.daemon.terminal().count(ERROR)

    # -- kinds of trouble ---------------------------------------------------------------------

    @contextmanager
    def _lock(self) -> Iterator[None]:
        """Another process holds the lock."""
        code = (
            "import sqlite3, sys; foreign = sqlite3.connect(sys.argv[1], isolation_level=None,"
            " timeout=60); foreign.execute('BEGIN EXCLUSIVE'); print(flush=True); input()"
        )
        foreign = subprocess.Popen(
            [sys.executable, "-c", code, str(self._store)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert foreign.stdout is not None
        foreign.stdout.readline()
        yield
        foreign.communicate(b"\n")

    @contextmanager
    def _full(self) -> Iterator[None]:
        filler = fill(self._scene.daemon.directory)
        yield
        filler.unlink()

    @contextmanager
    def _limit(self) -> Iterator[None]:
        """Files may grow no more, or by less than a page."""
        pid, unlimited = self._scene.daemon.process.pid, resource.RLIM_INFINITY
        log = self._store.with_name("linod.db-wal")
        room = self._random.choice([0, 1, 24, 100, 2_000, 4_096, 9_000])
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (log.stat().st_size + room, unlimited))
        yield
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (unlimited, unlimited))

    @contextmanager
    def _reader(self) -> Iterator[None]:
        """Another process reads for long: the log cannot be taken into the file."""
        reader = sqlite3.connect(self._store, isolation_level=None)
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM run").fetchone()
        yield
        reader.close()


def make_under_limits() -> list[str]:
    """Start a daemon under each limit and then without; return what went wrong."""
    faults = []
    for size in LIMITS:
        folder = Path(tempfile.mkdtemp(prefix="linod-limit-"))
        text = '[linod]\ntimezone = "UTC"\n[tasks.tick]\nshell = "true"\n'
        (folder / "linod.toml").write_text(text)
        code = _start(folder, size)
        if code not in (0, 1):
            faults.append(f"limit of {size}: exit {code}: {(folder / 'terminal').read_text()}")
        if _start(folder, resource.RLIM_INFINITY) != 0:
            faults.append(f"after a limit of {size}: {(folder / 'terminal').read_text()}")
    return faults


def _start(folder: Path, size: int) -> int:
    """Serve until it is ready, or ends; return the exit code."""
    hard = resource.RLIM_INFINITY
    with (folder / "terminal").open("w") as terminal:
        process = subprocess.Popen(
            [sys.executable, "-m", "linod", "serve"],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=terminal,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard)),
        )
        assert process.stdout is not None
        process.stdout.readline()
        process.terminate()
        return process.wait()


def main() -> int:
    """Make trouble for so long, then judge."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--longest", type=float, default=40, help="seconds of one trouble")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--tasks", type=int, default=50)
    parser.add_argument("--late", type=float, default=1, help="seconds that are late")
    arguments = parser.parse_args()
    random = Random(arguments.seed)
    folder = Path(tempfile.mkdtemp(prefix="linod-"))
    with small_disk(folder / "var", DISK):
        with Scene(folder, mixture(arguments.tasks, random)) as scene:
            troubling = Troubling(scene, random)
            scene.start()
            scene.await_decision()
            limit = time.monotonic() + arguments.minutes * 60
            while time.monotonic() < limit:
                scene.live(QUIET_S)
                troubling.step(arguments.longest)
            assert scene.stop() == 0
        judged = report(scene.history(), late_max=timedelta(seconds=arguments.late))
        print(", ".join(f"{count} {kind}" for kind, count in sorted(troubling.counts.items())))
        print(f"status: {spread(sorted(troubling.status_s))}")
        print(f"deciding again: {spread(sorted(troubling.again_s))}")
        print_all(scene, judged)
    faults = [*troubling.faults, *make_under_limits()]
    print("\n".join(faults) or f"{len(LIMITS)} starts under a limit: each in order")
    is_slow = max(troubling.status_s) > 1 or max(troubling.again_s) > 10
    return 1 if judged.findings or faults or is_slow else 0


if __name__ == "__main__":
    sys.exit(main())

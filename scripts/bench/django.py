"""What a management command costs in processor time: run by linod, and as cron runs it.

    python scripts/bench/django.py [--rounds 5] [--runs 10]

An empty project of Django's own `startproject`, with SQLite, and `clearsessions`, which finds
nothing. Cron's way is `sh -c "cd … && python manage.py clearsessions"`, all its processes counted;
linod's is a daemon with `manage = "clearsessions"` every second, counted as what daemon, keeper
and workers use from one run to another, deciding and recording included. Both take turns.

Nothing here imports Django: the name of this file would be in its way.
"""

from __future__ import annotations

import argparse
import os
import resource
import shlex
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

TOML = """\
[linod]
timezone = "UTC"
django = "shop.settings"

[log]

[tasks.clear]
manage = "clearsessions"
recurrence = "every second"
"""
START_WITHIN_S = 60.0
TICK_S = 1 / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--runs", type=int, default=10, help="In each round, of each kind.")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _build(folder)
        by_cron, by_linod = [], []
        with _daemon(folder) as pid:
            print(f"{'linod, set up once':<22}{_used_s(pid) * 1000:8.1f} ms")
            for _ in range(given.rounds):
                by_linod.append(_linod_s(folder, pid, given.runs))
                with _stopped(pid):
                    by_cron.append(_cron_s(folder, given.runs))
    _print("python manage.py", by_cron)
    _print("linod, manage", by_linod)
    print(f"{'ratio':<22}{median(by_cron) / median(by_linod):8.1f}")


def _print(name: str, values: list[float]) -> None:
    low, high = min(values) * 1000, max(values) * 1000
    print(f"{name:<22}{median(values) * 1000:8.1f} ms of CPU a run   {low:.1f} to {high:.1f}")


def _build(folder: Path) -> None:
    """Make the project and its tables; both ways find their bytecode compiled."""
    for words in (
        ["-m", "django", "startproject", "shop", str(folder)],
        ["manage.py", "migrate", "-v", "0"],
        ["manage.py", "clearsessions"],
    ):
        subprocess.run([sys.executable, *words], cwd=folder, env=_environ(), check=True)
    (folder / "linod.toml").write_text(TOML)


def _environ() -> dict[str, str]:
    names = ("LINOD_", "DJANGO_")
    return {name: value for name, value in os.environ.items() if not name.startswith(names)}


# -- as cron does ------------------------------------------------------------------------------


def _cron_s(folder: Path, runs: int) -> float:
    """Give the processor time of one run, the shell included."""
    python = shlex.quote(sys.executable)
    line = f"cd {shlex.quote(str(folder))} && {python} manage.py clearsessions"
    before = _of_children_s()
    for _ in range(runs):
        subprocess.run(["/bin/sh", "-c", line], env=_environ(), check=True)
    return (_of_children_s() - before) / runs


def _of_children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


# -- by linod ----------------------------------------------------------------------------------


@contextmanager
def _daemon(folder: Path) -> Iterator[int]:
    command = [sys.executable, "-m", "linod", "serve"]
    with (folder / "serve.out").open("w") as out:
        daemon = subprocess.Popen(command, cwd=folder, env=_environ(), stdout=out, stderr=out)
    try:
        _wait_for(folder, 3, START_WITHIN_S)
        yield daemon.pid
    finally:
        daemon.send_signal(signal.SIGTERM)
        daemon.wait()


@contextmanager
def _stopped(pid: int) -> Iterator[None]:
    """Let the daemon rest: what falls due meanwhile is one missed run."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def _linod_s(folder: Path, pid: int, runs: int) -> float:
    """Give the processor time of one run, of all processes that have to do with it."""
    first = _wait_for(folder, _succeeded(folder) + 2, START_WITHIN_S)
    before = _used_s(pid)
    last = _wait_for(folder, first + runs, runs * 3 + START_WITHIN_S)
    return (_used_s(pid) - before) / (last - first)


def _wait_for(folder: Path, number: int, within_s: float) -> int:
    limit = time.monotonic() + within_s
    while (found := _succeeded(folder)) < number:
        if time.monotonic() > limit:
            sys.exit(f"no runs: {(folder / 'serve.out').read_text()}")
        time.sleep(0.02)
    return found


def _succeeded(folder: Path) -> int:
    path = folder / "var" / "linod.db"
    if not path.exists():
        return 0
    store = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        query = "SELECT count(*) FROM run WHERE state = 'succeeded'"
        return int(store.execute(query).fetchone()[0])
    except sqlite3.OperationalError:  # it is just being made
        return 0
    finally:
        store.close()


def _used_s(pid: int) -> float:
    """Give the processor time of a daemon and its keepers, with that of dead children."""
    return sum(sum(_times(each)) for each in (pid, *_children(pid))) * TICK_S


def _children(parent: int) -> list[int]:
    pids = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]
    return [pid for pid in pids if _fields(pid)[1:2] == [str(parent)]]


def _times(pid: int) -> list[int]:
    return [int(value) for value in _fields(pid)[11:15]]


def _fields(pid: int) -> list[str]:
    """Give what /proc says of a process, from its state on."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    except OSError:
        return []


if __name__ == "__main__":
    main()

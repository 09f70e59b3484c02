"""What a daemon takes when it has nothing to do, beside cronstable, and what more tasks cost.

    python scripts/bench/footprint.py [--seconds 60] [--sizes 10 100 1000 10000] [--rounds 3]

Idle: 100 tasks, due once a day; memory is the proportional set size (PSS) of all processes of a
program, processor time that of all of them over the seconds. linod has its keeper and a waiting
worker, for one task has run at the start. A bare interpreter that sleeps stands beside it.
Sizes: so many tasks, due once a day, and among them one that runs every second and appends a byte
to a file. start: from the start of the process until the first line of a task that runs `at start`;
reload: from the request until the answer, with nothing changed; a run: processor time of all
processes over the seconds for each run of the one task, with its part of what the daemon does
anyway. Start is the median of the rounds, reload of so many requests.
Exit 1 where a goal is missed: 80 MB, 0.1 % of a core; tenfold tasks take at most tenfold start,
memory and reload, and a run costs the same whatever the number of tasks.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import NamedTuple

from goals import Goal, judge
from processes import (
    Absent,
    Program,
    family,
    linod_serve,
    processor_s,
    proportional_mb,
    until,
)

from linod.control.client import Client

IDLE_TASKS = 100
READY_WITHIN_S = 120.0
SETTLING_S = 5.0
"""After the first run: then the waiting worker is there, and nothing is left of the start."""
PROBE = """
import os


def note(name):
    file = os.open(name, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, b"x")
    os.close(file)
"""
HEAD = """[linod]
timezone = "UTC"

[tasks.begun]
procedure = "probe.note"
arguments = { name = "begun" }
recurrence = "at start"
"""
EACH_SECOND = """
[tasks.often]
procedure = "probe.note"
arguments = { name = "counted" }
recurrence = "every second"
"""
DAILY = """
[tasks.t{number:05}]
procedure = "probe.note"
arguments = {{ name = "daily" }}
recurrence = "every day at {hour:02}:{minute:02}"
"""
CRONSTABLE = """
  - name: t{number:05}
    command: "true"
    schedule: "{minute} {hour} * * *"
"""
MEMORY_GOAL_MB, PROCESSOR_GOAL = 80, 0.1
SAME = 1.25
"""A run may cost so much of what it costs with the fewest tasks: measured twice, it differs."""


class Idle(NamedTuple):
    """What a program takes."""

    processes: int
    memory_mb: float
    processor: float
    """Per cent of a core."""


class Size(NamedTuple):
    """What a number of tasks takes."""

    start_s: float
    memory_mb: float
    reload_s: float
    run_ms: float
    """Of the processor."""


def main() -> int:
    """Measure, print, and return 1 where a goal is missed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--sizes", type=int, nargs="*", default=[10, 100, 1000, 10000])
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    print(f"{f'idle, {IDLE_TASKS} tasks':<20}{'processes':>10}{'PSS, MB':>10}{'% of a core':>14}")
    idle = {name: _print_idle(name, start, options.seconds) for name, start in IDLE.items()}
    columns = ("start, s", "PSS, MB", "reload, s", "a run, ms")
    print(f"\n{'tasks':<20}{''.join(f'{column:>12}' for column in columns)}")
    sizes = {size: _print_size(size, options) for size in sorted(options.sizes)}
    return judge([*_idle_goals(idle["linod"]), *_size_goals(sizes)])


# -- Nothing to do -------------------------------------------------------------------------------


def _print_idle(name: str, start: Callable[[Path], list[str]], seconds: int) -> Idle | None:
    with tempfile.TemporaryDirectory(prefix="linod-bench-") as folder:
        try:
            found = _idle(start, Path(folder), seconds)
        except Absent as absent:
            print(f"{name:<20}  none: {absent}")
            return None
    print(f"{name:<20}{found.processes:>10}{found.memory_mb:>10.1f}{found.processor:>14.3f}")
    sys.stdout.flush()
    return found


def _idle(start: Callable[[Path], list[str]], folder: Path, seconds: int) -> Idle:
    begun = folder / "begun"
    with Program(start(folder), folder) as program:
        if (folder / "linod.toml").exists():
            until(lambda: begun.exists() or not program.is_alive(), READY_WITHIN_S)
        time.sleep(SETTLING_S)
        if not program.is_alive():
            raise Absent(program.complaint())
        before = processor_s(family(program.pid))
        time.sleep(seconds)
        pids = family(program.pid)
        used = processor_s(pids) - before
        return Idle(len(pids), proportional_mb(pids), 100 * used / seconds)


def _linod_idle(folder: Path) -> list[str]:
    _place(folder, HEAD + _daily(DAILY, IDLE_TASKS - 1))
    return linod_serve(folder)


def _cronstable_idle(folder: Path) -> list[str]:
    (folder / "cronstable.yaml").write_text("jobs:\n" + _daily(CRONSTABLE, IDLE_TASKS))
    return [sys.executable, "-m", "cronstable", "-c", "cronstable.yaml", "-l", "WARNING"]


def _interpreter(_folder: Path) -> list[str]:
    return [sys.executable, "-c", "import time; time.sleep(3600)"]


IDLE = {"linod": _linod_idle, "cronstable": _cronstable_idle, "(bare interpreter)": _interpreter}


# -- More tasks ----------------------------------------------------------------------------------


def _print_size(count: int, options: argparse.Namespace) -> Size:
    with tempfile.TemporaryDirectory(prefix="linod-bench-") as name:
        folder = Path(name)
        _place(folder, HEAD + EACH_SECOND + _daily(DAILY, count - 2))
        starts = [_start_s(folder) for _ in range(options.rounds - 1)]
        found = _size(folder, starts, options)
    numbers = f"{found.start_s:>12.3f}{found.memory_mb:>12.1f}{found.reload_s:>12.3f}"
    print(f"{count:<20,}{numbers}{found.run_ms:>12.2f}", flush=True)
    return found


def _start_s(folder: Path) -> float:
    with Program(linod_serve(folder), folder) as program:
        return _await_begun(folder, program)


def _await_begun(folder: Path, program: Program) -> float:
    """Return how long the first run took to come, from now; forget it."""
    began, begun = time.monotonic(), folder / "begun"
    if not until(begun.exists, READY_WITHIN_S):
        raise RuntimeError(program.complaint())
    begun.unlink()
    return time.monotonic() - began


def _size(folder: Path, starts: list[float], options: argparse.Namespace) -> Size:
    with Program(linod_serve(folder), folder) as program:
        starts.append(_await_begun(folder, program))
        time.sleep(SETTLING_S)
        client = Client(folder / "var")
        reloads = [_reload_s(client) for _ in range(options.rounds)]
        time.sleep(SETTLING_S)
        counted, before = _size_of(folder / "counted"), processor_s(family(program.pid))
        time.sleep(options.seconds)
        pids = family(program.pid)
        used, runs = processor_s(pids) - before, _size_of(folder / "counted") - counted
        return Size(
            start_s=median(starts),
            memory_mb=proportional_mb(pids),
            reload_s=median(reloads),
            run_ms=1000 * used / max(1, runs),
        )


def _size_of(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _reload_s(client: Client) -> float:
    began = time.monotonic()
    client.request("reload", timeout_s=READY_WITHIN_S)
    return time.monotonic() - began


def _place(folder: Path, text: str) -> None:
    (folder / "probe.py").write_text(PROBE)
    (folder / "linod.toml").write_text(text)


def _daily(entry: str, count: int) -> str:
    """Write so many; none is due while it is measured, at least twenty minutes from now."""
    present = time.gmtime()
    free = 24 * 60 - 60
    first = present.tm_hour * 60 + present.tm_min + 40
    minutes = ((first + number % free) % (24 * 60) for number in range(count))
    return "".join(
        entry.format(number=number, hour=minute // 60, minute=minute % 60)
        for number, minute in enumerate(minutes)
    )


# -- Goals ---------------------------------------------------------------------------------------


def _idle_goals(idle: Idle | None) -> list[Goal]:
    memory, processor = (idle.memory_mb, idle.processor) if idle else (None, None)
    return [
        Goal("linod, idle: memory of all processes", memory, MEMORY_GOAL_MB, "MB"),
        Goal("linod, idle: processor", processor, PROCESSOR_GOAL, "% of a core"),
    ]


def _size_goals(sizes: dict[int, Size]) -> list[Goal]:
    goals = []
    for (fewer, one), (more, other) in pairwise(sizes.items()):
        for figure in ("start_s", "memory_mb", "reload_s"):
            growth = getattr(other, figure) / getattr(one, figure)
            goals.append(
                Goal(f"{figure}, from {fewer:,} to {more:,} tasks", growth, more / fewer, "times")
            )
    if len(sizes) > 1:
        few, *_, many = sizes.values()
        goals.append(
            Goal("a run, most tasks beside fewest", many.run_ms / few.run_ms, SAME, "times")
        )
    return goals


if __name__ == "__main__":
    sys.exit(main())

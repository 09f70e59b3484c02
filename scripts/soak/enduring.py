"""Lets one daemon do so many runs, and looks whether it or its keeper holds more at the end.

python scripts/soak/enduring.py [--runs 100000] [--warm 5000] [--steps 10] [--tasks 1000]

Tasks that do nothing run `continuously`, eight at a time. Resident memory and open files of the
daemon and of its keeper, run files and zombies are looked at after the first runs and then in
steps; of some looks the least counts. Exit 1 where a memory has grown by more than 5 %, where there
are more open files than runs that go on have, or where run files, zombies or processes are left.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))

from daemon import orphans
from daemon.building import until
from daemon.enduring import MAX_RUNNING, Enduring, Held

GROWTH_MAX = 0.05
FILES_MAX = 5 * MAX_RUNNING
"""Each run that goes on has its pipes; what leaks is more in so many runs."""
COLUMNS = ("daemon, KB", "keeper, KB", "files", "keeper's", "run files", "zombies")


def main() -> int:
    """Run so many, and judge."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=100_000)
    parser.add_argument("--warm", type=int, default=5_000, help="runs before the first look")
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--tasks", type=int, default=1000)
    arguments = parser.parse_args()
    orphans.adopt()
    folder = Path(tempfile.mkdtemp(prefix="linod-"))
    enduring = Enduring(folder, arguments.tasks)
    try:
        first, last = _play(enduring, arguments)
    finally:
        enduring.daemon.end()
    # A zombie is no living process: those that the daemon left are ours by now.
    until(lambda: not orphans.living(), "the end of all processes")
    wrong = list(_judged(first, last))
    left = list((folder / "var" / "runs").glob("*/*"))
    wrong += [f"{len(left)} run files are left"] if left else []
    print("\n".join(wrong) or "nothing has grown")
    shutil.rmtree(folder)
    return 1 if wrong else 0


def _play(enduring: Enduring, arguments: argparse.Namespace) -> tuple[Held, Held]:
    enduring.daemon.start()
    print(f"{'runs':>10}{'a second':>10}{''.join(f'{column:>12}' for column in COLUMNS)}")
    steps = range(1, arguments.steps + 1)
    more = (arguments.runs - arguments.warm) // arguments.steps
    held = [_look(enduring, arguments.warm)]
    held += [_look(enduring, arguments.warm + number * more) for number in steps]
    return held[0], held[-1]


def _look(enduring: Enduring, runs: int) -> Held:
    began, before = time.monotonic(), enduring.runs()
    enduring.await_runs(runs)
    rate = (enduring.runs() - before) / (time.monotonic() - began)
    held = enduring.held()
    figures = (held.daemon_kb, held.keeper_kb, held.daemon_files, held.keeper_files)
    counts = "".join(f"{each:>12,}" for each in (*figures, held.run_files, held.zombies))
    print(f"{held.runs:>10,}{rate:>10,.0f}{counts}", flush=True)
    return held


def _judged(first: Held, last: Held) -> Iterator[str]:
    for name in ("daemon_kb", "keeper_kb"):
        growth = getattr(last, name) / getattr(first, name) - 1
        if growth > GROWTH_MAX:
            yield f"MISSED: {name} grew by {growth:.1%}, at most {GROWTH_MAX:.0%}"
    for name in ("daemon_files", "keeper_files"):
        more = getattr(last, name) - getattr(first, name)
        if more > FILES_MAX:
            yield f"MISSED: {more} more {name}"
    if last.run_files > MAX_RUNNING:
        yield f"MISSED: {last.run_files} run files, of {MAX_RUNNING} runs at a time"
    if last.zombies:
        yield f"MISSED: {last.zombies} zombies"


if __name__ == "__main__":
    sys.exit(main())

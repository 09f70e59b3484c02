"""Starts and stops a real daemon again and again, and counts what is left of it each time.

python scripts/soak/cycling.py [--cycles 1000]

Each daemon runs a procedure and a program at its start and a procedure each second, and is stopped
as soon as the first ones have run. Nothing may be left when its process is gone: no other process,
run file, socket or record of a keeper, and no open file of who starts it. Who loses its parent is a
child of this program, which waits for the dead as an init does, and counts them.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))

from daemon import orphans
from daemon.cycling import Cycling
from daemon.figures import spread

SHOWN = 20


def main() -> int:
    """Start and stop so often; return 1 where anything was left."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cycles", type=int, default=1000)
    arguments = parser.parse_args()
    orphans.adopt()
    folder = Path(tempfile.mkdtemp(prefix="linod-"))
    cycling = Cycling(folder)
    found: list[str] = []
    try:
        for number in range(1, arguments.cycles + 1):
            found += [f"cycle {number}: {each}" for each in cycling.step()]
    finally:
        cycling.end()
    print(f"from start to the first runs: {spread(sorted(cycling.starting_s))}")
    print(f"from SIGTERM to the end: {spread(sorted(cycling.stopping_s))}")
    print(f"orphans that died: {cycling.orphans}")
    print(f"{arguments.cycles:,} cycles, {len(found)} things left; all of it is in {folder}")
    for each in found[:SHOWN]:
        print(each)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

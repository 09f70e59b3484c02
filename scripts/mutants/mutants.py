"""Plants each bug of planted.py by itself and has the simulation's checker hunt for it.

python scripts/mutants/mutants.py [--jobs 2] [--seeds 120] [--only WORD]

Prints a line per bug, and exits 1 where one was not caught; 2 where the checker finds something
in the same seeds though nothing is planted, for then it would find every bug. The linod in which
they are planted is the one that is installed.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from plant import UNCHANGED, Hunted, hunt
from planted import BUGS

import linod


def main() -> int:
    """Hunt all of them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--seeds", type=int, default=120)
    parser.add_argument("--only", default="")
    arguments = parser.parse_args()
    source = Path(linod.__file__).parent
    bugs = [bug for bug in BUGS if arguments.only in bug.name]
    began = time.monotonic()
    with ThreadPoolExecutor(arguments.jobs) as pool:
        share = -(-arguments.seeds // arguments.jobs)
        firsts = range(0, arguments.seeds, share)
        for unchanged in pool.map(lambda first: hunt(UNCHANGED, source, share, first), firsts):
            if unchanged.is_caught:
                print(f"found without a planted bug, so nothing can be said: {unchanged.told}")
                return 2
        hunted = list(pool.map(lambda bug: _told(hunt(bug, source, arguments.seeds)), bugs))
    caught = sum(each.is_caught for each in hunted)
    print(f"{caught} of {len(hunted)} planted bugs caught in {time.monotonic() - began:.0f} s")
    return 0 if caught == len(hunted) else 1


def _told(hunted: Hunted) -> Hunted:
    how = "caught" if hunted.is_caught else "NOT CAUGHT"
    print(f"{how}: {hunted.bug.name} ({hunted.bug.file})\n    {hunted.told}", flush=True)
    return hunted


if __name__ == "__main__":
    sys.exit(main())

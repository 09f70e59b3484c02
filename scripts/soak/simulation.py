"""Plays random histories of whole daemons with all faults until enough occurrences are judged.

python scripts/soak/simulation.py [--occurrences 3000000] [--first-seed 0] [--jobs 2]

Prints what was judged, what the checker found, the speed, and the bound: with no failure in n
trials the rate of failures is below 3/n with 95 % confidence. A seed that fails is printed; the
same seed plays the same history again: --first-seed N --occurrences 1.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from datetime import timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))

from checker.findings import Counts
from simulation.playing import Played, play

LENGTH = timedelta(hours=1)
PRINT_EVERY_S = 30


def main() -> int:
    """Play until enough is judged."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--occurrences", type=int, default=3_000_000)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    arguments = parser.parse_args()
    soak = Soak(arguments.occurrences, arguments.first_seed)
    with ProcessPoolExecutor(arguments.jobs) as pool:
        soak.run(pool, arguments.jobs)
    return soak.report()


class Soak:
    """Adds up what the seeds came to."""

    def __init__(self, wanted: int, first_seed: int) -> None:
        self._wanted = wanted
        self._seed = first_seed
        self._began = time.monotonic()
        self._printed = 0.0
        self._counts = Counts()
        self._kinds: Counter[str] = Counter()
        self._seeds = 0

    def run(self, pool: ProcessPoolExecutor, jobs: int) -> None:
        """Keep all jobs busy until enough is judged."""
        going: set[Future[Played]] = set()
        while self._counts.occurrences < self._wanted:
            while len(going) < jobs:
                going.add(pool.submit(play, self._seed, LENGTH))
                self._seed += 1
            done, going = wait(going, return_when=FIRST_COMPLETED)
            for each in done:
                self._add(each.result())
        wait(going)
        for each in going:
            self._add(each.result())

    def _add(self, played: Played) -> None:
        self._seeds += 1
        self._counts += played.counts
        self._kinds.update(str(finding.kind) for finding in played.findings)
        for finding in played.findings[:5]:
            print(f"seed {played.seed}: {finding}", flush=True)
        if time.monotonic() - self._printed > PRINT_EVERY_S:
            self._printed = time.monotonic()
            print(self._line(), flush=True)

    def _line(self) -> str:
        seconds = time.monotonic() - self._began
        counts = self._counts
        return (
            f"{self._seeds} histories of {LENGTH}: {counts.occurrences:,} occurrences "
            f"({counts.required:,} had to run), {counts.runs:,} runs, in {seconds:.0f} s: "
            f"{counts.occurrences / seconds:,.0f} occurrences/s"
        )

    def report(self) -> int:
        """Print what was found; 1 where that is something."""
        print(self._line())
        names = ("missed", "doubled", "undecided", "early", "late", "overlapping", "phantom")
        print(", ".join(f"{self._kinds[name]} {name}" for name in (*names, "unjustified")))
        found = sum(self._kinds.values())
        if not found and self._counts.required:
            print(f"bound (95 %): fewer than {3 / self._counts.required:.1e} of those required")
        return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

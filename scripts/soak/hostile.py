"""Lets hostile procedures loose beside a normal load, one at a time, and looks at the others.

python scripts/soak/hostile.py [--load 20] [--seconds 8] [--calm 5] [--only NAME ...]

The load is so many tasks each second that note how late they begin. Each hostile procedure
(tests/daemon/hostile.py: a fork bomb, a memory hog, one that kills its keeper, ...) has a timeout
of 4 s, and calm seconds before it. Printed are the lags of the others in the calm and with each,
how much their 99th percentile grew, how the hostile run ended, and what it left behind: processes,
run files, open files of the daemon and the keeper; at last what a stopped daemon leaves.
Exit 1 where the 99th percentile grew by more than 100 ms, where one of the others did not run, or
where anything is left.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))

from daemon import orphans
from daemon.harming import Harming, Window
from daemon.hostile import HOSTILE

GROWTH_MAX_MS = 100
FIRST_CALM = 4
"""So many times the calm of the others is before the first one."""


def main() -> int:
    """Let all loose, and judge."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--load", type=int, default=20, help="tasks each second")
    parser.add_argument("--seconds", type=float, default=8, help="to look at each one, at least")
    parser.add_argument("--calm", type=float, default=5, help="seconds before each one")
    parser.add_argument("--only", nargs="+", choices=HOSTILE, default=HOSTILE, metavar="NAME")
    arguments = parser.parse_args()
    orphans.adopt()
    folder = Path(tempfile.mkdtemp(prefix="linod-"))
    calm, harmed, left = _play(folder, arguments)
    normal = sorted(lag for window in calm for lag in window.lags)
    missing = sum(window.expected - len(window.lags) for window in calm)
    print(f"{'':<32}{'others':>8}{'missing':>8}{'p50':>9}{'p99':>9}{'max':>9}{'growth':>9}   ms")
    print(f"{'(calm)':<32}{len(normal):>8}{missing:>8}{_figures(normal)}")
    bad = [window.name for window in harmed if not _tell(window, normal)]
    for each in left:
        print(f"left by all: {each}")
    if not (bad or left or missing):
        shutil.rmtree(folder)
        return 0
    print(f"all of it is in {folder}")
    return 1


def _play(
    folder: Path, arguments: argparse.Namespace
) -> tuple[list[Window], list[Window], list[str]]:
    harming = Harming(folder, arguments.load)
    harmed: list[Window] = []
    try:
        harming.start()
        calm = [harming.calm(FIRST_CALM * arguments.calm)]
        for name in arguments.only:
            calm.append(harming.calm(arguments.calm))
            harmed.append(harming.harm(name, arguments.seconds))
        return calm, harmed, harming.stop()
    finally:
        harming.daemon.end()


def _tell(window: Window, normal: list[float]) -> bool:
    """Print what became of the others; say whether all is well."""
    missing = window.expected - len(window.lags)
    growth = 1000 * (_at(window.lags, 99) - _at(normal, 99))
    run = window.run
    end = f"{run.outcome}: {run.reason or 'no reason'}" if run else "no run"
    counts = f"{len(window.lags):>8}{missing:>8}"
    print(f"{window.name:<32}{counts}{_figures(window.lags)}{growth:>9.1f}   {end[:60]}")
    for each in window.left:
        print(f"    left: {each}")
    if growth > GROWTH_MAX_MS:
        print(f"    MISSED: at most {GROWTH_MAX_MS} ms")
    return growth <= GROWTH_MAX_MS and not missing and not window.left


def _figures(lags: list[float]) -> str:
    return "".join(f"{1000 * _at(lags, part):>9.1f}" for part in (50, 99, 100))


def _at(ordered: list[float], part: int) -> float:
    """Return a percentile; where nobody came all are late without end."""
    if not ordered:
        return float("inf")
    return ordered[min(len(ordered) - 1, len(ordered) * part // 100)]


if __name__ == "__main__":
    sys.exit(main())

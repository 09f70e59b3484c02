"""Hands over from daemon to daemon under load, and judges what became of the tasks.

python scripts/soak/handing.py [--times 500] [--every 0.5] [--seed 0] [--tasks 100] [--late 1]

Each next daemon is started with `linod serve --replace` while the one before decides: no occurrence
may be missed or doubled, and no run ended. Prints what was judged, what the checker found, how long
a hand-over took, how late runs began, and the bound.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from datetime import timedelta
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))

from checker import report
from daemon.figures import print_all, spread
from daemon.handing import hand_over_again_and_again
from daemon.mixture import mixture
from daemon.scene import Scene


def main() -> int:
    """Hand over so often, then judge."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=500)
    parser.add_argument("--every", type=float, default=0.5, help="seconds between two, on average")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--tasks", type=int, default=100)
    parser.add_argument("--late", type=float, default=1, help="seconds that are late")
    arguments = parser.parse_args()
    random = Random(arguments.seed)
    folder = Path(tempfile.mkdtemp(prefix="linod-"))
    with Scene(folder, mixture(arguments.tasks, random)) as scene:
        hand_over_again_and_again(scene, arguments.times, random, arguments.every)
    judged = report(scene.history(), late_max=timedelta(seconds=arguments.late))
    print(f"{len(scene.handing_s)} hand-overs, {len(scene.lost())} runs ended by them")
    print(f"until the former daemon was gone: {spread(sorted(scene.handing_s))}")
    print(f"from its last decision to the first of the next: {spread(scene.gaps())}")
    print_all(scene, judged)
    return 1 if judged.findings or scene.lost() else 0


if __name__ == "__main__":
    sys.exit(main())

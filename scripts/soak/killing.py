"""Kills a real daemon with kill -9 at random moments, and judges what became of its tasks.

python scripts/soak/killing.py [--minutes 10] [--seed 0] [--tasks 200] [--every 5] [--late 1]

Tasks of 1 to 10 s and of mixed policies note for themselves when they began; the daemon is killed
every 5 s on average, also while it starts, and started again at once. Prints what was judged, what
the checker found, how long a start took until it decided, how late runs began, and the bound: with
no failure in n trials the rate of failures is below 3/n with 95 % confidence.
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
from daemon.figures import print_all
from daemon.killing import play
from daemon.mixture import mixture
from daemon.scene import Scene


def main() -> int:
    """Kill for so long, then judge."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--tasks", type=int, default=200)
    parser.add_argument("--every", type=float, default=5, help="seconds between two kills")
    parser.add_argument("--late", type=float, default=1, help="seconds that are late")
    arguments = parser.parse_args()
    random = Random(arguments.seed)
    folder = Path(tempfile.mkdtemp(prefix="linod-"))
    with Scene(folder, mixture(arguments.tasks, random)) as scene:
        play(scene, random, arguments.minutes * 60, arguments.every)
    judged = report(scene.history(), late_max=timedelta(seconds=arguments.late))
    print(f"{len(scene.lives) - 1} kills")
    print_all(scene, judged)
    return 1 if judged.findings else 0


if __name__ == "__main__":
    sys.exit(main())

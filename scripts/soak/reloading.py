"""Reloads a real daemon under load, from good, broken, cut, empty, missing and swapped files.

python scripts/soak/reloading.py [--reloads 500] [--every 2] [--seed 0] [--tasks 50] [--late 1]

What is wrong must be refused and leave everything as it was; no edit may fire a task; the checker
judges what became of the tasks meanwhile. Prints how long reloads took, and what it found.
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
from daemon.mixture import mixture
from daemon.rewriting import Rewriting
from daemon.scene import Scene


def main() -> int:
    """Reload so often, then judge."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--reloads", type=int, default=500)
    parser.add_argument("--every", type=float, default=2, help="seconds between two reloads")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--tasks", type=int, default=50)
    parser.add_argument("--late", type=float, default=1, help="seconds that are late")
    arguments = parser.parse_args()
    random = Random(arguments.seed)
    folder = Path(tempfile.mkdtemp(prefix="linod-"))
    with Scene(folder, mixture(arguments.tasks, random)) as scene:
        scene.start()
        scene.await_decision()
        rewriting = Rewriting(scene, random)
        for _ in range(arguments.reloads):
            rewriting.step()
            scene.live(arguments.every)
        assert scene.stop() == 0
    rewriting.tell()
    history = scene.history()
    assert {"at_start", "at_boot"}.isdisjoint({row.task for row in history.decisions})
    judged = report(history, late_max=timedelta(seconds=arguments.late))
    print(", ".join(f"{count} {way}" for way, count in sorted(rewriting.counts.items())))
    print(f"reloads that were taken: {spread(sorted(rewriting.taken_s))}")
    print_all(scene, judged)
    return 1 if judged.findings else 0


if __name__ == "__main__":
    sys.exit(main())

"""Stops a real daemon under load at random moments, also while it starts, and looks what is left.

python scripts/soak/stopping.py [--stops 500] [--seed 0] [--tasks 100] [--late 1]

Nothing may start after SIGTERM; the end comes within stop_timeout + 7 s, and at once after a second
signal; no process is left, and no run file but those of runs that the next start accounts for.
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
from daemon.scene import Scene
from daemon.stopping import SETTING, WITHIN_S, Stopping


def main() -> int:
    """Stop so often, then judge."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--stops", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--tasks", type=int, default=100)
    parser.add_argument("--late", type=float, default=1, help="seconds that are late")
    arguments = parser.parse_args()
    random = Random(arguments.seed)
    folder = Path(tempfile.mkdtemp(prefix="linod-"))
    with Scene(folder, mixture(arguments.tasks, random), SETTING) as scene:
        stopping = Stopping(scene, random)
        for _ in range(arguments.stops):
            stopping.step()
        stopping.finish()
    judged = report(scene.history(), late_max=timedelta(seconds=arguments.late))
    print(f"from SIGTERM to the end: {spread(sorted(stopping.once_s))}")
    print(f"with a second one at once: {spread(sorted(stopping.twice_s))}")
    print_all(scene, judged)
    is_slow = max(stopping.once_s + stopping.twice_s) > WITHIN_S
    return 1 if judged.findings or is_slow else 0


if __name__ == "__main__":
    sys.exit(main())

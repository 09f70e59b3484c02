"""Plays seeds until the checker finds something: `python -m simulation.hunting FIRST COUNT`.

Run with a linod in which a bug is planted: exit 1 and what was found, or 0 where nothing was.
A crash of the engine is found as well.
"""

from __future__ import annotations

import sys
from datetime import timedelta

from .playing import play
from .world import FAIR, STORM

LENGTH = timedelta(minutes=15)
WEATHERS = (FAIR, STORM)
"""In turn: some bugs need much to go wrong at once, others need time in which little does."""


def hunt(first: int, number: int) -> str | None:
    """Play some seeds; say what was found first."""
    for seed in range(first, first + number):
        try:
            found = play(seed, LENGTH, WEATHERS[seed % len(WEATHERS)]).findings
        except Exception as error:  # noqa: BLE001 - whatever a planted bug leads to
            return f"seed {seed}: {type(error).__name__}: {error}"[:300]
        if found:
            return f"seed {seed}: {found[0]}"
    return None


if __name__ == "__main__":
    told = hunt(int(sys.argv[1]), int(sys.argv[2]))
    print(told or "nothing was found")
    sys.exit(1 if told else 0)

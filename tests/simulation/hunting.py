"""Plays seeds until the checker finds something: `python -m simulation.hunting FIRST COUNT`.

Run with a linod in which a bug is planted: exit 3 and what was found, or 0 where nothing was.
A crash of the engine is found as well, and so is one that goes on for ever. Any other exit says
that nothing was played.
"""

from __future__ import annotations

import signal
import sys
from datetime import timedelta
from typing import NoReturn

from .playing import play
from .world import FAIR, STORM

LENGTH = timedelta(minutes=15)
WEATHERS = (FAIR, STORM)
"""In turn: some bugs need much to go wrong at once, others need time in which little does."""
FOUND = 3
SEED_WITHIN_S = 300
"""A seed takes seconds: by that an engine is known that does not come back from one settle."""


def hunt(first: int, number: int) -> str | None:
    """Play some seeds; say what was found first."""
    for seed in range(first, first + number):
        signal.alarm(SEED_WITHIN_S)
        try:
            found = play(seed, LENGTH, WEATHERS[seed % len(WEATHERS)]).findings
        except Exception as error:  # noqa: BLE001 - whatever a planted bug leads to
            return f"seed {seed}: {type(error).__name__}: {error}"[:300]
        if found:
            return f"seed {seed}: {found[0]}"
    return None


def _give_up(_number: int, _frame: object) -> NoReturn:
    raise TimeoutError(f"it did not end within {SEED_WITHIN_S} s")


if __name__ == "__main__":
    signal.signal(signal.SIGALRM, _give_up)
    told = hunt(int(sys.argv[1]), int(sys.argv[2]))
    print(told or "nothing was found")
    sys.exit(FOUND if told else 0)

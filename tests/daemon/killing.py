"""kill -9 of the daemon at random moments, also while it starts."""

from __future__ import annotations

import time
from random import Random

from .leavings import check_nothing_is_left
from .scene import Scene


def play(scene: Scene, random: Random, length_s: float, every_s: float) -> None:
    """Kill for so long, and stop in order at last."""
    limit = time.monotonic() + length_s
    scene.start()
    scene.await_decision()
    while time.monotonic() < limit:
        scene.live(random.expovariate(1 / every_s))
        scene.kill()
        scene.start()
    scene.await_decision()
    assert scene.stop() == 0
    check_nothing_is_left(scene)

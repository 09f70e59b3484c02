"""Hand-overs from daemon to daemon at random moments."""

from __future__ import annotations

from random import Random

from .leavings import check_nothing_is_left
from .scene import Scene


def hand_over_again_and_again(scene: Scene, times: int, random: Random, every_s: float) -> None:
    """Hand over so often, and stop in order at last."""
    scene.start()
    scene.await_decision()
    for _ in range(times):
        scene.live(random.expovariate(1 / every_s))
        scene.hand_over()
        scene.await_decision()
    assert scene.stop() == 0
    check_nothing_is_left(scene)

"""SIGTERM at random moments, also while it starts; at times a second one."""

from __future__ import annotations

from random import Random
from signal import SIGTERM

from .leavings import check_nothing_is_left
from .scene import Scene

STOP_TIMEOUT_S = 1.0
SETTING = f'stop_timeout = "{STOP_TIMEOUT_S} seconds"\n'
WITHIN_S = STOP_TIMEOUT_S + 7
DECIDING = 0.7
"""So many are stopped after they began to decide, the others while they start, or early."""
LIVES_S = (0.05, 0.2, 0.7, 1.5, 3.0)
"""On average."""


class Stopping:
    """Stops a scene again and again, and looks at what is left."""

    def __init__(self, scene: Scene, random: Random) -> None:
        self._scene = scene
        self._random = random
        self.once_s: list[float] = []
        """From SIGTERM to the end."""
        self.twice_s: list[float] = []
        """From the first to the end, where a second one followed at once."""

    def step(self) -> None:
        """Start, live, stop, look."""
        scene, random = self._scene, self._random
        scene.start()
        if not scene.lives or random.random() < DECIDING:
            scene.await_decision()
        scene.live(random.expovariate(1 / random.choice(LIVES_S)))
        signals = random.choice([1, 1, 2])
        # Before it has its handlers a signal ends it as it ends any process.
        assert scene.stop(signals) in (0, -SIGTERM)
        taken = self.once_s if signals == 1 else self.twice_s
        taken.append((scene.lives[-1].gone - scene.lives[-1].ending).total_seconds())
        check_nothing_is_left(scene)

    def finish(self) -> None:
        """Let a last daemon take over what is left, and see that nothing is."""
        self._scene.start()
        self._scene.await_decision()
        assert self._scene.stop() == 0
        check_nothing_is_left(self._scene)

"""Stops under load: nothing starts any more, nothing is left, the next start goes on.

`scripts/soak/run stopping` does it five hundred times.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from random import Random

import pytest

from checker import report

from .mixture import mixture
from .scene import Scene
from .stopping import SETTING, WITHIN_S, Stopping

SLOWER_S = 5.0
"""Other tests keep the machine busy."""


@pytest.mark.timeout(300)
def test_twelve_stops_under_load_leave_nothing_and_lose_nothing(tmp_path: Path) -> None:
    random = Random(2)
    with Scene(tmp_path, mixture(40, random), SETTING) as scene:
        stopping = Stopping(scene, random)
        for _ in range(12):
            stopping.step()
        stopping.finish()

    judged = report(scene.history(), late_max=timedelta(seconds=SLOWER_S))

    assert [str(each) for each in judged.findings] == []
    assert max(stopping.once_s + stopping.twice_s) < WITHIN_S + SLOWER_S

"""kill -9 of the daemon at random moments: what the checker finds in its history is nothing.

`scripts/soak/run killing` plays an hour of it.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from random import Random

import pytest

from checker import report

from .killing import play
from .mixture import mixture
from .scene import Scene

LENGTH_S = 30.0
LATE_MAX = timedelta(seconds=5)
"""Other tests keep the machine busy: how late it is on a quiet one the soak measures."""


@pytest.mark.timeout(180)
def test_in_half_a_minute_of_kills_nothing_is_missed_doubled_or_undecided(tmp_path: Path) -> None:
    with Scene(tmp_path, mixture(40, Random(1))) as scene:
        play(scene, Random(1), LENGTH_S, every_s=4.0)

    judged = report(scene.history(), late_max=LATE_MAX)

    assert [str(each) for each in judged.findings] == []
    assert len(scene.lives) > 3
    assert judged.counts.occurrences >= 200

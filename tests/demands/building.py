"""What the tests of the engine share, for the cases of this folder too."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from engine import asking
from engine.building import (
    World,
    at,
    build_chain,
    build_task,
    changes,
    dues,
    ended,
    members,
    names,
    only,
    started,
    starts,
)
from engine.conftest import world

__all__ = [
    "World",
    "asking",
    "at",
    "build_chain",
    "build_task",
    "changes",
    "dues",
    "ended",
    "members",
    "names",
    "only",
    "started",
    "starts",
    "world",
]

"""Add what a child found out: discovered tasks, and the problems of procedures at their place."""

from __future__ import annotations

from linod.inspection import Inspection
from linod.loader.loaded import Loaded


def complete(loaded: Loaded, inspection: Inspection) -> Loaded:
    """Add the tasks of `discover` and turn the problems found into diagnostics."""
    return loaded

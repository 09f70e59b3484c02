"""The world of the tests that ask a real engine's store."""

from __future__ import annotations

from pathlib import Path

import pytest

from .world import Build, World


@pytest.fixture
def build(tmp_path: Path) -> Build:
    """Make a world whose daemon took its configuration five seconds after T."""

    def make(toml: str) -> World:
        world = World(tmp_path, toml)
        world.adopt(5)
        return world

    return make

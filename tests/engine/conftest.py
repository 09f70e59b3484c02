"""A world for each test, in memory: a disk that is slow to sync would only slow the tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from .building import World

_MEMORY = Path("/dev/shm")


@pytest.fixture
def world() -> Iterator[World]:
    with TemporaryDirectory(dir=_MEMORY if _MEMORY.is_dir() else None) as folder:
        world = World(Path(folder) / "linod.db")
        yield world
        world.store.close()

"""A folder that every user may enter; those of pytest are for its own user alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest


@pytest.fixture
def open_folder() -> Iterator[Path]:
    with TemporaryDirectory(prefix="linod-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder

"""One way into the loader for all its tests: text in, what was loaded out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from linod.loader import Loaded, load

LoadText = Callable[..., Loaded]


@pytest.fixture
def load_text(tmp_path: Path) -> LoadText:
    """Load a text as linod.toml, with a zone set unless it sets one."""

    def load_it(text: str | bytes, environ: Mapping[str, str] | None = None) -> Loaded:
        path = tmp_path / "linod.toml"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        path.chmod(0o644)
        return load(path, {"TZ": "Europe/Tallinn"} if environ is None else environ)

    return load_it

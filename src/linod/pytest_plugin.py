"""The fixture `simulation` for pytest, which finds this file by its entry point.

The one file that imports pytest; all else is imported when a test asks for the fixture.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from linod.testing import Simulated


@pytest.fixture(scope="session")
def simulation(pytestconfig: pytest.Config) -> Callable[..., Simulated]:
    """Play a linod.toml in advance: linod.testing.simulation, from the root of the project."""
    from linod import testing

    def play(config: Any = "linod.toml", **options: Any) -> Simulated:
        is_path = isinstance(config, str) or hasattr(config, "__fspath__")
        found = pytestconfig.rootpath / config if is_path else config
        return testing.simulation(found, **options)

    return play

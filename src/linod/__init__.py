"""linod runs Python functions and commands on schedule, from one checked file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from linod.errors import LinodError
    from linod.log import connect_log
    from linod.run import Run, current_run, procedure

__version__ = "0.1.0"
__all__ = ["LinodError", "Run", "connect_log", "current_run", "procedure"]

# Public names are imported when first asked for: `linod --help` and a user's module that only
# marks its procedures should not pay for the rest.
_PLACES = {
    "LinodError": "linod.errors",
    "Run": "linod.run",
    "connect_log": "linod.log",
    "current_run": "linod.run",
    "procedure": "linod.run",
}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module 'linod' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(_PLACES[name]), name)
    globals()[name] = value
    return value

"""Everything that executes: keepers, workers, binding of arguments, the end of process trees."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from linod.executor.executor import Executor

__all__ = ["Executor"]


def __getattr__(name: str) -> Any:
    # The keeper imports its own modules of this package, not the daemon's side of it.
    if name != "Executor":
        raise AttributeError(f"module 'linod.executor' has no attribute {name!r}")
    from linod.executor.executor import Executor

    return Executor

"""Whether the code that a process has imported is still what is on disk."""

from __future__ import annotations

import os
import sys

_State = tuple[int, int]


class Sources:
    """The files of the modules that were imported until now, as they were then."""

    def __init__(self) -> None:
        self._states = {path: _state(path) for path in _files()}

    def have_changed(self) -> bool:
        """Say whether any of them was written, replaced or removed since."""
        return any(_state(path) != state for path, state in self._states.items())


def _files() -> set[str]:
    modules = list(sys.modules.values())
    found = (getattr(module, "__file__", None) for module in modules)
    return {path for path in found if isinstance(path, str)}


def _state(path: str) -> _State | None:
    try:
        state = os.stat(path)
    except OSError:
        return None
    return state.st_mtime_ns, state.st_size

"""Bring a configuration from its file to the state in which it can be served.

A composition root: it joins the loader, which never imports user code, with the executor's
children, which do nothing else. `linod check` and the daemon (start, reload) come through here.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from linod.loader import Loaded


def prepare(path: Path, environ: Mapping[str, str], is_importing: bool = True) -> Loaded:
    """Load the file, import and bind its procedures in children, and add what they found.

    Args:
        path: The main file.
        environ: Of `{ env = … }` values and LINOD_* overrides.
        is_importing: False leaves user code alone: no bindings are checked and the tasks of
            `discover` are missing.
    """
    from linod.loader import load

    loaded = load(path, environ)
    if not is_importing or loaded.config is None:
        return loaded
    from linod.executor.inspect import inspect
    from linod.loader import complete

    return complete(loaded, inspect(loaded.config))

"""The daemon: a composition root, the one place where engine, store, executor and log meet.

It alone reads the clock for the engine, adds the store's thread and carries out effects.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path


def serve(
    path: Path,
    environ: Mapping[str, str],
    write: Callable[[str], None] | None = None,
    *,
    is_replacing: bool = False,
) -> int:
    """Serve the configuration at `path` until told to stop, and return the exit code.

    Args:
        path: The main file.
        environ: Of the process; LINOD_ENABLED and LINOD_LOG_LEVEL win over the file.
        write: Gets the lines for the terminal, one or several at once; None prints them.
        is_replacing: Ask a daemon that serves the directory to make room; its runs go on.
    """
    from linod.daemon.reaper import step_down
    from linod.executor import priority
    from linod.executor.early import begun

    step_down()
    # Before anything else: while there is no daemon, the runs of the former one go on.
    priority.go_first()
    # It imports what it needs while we do.
    early = begun(environ, path.parent)
    if early is not None:
        priority.go_first(early.process.pid)
    from linod.daemon.start import serve as start

    return start(path, environ, write, is_replacing=is_replacing, early=early)

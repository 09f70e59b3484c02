"""Bring a configuration from its file to the state in which it can be served.

A composition root: it joins the loader, which never imports user code, with the executor's
children, which do nothing else. `linod check` and the daemon (start, reload) come through here.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import evolve

from linod.errors import KeyRefused
from linod.executor.early import EarlyChild, begun
from linod.inspection import Inspection, ProblemKind

if TYPE_CHECKING:
    from linod.loader import Loaded
    from linod.specs import Config


def prepare(
    path: Path,
    environ: Mapping[str, str],
    is_importing: bool = True,
    now: datetime | None = None,
    early: EarlyChild | None = None,
) -> Loaded:
    """Load the file, import and bind its procedures in children, and add what they found.

    Args:
        path: The main file.
        environ: Of `{ env = … }` values and LINOD_* overrides.
        is_importing: False leaves user code alone: no bindings are checked and the tasks of
            `discover` are missing.
        now: Aware; with it, findings tell what is past.
        early: A child that was begun already to import them; it is asked or ended.
    """
    if early is None and is_importing:
        early = begun(environ, path.absolute().parent)
    try:
        from linod.loader import load

        loaded = load(path, environ, now)
        return with_procedures(_with_log(loaded), environ, early) if is_importing else loaded
    finally:
        if early is not None:
            early.end()


def _with_log(loaded: Loaded) -> Loaded:
    """Add what would keep the log server, or a sender to one, from starting on this machine."""
    if loaded.partial is None or loaded.partial.log is None:
        return loaded
    from linod.loader import with_refusal
    from linod.log.serving import check_server

    try:
        check_server(loaded.partial)
    except KeyRefused as error:
        # What this user may not read, that of the daemon may.
        if not isinstance(error.__cause__, PermissionError):
            code = "L040" if error.place == ("log", "group") else "L046"
            return with_refusal(loaded, error.place, code, error.text)
    return loaded


def with_procedures(
    loaded: Loaded, environ: Mapping[str, str], early: EarlyChild | None = None
) -> Loaded:
    """Import and bind the procedures of what was loaded, and add what was found."""
    if loaded.partial is None or _is_distrusted(loaded):
        return loaded
    from linod.executor.inspect import inspect
    from linod.loader import complete

    completed = complete(
        loaded, _without_bindings(inspect(loaded.partial, environ=environ, early=early))
    )
    discovered = _discovered(loaded.partial, completed.partial)
    if discovered is None:
        return completed
    # Only now it is known what the file makes of a declared procedure's arguments.
    return complete(completed, inspect(discovered, environ=environ, is_discovering=False))


def _is_distrusted(loaded: Loaded) -> bool:
    """As root, what others can change is not even imported to look at it."""
    return any(found.code == "L006" for found in loaded.diagnostics)


_ARGUMENTS = frozenset(
    {ProblemKind.ARGUMENT_UNKNOWN, ProblemKind.ARGUMENT_MISSING, ProblemKind.ARGUMENT_INVALID}
)


def _without_bindings(inspection: Inspection) -> Inspection:
    """Leave out what was said of declared arguments before the file had its word on them."""
    problems = tuple(
        problem
        for problem in inspection.problems
        if problem.task is not None or problem.kind not in _ARGUMENTS
    )
    return evolve(inspection, problems=problems)


def _discovered(before: Config, after: Config | None) -> Config | None:
    """Reduce a configuration to the tasks that came with discover; None where none did."""
    if after is None:
        return None
    tasks = {name: task for name, task in after.tasks.items() if name not in before.tasks}
    return evolve(after, tasks=tasks) if tasks else None

"""Put a process that linod did not start on the log: a web server, a shell, a script of a run."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from linod.errors import ConfigurationError
from linod.log.intercept import attach, check_log
from linod.log.lines import Origin
from linod.log.plan import LogPlan
from linod.log.recorder import current


def connect_log(path: str | None = None) -> None:
    """Write this process's records to linod's log: those of loguru, of logging, and warnings.

    The file is found as the command line does: `path`, else LINOD_CONFIG, else linod.toml here or
    above, else /etc/linod/linod.toml. A second call changes nothing, and in a run of linod it is
    done already. stdout and stderr stay as they are. Other handlers and sinks stay too, except
    the one that loguru itself adds for stderr.

    Args:
        path: The linod.toml to take.

    Raises:
        LinodError: There is no linod.toml, it is wrong, or its log cannot be written.
    """
    if current() is not None:
        return
    plan = _plan(path)
    check_log(plan)
    attach(plan, _origin())


def _plan(path: str | None) -> LogPlan:
    from linod.loader import find, load  # only who connects needs a loader

    loaded = load(find(path, os.environ, Path.cwd()), os.environ)
    config = loaded.partial
    # A wrong task must not keep a web server off the log; a wrong [log] is left out of `partial`.
    if config is None or (config.log is None and loaded.fatal):
        raise ConfigurationError(f"{loaded.path} has errors: run `linod check`")
    return LogPlan.of(config, os.environ)


def _origin() -> Origin:
    """Name the program, or the run that started it as a command."""
    program = Path(sys.argv[0] if sys.argv and sys.argv[0] else sys.executable).name
    number = os.environ.get("LINOD_RUN_ID", "")
    task = os.environ.get("LINOD_TASK")
    run = int(number) if number.isascii() and number.isdigit() else None
    return Origin(program, os.getpid(), task or None, run if task else None)

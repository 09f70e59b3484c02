"""Put a process that linod did not start on the log: a web server, a shell, a script of a run."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

from attrs import evolve

from linod.errors import ConfigurationError
from linod.log.intercept import LogHandler, attach, check_log
from linod.log.lines import Origin
from linod.log.plan import LogPlan
from linod.log.recorder import current
from linod.log.sink import is_forbidden
from linod.secret_values import all_secrets
from linod.specs import SinkName


def connect_log(path: str | os.PathLike[str] | None = None) -> None:
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
    with _connecting:
        if current() is not None:
            return
        plan, secrets = _plan(None if path is None else os.fspath(path))
        origin = _origin()
        if origin.task is not None:
            plan = _without_console(plan)
        if not _is_sent(plan):
            check_log(plan)
        attach(plan, origin, secrets=secrets)


# Of threads that connect at once, one does; a child of a fork meanwhile does it for itself.
_connecting = threading.RLock()


# Its holder may be a thread that the child does not have. No function of ours: each costs pages.
os.register_at_fork(after_in_child=_connecting._at_fork_reinit)  # type: ignore[attr-defined]


class Handler(LogHandler):
    """A handler for `LOGGING` of Django and other dictConfigs: `"class": "linod.log.Handler"`.

    Making one connects the process. Its level and filters count, before those of `[log]`; a
    formatter does not.
    """

    def __init__(self, path: str | os.PathLike[str] | None = None) -> None:
        """Connect the process.

        Args:
            path: The linod.toml to take.
        """
        super().__init__()
        connect_log(path)


def _plan(path: str | None) -> tuple[LogPlan, list[str]]:
    from linod.loader import find, load  # only who connects needs a loader

    server = os.environ.get("LINOD_LOG_SOCKET")
    try:
        place = find(path, os.environ, Path.cwd())
    except ConfigurationError:
        if server and path is None and "LINOD_CONFIG" not in os.environ:
            return LogPlan.to_server(server, None, os.environ), []  # a container has no file
        raise
    loaded = load(place, os.environ)
    config = loaded.partial
    # A wrong task must not keep a web server off the log; a wrong [log] is left out of `partial`.
    if config is None or (config.log is None and loaded.fatal):
        raise ConfigurationError(f"{loaded.path} has errors: run `linod check`")
    return LogPlan.of(config, os.environ), all_secrets(config)


def _without_console(plan: LogPlan) -> LogPlan:
    """Leave out stdout and stderr of a run's command: linod reads them, and logs what comes."""
    beside = tuple(sink for sink in plan.beside if sink.name is SinkName.JOURNALD)
    return evolve(plan, beside=beside) if plan.path is not None or beside else plan


def _is_sent(plan: LogPlan) -> bool:
    """Tell whether the log server takes the records of a process that may not write the file."""
    if plan.path is None or not is_forbidden(plan.path):
        return False
    from linod.log.sending import sink_of  # only who cannot write the file needs sockets

    return sink_of(plan, "") is not None


def _origin() -> Origin:
    """Name the program, or the run that started it as a command."""
    path = Path(sys.argv[0] if sys.argv and sys.argv[0] else sys.executable)
    program = path.parent.name if path.name == "__main__.py" else path.name
    number = os.environ.get("LINOD_RUN_ID", "")
    task = os.environ.get("LINOD_TASK")
    run = int(number) if number.isascii() and number.isdigit() else None
    return Origin(program, os.getpid(), task or None, run if task else None)

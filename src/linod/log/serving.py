"""`linod log-server`: the log server of a configuration, in the foreground."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from linod.errors import ConfigurationError
from linod.loader import load
from linod.log.access import Access
from linod.log.intercept import check_log
from linod.log.plan import LogPlan
from linod.specs import Config


def serve_log(path: Path, environ: Mapping[str, str], *, is_child: bool = False) -> int:
    """Serve the log of the configuration at `path` until told to stop; return the exit code.

    Args:
        path: The main file.
        environ: Of the process; LINOD_LOG_LEVEL wins over the file.
        is_child: A daemon began it: it ends when its stdin is closed, and leaves rotation to that.
    """
    from linod.log.network import Network  # a daemon without a log server needs no TLS
    from linod.log.server import LogServer

    config = _config(path, environ)
    if config.log is None:
        raise ConfigurationError(
            f"{path} has no [log]: the console is the log, and needs no server"
        )
    plan = LogPlan.of(config, environ)
    check_log(plan)
    server = LogServer(plan, Access.of(config), Network.of(config), is_alone=not is_child)
    server.heed_signals()
    server.open()
    if is_child:
        server.stop_with(sys.stdin.fileno())
    server.run()
    return 0


def check_server(config: Config) -> None:
    """Refuse a configuration whose log server could not begin, or which names none; KeyRefused."""
    if config.log is None:
        return
    Access.of(config)
    if config.log.server is not None:
        from linod.log.sending import target_of

        target_of(LogPlan.of(config, {}))
    if config.log.listen is not None:
        from linod.log.network import Network

        Network.of(config)


def is_needed(config: Config) -> bool:
    """Tell whether a configuration has senders who cannot write the log."""
    if config.log is None or config.log.server is not None:
        return False
    return config.log.listen is not None or Access.of(config).is_needed


def _config(path: Path, environ: Mapping[str, str]) -> Config:
    loaded = load(path, environ)
    # A wrong task must keep no record out of the log.
    config = loaded.partial
    if config is None or (config.log is None and loaded.fatal):
        raise ConfigurationError(f"{loaded.path} has errors: run `linod check`")
    return config

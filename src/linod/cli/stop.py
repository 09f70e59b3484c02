"""`linod stop`: drain the daemon and wait until it is gone."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from linod.cli import Told, tell
from linod.cli._options import (
    ERRORS_FOUND,
    USAGE,
    config_option,
    json_option,
    load_usable_config,
    write,
    write_json,
)
from linod.cli._past import client_of
from linod.cli.run import INTERRUPTED

if TYPE_CHECKING:
    from linod.specs import Config

_POLL_S = 0.05
_GRACE_S = 30.0
"""Beyond stop_timeout: from TERM to KILL, and the last write to a slow disk."""


@click.command("stop")
@click.argument("task", nargs=-1, metavar="")
@config_option
@click.option(
    "--no-wait",
    "is_waiting",
    is_flag=True,
    default=True,
    flag_value=False,
    help="Do not wait until it is gone.",
)
@json_option
def command(
    config_path: str | None, task: tuple[str, ...], is_waiting: bool, is_json: bool
) -> None:
    """Stop the daemon: nothing new starts, and what runs has stop_timeout to end.

    --json prints an object: pid, is_gone.
    """
    if task:
        raise Told(f'"linod stop" stops the daemon: "linod cancel {task[0]}" ends its runs', USAGE)
    config = load_usable_config(config_path)
    pid = int(client_of(config).request("stop")["pid"])
    try:
        is_gone = is_waiting and _wait(config, pid)
    except KeyboardInterrupt:
        tell(f"pid {pid} goes on stopping")
        raise click.exceptions.Exit(INTERRUPTED) from None
    if is_json:
        write_json({"pid": pid, "is_gone": is_gone})
    else:
        write([f"stopped pid {pid}" if is_gone else f"pid {pid} is stopping"])
    if is_waiting and not is_gone:
        raise click.exceptions.Exit(ERRORS_FOUND)


def _wait(config: Config, pid: int) -> bool:
    deadline = time.monotonic() + config.linod.stop_timeout.total_seconds() + _GRACE_S
    while time.monotonic() < deadline:
        if _is_gone(config.directory, pid):
            return True
        time.sleep(_POLL_S)
    return False


def _is_gone(directory: Path, pid: int) -> bool:
    """Ask the lock, which the kernel lets go whatever becomes of the pid, and who holds it now."""
    from linod.daemon.locking import LOCK_NAME

    try:
        file = os.open(directory / LOCK_NAME, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        # A supervisor may have started the next daemon by now.
        return os.pread(file, 20, 0).strip() != str(pid).encode()
    finally:
        os.close(file)
    return True

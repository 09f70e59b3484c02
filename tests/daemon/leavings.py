"""What a daemon that is gone must not leave behind."""

from __future__ import annotations

import os
from signal import SIGTERM

from linod.executor import tree

from .building import Daemon, until
from .scene import Scene
from .told import rows_of


def check_nothing_is_left(scene: Scene) -> None:
    """No process, keeper or socket, and no run file without a run that is to be accounted for."""
    daemon = scene.daemon
    until(lambda: _living(daemon) == [], "the end of all processes")
    unfinished = {str(run.id) for run in rows_of(daemon).runs if not run.is_ended}
    assert _run_files(daemon) <= unfinished
    if daemon.process.returncode != -SIGTERM:  # it had not begun to listen, and replaced nothing
        assert daemon.keepers() == []
        assert not (daemon.directory / "linod.sock").exists()


def _run_files(daemon: Daemon) -> set[str]:
    folders = (daemon.directory / "runs").glob("*")
    return {name for folder in folders for name in os.listdir(folder)}


def _living(daemon: Daemon) -> list[int]:
    """Pids of what lives of any run."""
    wanted = str(daemon.directory.resolve())
    return [pid for pid in tree.processes() if tree.marks(pid).get("LINOD_DIRECTORY") == wanted]

"""Starts and ends the programs that are measured; what all their processes take, from /proc."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

from linod.executor import tree

POLL_S = 0.05
END_WITHIN_S = 20.0
_TICKS = os.sysconf("SC_CLK_TCK")


class Absent(Exception):  # noqa: N818 - it reads as what happened
    """A program cannot run here; the text says why."""


class Program:
    """One program in a session of its own; none of its processes is left when it is over."""

    def __init__(self, command: Sequence[str], folder: Path, **environ: str) -> None:
        self._errors = folder / "stderr"
        with self._errors.open("w") as errors, (folder / "stdout").open("w") as output:
            self._process = subprocess.Popen(
                command,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
                start_new_session=True,
                env=without_linod(os.environ) | {"PYTHONPATH": str(folder)} | environ,
            )
        self.pid = self._process.pid

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Ask it to end, as Ctrl-C does; then kill what is left."""
        below = family(self.pid)
        with suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(END_WITHIN_S)
        for pid in {*below, *family(self.pid)} & set(tree.processes()):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait()

    def is_alive(self) -> bool:
        """Say whether it has not ended by itself."""
        return self._process.poll() is None

    def complaint(self) -> str:
        """Return the last thing it said."""
        lines = self._errors.read_text(errors="replace").strip().splitlines()
        return lines[-1].strip() if lines else "it said nothing"


def linod_serve(folder: Path) -> list[str]:
    """Return the command of a daemon on the `linod.toml` in a folder."""
    return [sys.executable, "-m", "linod", "-c", str(folder / "linod.toml"), "serve"]


def without_linod(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment without what would change the daemon under measurement."""
    return {name: value for name, value in environ.items() if not name.startswith("LINOD_")}


def until(condition: Callable[[], object], limit_s: float) -> bool:
    """Poll for a condition; False if it did not come about in time."""
    limit = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > limit:
            return False
        time.sleep(POLL_S)
    return True


def family(pid: int) -> list[int]:
    """Return a process and all that lives below it."""
    table = tree.processes()
    return [each for each in (pid, *tree.descendants([pid], table)) if each in table]


def proportional_mb(pids: Iterable[int]) -> float:
    """Return the memory of processes, what they share counted in parts; in MB."""
    return sum(map(_proportional_kb, pids)) / 1024


def processor_s(pids: Iterable[int]) -> float:
    """Return the processor time of processes and of those children they have waited for."""
    return sum(_ticks(pid) for pid in pids) / _TICKS


def _proportional_kb(pid: int) -> int:
    """Return the sum over the mappings of a process, proc(5) smaps_rollup; 0 if it is gone."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    return 0


def _ticks(pid: int) -> int:
    """Return utime, stime, cutime and cstime, proc(5) stat; 0 if it is gone."""
    try:
        data = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return 0
    return sum(map(int, data[data.rindex(b")") + 2 :].split()[11:15]))

"""How much memory the processes of a run have, cheaply as long as it is little.

What they share with each other and with their keeper is counted to each of them in part (PSS).
That takes the kernel a walk through their pages, so it is asked only where the plain sum, in which
what is shared counts for each, is above the limit.
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Collection

from linod.executor.tree import Process
from linod.units import format_size

MEMORY = "memory"
# getrusage(2): kilobytes; macOS counts bytes.
MAXRSS_UNIT = 1 if sys.platform == "darwin" else 1024
_PAGE = os.sysconf("SC_PAGE_SIZE")
_PARTS = (b"Pss:", b"SwapPss:")


def weight(processes: Collection[Process], limit: int) -> int:
    """Return the bytes that they have together; exactly only where that is above the limit."""
    plain = sum(_resident(process.pid) for process in processes)
    if plain <= limit:
        return plain
    return sum(_share(process.pid) for process in processes)


def excess(used: int, limit: int) -> str:
    """Say that a run has too much, both in the unit of the limit."""
    number, unit = format_size(limit).split()
    tenths = math.ceil(10 * used / (limit / int(number)))
    return f"{MEMORY}: {tenths / 10:g} {unit} are more than its limit of {number} {unit}"


def limit_of(limit: int) -> str:
    """Say that the kernel ended a run which would have had too much."""
    return f"{MEMORY}: more than its limit of {format_size(limit)}"


def _resident(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/statm", "rb") as file:
            return int(file.read(256).split()[1]) * _PAGE
    except (OSError, IndexError):
        return 0


def _share(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/smaps_rollup", "rb") as file:
            lines = file.read(4096).splitlines()
    except OSError:
        return _resident(pid)  # that of a setuid program is not ours to read
    return 1024 * sum(int(line.split()[1]) for line in lines if line.startswith(_PARTS))

"""How much memory is left, and whether the kernel ends processes for want of it.

The kernel counts those per control group, where there is one (`memory.events` in version 2,
`memory.oom_control` in version 1), and for the machine in /proc/vmstat. A process that was killed
when none of these grew was killed by somebody else.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

_GROUPS = Path("/proc/self/cgroup")
_MACHINE = Path("/proc/vmstat")
_MEMORY = Path("/proc/meminfo")
_MOUNT = Path("/sys/fs/cgroup")
_NAME = b"oom_kill"
_LEFT = re.compile(rb"^MemAvailable: +(\d+) kB$", re.MULTILINE)


def available() -> int | None:
    """Read how many bytes may still be taken; None where the kernel does not say (proc(5))."""
    found = _LEFT.search(_text(_MEMORY))
    return None if found is None else int(found[1]) * 1024


class OutOfMemory:
    """Counts the processes that the kernel ended for want of memory."""

    def __init__(self) -> None:
        self._path = next((path for path in _paths() if count_of_kills(path) is not None), None)
        self._seen = self._count()

    def has_struck(self) -> bool:
        """Say whether it ended a process since this was asked last."""
        seen, self._seen = self._seen, self._count()
        return self._seen > seen

    def _count(self) -> int:
        return (count_of_kills(self._path) or 0) if self._path is not None else 0


def _paths() -> list[Path]:
    """List where it may be counted, the nearest first."""
    found = []
    for line in _text(_GROUPS).splitlines():
        _, controllers, path = os.fsdecode(line).split(":", 2)
        inside = path.lstrip("/")
        if not controllers:
            found.append(_MOUNT / inside / "memory.events")
        elif "memory" in controllers.split(","):
            # In a container, where the path is that outside of it, its own group is the mount.
            found += [_MOUNT / "memory" / at / "memory.oom_control" for at in (inside, "")]
    return [*found, _MACHINE]


def count_of_kills(path: Path) -> int | None:
    """Read such a file; None where it does not count."""
    for line in _text(path).splitlines():
        name, _, value = line.partition(b" ")
        if name == _NAME and value.isdigit():
            return int(value)
    return None


def _text(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""

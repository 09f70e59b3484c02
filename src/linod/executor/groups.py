"""Control groups of version 2 for runs with a limit of memory, where the kernel lends us a place.

Rules of this border:
- Groups are made only in a place that was delegated to us: marked so by systemd, or the root of a
  container's own tree. Elsewhere the tree is its manager's, even where root could write.
- The kernel gives a group with processes of its own no limits for those below it. So the first
  keeper that needs it moves what is in the place, the daemon and its keepers, one level down.
- A worker makes the group of its run and enters it; its keeper looks whether it did, and removes
  the group. What a dead keeper left behind is removed by the next one.
"""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from pathlib import Path

from attrs import frozen

from linod.executor.memory import count_of_kills

_OWN_GROUPS = Path("/proc/self/cgroup")
_MOUNT = Path("/sys/fs/cgroup")
_MARKS = ("user.delegate", "trusted.delegate")
_OF_LINOD = "linod"
_PREFIX = "linod-run-"
# Processes may fork while they are moved.
_MOVES_MAX = 20


@frozen
class Groups:
    """The place below which each run gets a group."""

    place: Path

    def enter(self, keeper: int, run: int, bytes_max: int) -> bool:
        """Put this process, and all that it starts, into a group of its own."""
        group = self._of(keeper, run)
        try:
            group.mkdir()
            _write(group / "memory.max", str(bytes_max))
            _write(group / "memory.oom.group", "1")
            with suppress(OSError):  # a kernel that does not count swap
                _write(group / "memory.swap.max", "0")
            _write(group / "cgroup.procs", "0")
        except OSError:
            with suppress(OSError):
                group.rmdir()
            return False
        return True

    def holds(self, keeper: int, run: int, pid: int) -> bool:
        """Say whether the worker of a run entered its group."""
        return str(pid) in _text(self._of(keeper, run) / "cgroup.procs").split()

    def has_struck(self, keeper: int, run: int) -> bool:
        """Say whether the kernel ended the run at its limit."""
        return bool(count_of_kills(self._of(keeper, run) / "memory.events"))

    def remove(self, keeper: int, run: int) -> None:
        """Remove the group of a run of which nothing lives."""
        with suppress(OSError):
            self._of(keeper, run).rmdir()

    def sweep(self) -> None:
        """Remove the groups in which nothing lives."""
        for group in self.place.glob(f"{_PREFIX}*"):
            with suppress(OSError):
                group.rmdir()

    def _of(self, keeper: int, run: int) -> Path:
        return self.place / f"{_PREFIX}{keeper}-{run}"


_groups: Groups | None = None


def prepare() -> Groups | None:
    """Find the place and make it ready; None where there is none. Workers forked later know it."""
    global _groups  # a process is in one place
    if _groups is None:
        place = delegated(_text(_OWN_GROUPS), _MOUNT)
        if place is not None and _lets_memory_be_limited(place):
            _groups = Groups(place)
            _groups.sweep()
    return _groups


def current() -> Groups | None:
    """Return what `prepare` found."""
    return _groups


def delegated(own_groups: str, mount: Path) -> Path | None:
    """Find the place that was delegated to the process with these groups, as /proc lists them."""
    line = next((line for line in own_groups.splitlines() if line.startswith("0::/")), None)
    if line is None:
        return None
    own = mount / line.removeprefix("0::/")
    if own in (mount, mount / _OF_LINOD):
        return mount if _is_able(mount) else None
    places = [
        place for place in (own, own.parent) if any(_has_mark(place, name) for name in _MARKS)
    ]
    return next(filter(_is_able, places), None)


def _is_able(place: Path) -> bool:
    is_able = "memory" in _text(place / "cgroup.controllers").split()
    return is_able and os.access(place / "cgroup.subtree_control", os.W_OK)


def _has_mark(place: Path, name: str) -> bool:
    with suppress(OSError, AttributeError):
        return os.getxattr(place, name) == b"1"
    return False


def _lets_memory_be_limited(place: Path) -> bool:
    """Have the groups below a place count memory; make room for them first, where needed."""
    control = place / "cgroup.subtree_control"
    for _ in range(_MOVES_MAX):
        if "memory" in _text(control).split():
            return True
        try:
            _write(control, "+memory")
        except OSError as error:
            if error.errno != errno.EBUSY:
                return False
            _move_down(place)
    return False


def _move_down(place: Path) -> None:
    below = place / _OF_LINOD
    with suppress(OSError):
        below.mkdir(exist_ok=True)
        for pid in _text(place / "cgroup.procs").split():
            with suppress(ProcessLookupError):
                _write(below / "cgroup.procs", pid)


def _write(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""

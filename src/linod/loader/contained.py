"""Whether the priority and the limits of a task can be given to its runs, as far as this user sees.

A limit that is above what the user of the runs has already is no error: it is an upper bound. But
who asks for more files than usual should know that there are not more.
"""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from functools import cache

from attrs import frozen

from linod.rlimits import RLIMITS
from linod.specs import Task

_ROOT = (None, "root")
# Where RLIMIT_NICE counts from, setrlimit(2).
_NICE_CEILING = 20
# Bits of CapEff, capabilities(7).
_SYS_NICE, _SYS_RESOURCE = 23, 24


@frozen(kw_only=True)
class Powers:
    """What the user of linod may do."""

    is_root: bool
    may_nice: bool
    """Give any priority."""
    may_limit: bool
    """Raise a hard limit."""


@cache
def powers() -> Powers:
    """Look at our own capabilities: root may lack some, in a container."""
    is_root = os.geteuid() == 0
    held = _capabilities(-1 if is_root else 0)
    return Powers(
        is_root=is_root,
        may_nice=bool(held >> _SYS_NICE & 1),
        may_limit=bool(held >> _SYS_RESOURCE & 1),
    )


def without_effect(task: Task, own: Powers) -> Iterator[tuple[tuple[str, ...], str, str]]:
    """Say what cannot be given to the runs of a task, or does nothing: keys, code, sentence."""
    is_other = own.is_root and task.user not in _ROOT
    # Another user's keeper may only take what a limit lets it take.
    may_nice = own.may_limit if is_other else own.may_nice
    if not may_nice and task.nice is not None and task.nice < (least := _least_nice()):
        message = f"nice has no effect: linod may not raise the priority from {least}"
        yield ("nice",), "L095", message
    if own.is_root and not is_other and task.limits.processes is not None:
        message = "limits.processes has no effect: the kernel does not count those of root"
        yield ("limits", "processes"), "L094", message
    if own.may_limit and not is_other:
        return
    for name, number in RLIMITS.items():
        value, most = getattr(task.limits, name), resource.getrlimit(number)[1]
        if value is not None and most != resource.RLIM_INFINITY and value > most:
            message = f"limits.{name} has no effect: linod may not raise it from {most}"
            yield ("limits", name), "L095", message


def _least_nice() -> int:
    """Return the highest priority that we may have: our own, or what RLIMIT_NICE lets us take."""
    own = os.getpriority(os.PRIO_PROCESS, 0)
    if not hasattr(resource, "RLIMIT_NICE"):
        return own
    allowed = resource.getrlimit(resource.RLIMIT_NICE)[0]
    return own if allowed < 0 else min(own, _NICE_CEILING - allowed)


def _capabilities(unknown: int) -> int:
    try:
        with open("/proc/self/status") as file:
            lines = [line for line in file if line.startswith("CapEff:")]
    except OSError:
        return unknown
    return int(lines[0].split()[1], 16) if lines else unknown

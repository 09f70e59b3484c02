"""What contains a run: umask, priority and limits, set in its worker before user code.

Rules of this border:
- Nothing is done for a key that the task does not use; each costs a system call or two.
- A limit is an upper bound: where the user of the run has a lower one, that stays. What only root
  may do is passed over; check has said so.
- Memory is no resource limit here: RLIMIT_AS counts what was reserved, not what is used. Where
  the kernel lends us a group for it the run enters one, elsewhere its keeper weighs it.
"""

from __future__ import annotations

import math
import os
import resource
import signal
from contextlib import suppress
from datetime import timedelta

from linod.executor import groups
from linod.executor.messages import TaskSpec
from linod.executor.weighing import MEMORY
from linod.rlimits import RLIMITS
from linod.units import format_duration, format_size

CPU_TIME, FILE_SIZE = "cpu_time", "file_size"
# A process that ignores SIGXCPU may use so much more before the kernel ends it.
_CPU_GRACE_S = 5
_SIGNALS = {"SIGXCPU": CPU_TIME, "SIGXFSZ": FILE_SIZE}
# A shell gives the signal that ended its last command as an exit status.
_STATUS_OF_SIGNALS = 128


def contain(spec: TaskSpec, run: int | None) -> None:
    """Set what the task says of its processes; `run` is None where there will be several."""
    if spec.umask is not None:
        os.umask(spec.umask)
    if spec.nice is not None:
        with suppress(PermissionError):
            os.setpriority(os.PRIO_PROCESS, 0, spec.nice)
    for name, value in spec.limits.items():
        if name == MEMORY and run is not None and (found := groups.current()) is not None:
            found.enter(os.getppid(), run, value)
        elif name == CPU_TIME and run is not None:
            _limit(resource.RLIMIT_CPU, value, value + _CPU_GRACE_S)
        elif name in RLIMITS:
            _limit(RLIMITS[name], value, value)


def limit_cpu_time(spec: TaskSpec) -> None:
    """Limit the processor time of the next of several runs of this process."""
    if CPU_TIME not in spec.limits:
        return
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = math.ceil(used.ru_utime + used.ru_stime) + spec.limits[CPU_TIME]
    # The hard limit stays: who lowers it cannot raise it for the run after this one.
    _limit(resource.RLIMIT_CPU, soft, resource.getrlimit(resource.RLIMIT_CPU)[1])


def _limit(number: int, soft: int, hard: int) -> None:
    try:
        resource.setrlimit(number, (soft, hard))
    except (ValueError, OSError):  # only root may raise what is lower already
        _, most = resource.getrlimit(number)
        if most != resource.RLIM_INFINITY:
            with suppress(ValueError, OSError):
                resource.setrlimit(number, (min(soft, most), most))


def limit_passed(spec: TaskSpec, detail: dict[str, object]) -> str | None:
    """Name the limit for which the kernel ends a process in this way, if the task has it."""
    name = _SIGNALS.get(str(detail.get("signal") or _signal_of(detail.get("exit_status"))))
    if name is None or name not in spec.limits:
        return None
    return f"{name}: more than its limit of {format_limit(name, spec.limits[name])}"


def _signal_of(status: object) -> str | None:
    if not isinstance(status, int) or status <= _STATUS_OF_SIGNALS:
        return None
    with suppress(ValueError):
        return signal.Signals(status - _STATUS_OF_SIGNALS).name
    return None


def format_limit(name: str, value: int) -> str:
    """Write a limit as the file would."""
    return format_duration(timedelta(seconds=value)) if name == CPU_TIME else format_size(value)

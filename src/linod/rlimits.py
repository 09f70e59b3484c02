"""The limits of a task that the kernel keeps for each process, setrlimit(2)."""

from __future__ import annotations

import resource

RLIMITS = {
    "open_files": resource.RLIMIT_NOFILE,
    "processes": resource.RLIMIT_NPROC,
    "file_size": resource.RLIMIT_FSIZE,
    "core": resource.RLIMIT_CORE,
}
"""By key of `limits`; cpu_time has a soft and a hard one, and memory is none of them."""

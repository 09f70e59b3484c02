"""How many files a keeper may have open: four for each run, five for each worker that waits.

The usual limit of 1,024 would be the end of some two hundred runs at once. It is soft: a process
may raise it for itself, and its runs get back what it was, since old programs count on it.
"""

from __future__ import annotations

import resource
from contextlib import suppress

_FILES_MAX = 65_536

Limit = tuple[int, int]
"""Soft and hard."""


def raise_limit() -> Limit:
    """Raise that of this process as far as it may; return what it was."""
    former = soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES_MAX if hard == resource.RLIM_INFINITY else min(_FILES_MAX, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return former


def lower_limit(limit: Limit) -> None:
    """Set what it was; what is open stays open."""
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, limit)

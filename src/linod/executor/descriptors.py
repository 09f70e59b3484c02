"""How many files a keeper may have open: four for each run, six for each worker that waits.

The usual limit of 1,024 would be the end of some two hundred runs at once. It is soft: a process
may raise it for itself, and its runs get back what it was, since old programs count on it.
"""

from __future__ import annotations

import resource
from collections.abc import Iterable
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


def limit() -> int:
    """Say how many files this process may have open."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _FILES_MAX if soft == resource.RLIM_INFINITY else soft


def lower_limit(limit: Limit) -> None:
    """Set what it was; what is open stays open."""
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, limit)


def bits(descriptors: Iterable[int]) -> int:
    """Give a set of descriptors as a number with these bits: thousands are joined at once."""
    found = 0
    for number in descriptors:
        found |= 1 << number
    return found


def ranges(bits: int) -> list[tuple[int, int]]:
    """Give the ranges [first, end) of such a set, in their order."""
    found: list[tuple[int, int]] = []
    while bits:
        first = (bits & -bits).bit_length() - 1
        after = ~(bits >> first)
        end = first + (after & -after).bit_length() - 1
        found.append((first, end))
        bits = bits >> end << end
    return found

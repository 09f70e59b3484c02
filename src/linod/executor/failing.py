"""What a failure tells: its reason, and the names that `retry.on` is compared with.

Rules of this border:
- An exception is known by its own name and by those of its bases, each as `ConnectionError` and
  as `requests.exceptions.ConnectionError`; where a package above offers the same class, as
  `requests.ConnectionError` too.
- A group is known by its own names, and by those that all exceptions in it have in common.
- The names are bounded: a message has room for them, whatever user code calls its classes.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from linod.events import Outcome

NAMES_MAX = 60
"""Exceptions of large libraries have about ten bases, each with two or three names."""
NAME_MAX = 120
"""Characters of one name; a longer one is left out, for cut off it would name something else."""


def failure(reason: str, error: BaseException | None = None, **detail: Any) -> dict[str, Any]:
    """Build the end of a run that failed, with the names of the exception that it failed with."""
    named = {} if error is None else naming(error)
    return {"outcome": str(Outcome.FAILED), "reason": reason, "detail": {**named, **detail}}


def naming(error: BaseException) -> dict[str, Any]:
    """Name an exception and its bases."""
    kind = type(error)
    exception = f"{kind.__module__}.{kind.__qualname__}"
    return {"exception": exception[:NAME_MAX], "bases": _names(error)}


def _names(error: BaseException) -> list[str]:
    kinds = _kinds(error)
    short = (kind.__name__ for kind in kinds)
    full = (path for kind in kinds for path in _paths(kind))
    names = dict.fromkeys(name for name in (*short, *full) if len(name) <= NAME_MAX)
    return list(names)[:NAMES_MAX]


def _kinds(error: BaseException) -> list[type]:
    """List its class and bases, the nearest first, without `object`."""
    kinds = list(type(error).__mro__)
    if isinstance(error, BaseExceptionGroup):
        first, *others = _members(error)
        kinds += [kind for kind in first.__mro__ if all(kind in other.__mro__ for other in others)]
    return [kind for kind in dict.fromkeys(kinds) if kind is not object]


def _members(group: BaseExceptionGroup[BaseException]) -> list[type[BaseException]]:
    """List the classes of the exceptions in a group and in the groups in it."""
    kinds: dict[type[BaseException], None] = {}
    left: list[BaseException] = [group]
    while left:
        error = left.pop()
        if isinstance(error, BaseExceptionGroup):
            left += error.exceptions
        else:
            kinds[type(error)] = None
    return list(kinds)


def _paths(kind: type) -> Iterator[str]:
    """Give the dotted names of a class: where it is made, and where packages above offer it."""
    module = str(kind.__module__)
    yield f"{module}.{kind.__qualname__}"
    while "." in module[:NAME_MAX]:
        module = module.rpartition(".")[0]
        # Not by getattr: a module may import others when it is asked for a name.
        offered = getattr(sys.modules.get(module), "__dict__", {})
        if offered.get(kind.__name__) is kind:
            yield f"{module}.{kind.__name__}"

"""What is done around each run, in its worker: told by whoever sets up a keeper."""

from __future__ import annotations

from collections.abc import Callable

from attrs import frozen


@frozen
class Around:
    """One thing that a run needs before and after it."""

    before: Callable[[], None]
    """Called in the worker before user code; whatever it does, it does not raise."""
    after: Callable[[], None]
    """Called in the worker when user code has ended, and in a keeper before it forks."""


_known: list[Around] = []


def add(around: Around) -> None:
    """Do this around each run of this process and of those that it forks."""
    _known.append(around)


def before() -> None:
    """Make ready for a run."""
    for each in _known:
        each.before()


def after() -> None:
    """Clear up."""
    for each in reversed(_known):
        each.after()

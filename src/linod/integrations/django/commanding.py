"""What `manage.py linod` does: calls linod's command line, with the project's linod.toml."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

from linod.integrations.django import bridge

_OF_MANAGE = ("--settings", "--pythonpath")
"""Options that manage.py has taken already, wherever they stand."""


def call(words: list[str]) -> None:
    """Call the command line; it exits as `linod` does.

    The file is that of `-c`, else that of LINOD_CONFIG in the environment, else that of
    LINOD_CONFIG in the settings, else linod.toml in BASE_DIR, else what `linod` finds.
    """
    from linod.cli import main

    main(args=[*_file(), *_without(words)], prog_name="manage.py linod")


def _file() -> list[str]:
    if os.environ.get("LINOD_CONFIG"):
        return []
    found = bridge.project_file("linod.toml", "LINOD_CONFIG")
    return [] if found is None else ["-c", found]


def _without(words: Iterable[str]) -> Iterator[str]:
    """Leave out what is meant for manage.py."""
    left = iter(words)
    for word in left:
        if word in _OF_MANAGE:
            next(left, None)
        elif not word.startswith(tuple(f"{option}=" for option in _OF_MANAGE)):
            yield word

"""The values that a configuration calls secret: linod masks them in all it writes. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from linod.specs import Config, Reference, Task

_PLACES = ("env", "file_env", "import_env", "arguments", "command", "shell", "manage")


def secrets_of(task: Task) -> list[str]:
    """List the secret values that a task hands to its runs."""
    return sorted(set(secrets_in([getattr(task, name) for name in _PLACES])))


def all_secrets(config: Config) -> list[str]:
    """List those of all tasks."""
    return sorted({secret for task in config.tasks.values() for secret in secrets_of(task)})


def secrets_in(values: Iterable[Any]) -> Iterable[str]:
    """Find secret values in tables and lists."""
    for value in values:
        if isinstance(value, Reference):
            if value.is_secret and value:
                yield str(value)
        elif isinstance(value, dict):
            yield from secrets_in(value.values())
        elif isinstance(value, list | tuple):
            yield from secrets_in(value)

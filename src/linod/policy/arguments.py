"""What a run is given, as one line for people; secrets are masked."""

from __future__ import annotations

import shlex
from typing import Any

from linod.specs import Reference, Task

ARGUMENTS_MAX = 1000
"""Characters of a run's arguments that the history keeps."""


def arguments_text(task: Task) -> str:
    """Write what a run is given, as one line for people; secrets are masked."""
    if task.command is not None:
        text = shlex.join(_shown(part) for part in task.command)
    elif task.shell is not None:
        text = _shown(task.shell)
    else:
        text = ", ".join(f"{name} = {_value(value)}" for name, value in task.arguments.items())
    line = " ".join(part.strip() for part in text.splitlines())
    return line if len(line) <= ARGUMENTS_MAX else line[: ARGUMENTS_MAX - 1] + "…"


def _value(value: Any) -> str:
    if isinstance(value, str):
        shown = _shown(value)
        return shown if shown is not value else repr(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_value(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_value, value)) + "]"
    return str(value)


def _shown(text: str) -> str:
    return "***" if isinstance(text, Reference) and text.is_secret else text

"""Whether the program and the directory that a task names are there, as far as this user sees."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import lru_cache
from shutil import which

from linod.specs import Task


def missing(task: Task, folder: str, path: str | None) -> Iterator[tuple[str, str]]:
    """Say what is not there: the key and a sentence.

    A task of another user is passed over: what that user sees is not known here.

    Args:
        task: The task.
        folder: Where it runs if it names no directory.
        path: PATH of the environment.
    """
    if task.user is not None:
        return
    if task.directory is not None and not _is_directory(str(task.directory)):
        yield "directory", f"there is no directory {task.directory}"
    elif task.command:
        here = folder if task.directory is None else str(task.directory)
        program = task.command[0]
        if not _is_program(program, here, {**task.file_env, **task.env}.get("PATH", path)):
            where = "" if "/" in program else " in PATH"
            yield "command", f'there is no program "{program}"{where}'


@lru_cache(4096)
def _is_directory(path: str) -> bool:
    return os.path.isdir(path)


@lru_cache(4096)
def _is_program(program: str, here: str, path: str | None) -> bool:
    if "/" in program:
        return os.path.exists(os.path.join(here, program))
    return which(program, path=path) is not None

"""The files that `env_file` names: read when linod starts or reloads, and put into the tasks.

They are judged like the configuration (who can write them decides what runs) and like secrets (who
can read them knows them).
"""

from __future__ import annotations

import os
import stat
from pathlib import Path as FilePath

import attrs

from linod.diagnostics import Diagnostic, Place
from linod.loader.files import decode, distrust, read_bounded, state_of
from linod.loader.loaded import Kept
from linod.loader.refusal import Refused
from linod.loader.source import distrusted_code, shown_beside
from linod.loader.telling import Owner, Telling
from linod.loader.variables import parse_variables
from linod.specs import Config, Reference, Task

SIZE_MAX = 64 * 1024
"""As of a secret; what is larger is the wrong file."""
_ADVICE = "chmod go-w, or chown"


def read_env_files(config: Config, kept: Kept) -> Config:
    """Read them, and put their variables into the tasks that name them."""
    telling = Telling(config, kept)
    entries = kept.entries
    tasks = {
        name: with_variables(task, telling, entries["tasks", name])
        for name, task in config.tasks.items()
    }
    return attrs.evolve(config, tasks=tasks)


def with_variables(task: Task, telling: Telling, owner: Owner) -> Task:
    """Put the variables of its file into a task; tell at its key what is wrong with the file."""
    path = task.env_file
    if path is None:
        return task
    known = telling.kept.variables
    if path not in known:
        known[path] = _read(path, telling, owner)
    elif known[path] is None:
        _read(path, telling, owner)
    return attrs.evolve(task, file_env=known[path] or {})


def _read(path: FilePath, telling: Telling, owner: Owner) -> dict[str, str] | None:
    """Read a file; None, told at the key, where it cannot be or must not be."""
    uid = os.geteuid()
    where = ("env_file",)
    telling.kept.states[path] = state_of(path)
    try:
        data = read_bounded(path, SIZE_MAX)
        reason = distrust(path, uid, os.getegid())
        if reason is not None:
            shown = reason.replace("the file", str(path), 1)
            code = distrusted_code(uid)
            telling.add(owner, where, code, f"env_file: {shown}", help=_ADVICE)
            if uid == 0:
                return None
        text = decode(data)
    except Refused as refused:
        message = f"env_file: {path}: {refused.reason}"
        telling.add(owner, where, refused.code, message, help=refused.help)
        return None
    if os.stat(path).st_mode & stat.S_IROTH:
        message = f"env_file: everyone on this machine can read {path}"
        telling.add(owner, where, "L085", message, help=f"chmod o-r {path}")
    return _variables(path, text, telling.kept)


def _variables(path: FilePath, text: str, kept: Kept) -> dict[str, str]:
    """Take the lines; what is wrong is told at its line, which is not shown: it may be secret."""
    found = parse_variables(text)
    shown = shown_beside(kept.sources[0], path)
    for wrong in found.wrong:
        place = Place(file=shown, line=wrong.line)
        told = Diagnostic("L079", wrong.reason, place, help=wrong.help)
        kept.findings.diagnostics.append(told)
    source = {"file": str(path)}
    return {name: Reference(value, source, is_secret=True) for name, value in found.values.items()}

"""What `linod loop` makes of its arguments: a configuration such as a person would write.

Rules of this border:
- Nothing is read or written: the words of the command in, TOML text and its places out.
- A loop is known by its functions, in order: where it lives follows from them, not from where
  it is called, so that the same loop started elsewhere finds the one that goes on.
"""

from __future__ import annotations

import hashlib
import re
import shlex
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from attrs import evolve, frozen

from linod.diagnostics import Diagnostic, Place
from linod.loader.naming import NAME_MAX
from linod.loader.places import Path as Keys
from linod.loader.places import Places
from linod.loader.source import Source
from linod.specs import LogLevel
from linod.toml import table_text
from linod.units import format_duration

LOOP = "loop"
"""The name of the chain, where none is given."""
WRITTEN_BY = "# Written by linod loop, and anew at each start: to change it, serve a copy of it.\n"
"""First line of its file; a file without it is not overwritten."""
_FOLDER_MAX = 100
"""Bytes of a folder's name: most file systems take 255."""


@frozen(kw_only=True)
class Loop:
    """The arguments of `linod loop`, each as its type."""

    paths: tuple[str, ...]
    file: Path
    """Where the configuration will stand; store, lock and socket are beside it."""
    folder: Path
    """Working directory of the functions."""
    zone: str
    name: str = LOOP
    success: timedelta | None = None
    failure: timedelta | None = None
    timeout: timedelta | None = None
    stop_timeout: timedelta | None = None
    log_level: LogLevel | None = None
    import_path: tuple[Path, ...] = ()
    """Empty: the folder."""
    setup: tuple[str, ...] = ()
    is_once: bool = False

    def source(self) -> Source:
        """Give what the loader reads, with the words of the command as places."""
        command = CommandLine()
        for path, name in self.names.items():
            command.add(path, ("tasks", name))
        for index, each in enumerate(self.import_path):
            command.add(f"--import-path={each}", ("linod", "import_path", index))
        for index, path in enumerate(self.setup):
            command.add(f"--setup={path}", ("linod", "setup", index))
        return Source(self.file, command.shown, self.document(), command)

    def text(self) -> str:
        """Write the file."""
        document = self.document()
        tables = [table_text((name,), document[name]) for name in ("linod", "defaults")] + [
            table_text((group, name), table)
            for group in ("tasks", "chains")
            for name, table in document[group].items()
        ]
        return "\n".join([WRITTEN_BY, *tables])

    def document(self) -> dict[str, Any]:
        """Give the tables of the file."""
        names = self.names
        return {
            "linod": _given(
                timezone=self.zone,
                store="linod.db",
                import_path=[str(path) for path in self.import_path or (self.folder,)],
                setup=list(self.setup),
                stop_timeout=_duration(self.stop_timeout),
            ),
            "defaults": _given(
                directory=str(self.folder),
                cooldown=_given(success=_duration(self.success), failure=_duration(self.failure)),
                timeout=_duration(self.timeout),
                log_level=None if self.log_level is None else str(self.log_level),
            ),
            "tasks": {name: {"procedure": path} for path, name in names.items()},
            "chains": {
                self.name: {
                    "tasks": list(names.values()),
                    "recurrence": "manually" if self.is_once else "continuously",
                    "on_failed": "continue",
                }
            },
        }

    @property
    def names(self) -> dict[str, str]:
        """Name each function's task: by the last part of its path, and more where that is taken."""
        return task_names(self.paths, self.name)


def _given(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value not in (None, [], {})}


def _duration(value: timedelta | None) -> str | None:
    return None if value is None else format_duration(value)


_KEYS = re.compile(r"(?:tasks|defaults|linod|chains)(?:\.[\w-]+|\[\d+\])+: ")


def as_arguments(diagnostics: Iterable[Diagnostic], folder: Path) -> list[Diagnostic]:
    """Say it to who called `linod loop` in a folder: without keys, which they did not write."""
    above = f"{folder}/"
    return [
        evolve(
            each,
            message=_KEYS.sub("", each.message, count=1),
            notes=tuple(note.replace(above, "") for note in each.notes),
        )
        for each in diagnostics
    ]


class CommandLine(Places):
    """The words of the command, and which of them each value is from."""

    def __init__(self) -> None:
        super().__init__("linod loop", "command line")
        self._spans: dict[Keys, tuple[int, int]] = {}

    def add(self, word: str, keys: Keys) -> None:
        """Add a word, from which the value of `keys` and all below it is."""
        start = len(self.text) + 1
        self.text += f" {shlex.quote(word)}"
        self._spans[keys] = (start, len(self.text))

    def of(self, path: Keys, *, is_key: bool = False) -> Place:  # noqa: ARG002
        """Find the word; what is from none is the command as a whole."""
        for length in range(len(path), 0, -1):
            if path[:length] in self._spans:
                return self.at(*self._spans[path[:length]])
        return Place(file=self.shown)


# -- names --------------------------------------------------------------------------------------


def task_names(paths: Sequence[str], taken: str) -> dict[str, str]:
    """Name a task for each path, as short as tells them apart from each other and from `taken`."""
    wanted = {path: list(_candidates(path)) for path in paths}
    # Case alone does not tell names apart: people and files mix them up.
    shared = Counter(name.lower() for names in wanted.values() for name in names)
    names: dict[str, str] = {}
    used = {taken.lower()}
    for path, candidates in wanted.items():
        free = [name for name in candidates if name.lower() not in used]
        single = next((name for name in free if shared[name.lower()] == 1), None)
        names[path] = single or _numbered(candidates[-1], used)
        used.add(names[path].lower())
    return names


def _candidates(path: str) -> Iterator[str]:
    """Give names for a path: its last part, then with one part more each, at last all of it."""
    parts = [re.sub(r"[^A-Za-z0-9_]+", "_", part) for part in path.split(".")]
    for length in range(1, len(parts) + 1):
        yield "_".join(parts[-length:])[-NAME_MAX:] or "_"


def _numbered(name: str, used: set[str]) -> str:
    """Make a name that is free, where all of a path is not enough: `a.b_c` beside `a_b.c`."""
    number, free = 1, name
    while free.lower() in used:
        number += 1
        free = f"{name[: NAME_MAX - 8]}_{number}"
    return free


def folder_name(paths: Sequence[str]) -> str:
    """Name the folder of a loop by its functions; a long name ends with a digest of them all."""
    joined = "-".join(paths)
    is_plain = all(re.fullmatch(r"\w[\w.]*", path) for path in paths)
    if is_plain and len(joined.encode()) <= _FOLDER_MAX:
        return joined
    digest = hashlib.sha256("\0".join(paths).encode(errors="surrogateescape")).hexdigest()[:12]
    start = re.sub(r"[^\w.-]", "_", joined).encode()[: _FOLDER_MAX - 13]
    return f"{start.decode(errors='ignore')}-{digest}".lstrip(".-")

"""Findings at the keys of tables, and the names that one table gives to another."""

from __future__ import annotations

from typing import Any

from attrs import define, field

from linod.diagnostics import Diagnostic
from linod.inspection import Declared
from linod.loader.loaded import Entry, Kept, defined
from linod.loader.places import Path
from linod.loader.refusal import did_you_mean, dotted
from linod.loader.source import Source
from linod.specs import Config
from linod.units import nearest

Owner = Entry | Declared
"""What names something: a table of a file, or a procedure that is declared to be a task."""


@define(eq=False)
class Telling:
    """The configuration under check, and where its findings go."""

    config: Config
    kept: Kept
    is_complete: bool = False
    """Tasks that are not known now do not exist."""
    guesses_left: int = 200
    """A guess compares with all names; nobody reads more of them."""
    told_defaults: set[tuple[Source, Path, str]] = field(factory=set)

    def add(
        self,
        entry: Owner,
        keys: Path,
        code: str,
        message: str,
        *,
        is_key: bool = False,
        **more: Any,
    ) -> None:
        """Add a finding on a key of a table; on that of [defaults], once, if it is from there."""
        if isinstance(entry, Declared):
            shown = f"@linod.procedure of {entry.described.path}: {message}"
            found = Diagnostic(code, shown, defined(entry), **more)
            self.kept.findings.diagnostics.append(found)
            return
        source, path = entry.source, entry.path
        if keys and keys[0] not in entry.table and keys[0] in source.data.get("defaults", ()):
            path = ("defaults",)
            if (source, (*path, *keys), code) in self.told_defaults:
                return
            self.told_defaults.add((source, (*path, *keys), code))
        elif keys and keys[0] not in entry.table:
            keys, is_key = (), True
        shown = f"{dotted(path)}: {message}"
        self.kept.findings.add(source, path + keys, code, shown, is_key=is_key, **more)

    @property
    def is_discovering(self) -> bool:
        """Tell whether there are tasks that are known only when procedures are imported."""
        return self.config.linod.is_discovering

    def known(self, name: str, kind: str, code: str, word: str, entry: Owner, where: Path) -> None:
        """Refuse the name of a pool or calendar that there is not."""
        if (kind, name) in self.kept.entries:
            return
        label = self._guess(name, kind)
        advice = None if label else f"[{dotted((kind, name))}] is not in any file"
        self.add(entry, where, code, f'unknown {word} "{name[:100]}"', label=label, help=advice)

    def is_known_task(self, name: str, entry: Owner, where: Path) -> bool:
        """Tell whether there is a task or chain; refuse it where there is none.

        A task of `discover` is known only when the procedures are imported.
        """
        entries = self.kept.entries
        is_known = ("tasks", name) in entries or ("chains", name) in entries
        if is_known or name in self.config.tasks:
            return True
        if self.is_complete or not self.is_discovering:
            label = self._guess(name, "tasks")
            self.add(entry, where, "L063", f'unknown task "{name[:100]}"', label=label)
        return False

    def _guess(self, name: str, kind: str) -> str:
        if self.guesses_left == 0:
            return ""
        self.guesses_left -= 1
        return did_you_mean(
            nearest(name, (other for each, other in self.kept.entries if each == kind))
        )

"""Whether others can change what is imported: it runs as the users of the tasks.

The entries of import_path are judged like the file itself, and so are, below them, the modules
that the file names. What these import in turn is not known before it is.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path as FilePath

from attrs import define, field

from linod.loader.files import distrust, distrust_one
from linod.loader.places import Path
from linod.loader.source import Findings, Source, distrusted_code

_ADVICE = "chmod go-w, or chown"


@define
class Trust:
    """Judges folders and modules for one user; each module once."""

    import_path: tuple[FilePath, ...]
    findings: Findings
    uid: int = field(factory=os.geteuid)
    gid: int = field(factory=os.getegid)
    seen: set[FilePath | str] = field(factory=set)

    def look_at_folders(self, main: Source) -> None:
        """Judge the entries of import_path."""
        for index, path in enumerate(self.import_path):
            where = ("linod", "import_path", index)
            if not path.exists():
                self.findings.add(main, where, "L087", f"import_path: {path} does not exist")
            elif (reason := self._of_folder(path)) is not None:
                self._tell(main, where, f"import_path: {reason}")

    def look_at_module(self, source: Source, where: Path, module: str) -> None:
        """Judge the files that importing a module reads."""
        if module in self.seen:
            return
        self.seen.add(module)
        for path in _files_of(module, self.import_path):
            if path in self.seen:
                continue
            self.seen.add(path)
            reason = _of_file(path, self.uid, self.gid)
            if reason is not None:
                self._tell(source, where, f"{path} {reason}")

    def _of_folder(self, path: FilePath) -> str | None:
        # A sticky bit keeps others from our files, but not from adding a module of their own.
        if path.is_dir() and (reason := distrust_one(os.stat(path), self.uid, self.gid, False)):
            return f"the directory {path} {reason}"
        return distrust(path, self.uid, self.gid)

    def _tell(self, source: Source, where: Path, message: str) -> None:
        self.findings.add(source, where, distrusted_code(self.uid), message, help=_ADVICE)


def _of_file(path: FilePath, uid: int, gid: int) -> str | None:
    try:
        return distrust_one(os.stat(path), uid, gid, False)
    except (OSError, ValueError):
        return None


def _files_of(module: str, import_path: Iterable[FilePath]) -> Iterator[FilePath]:
    """Give what a dotted name may be on the import path: packages on the way, and the module."""
    for folder in import_path:
        place = folder
        for part in module.split("."):
            place = place / part
            yield place.with_name(f"{part}.py")
            if not place.is_dir():
                break
            yield place
            yield place / "__init__.py"

"""Which files `include` means: globs, relative to the main file, in order of name."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator
from pathlib import Path as FilePath

from linod.loader.source import Findings, Source

FILES_MAX = 1_000
"""More are generated, and belong into fewer files."""


def included(
    source: Source, patterns: tuple[str, ...], findings: Findings
) -> Iterator[tuple[FilePath, int]]:
    """Give each file once, with the index of the pattern that names it."""
    seen: set[FilePath] = set()
    for index, pattern in enumerate(patterns):
        where = ("linod", "include", index)
        paths = _matching(source.directory, pattern)
        if not paths:
            findings.add(source, where, "L089", f'no file matches "{pattern}"')
        for path in paths:
            # Path.resolve raises for a link to itself; reading tells it better.
            real = FilePath(os.path.realpath(path))
            if (reason := _why_not(path, real, source)) is not None:
                findings.add(source, where, "L005", reason)
            elif len(seen) == FILES_MAX and real not in seen:
                findings.add(source, where, "L005", f"more than {FILES_MAX:,} files are included")
                return
            elif real not in seen:
                seen.add(real)
                yield path, index


def _matching(directory: FilePath, pattern: str) -> list[FilePath]:
    if "\0" in pattern:
        return []
    if not glob.has_magic(pattern):
        return [FilePath(os.path.normpath(directory / pattern))]
    found = glob.glob(pattern, root_dir=directory)
    return sorted(FilePath(os.path.normpath(directory / each)) for each in found)


def _why_not(path: FilePath, real: FilePath, source: Source) -> str | None:
    if real == FilePath(os.path.realpath(source.path)):
        return "the file includes itself"
    # What is no TOML would be shown, line by line, in what is said about it.
    if path.suffix != ".toml":
        return f"{path} is not named *.toml"
    return None

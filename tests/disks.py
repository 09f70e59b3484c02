"""Small file systems in memory, which can be filled; only root can mount them."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest


@contextmanager
def small_disk(path: Path, size: str) -> Iterator[Path]:
    """Mount one on a folder that is not there yet; skip the test where that is not possible."""
    path.mkdir(mode=0o700)
    command = ["mount", "-t", "tmpfs", "-o", f"mode=700,size={size}", "tmpfs", path]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("only root can mount, and not everywhere")
    try:
        yield path
    finally:
        subprocess.run(["umount", "-l", path], check=True)


def fill(disk: Path) -> Path:
    """Take all the space that is left; return the file that takes it."""
    path = disk / "filler"
    with suppress(OSError), path.open("ab", buffering=0) as filler:
        while True:
            filler.write(bytes(4096))
    return path

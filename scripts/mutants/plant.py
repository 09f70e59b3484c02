"""Makes a copy of linod with a bug in it, and has the checker hunt for it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from attrs import frozen
from planted import BUGS, Bug

TESTS = Path(__file__).parents[2] / "tests"
NOTHING, FOUND = 0, 3
"""Exits of the hunt (tests/simulation/hunting.py)."""


@frozen
class Hunted:
    """What became of a planted bug."""

    bug: Bug
    is_caught: bool
    told: str


UNCHANGED = BUGS[0]._replace(name="nothing is planted", instead=BUGS[0].text)
"""What must not be caught: where the checker finds something anyway, it would find every bug."""


def hunt(bug: Bug, source: Path, seeds: int, first: int = 0) -> Hunted:
    """Plant a bug in a copy of the package at `source`, and play seeds until it is found."""
    with TemporaryDirectory() as folder:
        plant(bug, source, Path(folder) / "linod")
        search = os.pathsep.join((folder, str(TESTS)))
        command = [sys.executable, "-m", "simulation.hunting", str(first), str(seeds)]
        done = subprocess.run(
            command,
            env={**os.environ, "PYTHONPATH": search},
            capture_output=True,
            text=True,
            check=False,
        )
    lines = (done.stdout + done.stderr).strip().splitlines()
    if done.returncode not in (NOTHING, FOUND):
        raise RuntimeError(f"{bug.name}: nothing was played: {lines[-1:]}")
    return Hunted(bug, done.returncode == FOUND, lines[-1] if lines else "")


def plant(bug: Bug, source: Path, target: Path) -> None:
    """Copy the package, with the bug in it; it must be the one place."""
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    file = target / bug.file
    text = file.read_text()
    if text.count(bug.text) != 1:
        raise ValueError(f"{bug.name}: {bug.file} has its text {text.count(bug.text)} times")
    file.write_text(text.replace(bug.text, bug.instead))

"""The checker is awake: bugs that are planted in linod are found by a few seeds.

`scripts/mutants/run` plants all of them.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import linod

SCRIPTS = Path(__file__).parents[2] / "scripts" / "mutants"
sys.path.insert(0, str(SCRIPTS))

from plant import UNCHANGED, hunt, plant  # noqa: E402 - scripts are no package
from planted import BUGS, Bug  # noqa: E402

CANARIES = (
    "catch_up none catches one up",
    "skip lets a second one in",
    "what waits starts beside what runs",
    "one retry too many",
    "missed ones are not recorded",
    "pools have no limit",
    "a planned start is not waited for",
    "lattices begin on a Tuesday",
    "attempts are counted from one again",
)
SEEDS = 12


@pytest.mark.parametrize("name", CANARIES)
def test_a_planted_bug_is_found(name: str) -> None:
    (bug,) = [bug for bug in BUGS if bug.name == name]

    hunted = hunt(bug, Path(linod.__file__).parent, SEEDS)

    assert hunted.is_caught, hunted.told


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_a_bug_has_its_place(bug: Bug, tmp_path: Path) -> None:
    plant(bug, Path(linod.__file__).parent, tmp_path / "linod")

    assert bug.instead in (tmp_path / "linod" / bug.file).read_text()


def test_without_a_bug_nothing_is_found() -> None:
    assert not hunt(UNCHANGED, Path(linod.__file__).parent, SEEDS).is_caught


def test_a_bug_that_cannot_be_imported_is_not_found_but_an_error() -> None:
    broken = UNCHANGED._replace(instead="def")

    with pytest.raises(RuntimeError, match=r"nothing was played: .*SyntaxError"):
        hunt(broken, Path(linod.__file__).parent, seeds=1)

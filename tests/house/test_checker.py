"""The checker shares nothing with what it judges."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

CHECKER = Path(__file__).parents[1] / "checker"
KNOWN = {"attrs", "dateutil"}
FILES = sorted(CHECKER.glob("*.py"))
OWN = [path for path in FILES if not path.name.startswith("test_")]


def _imported(path: Path) -> set[str]:
    """The packages that a file imports; what lies beside it is its own."""
    nodes = list(ast.walk(ast.parse(path.read_text())))
    assert all(node.level < 2 for node in nodes if isinstance(node, ast.ImportFrom))
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {
        str(node.module) for node in nodes if isinstance(node, ast.ImportFrom) and node.level == 0
    }
    return {name.partition(".")[0] for name in names}


@pytest.mark.parametrize("path", OWN, ids=lambda path: path.stem)
def test_the_checker_stands_on_the_standard_library_attrs_and_dateutil(path: Path) -> None:
    assert _imported(path) <= set(sys.stdlib_module_names) | KNOWN


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_neither_the_checker_nor_its_tests_import_linod(path: Path) -> None:
    assert "linod" not in _imported(path)

"""The checker shares nothing with what it judges."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

CHECKER = Path(__file__).parents[1] / "checker"
KNOWN = {"attrs", "dateutil"}
FILES = sorted(path for path in CHECKER.glob("*.py") if not path.name.startswith("test_"))


def _imported(path: Path) -> set[str]:
    nodes = list(ast.walk(ast.parse(path.read_text())))
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {
        str(node.module) for node in nodes if isinstance(node, ast.ImportFrom) and node.level == 0
    }
    return {name.partition(".")[0] for name in names}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_checker_imports_nothing_of_linod(path: Path) -> None:
    assert _imported(path) <= set(sys.stdlib_module_names) | KNOWN

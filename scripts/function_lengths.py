"""Refuse functions of more than 50 lines: `function_lengths.py FOLDER...`."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

LINES_MAX = 50


def main(folders: list[str]) -> int:
    """Print each function that is too long; return the exit status."""
    findings = [finding for folder in folders for finding in _findings(Path(folder))]
    print("\n".join(findings) or f"no function is over {LINES_MAX} lines")
    return bool(findings)


def _findings(folder: Path) -> list[str]:
    return [
        f"{path}:{node.lineno} {node.name}: {size} lines, {LINES_MAX} at most"
        for path in sorted(folder.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if (size := (node.end_lineno or node.lineno) - node.lineno + 1) > LINES_MAX
    ]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

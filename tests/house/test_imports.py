"""The borders of the house, kept by reading the imports of every file."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "linod"

PURE = {
    *("linod.specs", "linod.units", "linod.events", "linod.inspection", "linod.codes"),
    *("linod.errors", "linod.diagnostics", "linod.planner", "linod.policy", "linod.views"),
    *("linod.recurrence", "linod.why", "linod.meanings", "linod.changing", "linod.secret_values"),
}
EDGES = ("linod.store", "linod.executor", "linod.log", "linod.control")
ROOTS = ("linod.daemon", "linod.executor.keeper", "linod.executor.worker", "linod.cli")
ROOTS += ("linod.checking", "linod.__main__", "linod.simulation", "linod.testing")
ROOTS += ("linod.executor.reused", "linod.executor.rehearsing", "linod.pytest_plugin")
DATA_PARTS = {
    *("__future__", "abc", "bisect", "calendar", "collections", "copy", "dataclasses"),
    *("datetime", "decimal", "difflib", "enum", "fractions", "functools", "hashlib", "heapq"),
    *("itertools", "json", "math", "operator", "pathlib", "re", "shlex", "string", "textwrap"),
    *("types", "typing", "unicodedata", "zoneinfo", "attr", "attrs", "dateutil"),
}
EXTRAS = {
    "django": "linod.integrations.django.bridge",
    "holidays": "linod.loader.countries",
}
CLOCKS = {"now", "utcnow", "today"}


def _module_of(path: Path) -> str:
    parts = path.relative_to(SOURCE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {_module_of(path): path for path in sorted(SOURCE.rglob("*.py"))}


def _tree(module: str) -> ast.Module:
    return ast.parse(FILES[module].read_text())


def _imports(module: str) -> Iterator[str]:
    """Yield the modules that a file imports, anywhere in it and for types too."""
    for node in ast.walk(_tree(module)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} imports relatively"
            names = (f"{node.module}.{alias.name}" for alias in node.names)
            yield from (name if name in FILES else str(node.module) for name in names)


def _is_in(module: str, packages: tuple[str, ...] | set[str]) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def _edge_of(module: str) -> str | None:
    return next((edge for edge in EDGES if _is_in(module, (edge,))), None)


def _is_pure(module: str) -> bool:
    return _is_in(module, PURE)


PURE_FILES = [module for module in FILES if _is_pure(module)]
EDGE_FILES = [module for module in FILES if _edge_of(module) and not _is_in(module, ROOTS)]
LOADER_FILES = [module for module in FILES if _is_in(module, ("linod.loader",))]


@pytest.mark.parametrize("module", PURE_FILES)
def test_a_pure_file_imports_pure_files_and_data_parts(module: str) -> None:
    wrong = [
        name
        for name in _imports(module)
        if not _is_pure(name) and name.partition(".")[0] not in DATA_PARTS
    ]

    assert wrong == []


@pytest.mark.parametrize("module", PURE_FILES)
def test_a_pure_file_reads_no_clock(module: str) -> None:
    assert _clocks_read(module) == []


def _clocks_read(module: str) -> list[str]:
    return [
        node.func.attr
        for node in ast.walk(_tree(module))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in CLOCKS
    ]


@pytest.mark.parametrize("module", EDGE_FILES)
def test_an_edge_imports_no_other_edge_and_no_root(module: str) -> None:
    own = _edge_of(module)
    wrong = [
        name
        for name in _imports(module)
        if _edge_of(name) not in (None, own) or (_is_in(name, ROOTS) and _edge_of(name) != own)
    ]

    assert wrong == []


@pytest.mark.parametrize("module", LOADER_FILES)
def test_the_loader_imports_no_edge(module: str) -> None:
    assert [name for name in _imports(module) if _edge_of(name) or _is_in(name, ROOTS)] == []


@pytest.mark.parametrize("module", [name for name in FILES if _is_in(name, ("linod.engine",))])
def test_the_engine_knows_pure_files_and_the_interface_of_the_store(module: str) -> None:
    known = {"linod.store.interface", "linod.engine"}
    wrong = [
        name
        for name in _imports(module)
        if name.startswith("linod") and not _is_pure(name) and not _is_in(name, known)
    ]

    assert wrong == []


@pytest.mark.parametrize("module", [name for name in FILES if not _is_in(name, ("linod.cli",))])
def test_only_the_command_line_imports_click(module: str) -> None:
    assert [name for name in _imports(module) if name.partition(".")[0] in ("click", "rich")] == []


@pytest.mark.parametrize(
    ("package", "module"), [("rich", "linod.cli._progress"), ("pytest", "linod.pytest_plugin")]
)
def test_one_file_imports_a_package_that_few_need(package: str, module: str) -> None:
    found = [
        name for name in FILES if package in (each.partition(".")[0] for each in _imports(name))
    ]

    assert [module] == found


@pytest.mark.parametrize("module", [name for name in FILES if _is_in(name, ("linod.simulation",))])
def test_a_simulation_reads_no_clock_and_nothing_random(module: str) -> None:
    tops = {name.partition(".")[0] for name in _imports(module)}

    assert _clocks_read(module) == []
    assert set() == tops & {"time", "random", "secrets", "uuid"}


def test_the_main_command_imports_nothing_heavy() -> None:
    tops = [
        node for node in _tree("linod.cli").body if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    names = {alias.name for node in tops for alias in node.names if isinstance(node, ast.Import)}
    names |= {str(node.module) for node in tops if isinstance(node, ast.ImportFrom)}

    assert {"__future__", "click", "linod.errors", "os", "typing"} == names


def test_every_file_says_what_it_is_for() -> None:
    assert [module for module in FILES if ast.get_docstring(_tree(module)) is None] == []


def test_every_third_party_import_is_a_dependency() -> None:
    declared = {"attrs", "attr", "cattrs", "click", "dateutil", "loguru", "tomli_w", "rich"}
    # Whoever loads the plugin, or the logger of gunicorn, has it.
    declared |= {"pytest", "gunicorn"}
    tops = {name.partition(".")[0] for module in FILES for name in _imports(module)}

    assert set() == tops - set(sys.stdlib_module_names) - declared - set(EXTRAS) - {"linod"}


@pytest.mark.parametrize(("library", "module"), EXTRAS.items())
def test_an_extra_is_imported_in_one_file_only(library: str, module: str) -> None:
    found = [
        name for name in FILES if library in (each.partition(".")[0] for each in _imports(name))
    ]

    assert [module] == found


@pytest.mark.parametrize("module", EXTRAS.values())
def test_an_extra_is_imported_when_it_is_used(module: str) -> None:
    tops = [node for node in _tree(module).body if isinstance(node, ast.Import | ast.ImportFrom)]
    names = [alias.name for node in tops if isinstance(node, ast.Import) for alias in node.names]
    names += [str(node.module) for node in tops if isinstance(node, ast.ImportFrom)]

    assert {name.partition(".")[0] for name in names} & set(EXTRAS) == set()

"""`linod procedures`: what tasks can call, with its place and suggested recurrence."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from attrs import asdict, frozen

from linod.cli import tell
from linod.cli._options import config_option, find_config, json_option, write, write_json
from linod.errors import ConfigurationError
from linod.views import count_of, table

if TYPE_CHECKING:
    from linod.inspection import Described, Inspection
    from linod.specs import Config


@frozen(kw_only=True)
class _Row:
    name: str
    """The dotted path, as given to `procedure`."""
    summary: str
    file: str
    line: int
    signature: str
    recurrence: Any
    """What @linod.procedure suggests, as written there; null where it is silent."""
    tasks: tuple[str, ...]
    """The tasks that call it."""


@click.command("procedures")
@config_option
@json_option
def command(config_path: str | None, is_json: bool) -> None:
    """List the procedures that tasks can call: those of discover and those that tasks name.

    --json prints an array of objects: name, summary, file, line, signature, recurrence, tasks.
    """
    from linod.executor.inspect import inspect
    from linod.loader import load

    config = load(find_config(config_path), os.environ).partial
    if config is None:
        raise ConfigurationError("the configuration has errors: linod check")
    inspection = inspect(config)
    rows = _rows(config, inspection)
    if is_json:
        write_json([asdict(row) for row in rows])
    else:
        write(_lines(rows, config.path.parent))
    if inspection.problems:
        tell(f"{count_of(len(inspection.problems), 'problem')} with procedures: linod check")


def _rows(config: Config, inspection: Inspection) -> list[_Row]:
    described = {**{each.described.path: each.described for each in inspection.declared}}
    described.update(inspection.procedures)
    suggested = {each.described.path: each.keys.get("recurrence") for each in inspection.declared}
    callers = _callers(config, inspection)
    return [
        _row(path, each, suggested.get(path), callers.get(path, []))
        for path, each in sorted(described.items())
    ]


def _callers(config: Config, inspection: Inspection) -> dict[str, list[str]]:
    """List the tasks that call a procedure, also as their only_if, by its path."""
    callers: dict[str, list[str]] = {}
    for task in config.tasks.values():
        for path in dict.fromkeys((task.procedure, task.only_if)):
            callers.setdefault(path or "", []).append(task.name)
    named = {task.procedure for task in config.tasks.values()}
    for each in inspection.declared:
        if each.described.path not in named:
            callers.setdefault(each.described.path, []).append(each.name)
    return callers


def _row(path: str, described: Described, suggested: Any, tasks: list[str]) -> _Row:
    return _Row(
        name=path,
        summary=described.summary,
        file=described.file,
        line=described.line,
        signature=described.signature,
        recurrence=suggested,
        tasks=tuple(tasks),
    )


def _lines(rows: list[_Row], directory: Path) -> list[str]:
    if not rows:
        return ["no procedures: tasks name none, and [linod] discover finds none"]
    headings = ("PROCEDURE", "SUGGESTED", "PLACE", "SUMMARY")
    return table(
        headings,
        [
            (row.name, _suggestion(row), f"{_short(row.file, directory)}:{row.line}", row.summary)
            for row in rows
        ],
    )


def _suggestion(row: _Row) -> str:
    return "-" if row.recurrence is None else str(row.recurrence)


def _short(file: str, directory: Path) -> str:
    path = Path(file)
    for base in (directory, *map(Path, sys.path)):
        if base.parts and path.is_relative_to(base):
            return str(path.relative_to(base))
    return file

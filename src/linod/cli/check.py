"""`linod check`: everything a machine can know before a run."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

from linod.cli._options import (
    ERRORS_FOUND,
    config_option,
    find_config,
    has_colour,
    json_option,
    now,
    refuse_file,
    write,
)
from linod.codes import CODES, Severity
from linod.views import WIDTH_MAX, clean, count_of, tasks_of

if TYPE_CHECKING:
    from linod.loader import Loaded


@click.command("check")
@click.argument("file", nargs=-1, metavar="")
@config_option
@click.option(
    "--format",
    "layout",
    type=click.Choice(["text", "json", "github"]),
    default="text",
    show_default=True,
    help="How findings are printed; github makes annotations of a workflow.",
)
@json_option
@click.option(
    "--no-import",
    "is_importing",
    is_flag=True,
    default=True,
    flag_value=False,
    help="Import no procedures; their arguments are not checked then.",
)
def command(
    file: tuple[str, ...], config_path: str | None, layout: str, is_json: bool, is_importing: bool
) -> None:
    """Check the configuration; say what is wrong and where.

    Errors end with 1; warnings alone with 0. Findings go to stdout.
    """
    from linod.checking import prepare

    refuse_file("check", file)
    loaded = prepare(find_config(config_path), os.environ, is_importing, now())
    write(_report(loaded, "json" if is_json else layout))
    if _number(loaded, Severity.ERROR):
        raise click.exceptions.Exit(ERRORS_FOUND)


def _report(loaded: Loaded, layout: str) -> list[str]:
    from linod.diagnostics import render_github, render_json, render_text

    found = loaded.diagnostics
    if layout == "json":
        return [render_json(found).rstrip("\n")]
    if layout == "github":
        rendered = render_github(found)
        return [*rendered.splitlines(), _summary(loaded)]
    rendered = render_text(found, has_colour(sys.stdout))
    return [*rendered.rstrip("\n").split("\n")] * bool(found) + [_summary(loaded)]


def _summary(loaded: Loaded) -> str:
    errors, warnings = _number(loaded, Severity.ERROR), _number(loaded, Severity.WARNING)
    counts = f"{count_of(errors, 'error')}, {count_of(warnings, 'warning')}"
    files = len(loaded.kept.sources) if loaded.kept else 0
    tasks = tasks_of(len(_names(loaded, "tasks")), len(_names(loaded, "chains")))
    what = f"{tasks} in {count_of(files, 'file')}"
    what = what if files else clean(str(loaded.path))
    line = f"checked {what}: {counts}"
    if not errors and not warnings:
        return line
    code = _most_telling(loaded)
    gap = max(2, min(60, WIDTH_MAX - 20) - len(line))
    return f"{line}{' ' * gap}(linod explain {code})"


def _names(loaded: Loaded, group: str) -> set[str]:
    """Name the tasks or chains that were looked at, those with errors too."""
    names = set(getattr(loaded.partial, group)) if loaded.partial else set()
    written = loaded.kept.entries if loaded.kept else {}
    return names | {name for kind, name in written if kind == group}


def _most_telling(loaded: Loaded) -> str:
    """Name the last error, which is the nearest to the eye; else the last warning."""
    by_severity = {CODES[each.code].severity: each.code for each in loaded.diagnostics}
    return by_severity.get(Severity.ERROR) or by_severity[Severity.WARNING]


def _number(loaded: Loaded, severity: Severity) -> int:
    return sum(CODES[each.code].severity is severity for each in loaded.diagnostics)

"""`linod audit`: what people did, and when."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from linod.cli._options import (
    config_option,
    json_option,
    known,
    screen_width,
    write,
    write_json,
)
from linod.cli._past import configuration, is_task, reading, zone_of
from linod.views import NAME_COLUMNS, clean, cut, instant, localized, table, with_notes

if TYPE_CHECKING:
    from linod.specs import Config
    from linod.store.interface import ActionRow, Reader

ROWS_MAX = 10_000
_WHO_COLUMNS = 20


@click.command("audit")
@click.argument("task", required=False)
@config_option
@click.option(
    "-n",
    "--number",
    type=click.IntRange(1, ROWS_MAX),
    default=20,
    show_default=True,
    help="So many, newest first.",
)
@json_option
def command(task: str | None, config_path: str | None, number: int, is_json: bool) -> None:
    """List what people did to tasks and to linod as a whole, newest first; needs no daemon.

    Runs and backfills by hand, cancels, pauses, disables, reloads, stops and the like, with the
    user who asked for it, as the kernel knows who connected. With TASK, what was done to it or to
    linod as a whole.

    --json prints an array of objects: at, by, verb, task (null: linod as a whole), text.
    """
    config = configuration(config_path, task)
    with reading(config) as reader:
        rows = _rows(config, reader, task, number)
    if is_json:
        write_json([_json(row) for row in rows])
        return
    write(_lines(config, rows))


def _rows(config: Config, reader: Reader | None, task: str | None, number: int) -> list[ActionRow]:
    rows = reader.actions(task, limit=number) if reader is not None else []
    # What people did to a task stays longer than the task itself.
    is_known = task is None or any(row.task == task for row in rows)
    if task is not None and not is_known and not is_task(config, reader, task):
        known(task, {**config.tasks, **config.chains})
    return rows


def _lines(config: Config, rows: list[ActionRow]) -> list[str]:
    if not rows:
        return ["nobody has done anything yet"]
    width = screen_width(sys.stdout)
    laid = table(("WHEN", "WHO", "WHAT", "TASK"), [_row(config, row) for row in rows], width)
    notes = ["", *(localized(clean(row.text), zone_of(config, row.task)) for row in rows)]
    return with_notes(laid, notes, "    ", width)


def _row(config: Config, row: ActionRow) -> tuple[str, ...]:
    return (
        instant(row.at, zone_of(config, row.task)),
        cut(clean(row.by), _WHO_COLUMNS),
        row.verb,
        cut(row.task, NAME_COLUMNS) or "-",
    )


def _json(row: ActionRow) -> dict[str, object]:
    return {
        "at": row.at,
        "by": row.by,
        "verb": row.verb,
        "task": row.task or None,
        "text": row.text,
    }

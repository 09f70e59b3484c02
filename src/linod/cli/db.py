"""`linod db check`: look whether the store is sound."""

from __future__ import annotations

import click

from linod.cli._options import (
    ERRORS_FOUND,
    config_option,
    json_option,
    load_usable_config,
    write,
    write_json,
)
from linod.views import clean, count_of


@click.group("db")
def command() -> None:
    """Look after the store."""


@command.command("check")
@config_option
@json_option
def check(config_path: str | None, is_json: bool) -> None:
    """Read the whole store and say what is wrong with it; nothing is changed.

    A daemon may go on meanwhile. --json prints an object: store, problems.
    """
    from linod.store.verifying import problems

    path = load_usable_config(config_path).store_path
    found = problems(path)
    if is_json:
        write_json({"store": str(path), "problems": found})
    elif found:
        advice = "stop linod and restore a backup, or move the file away to begin anew"
        write([*map(clean, found), f"{path}: {count_of(len(found), 'problem')}; {advice}"])
    else:
        write([f"{path}: sound"])
    if found:
        raise click.exceptions.Exit(ERRORS_FOUND)

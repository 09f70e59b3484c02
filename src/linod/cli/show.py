"""`linod show`: the effective configuration, or one task of it."""

from __future__ import annotations

import click

from linod.cli._options import config_option, json_option, known, load_config, write, write_json


@click.command("show")
@click.argument("task", required=False)
@config_option
@json_option
def command(task: str | None, config_path: str | None, is_json: bool) -> None:
    """Print the effective configuration as TOML: defaults merged, secrets masked.

    With TASK, a task or chain, only that one. A key that is off is left out, and so is one that
    has no effect yet and is not set.
    """
    from linod.showing import document, document_of, show, show_one
    from linod.toml import as_json

    config = load_config(config_path)
    if task is not None:
        known(task, [*config.tasks, *config.chains])
    if is_json:
        write_json(as_json(document(config) if task is None else document_of(config, task)))
        return
    text = show(config) if task is None else show_one(config, task)
    write([text.removesuffix("\n")])

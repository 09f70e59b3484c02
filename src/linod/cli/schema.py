"""`linod schema`: the JSON Schema of linod.toml, for editors and other programs."""

from __future__ import annotations

import click

from linod.cli._options import write_json


@click.command("schema")
def command() -> None:
    """Print the JSON Schema of linod.toml.

    `linod schema > linod.schema.json` beside a file whose first line is
    "#:schema ./linod.schema.json" makes editors that know taplo (Even Better TOML) complete,
    check and explain every key.
    """
    from linod.schema import schema

    write_json(schema())

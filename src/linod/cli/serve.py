"""`linod serve`: the daemon, in the foreground."""

from __future__ import annotations

import os

import click

from linod.cli._options import config_option, find_config, refuse_file


@click.command("serve")
@click.argument("file", nargs=-1, metavar="")
@config_option
def command(file: tuple[str, ...], config_path: str | None) -> None:
    """Run tasks when they are due, until stopped.

    SIGTERM or Ctrl-C drains: nothing new starts, and what runs has stop_timeout to end; Ctrl-C
    again ends it. SIGHUP reloads. Errors in the configuration end with 78.
    """
    from linod.daemon import serve

    refuse_file("serve", file)
    code = serve(find_config(config_path).absolute(), os.environ)
    raise click.exceptions.Exit(code or 0)

"""`linod serve`: the daemon, in the foreground."""

from __future__ import annotations

import os

import click

from linod.cli._options import config_option, find_config


@click.command("serve")
@config_option
def command(config_path: str | None) -> None:
    """Run tasks when they are due, until stopped.

    SIGTERM or Ctrl-C drains: nothing new starts, and what runs has stop_timeout to end; Ctrl-C
    again ends it. SIGHUP reloads. Errors in the configuration end with 78.
    """
    from linod.daemon import serve

    code = serve(find_config(config_path).absolute(), os.environ)
    raise click.exceptions.Exit(code or 0)

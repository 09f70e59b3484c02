"""`linod serve`: the daemon, in the foreground."""

from __future__ import annotations

import os

import click

from linod.cli._options import config_option, find_config, refuse_file


@click.command("serve")
@click.argument("file", nargs=-1, metavar="")
@click.option(
    "--replace",
    "is_replacing",
    is_flag=True,
    help="Take over from a daemon that serves this directory: what runs goes on.",
)
@config_option
def command(file: tuple[str, ...], config_path: str | None, is_replacing: bool) -> None:
    """Run tasks when they are due, until stopped.

    SIGTERM or Ctrl-C drains: nothing new starts, and what runs has stop_timeout to end; Ctrl-C
    again ends it. SIGHUP reloads. Errors in the configuration end with 78.

    --replace is for a new version of linod or of its environment: the daemon that serves makes
    room, and its runs go on under this one. Without one it starts as usual.
    """
    from linod.daemon import serve

    refuse_file("serve", file)
    path = find_config(config_path).absolute()
    code = serve(path, os.environ, is_replacing=is_replacing)
    raise click.exceptions.Exit(code or 0)

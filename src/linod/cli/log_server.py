"""`linod log-server`: takes records of those who cannot write the log."""

from __future__ import annotations

import os

import click

from linod.cli._options import config_option, find_config, refuse_file


@click.command("log-server")
@click.argument("file", nargs=-1, metavar="")
@click.option("--with-parent", "is_child", is_flag=True, hidden=True)
@config_option
def command(file: tuple[str, ...], config_path: str | None, is_child: bool) -> None:
    """Take records of other users, containers and hosts, until stopped.

    linod serve begins one by itself where [log] has a group or listens, or a task has a user. This
    is for a log without tasks: it rotates, too. SIGTERM or Ctrl-C ends it; senders keep their
    records until it is back. Errors in the configuration end with 78.
    """
    from linod.log.serving import serve_log

    refuse_file("log-server", file)
    path = find_config(config_path).absolute()
    raise click.exceptions.Exit(serve_log(path, os.environ, is_child=is_child))

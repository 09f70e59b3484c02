"""`linod stop`: drain the daemon and wait until it is gone."""

from __future__ import annotations

import click

from linod.cli import Told, tell
from linod.cli._options import (
    ERRORS_FOUND,
    USAGE,
    config_option,
    json_option,
    load_usable_config,
    write,
    write_json,
)
from linod.cli._past import client_of
from linod.cli.run import INTERRUPTED
from linod.views import count_of


@click.command("stop")
@click.argument("task", nargs=-1, metavar="")
@config_option
@click.option(
    "--no-wait",
    "is_waiting",
    is_flag=True,
    default=True,
    flag_value=False,
    help="Do not wait until it is gone.",
)
@json_option
def command(
    config_path: str | None, task: tuple[str, ...], is_waiting: bool, is_json: bool
) -> None:
    """Stop the daemon: nothing new starts, and what runs has stop_timeout to end.

    A run of a task with on_stop = "finish" is waited for however long; a second "linod stop" ends
    it at once. --json prints an object: pid, is_gone.
    """
    from linod.daemon.replacing import wait_until_gone

    if task:
        raise Told(
            f'"linod stop" stops the daemon: "linod cancel {task[0]}" ends its runs, '
            f'"linod pause {task[0]}" keeps it from running',
            USAGE,
        )
    config = load_usable_config(config_path)
    answer = client_of(config).request("stop")
    pid, finishing = int(answer["pid"]), int(answer.get("finishing", 0))
    if finishing:
        runs = count_of(finishing, "run")
        tell(f'waiting for {runs} that may finish (on_stop = "finish"); linod stop again ends it')
    try:
        limit = None if finishing else config.linod.stop_timeout
        is_gone = is_waiting and wait_until_gone(config.directory, pid, limit)
    except KeyboardInterrupt:
        tell(f"pid {pid} goes on stopping")
        raise click.exceptions.Exit(INTERRUPTED) from None
    if is_json:
        write_json({"pid": pid, "is_gone": is_gone})
    else:
        write([f"stopped pid {pid}" if is_gone else f"pid {pid} is stopping"])
    if is_waiting and not is_gone:
        raise click.exceptions.Exit(ERRORS_FOUND)

"""`linod reload`: make the daemon take what the file says now."""

from __future__ import annotations

import click

from linod.cli import Told
from linod.cli._options import (
    ERRORS_FOUND,
    config_option,
    json_option,
    load_usable_config,
    write,
    write_json,
)
from linod.cli._past import client_of
from linod.views import tasks_of

RELOAD_TIMEOUT_S = 300.0
"""A reload imports all procedures in children, which have limits of their own."""


@click.command("reload")
@config_option
@json_option
def command(config_path: str | None, is_json: bool) -> None:
    """Make the daemon read its configuration and the procedures' code again.

    Where there are errors they are printed, nothing changes, and the exit code is 1.

    --json prints an object: ok, tasks and chains (how many; null where refused), diagnostics (as
    text).
    """
    from linod.control.client import Refused

    client = client_of(load_usable_config(config_path))
    try:
        answer = client.request("reload", timeout_s=RELOAD_TIMEOUT_S)
    except Refused as refused:
        _print(str(refused.answer.get("diagnostics") or ""), None, None, is_json)
        raise Told(f"{refused}", ERRORS_FOUND) from refused
    diagnostics = str(answer.get("diagnostics") or "")
    _print(diagnostics, int(answer["tasks"]), int(answer["chains"]), is_json)


def _print(diagnostics: str, tasks: int | None, chains: int | None, is_json: bool) -> None:
    is_ok = tasks is not None
    if is_json:
        write_json({"ok": is_ok, "tasks": tasks, "chains": chains, "diagnostics": diagnostics})
        return
    if diagnostics.strip():
        write([diagnostics.rstrip("\n")])
    if tasks is not None and chains is not None:
        write([f"reloaded: {tasks_of(tasks, chains)}"])

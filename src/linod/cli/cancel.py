"""`linod cancel`: end a run, or all runs of a task."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from linod.cli._options import config_option, json_option, load_usable_config, write, write_json
from linod.cli._past import client_of, find_run, planned, reading

if TYPE_CHECKING:
    from linod.specs import Config


@click.command("cancel")
@click.argument("which", metavar="TASK|CHAIN|RUN")
@config_option
@json_option
def command(config_path: str | None, which: str, is_json: bool) -> None:
    """End a run, or all unfinished runs of a task or chain, those that wait included.

    A RUN is its number, or TASK@T with its due. --json prints an object: runs (their numbers).
    """
    config = load_usable_config(config_path)
    answer = client_of(config).request("cancel", **_meant(config, which))
    runs = [int(run) for run in answer.get("runs", ())]
    if is_json:
        write_json({"runs": runs})
        return
    write([f"ending run {run}" for run in runs] or [f"nothing of {which} is going on"])


def _meant(config: Config, which: str) -> dict[str, Any]:
    if "@" in which:
        with reading(config) as reader:
            return {"run": find_run(config, reader, which).id}
    is_number = which.isascii() and which.isdecimal() and len(which) <= 18
    is_task = planned(config, which) is not None
    return {"run": int(which)} if is_number and not is_task else {"task": which}

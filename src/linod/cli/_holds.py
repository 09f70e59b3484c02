"""What pause, resume, enable and disable share: tasks by name or all, and how it is answered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from linod.cli import Told, tell
from linod.cli._options import USAGE, write, write_json
from linod.views import clean, wrap


def refuse_none_or_both(tasks: Sequence[str], is_all: bool, option: str) -> None:
    """Leave with 2 unless there are names or the option that stands for all."""
    if tasks and is_all:
        raise Told(f"name tasks, or take {option}: both at once is two wishes", USAGE)
    if not tasks and not is_all:
        raise Told(f"name a task or chain, or take {option}: linod status lists them", USAGE)


def tell_changed(
    answer: dict[str, Any],
    what: str,
    *,
    asked: Sequence[str] = (),
    unchanged: str = "",
    is_json: bool,
    **more: Any,
) -> None:
    """Print what was changed; `what` begins the line, of which the names are the rest.

    Args:
        answer: Of the daemon.
        what: Begins the line: "paused"; with `asked` empty, the whole line.
        asked: The names that a person gave.
        unchanged: How a name that was asked for stood already: "not paused".
        is_json: Print an object instead.
        more: Further fields of that object.
    """
    changed = [str(task) for task in answer.get("tasks", ())]
    if is_json:
        write_json(
            {"tasks": changed, **more, "going_on": answer["going_on"], "note": answer["note"]}
        )
        return
    write(wrap(clean(what), indent="  "))
    for run in answer["going_on"]:
        tell(f"run {run} goes on: linod cancel {run} ends it")
    for task in asked:
        if unchanged and task not in changed:
            tell(f"{task}: {unchanged}")
    if answer["note"]:
        tell(str(answer["note"]))

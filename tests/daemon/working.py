"""What the tasks of a mixture do: they note that they began, work a while, note that they ended.

It is copied beside linod.toml and imported there, by keepers. A note is one write(2) to a file
opened O_APPEND: what, task, due, attempt, run, microseconds since 1970.
"""

from __future__ import annotations

import os
import time
from datetime import UTC

import linod

SHELL = """\
note() {
    echo "$1 $LINOD_TASK $LINOD_DUE $LINOD_ATTEMPT $LINOD_RUN_ID $(date +%s%6N)" >> notes
}
note begun
sleep "$1"
note ended
[ $((LINOD_RUN_ID % 10)) -ge "$2" ]
"""
"""The same as a script: `sh working.sh SECONDS FAILING`."""


def work(run: linod.Run, seconds: float = 0.0, failing: int = 0) -> None:
    """Work for so long; `failing` of ten runs fail."""
    _note("begun", run)
    time.sleep(seconds)
    _note("ended", run)
    if run.id % 10 < failing:
        raise RuntimeError("it fails now and then")


def _note(what: str, run: linod.Run) -> None:
    due = run.due.astimezone(UTC).isoformat()
    line = f"{what} {run.task} {due} {run.attempt} {run.id} {time.time_ns() // 1000}\n"
    file = os.open("notes", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(file, line.encode())
    finally:
        os.close(file)

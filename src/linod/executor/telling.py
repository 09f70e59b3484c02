"""What a keeper tells of its runs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from linod.executor import messages, wire
from linod.executor.kept import KeptRun
from linod.executor.progress import Progress

STARTED = "started"
MAY_BE_MISSED = ("lines", "progress")
"""What is told only while the daemon reads it."""


def started(run: KeptRun) -> dict[str, Any]:
    """Say that a run began."""
    return {"is": STARTED, "run": run.order.run, "worker": run.worker, "at": run.started}


def progress(run: int, progress: Progress) -> dict[str, Any]:
    """Say how far a run is."""
    return {"is": "progress", "run": run, "progress": progress.to_json()}


def lines(run: KeptRun, text: str) -> dict[str, Any]:
    """Give lines of a run, as far as they fit into a message."""
    return {"is": "lines", "run": run.order.run, "text": text[-wire.READ_MAX :]}


def keeping(runs: Iterable[KeptRun]) -> dict[str, Any]:
    """Name the runs that go on to the next daemon."""
    told = [{"run": each.order.run, "lease": each.order.lease, **_begun(each)} for each in runs]
    return {"is": "keeping", "protocol": messages.PROTOCOL, "runs": told}


def _begun(run: KeptRun) -> dict[str, Any]:
    return {
        "started": None if run.started is None else started(run),
        "progress": None if run.progress is None else run.progress.to_json(),
    }


def fitted(message: dict[str, Any]) -> bytes:
    """Write a line, with a log that is short enough for it."""
    while len(line := wire.encode(message)) > wire.LINE_MAX and message["log"]:
        message["log"] = message["log"][len(message["log"]) // 2 + 1 :]
    if len(line) > wire.LINE_MAX:
        message["detail"] = {}
        line = wire.encode(message)
    return line

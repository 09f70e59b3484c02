"""What a keeper tells of its runs."""

from __future__ import annotations

from typing import Any

from linod.executor import wire
from linod.executor.kept import KeptRun


def started(run: KeptRun) -> dict[str, Any]:
    """Say that a run began."""
    return {"is": "started", "run": run.order.run, "worker": run.worker, "at": run.started}


def kept(run: KeptRun) -> dict[str, Any]:
    """Name a run to the next daemon."""
    begun = None if run.started is None else started(run)
    return {"run": run.order.run, "lease": run.order.lease, "started": begun}


def fitted(message: dict[str, Any]) -> tuple[dict[str, Any], int]:
    """Shorten the log until the message fits into a line; say how long that is."""
    while (size := len(wire.encode(message))) > wire.LINE_MAX and message["log"]:
        message["log"] = message["log"][len(message["log"]) // 2 + 1 :]
    if size > wire.LINE_MAX:
        message["detail"] = {}
    return message, size

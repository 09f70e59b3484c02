"""The run as a procedure is given it."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from linod.executor.messages import Order
from linod.executor.progress import Pace
from linod.executor.stopping import Stop
from linod.run import Run


def run_of(
    order: Order,
    deadline: datetime | None = None,
    stop: Stop | None = None,
    pace: Pace | None = None,
) -> Run:
    """Make a run of its order, for a procedure that may ask whether to stop and tell progress."""
    zone = ZoneInfo(order.zone)
    return Run(
        id=order.run,
        task=order.task,
        due=order.due.astimezone(zone),
        planned=order.planned.astimezone(zone),
        attempt=order.attempt,
        trigger=order.trigger,
        key=order.key,
        zone=order.zone,
        deadline=None if deadline is None else deadline.astimezone(zone),
        is_asked=None if stop is None else stop.is_asked,
        tell=None if pace is None else pace.tell,
    )


def deadline_of(started: float, timeout_s: float | None) -> datetime | None:
    """Say when a run ends that began then; None: never, or after the last year that there is."""
    if timeout_s is None:
        return None
    try:
        return datetime.fromtimestamp(started + timeout_s, UTC)
    except (OverflowError, ValueError, OSError):
        return None

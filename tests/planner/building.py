"""What the planner's tests share: planners from texts, and local times as readable literals."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from linod.planner import Planner
from linod.recurrence import parse


def planner(value: object, zone: str = "UTC", **keys: Any) -> Planner:
    """Build a planner from what the TOML says."""
    return Planner(parse(value), zone, **keys)


def utc(text: str) -> datetime:
    """Read an instant in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def local(text: str, zone: str) -> datetime:
    """Read a wall time of a zone as an instant; `fold` 0."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def walked(planner: Planner, after: datetime) -> Iterator[datetime]:
    """Walk with `next`."""
    found = planner.next(after)
    while found is not None:
        yield found
        found = planner.next(found)


def times(planner: Planner, after: str, number: int, zone: str = "UTC") -> list[str]:
    """List the next instants after a wall time, as the zone's clock shows them."""
    found = islice(walked(planner, local(after, zone)), number)
    return [each.astimezone(ZoneInfo(zone)).isoformat(sep=" ") for each in found]
